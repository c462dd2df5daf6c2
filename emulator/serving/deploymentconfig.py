"""ConfigMap `config-deployment` (namespace knative-serving): what kemu reads of it, once configrules.py let it in.

Pure. A value that cannot be used leaves Knative's default in force; older names of keys count, too. The keys about
queue-proxy have nothing to act on.
Followed: knative/serving pkg/deployment/config.go, pkg/reconciler/revision/resources/deploy.go.
"""

from __future__ import annotations

from collections.abc import Mapping

from emulator.lib.durations import SECOND, parse_go
from emulator.serving.annotations import PROGRESS_DEADLINE

PROGRESS_DEADLINE_S = 600
_DEADLINES = ("progress-deadline", "progressDeadline")
_UNASKED = "kind.local,ko.local,dev.local"


def unasked_registries(config: Mapping[str, str]) -> frozenset[str]:
    """The registries that a cluster does not ask for the digest of a tag."""
    listed = config.get("registries-skipping-tag-resolving", config.get("registriesSkippingTagResolving", _UNASKED))
    return frozenset(registry.strip() for registry in listed.split(","))


def progress_deadline_s(annotations: Mapping[str, str], config: Mapping[str, str]) -> int:
    """How long a Revision's Deployment may make no progress: by its annotation, else by `config-deployment`."""
    for text in (annotations.get(PROGRESS_DEADLINE), *(config.get(key) for key in _DEADLINES)):
        seconds = _whole_seconds(text) if text else 0
        if seconds > 0:
            return seconds
    return PROGRESS_DEADLINE_S


def _whole_seconds(text: str) -> int:
    """0 where it is none."""
    try:
        nanoseconds = parse_go(text)
    except ValueError:
        return 0
    return 0 if nanoseconds % SECOND else nanoseconds // SECOND
