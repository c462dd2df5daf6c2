"""The status of an Ingress: it is ready as soon as it is written."""

from __future__ import annotations

from emulator.serving.ingresses import INGRESS
from tests.world import World, obj, said


def test_an_ingress_is_ready_and_names_its_gateways() -> None:
    world = World()
    split = {"serviceName": "r1", "serviceNamespace": "default", "servicePort": 80, "percent": 100}
    rule = {"hosts": ["a.test"], "visibility": "ExternalIP", "http": {"paths": [{"splits": [split]}]}}
    outcome = world.reconcile(world.create(obj(INGRESS, "hello", {"rules": [rule]})))
    assert [said(outcome, name)[0] for name in ("Ready", "LoadBalancerReady", "NetworkConfigured")] == ["True"] * 3
    (gateway,) = outcome.status["publicLoadBalancer"]["ingress"]
    assert gateway == {"domainInternal": "kourier.kourier-system.svc.cluster.local"}


def test_what_an_ingress_lacks_is_told() -> None:
    refusal = World().refusal(obj(INGRESS, "hello", {"rules": [{"http": {"paths": [{}]}}]}))
    assert "spec.rules[0].http.paths[0].splits" in refusal
