"""From a Destination to a URL (eventing §3)."""

from __future__ import annotations

from typing import Any

import pytest

from emulator.control.resolver import Unresolved, address_of, resolve
from emulator.eventing.kinds import BROKER, IN_MEMORY_CHANNEL
from emulator.objects.refs import Destination
from emulator.serving.kinds import SERVICE
from tests.world import World, obj

URL = "http://broker-ingress.knative-eventing.svc.cluster.local/default/b"


@pytest.fixture
def world() -> World:
    world = World()
    addresses = [{"name": "http", "url": URL}, {"name": "https", "url": "https://b"}]
    world.status(world.create(obj(BROKER, "b", {})), address={"url": URL}, addresses=addresses)
    made = world.create(obj(SERVICE, "hello", {"template": {"spec": {"containers": [{"image": "app"}]}}}))
    world.status(made, address={"url": "http://hello.default.svc.cluster.local"})
    world.create(obj(IN_MEMORY_CHANNEL, "young", {}))
    return world


def resolved(world: World, namespace: str = "default", **destination: Any) -> str:
    return resolve(Destination.model_validate(destination), namespace, world.view())


def ref(kind: str, name: str, **more: Any) -> dict[str, Any]:
    versions = {"Broker": "eventing.knative.dev/v1", "Service": "serving.knative.dev/v1", "CoreService": "v1"}
    version = versions.get(kind, "messaging.knative.dev/v1")
    return {"apiVersion": version, "kind": kind.removeprefix("Core"), "name": name, **more}


@pytest.mark.parametrize(
    ("destination", "url"),
    [
        pytest.param({"uri": "http://a/x"}, "http://a/x", id="uri"),
        pytest.param({"ref": ref("Broker", "b")}, URL, id="addressable"),
        pytest.param({"ref": ref("Broker", "b", address="https")}, "https://b", id="an address by name"),
        pytest.param({"ref": ref("Service", "hello")}, "http://hello.default.svc.cluster.local", id="service"),
        pytest.param({"ref": ref("CoreService", "x")}, "http://x.default.svc.cluster.local", id="core service"),
        pytest.param(
            {"ref": ref("CoreService", "x", namespace="y")}, "http://x.y.svc.cluster.local", id="another namespace"
        ),
        pytest.param({"ref": ref("Broker", "b"), "uri": "x"}, URL[:-1] + "x", id="relative"),
        pytest.param(
            {"ref": ref("Broker", "b"), "uri": "/x"},
            "http://broker-ingress.knative-eventing.svc.cluster.local/x",
            id="from the root, which loses the broker",
        ),
        pytest.param({"ref": ref("Broker", "b"), "uri": "?q=1"}, URL + "?q=1", id="query"),
    ],
)
def test_a_destination_has_a_url(world: World, destination: dict[str, Any], url: str) -> None:
    assert resolved(world, **destination) == url


@pytest.mark.parametrize(
    ("given", "reason", "text"),
    [
        (
            ref("Broker", "none"),
            "NotFound",
            'failed to get object default/none: brokers.eventing.knative.dev "none" not found',
        ),
        (
            ref("Broker", "b", namespace="other"),
            "NotFound",
            'failed to get object other/b: brokers.eventing.knative.dev "b" not found',
        ),
        (ref("Odd", "x"), "NotFound", 'failed to get object default/x: no kind "Odd" in messaging.knative.dev/v1'),
        (
            ref("InMemoryChannel", "young"),
            "AddressNotSet",
            "address not set for InMemoryChannel.messaging.knative.dev default/young",
        ),
        (
            ref("Broker", "b", address="nope"),
            "AddressNotSet",
            "address not set for Broker.eventing.knative.dev default/b",
        ),
    ],
)
def test_one_that_has_none_says_why(world: World, given: dict[str, Any], reason: str, text: str) -> None:
    with pytest.raises(Unresolved) as fault:
        resolved(world, ref=given)
    assert (fault.value.reason, str(fault.value)) == (reason, text)


def test_an_address_without_url_is_told(world: World) -> None:
    made = world.status(world.store.get(BROKER, "b", "default"), address={"name": "http"}, addresses=[])
    with pytest.raises(Unresolved, match=r"URL missing in address of Broker\.eventing\.knative\.dev default/b"):
        address_of(made)


def test_what_was_looked_at_is_noted_so_that_its_coming_is_news(world: World) -> None:
    view = world.view()
    with pytest.raises(Unresolved):
        resolve(Destination.model_validate({"ref": ref("Broker", "none")}), "default", view)
    assert [str(read) for read in view.reads] == ["Broker default/none"]
