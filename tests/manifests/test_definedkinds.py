"""Kinds of CustomResourceDefinitions in manifests: usable in the same load, in whatever order and file they stand."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from emulator.lib.clock import SystemClock
from emulator.manifests.diagnostics import ManifestFaults
from emulator.manifests.loader import Loader
from emulator.objects.kind import Json, Registry
from emulator.store.store import Store
from emulator.workloads.configs import CONFIG_MAP
from emulator.workloads.crds import CUSTOM_RESOURCE_DEFINITION
from emulator.workloads.definitions import Definitions
from emulator.workloads.namespaces import NAMESPACE
from emulator.workloads.owndefinitions import LATER, kind_of, own_definition
from tests.workloads.definitions import GROUP, definition, foo, version

SIZED = version(spec={"properties": {"size": {"type": "integer", "default": 2}}})


class Files:
    """A folder and the Store that it is loaded into."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.store = Store(Registry((CONFIG_MAP, NAMESPACE, CUSTOM_RESOURCE_DEFINITION)), SystemClock(), CONFIG_MAP)
        Definitions(self.store, own_definition, LATER)
        self.loader = Loader(self.store, [folder], {}, kind_of=kind_of)

    def load(self, **files: list[Json]) -> str:
        for path in self.folder.iterdir():
            path.unlink()
        for name, documents in files.items():
            (self.folder / f"{name}.yaml").write_text(yaml.safe_dump_all(documents))
        return str(self.loader.apply(self.loader.check(self.loader.read())))

    def foos(self) -> list[Json]:
        kind = self.store.registry.of_group(GROUP, "Foo")
        return [resource.obj["spec"] for resource in self.store.list(kind)] if kind is not None else []


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path)


def test_a_definition_and_its_objects_come_together(files: Files) -> None:
    assert files.load(a=[foo(spec={})], b=[definition(SIZED)]) == (
        "CustomResourceDefinition foos.example.com, Foo a created"
    )
    assert files.foos() == [{"size": 2}]


def test_objects_are_judged_by_the_definition_that_comes_with_them(files: Files) -> None:
    files.load(a=[definition()], b=[foo(spec={})])
    with pytest.raises(ManifestFaults, match=r"spec\.size: Invalid value"):
        files.load(a=[definition(SIZED)], b=[foo(spec={"size": "big"})])
    assert files.load(a=[definition(SIZED)], b=[foo(spec={"size": 5})]).endswith("configured")
    assert files.foos() == [{"size": 5}]


def test_fields_that_a_definition_does_not_have_are_faults(files: Files) -> None:
    with pytest.raises(ManifestFaults, match=r"b\.yaml:\d+:\d+ spec\.colour: unknown field"):
        files.load(a=[definition(SIZED)], b=[foo(spec={"colour": "red"})])


def test_objects_of_kinds_that_kemu_does_not_run_yet_are_faults(files: Files) -> None:
    source = definition(kind="ContainerSource")
    source["metadata"]["name"] = "containersources.sources.knative.dev"
    source["spec"]["group"] = "sources.knative.dev"
    files.load(a=[source])
    made = {"apiVersion": "sources.knative.dev/v1", "kind": "ContainerSource", "metadata": {"name": "a"}}
    with pytest.raises(ManifestFaults, match="kemu does not run ContainerSource"):
        files.load(a=[source], b=[made])


def test_a_namespace_that_leaves_the_files_stays_while_they_name_it(files: Files) -> None:
    space = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "space"}}
    inside = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "namespace": "space"}}
    files.load(a=[space, inside])
    files.load(a=[inside])
    assert [namespace.name for namespace in files.store.list(NAMESPACE)] == ["space"]
    assert len(files.store.list(CONFIG_MAP)) == 1


def test_what_leaves_the_files_goes(files: Files) -> None:
    files.load(a=[definition()], b=[foo(spec={})])
    files.load()
    assert files.foos() == []
    assert files.store.list(CUSTOM_RESOURCE_DEFINITION) == []


def test_objects_of_a_definition_that_is_not_accepted_are_told_and_left_out(files: Files) -> None:
    files.load(a=[definition()])
    other = definition(names={"plural": "others", "kind": "Foo"})
    other["metadata"]["name"] = f"others.{GROUP}"
    other["spec"]["names"] |= {"kind": "Bar", "singular": "foo"}
    bar = {"apiVersion": f"{GROUP}/v1", "kind": "Bar", "metadata": {"name": "b"}}
    assert files.load(a=[definition()], b=[other, bar]) == f"CustomResourceDefinition others.{GROUP} created"
