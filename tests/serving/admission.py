"""Asks the real admission what it says against a Service."""

from __future__ import annotations

from typing import Any

from emulator.serving.annotations import NAMESPACE
from emulator.serving.kinds import SERVICE
from tests.world import World, obj

AT = "spec.template.spec"
C0 = f"{AT}.containers[0]"


def refusal(
    spec: dict[str, Any], features: dict[str, str] | None = None, defaults: dict[str, str] | None = None
) -> str:
    """What is said against a Service whose template has this spec, under these ConfigMaps."""
    world = World()
    world.config("config-features", NAMESPACE, features or {})
    world.config("config-defaults", NAMESPACE, defaults or {})
    return world.refusal(obj(SERVICE, "hello", {"template": {"spec": spec}}))


def container(**fields: Any) -> dict[str, Any]:
    """The spec with one container."""
    return {"containers": [{"image": "app", **fields}]}


def pod(**fields: Any) -> dict[str, Any]:
    """The spec with one plain container and more."""
    return {"containers": [{"image": "app"}], **fields}
