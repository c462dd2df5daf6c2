"""What the API makes of a body's fields: unknown and doubled ones by `fieldValidation`, values of a wrong type.

Pure. A field that is unknown or written twice is refused (Strict), dropped with a warning (Warn, which holds where a
client says nothing) or dropped without one (Ignore). A value of a wrong type is refused in the words of Go's decoder:
for Kubernetes' own kinds it is the API server that decodes, for Knative's the webhook that completes an object. Called
by the API before each write. Followed: apiserver pkg/endpoints/handlers/{create,patch,rest}.go, pkg/endpoints/
filters/warning.go; Go encoding/json UnmarshalTypeError; knative/pkg webhook/resourcesemantics/defaulting.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable, Sequence
from typing import Any

from starlette.responses import Response

from emulator.kubeapi.gotypes import unmarshal_fault
from emulator.objects.errors import BadRequest, Invalid, causes_of
from emulator.objects.fields import known_fields
from emulator.objects.kind import Json, Kind
from emulator.objects.modelschemas import texts
from emulator.objects.problems import Problem
from emulator.objects.refs import ObjectMeta
from emulator.store.admission import body_of, shape_problems

_MOST_FAULTS = 100  # sigs.k8s.io/json, saveStrictError
_WARNED, _CUT = 4 * 1024, 256  # characters of all warnings, and of each once that is reached


class Unreadable(BadRequest):
    """The object cannot be decoded as one of its kind; `fault` says why.

    An API server says no more than that; here the causes name every fault of the object with its field, for kemu's own
    verbs.
    """

    def __init__(self, kind: Kind[Any], version: str, fault: str, obj: Json) -> None:
        said = f'{kind.name} in version "{version}" cannot be handled as a {kind.name}: {fault}'
        super().__init__(said, {"causes": causes_of(shape_problems(kind, obj))})
        self.fault = fault


async def prepared() -> None:
    """Read what schemas are made from, in a thread and once; to be awaited before anything else here is called."""
    if not texts.cache_info().currsize:
        await asyncio.to_thread(texts)


def validated_fields(
    kind: Kind[Any], version: str, obj: Json, doubled: Sequence[str], mode: str
) -> tuple[Json, list[str]]:
    """The object without unknown fields, and warnings about them; Unreadable, BadRequest.

    `doubled` are the paths of fields that the body has twice (`fields.read_json`); `mode` is "Strict", "Warn", "Ignore"
    or "".
    """
    _check_metadata(kind, version, obj)
    if kind.is_builtin:
        _check_body(kind, version, obj)
    known, faults = _judged(kind, obj, doubled)
    if faults and mode == "Strict":
        raise Unreadable(kind, version, f"strict decoding error: {', '.join(faults)}", obj)
    if not kind.is_builtin:
        _check_body(kind, version, known)
    return known, ([] if mode == "Ignore" else faults)


def validated_patch(
    kind: Kind[Any], version: str, obj: Json, doubled: Sequence[str], mode: str, quoted: str = ""
) -> tuple[Json, list[str]]:
    """As `validated_fields`, for the object that a patch has made. A refusal quotes it, or `quoted` where that is given
    (strategic patches: the patch, `gotypes.printed`).
    """
    try:
        return validated_fields(kind, version, obj, doubled, mode)
    except Unreadable as unreadable:
        shown = quoted or json.dumps(obj, separators=(",", ":"), ensure_ascii=False)
        said = f"Invalid value: {json.dumps(shown, ensure_ascii=False)}: {unreadable.fault}"
        raise Invalid("", "", [Problem(("patch",), said)]) from None


def warned(response: Response, texts: Iterable[str]) -> Response:
    """The answer with warnings, which clients print."""
    response.raw_headers.extend(warning_headers(texts))
    return response


def warning_headers(texts: Iterable[str]) -> list[tuple[bytes, bytes]]:
    """Warnings as headers of an answer, each once; all are shortened when they would be too long together."""
    distinct = [t for t in dict.fromkeys(texts) if t and t.isprintable()]
    is_long = sum(len(t) for t in distinct) > _WARNED
    headers, written = [], 0
    for text in distinct:
        if is_long and written >= _WARNED:
            break
        cut = text[:_CUT] if is_long else text
        written += len(cut)
        quoted = cut.replace("\\", "\\\\").replace('"', '\\"')
        headers.append((b"warning", f'299 - "{quoted}"'.encode()))
    return headers


def _judged(kind: Kind[Any], obj: Json, doubled: Sequence[str]) -> tuple[Json, list[str]]:
    known, unknown = known_fields(kind, obj)
    faults = _doubled(doubled)
    faults += [f"unknown field {json.dumps(path, ensure_ascii=False)}" for path in unknown]
    return known, faults[:_MOST_FAULTS]


def strict_error(doubled: Sequence[str]) -> str:
    """What is said of fields that a body has twice."""
    return f"strict decoding error: {', '.join(_doubled(doubled))}"


def _doubled(paths: Sequence[str]) -> list[str]:
    return [f"duplicate field {json.dumps(path, ensure_ascii=False)}" for path in paths]


# -- types


def _check_metadata(kind: Kind[Any], version: str, obj: Json) -> None:
    prefix = ("metadata",) if kind.is_builtin else ()
    fault = unmarshal_fault(ObjectMeta, obj.get("metadata") or {}, "ObjectMeta", prefix)
    if fault:
        raise Unreadable(kind, version, fault, obj)


def _check_body(kind: Kind[Any], version: str, obj: Json) -> None:
    fault = unmarshal_fault(kind.model, body_of(kind, obj), kind.name, () if kind.root else ("spec",))
    if not fault:
        return
    if kind.is_builtin:
        raise Unreadable(kind, version, fault, obj)
    if kind.webhook:
        webhook = kind.webhook.removeprefix("validation.")
        said = f"mutation failed: cannot decode incoming new object: {fault}"
        causes = causes_of(shape_problems(kind, obj))  # as in Unreadable: for kemu's own verbs
        raise BadRequest(f'admission webhook "{webhook}" denied the request: {said}', {"causes": causes})
