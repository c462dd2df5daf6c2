"""What a patch makes of an object, by the patch's media type.

Pure; the three ways themselves are in `store/`. Strategic patches are for Kubernetes' own kinds, whose lists they know;
others answer 415, by which kubectl knows that it has to send another kind of patch.
"""

from __future__ import annotations

import re
from typing import Any

from emulator.kubeapi.gotypes import printed
from emulator.objects.errors import BadRequest, NotTyped, UnsupportedMediaType
from emulator.objects.fields import unknown_fields
from emulator.objects.kind import Json, Kind
from emulator.objects.mergerules import MergeRule, rule_of
from emulator.store.fieldsets import rule_below, text_of
from emulator.store.fieldwise import item_element
from emulator.store.jsonpatches import json_patch, merge_patch
from emulator.store.strategic import strategic_merge

JSON_PATCH = "application/json-patch+json"
MERGE = "application/merge-patch+json"
STRATEGIC = "application/strategic-merge-patch+json"
APPLY = "application/apply-patch+yaml"


def accepted(kind: Kind[Any]) -> tuple[str, ...]:
    """The media types of patches that a kind takes."""
    return (JSON_PATCH, MERGE, STRATEGIC, APPLY) if kind.is_builtin else (JSON_PATCH, MERGE, APPLY)


def check(media: str, kind: Kind[Any]) -> None:
    """UnsupportedMediaType for patches that the kind does not take."""
    if media not in accepted(kind):
        raise UnsupportedMediaType(accepted(kind))


def check_type(config: Json, api_version: str, kind: str) -> None:
    """BadRequest for an applied configuration of another type, or of none (managedfields/internal/versioncheck.go)."""
    given = str(config.get("apiVersion", "")), config.get("kind", "")
    if given != (api_version, kind):
        group, _, version = given[0].rpartition("/")
        raise BadRequest(f"invalid object type: {group}/{version}, Kind={given[1]}")


def check_declared(config: Json, kind: Kind[Any]) -> None:
    """NotTyped for an applied configuration with fields that the kind does not have, whatever `fieldValidation` is."""
    rule = rule_of(kind)
    faults = [f"{_typed(path, config, rule)}: field not declared in schema" for path in unknown_fields(kind, config)]
    if faults:
        raise NotTyped(config, faults[0] if len(faults) == 1 else "\n  ".join(["errors:", *faults]))


def _typed(path: str, value: Any, rule: MergeRule) -> str:
    """`spec.containers[0].x` as `.spec.containers[name="c"].x`."""
    text = ""
    for part in re.findall(r"\[\d+\]|[^.\[\]]+", path):
        element = item_element(value, int(part[1:-1]), rule) if part[0] == "[" else f"f:{part}"
        value = value[int(part[1:-1])] if part[0] == "[" else value.get(part)
        rule, text = rule_below(rule, element), text + text_of((element,))
    return text


def patched(media: str, live: Json, patch: Any, kind: Kind[Any]) -> Any:
    """The object as the patch, of a type that the kind takes, wants it; BadRequest, Rejected."""
    if media == JSON_PATCH:
        return json_patch(live, patch)
    if not isinstance(patch, dict):
        raise BadRequest("error decoding patch: a patch of this type must be an object")
    return strategic_merge(live, patch, kind) if media == STRATEGIC else merge_patch(live, patch)


def quoted(media: str, patch: Any) -> str:
    """How a refusal quotes the patch; "" where it quotes the object that came of it."""
    return printed(patch) if media == STRATEGIC else ""
