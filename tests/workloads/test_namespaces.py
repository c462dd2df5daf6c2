"""The life of a namespace: what it takes along, what it waits for, and what cannot be made in it meanwhile."""

from __future__ import annotations

from typing import Any

import pytest

from emulator.lib.clock import SystemClock
from emulator.objects.errors import ApiError, Forbidden, NotFound
from emulator.objects.kind import Registry
from emulator.objects.resource import Resource
from emulator.store.store import Store
from emulator.workloads.configs import CONFIG_MAP, SECRET
from emulator.workloads.kubeevents import KUBE_EVENT
from emulator.workloads.namespaces import NAMESPACE, Namespaces, check_deletable, check_writable


class Spaces:
    """A Store with the namespace `n`."""

    def __init__(self) -> None:
        self.store = Store(Registry((NAMESPACE, CONFIG_MAP, SECRET, KUBE_EVENT)), SystemClock(), CONFIG_MAP)
        Namespaces(self.store)
        self.make("Namespace", "n", "")

    def make(self, kind: str, name: str, namespace: str = "n", **metadata: Any) -> Resource[Any]:
        place = {"namespace": namespace} if namespace else {}
        obj = {"apiVersion": "v1", "kind": kind, "metadata": {"name": name, **place, **metadata}}
        return self.store.create(obj, "me")

    def delete(self) -> None:
        self.store.delete(NAMESPACE, "n")

    @property
    def namespace(self) -> Resource[Any] | None:
        return self.store.find(NAMESPACE, "n")


@pytest.fixture
def spaces() -> Spaces:
    return Spaces()


def test_a_new_namespace_is_active_labelled_and_held(spaces: Spaces) -> None:
    namespace = spaces.store.get(NAMESPACE, "n")
    assert namespace.status == {"phase": "Active"}
    assert namespace.labels == {"kubernetes.io/metadata.name": "n"}
    assert namespace.obj["spec"] == {"finalizers": ["kubernetes"]}


def test_clients_cannot_change_what_holds_it(spaces: Spaces) -> None:
    namespace = spaces.store.get(NAMESPACE, "n")
    spaces.store.update({**namespace.obj, "spec": {"finalizers": []}}, "me")
    assert spaces.store.get(NAMESPACE, "n").obj["spec"] == {"finalizers": ["kubernetes"]}


def test_it_takes_its_objects_along_and_no_others(spaces: Spaces) -> None:
    spaces.make("ConfigMap", "a")
    spaces.make("Secret", "a")
    spaces.make("ConfigMap", "a", "other")
    spaces.delete()
    assert spaces.namespace is None
    assert [r.namespace for r in (*spaces.store.list(CONFIG_MAP), *spaces.store.list(SECRET))] == ["other"]


def test_it_waits_for_what_something_holds_and_says_so(spaces: Spaces) -> None:
    held = spaces.make("ConfigMap", "a", finalizers=["example.com/hold"])
    spaces.delete()
    assert spaces.namespace is not None
    assert spaces.namespace.status["phase"] == "Terminating"
    assert [c["message"] for c in spaces.namespace.status["conditions"]] == [
        "Some resources are remaining: configmaps has 1 resource instances",
        "Some content in the namespace has finalizers remaining: example.com/hold in 1 resource instances",
    ]
    spaces.store.patch_metadata(held.key, finalizers=[])
    assert spaces.namespace is None


def test_nothing_can_be_made_while_it_ends(spaces: Spaces) -> None:
    spaces.make("ConfigMap", "a", finalizers=["example.com/hold"])
    spaces.delete()
    with pytest.raises(Forbidden) as refused:
        check_writable(spaces.store, SECRET, "b", "n")
    assert refused.value.message == (
        'secrets "b" is forbidden: unable to create new content in namespace n because it is being terminated'
    )
    assert refused.value.details["causes"][0]["reason"] == "NamespaceTerminating"


def test_what_kemu_itself_still_writes_goes_at_once(spaces: Spaces) -> None:
    spaces.make("ConfigMap", "a", finalizers=["example.com/hold"])
    spaces.delete()
    spaces.make("Event", "while-it-ends")
    spaces.store.patch_metadata(spaces.store.list(CONFIG_MAP)[0].key, finalizers=[])
    assert spaces.namespace is None
    spaces.make("Event", "after-it")
    assert spaces.store.list(KUBE_EVENT) == []


def test_one_of_the_same_name_may_come_again(spaces: Spaces) -> None:
    spaces.delete()
    spaces.make("Namespace", "n", "")
    spaces.make("ConfigMap", "a")
    assert len(spaces.store.list(CONFIG_MAP)) == 1


@pytest.mark.parametrize(
    ("namespace", "refusal"),
    [("n", None), ("default", None), ("", None), ("missing", 'namespaces "missing" not found')],
    ids=["there", "default", "no namespace", "missing"],
)
def test_what_a_new_object_needs(spaces: Spaces, namespace: str, refusal: str | None) -> None:
    said = None
    try:
        check_writable(spaces.store, SECRET, "a", namespace)
    except NotFound as missing:
        said = missing.message
    assert said == refusal


@pytest.mark.parametrize("name", ["default", "kube-system"])
def test_some_namespaces_last(name: str) -> None:
    with pytest.raises(ApiError, match=f'namespaces "{name}" is forbidden: this namespace may not be deleted'):
        check_deletable(NAMESPACE, name)


def test_one_that_was_ending_when_kemu_was_killed_ends_at_the_next_start(spaces: Spaces) -> None:
    held = spaces.make("ConfigMap", "a", finalizers=["example.com/hold"])
    spaces.delete()
    kept = [spaces.store.get(NAMESPACE, "n").obj, {**held.obj, "metadata": {**held.metadata, "finalizers": []}}]
    later = Store(spaces.store.registry, SystemClock(), CONFIG_MAP)
    assert later.restore(kept, spaces.store.version) == []
    Namespaces(later)
    later.announce()
    assert later.list(NAMESPACE) == [] == later.list(CONFIG_MAP)
