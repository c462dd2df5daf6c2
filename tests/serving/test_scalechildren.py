"""A PodAutoscaler's ServerlessService and Metric."""

from __future__ import annotations

from emulator.objects.resource import Resource
from emulator.serving.podautoscalers import POD_AUTOSCALER
from emulator.serving.scalechildren import METRIC
from emulator.serving.serverlessservices import SERVERLESS_SERVICE
from tests.world import World, child, obj, said

TARGET = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "r1-deployment"}


def autoscaler(world: World, **annotations: str) -> Resource[object]:
    spec = {"scaleTargetRef": TARGET, "protocolType": "http1"}
    prefixed = {f"autoscaling.knative.dev/{key}": value for key, value in annotations.items()}
    return world.create(obj(POD_AUTOSCALER, "r1", spec, labels={"a": "b"}, annotations=prefixed))


def test_the_metric_has_the_windows_of_the_scaler_in_nanoseconds() -> None:
    world = World()
    made = child(world.reconcile(autoscaler(world, window="30s")), METRIC)
    assert made["spec"] == {
        "stableWindow": 30_000_000_000,
        "panicWindow": 3_000_000_000,
        "scrapeTarget": "r1-private",
    }
    assert made["metadata"]["labels"] == {"a": "b"}
    assert said(world.reconcile(world.create({**made, "metadata": {"name": "m", "namespace": "default"}})))[0] == "True"


def test_the_serverless_service_keeps_the_mode_that_the_scaler_wrote() -> None:
    world = World()
    parent = autoscaler(world, metric="rps")
    made = child(world.reconcile(parent), SERVERLESS_SERVICE)
    assert (made["spec"]["mode"], made["spec"]["objectRef"]) == ("Proxy", TARGET)
    assert made["metadata"]["annotations"] == {}
    world.create({**made, "spec": {**made["spec"], "mode": "Serve"}}, parent)
    assert child(world.reconcile(parent), SERVERLESS_SERVICE)["spec"]["mode"] == "Serve"


def test_with_the_class_hpa_there_is_no_metric_of_knatives() -> None:
    world = World()
    made = world.reconcile(autoscaler(world, **{"class": "hpa.autoscaling.knative.dev"}))
    assert {each["kind"] for each in made.children} == {"HorizontalPodAutoscaler", "ServerlessService"}
