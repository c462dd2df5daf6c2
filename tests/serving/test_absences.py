"""What is said of a name that does not answer yet."""

from __future__ import annotations

import pytest

from emulator.control.addresses import Addresses
from emulator.serving.absences import is_expected, why_absent
from emulator.serving.domainmappings import DOMAIN_MAPPING
from emulator.serving.kinds import ROUTE, SERVICE
from tests.world import World, obj

HELLO = "hello.default.localhost"
SPEC = {"traffic": [{"configurationName": "hello", "percent": 100}]}


@pytest.mark.parametrize(
    ("host", "said"),
    [
        (HELLO, "Route default/hello is not ready: no Revision"),
        ("hello.default.svc.cluster.local", "Route default/hello is not ready: no Revision"),
        ("hello.default.example.com", "Route default/hello is not ready: no Revision"),
        ("other.default.localhost", ""),
    ],
)
def test_why_a_host_does_not_answer_yet_is_known(host: str, said: str) -> None:
    world = World()
    route = world.ready(world.create(obj(ROUTE, "hello", SPEC)))
    assert why_absent(world.store, Addresses(), host) == ""
    world.ready(route, "False", "RevisionMissing", "no Revision")
    assert why_absent(world.store, Addresses(), host) == said


def test_why_is_the_services_own_reason() -> None:
    world = World()
    service = world.create(obj(SERVICE, "hello", {"template": {"spec": {"containers": [{"image": "app"}]}}}))
    world.create(obj(ROUTE, "hello", SPEC), service)
    assert why_absent(world.store, Addresses(), HELLO) == "Service default/hello is not ready: it has only just come"
    world.ready(service, "False", "RevisionFailed", "Revision failed")
    assert why_absent(world.store, Addresses(), HELLO) == "Service default/hello is not ready: Revision failed"


def test_a_domain_mapping_tells_for_itself() -> None:
    world = World()
    ref = {"apiVersion": "serving.knative.dev/v1", "kind": "Service", "name": "hello"}
    world.ready(world.create(obj(DOMAIN_MAPPING, "shop.test", {"ref": ref})), "False", "DomainAlreadyClaimed", "in use")
    said = "DomainMapping default/shop.test is not ready: in use"
    assert why_absent(world.store, Addresses(), "shop.test") == said


def test_a_route_that_waits_for_its_revision_is_expected_to_answer() -> None:
    world, name = World(), "hello.default.svc.cluster.local"
    assert not is_expected(world.store, Addresses(), name)
    route = world.create(obj(ROUTE, "hello", SPEC))
    for status, expected in (("Unknown", True), ("False", False), ("True", False)):
        world.ready(route, status)
        assert is_expected(world.store, Addresses(), name) is expected
    world.ready(route, "Unknown")
    assert not is_expected(world.store, Addresses(), "other.default.svc.cluster.local")
