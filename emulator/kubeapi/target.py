"""What a URL of the API means: a kind, perhaps a namespace and a name, perhaps a part of the object.

Pure. Base paths are `/api/v1` for the core group and `/apis/GROUP/VERSION` for the others, then
`[/namespaces/NS]/PLURAL[/NAME[/PART]]` (spec kubernetes-api.md §0).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from emulator.kubeapi.aliases import other_kinds
from emulator.objects.kind import Kind, Registry, written_version

_NAMESPACE_PARTS = ("status", "finalize")


@dataclass(frozen=True)
class Target:
    """`group` and `version` are those that the client speaks; `namespace` "" means all, or a kind without."""

    kind: Kind[Any]
    version: str
    namespace: str = ""
    name: str = ""
    part: str = ""
    group: str = ""

    @property
    def api_version(self) -> str:
        return written_version(self.group, self.version)


def target_of(registry: Registry, parts: Sequence[str]) -> Target | None:
    """The target of a path, or None when no kind is served there."""
    match parts:
        case ["api", version, *rest]:
            group = ""
        case ["apis", group, version, *rest]:
            pass
        case _:
            return None
    namespace = ""
    if len(rest) > 2 and rest[0] == "namespaces" and (len(rest) > 3 or rest[2] not in _NAMESPACE_PARTS):
        namespace, rest = rest[1], rest[2:]
    kind = _kind(registry, group, version, rest[0]) if rest else None
    if kind is None or (namespace and not kind.namespaced):
        return None
    name, part = (rest[1] if len(rest) > 1 else ""), "/".join(rest[2:])
    return Target(kind, version, namespace, name, part, group)


def _kind(registry: Registry, group: str, version: str, plural: str) -> Kind[Any] | None:
    others = other_kinds(registry, group, version)
    return registry.of_plural(group, version, plural) or next((k for k in others if k.plural == plural), None)
