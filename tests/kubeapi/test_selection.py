"""Field and label selectors."""

from __future__ import annotations

import pytest

from emulator.kubeapi.selection import selection_of
from emulator.objects.errors import BadRequest
from emulator.workloads.configs import CONFIG_MAP
from emulator.workloads.nodes import NODE_KIND
from emulator.workloads.pods import POD
from tests.workloads.pods import pod
from tests.world import World


@pytest.mark.parametrize(
    ("fields", "fits"),
    [
        ("", True),
        ("metadata.name=p", True),
        ("metadata.name==p", True),
        ("metadata.name!=p", False),
        ("metadata.name=p,metadata.namespace=default", True),
        ("metadata.name=q", False),
        ("status.phase=Running", False),
        ("spec.nodeName=kemu", True),
    ],
)
def test_fields_select(fields: str, fits: bool) -> None:
    assert selection_of({"fieldSelector": fields}, POD)(pod()) is fits


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ("spec.hostname=x", "field label not supported: spec.hostname"),
        ("nonsense", "invalid selector: 'nonsense'; can't understand 'nonsense'"),
    ],
)
def test_unknown_fields_are_refused(fields: str, said: str) -> None:
    with pytest.raises(BadRequest, match=said):
        selection_of({"fieldSelector": fields}, POD)


def test_a_kind_without_more_fields_says_which_there_are() -> None:
    with pytest.raises(BadRequest, match=r'only "metadata\.name", "metadata\.namespace"'):
        selection_of({"fieldSelector": "data.x=1"}, CONFIG_MAP)


def test_commas_in_values_are_escaped() -> None:
    assert selection_of({"fieldSelector": r"metadata.name=a\,b"}, POD).name == "a,b"


def test_a_boolean_is_selected_as_kubernetes_writes_it() -> None:
    spec = {"unschedulable": True}
    cordoned = World().create({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n"}, "spec": spec})
    assert selection_of({"fieldSelector": "spec.unschedulable=true"}, NODE_KIND)(cordoned)
    assert not selection_of({"fieldSelector": "spec.unschedulable=True"}, NODE_KIND)(cordoned)
