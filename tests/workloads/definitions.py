"""CustomResourceDefinitions for tests, and a Store that serves what they define."""

from __future__ import annotations

from typing import Any

from emulator.lib.clock import SystemClock
from emulator.objects.kind import Kind, Registry
from emulator.objects.model import Model
from emulator.objects.resource import Resource
from emulator.store.store import Store
from emulator.workloads.configs import CONFIG_MAP
from emulator.workloads.crds import CUSTOM_RESOURCE_DEFINITION
from emulator.workloads.definitions import Definitions
from emulator.workloads.owndefinitions import own_definition

GROUP = "example.com"


class Empty(Model):
    pass


OWN: Kind[Any] = Kind("own.knative.dev", "v1", "Own", "owns", Empty, categories=("all",))


def version(name: str = "v1", spec: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    properties = {"spec": {"type": "object", **(spec or {})}, "status": {"type": "object"}}
    schema = {"openAPIV3Schema": {"type": "object", "properties": properties}}
    return {"name": name, "served": True, "storage": name == "v1", "schema": schema, **more}


def definition(*versions: dict[str, Any], kind: str = "Foo", **more: Any) -> dict[str, Any]:
    plural = f"{kind.lower()}s"
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{GROUP}"},
        "spec": {
            "group": GROUP,
            "scope": "Namespaced",
            "names": {"plural": plural, "kind": kind, **more.pop("names", {})},
            "versions": list(versions) or [version()],
            **more,
        },
    }


def foo(name: str = "a", spec: Any = None, api_version: str = f"{GROUP}/v1", **more: Any) -> dict[str, Any]:
    obj = {"apiVersion": api_version, "kind": "Foo", "metadata": {"name": name}, **more}
    return obj if spec is None else {**obj, "spec": spec}


class World:
    """A Store and its Definitions."""

    def __init__(self, *later: str) -> None:
        kinds: list[Kind[Any]] = [CONFIG_MAP, CUSTOM_RESOURCE_DEFINITION, OWN]
        self.store = Store(Registry(kinds), SystemClock(), CONFIG_MAP)
        self.definitions = Definitions(self.store, own_definition, later)

    def define(self, *versions: dict[str, Any], **more: Any) -> Kind[Any]:
        """The kind Foo (or that of `kind`) of a definition that is made or changed."""
        made = definition(*versions, **more)
        if self.find(made["metadata"]["name"]) is None:
            self.store.create(made, "test")
        else:
            self.store.update(made, "test")
        kind = self.store.registry.of_group(GROUP, made["spec"]["names"]["kind"])
        assert kind is not None
        return kind

    def find(self, name: str = f"foos.{GROUP}") -> Resource[Any] | None:
        return self.store.find(CUSTOM_RESOURCE_DEFINITION, name)

    def get(self, name: str = f"foos.{GROUP}") -> Resource[Any]:
        return self.store.get(CUSTOM_RESOURCE_DEFINITION, name)

    def undefine(self, name: str = f"foos.{GROUP}") -> None:
        self.store.delete(CUSTOM_RESOURCE_DEFINITION, name)
