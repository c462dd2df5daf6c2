"""Pods as they leave admission, for tests of what is made of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from emulator.lib.clock import SystemClock
from emulator.objects.kind import Registry
from emulator.objects.podspec import PodSpec
from emulator.objects.resource import Resource
from emulator.runtime.base import Capacity
from emulator.store.store import Store
from emulator.workloads.configs import CONFIG_MAP
from emulator.workloads.pods import POD


def pod(spec: Mapping[str, Any] | None = None, **container: Any) -> Resource[PodSpec]:
    """The Pod `p` with one container `c`, whose fields are `container`; `spec` has further fields of the Pod."""
    containers = [{"name": "c", "image": "an/image", **container}]
    metadata = {"name": "p", "labels": {"app": "x", "b": 'say "hi"'}, "annotations": {"note": "n"}}
    obj = {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": {"containers": containers, **(spec or {})}}
    store = Store(Registry([POD, CONFIG_MAP]), SystemClock(), CONFIG_MAP)
    made: Resource[PodSpec] = store.create(obj)
    return made


class Configs:
    """Implements `environment.Lookup`: ConfigMap `settings`, Secret `keys`, claim `data`; a node of 4 CPUs
    and 8 Gi.
    """

    node = Capacity(4, 8 << 30)

    def config_map(self, name: str) -> Mapping[str, str] | None:
        return {"LEVEL": "7", "FILE": "text"} if name == "settings" else None

    def config_files(self, name: str) -> Mapping[str, str] | None:
        data = self.config_map(name)
        return None if data is None else {**data, "BYTES": "\udcff"}

    def claim(self, name: str) -> str | None:
        return "volume-of-data" if name == "data" else None

    def secret(self, name: str) -> Mapping[str, str] | None:
        return {"TOKEN": "s3cret"} if name == "keys" else None
