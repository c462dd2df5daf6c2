"""Definitions that are refused, in an API server's words."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from emulator.objects.errors import Invalid
from tests.workloads.definitions import World, definition, version

DNS1035 = (
    "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, "
    "and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is "
    "'[a-z]([-a-z0-9]*[a-z0-9])?')"
)


def changed(path: str, value: Any) -> dict[str, Any]:
    """A fine definition with one field changed."""
    found: Any = (made := copy.deepcopy(definition()))
    *way, last = path.split("/")
    for step in way:
        found = found[int(step)] if isinstance(found, list) else found[step]
    found[int(last) if isinstance(found, list) else last] = value
    return made


FAULTS: list[tuple[str, Any, str]] = [
    (
        "metadata/name",
        "foo.example.com",
        'metadata.name: Invalid value: "foo.example.com": must be spec.names.plural+"."+spec.group',
    ),
    ("spec/scope", "", "spec.scope: Required value"),
    ("spec/scope", "Global", 'spec.scope: Unsupported value: "Global": supported values: "Cluster", "Namespaced"'),
    (
        "spec/names/listKind",
        "foo_bar",
        f'spec.names.listKind: Invalid value: "foo_bar": may have mixed case, but should otherwise match: {DNS1035}',
    ),
    ("spec/names/listKind", "Foo", 'spec.names.listKind: Invalid value: "Foo": kind and listKind may not be the same'),
    ("spec/names/shortNames", ["F"], f'spec.names.shortNames[0]: Invalid value: "F": {DNS1035}'),
    (
        "spec/preserveUnknownFields",
        True,
        "spec.preserveUnknownFields: Invalid value: true: cannot set to true, set "
        "x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead",
    ),
    ("spec/versions/0/name", "1", f'spec.versions[0].name: Invalid value: "1": {DNS1035}'),
    ("spec/versions/0/schema", None, "spec.versions[0].schema.openAPIV3Schema: Required value"),
    (
        "spec/versions/0/deprecationWarning",
        "old",
        'spec.versions[0].deprecationWarning: Invalid value: "old": can only be set for deprecated versions',
    ),
    (
        "spec/versions/0/subresources",
        {"scale": {"specReplicasPath": ".x", "statusReplicasPath": ".status.n"}},
        'spec.versions[0].subresources.scale.specReplicasPath: Invalid value: ".x": should be a json path under .spec',
    ),
    (
        "spec/versions/0/subresources",
        {"scale": {"specReplicasPath": ".spec.n"}},
        "spec.versions[0].subresources.scale.statusReplicasPath: Required value",
    ),
    (
        "spec/versions/0/additionalPrinterColumns",
        [{"name": "A", "type": "text", "jsonPath": ".spec"}],
        "spec.versions[0].additionalPrinterColumns[0].type: "
        'Invalid value: "text": '
        "must be one of boolean,date,integer,number,string",
    ),
    (
        "spec/versions/0/additionalPrinterColumns",
        [{"name": "A", "type": "string", "jsonPath": "spec"}],
        "spec.versions[0].additionalPrinterColumns[0].JSONPath: Invalid value: "
        '"spec": must be a simple json path starting with .',
    ),
    (
        "spec/versions/0/additionalPrinterColumns",
        [{"name": "A", "type": "string", "jsonPath": ".spec["}],
        "spec.versions[0].additionalPrinterColumns[0].JSONPath: Invalid value: "
        '".spec[": unrecognized column definition ".spec["',
    ),
    (
        "spec/versions/0/selectableFields",
        [{"jsonPath": ".spec"}],
        "spec.versions[0].selectableFields[0].jsonPath: Invalid "
        'value: ".spec": must point to a '
        "field of type string, boolean or integer. Enum string fields and strings with formats are allowed.",
    ),
    (
        "spec/conversion",
        {"strategy": "Webhook"},
        "spec.conversion.webhookClientConfig: Required value: required when strategy is set to Webhook",
    ),
    (
        "spec/conversion",
        {"strategy": "Magic"},
        'spec.conversion.strategy: Unsupported value: "Magic": supported values: "None", "Webhook"',
    ),
]


@pytest.mark.parametrize(("path", "value", "fault"), FAULTS, ids=[f"{path}={value}" for path, value, _ in FAULTS])
def test_a_fault_of_a_definition(path: str, value: Any, fault: str) -> None:
    with pytest.raises(Invalid) as refused:
        World().store.create(changed(path, value))
    name = changed(path, value)["metadata"]["name"]
    assert refused.value.message == f'CustomResourceDefinition.apiextensions.k8s.io "{name}" is invalid: {fault}'


@pytest.mark.parametrize(
    ("versions", "fault"),
    [
        ([version("v2")], "must have exactly one version marked as storage version"),
        ([version(), version()], "must contain unique version names"),
    ],
)
def test_versions_are_unique_and_one_of_them_is_stored(versions: list[dict[str, Any]], fault: str) -> None:
    with pytest.raises(Invalid, match=fault):
        World().store.create(definition(*versions))


@pytest.mark.parametrize(
    ("path", "value", "field"),
    [("spec/scope", "Cluster", "spec.scope"), ("spec/names/kind", "Bar", "spec.names.kind")],
)
def test_what_a_served_definition_cannot_change(path: str, value: str, field: str) -> None:
    world = World()
    world.define()
    with pytest.raises(Invalid) as refused:
        world.store.update(changed(path, value))
    assert f'{field}: Invalid value: "{value}": field is immutable' in refused.value.message


def test_a_version_that_objects_may_be_stored_in_cannot_go() -> None:
    world = World()
    world.define()
    with pytest.raises(Invalid, match=r"status.storedVersions\[0\]: Invalid value: \"v1\": missing from spec.versions"):
        world.store.update(definition({**version("v2"), "storage": True}))
