"""What Prometheus reads."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from emulator.objects.resource import Key
from emulator.serving.annotations import NAMESPACE
from emulator.serving.autoscaler import Decision, Load
from emulator.serving.podautoscalers import POD_AUTOSCALER
from emulator.serving.scaler import Figures
from emulator.serving.scalespec import ScaleSpec
from emulator.serving.telemetry import Durations, Telemetry
from emulator.workloads.configs import CONFIG_MAP
from tests.serving.test_backends import World
from tests.serving.test_throttler import Job

pytestmark = pytest.mark.looptime
LABELS = 'k8s_namespace_name="default",kn_configuration_name="hello",kn_revision_name="r1",kn_service_name="hello"'


def telemetry(world: World, figures: Mapping[Key, Figures] | None = None) -> Telemetry:
    made = Telemetry(world.store, world.backends.throttler, lambda: figures or {})
    made.start()
    return made


def revision(world: World) -> None:
    world.revision("r1")
    key = next(r.key for r in world.store.list(world.store.registry.of("serving.knative.dev/v1", "Revision")))  # type: ignore[arg-type]
    labels = {"serving.knative.dev/configuration": "hello", "serving.knative.dev/service": "hello"}
    world.store.patch_metadata(key, labels=labels)


def configured(world: World, protocol: str) -> None:
    body: dict[str, Any] = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "config-observability", "namespace": NAMESPACE},
        "data": {"request-metrics-protocol": protocol},
    }
    present = world.store.find(CONFIG_MAP, "config-observability", NAMESPACE)
    world.store.update({**present.obj, **body}) if present is not None else world.store.create(body)


async def test_requests_are_told_by_their_revision() -> None:
    world = World()
    revision(world)
    throttler = world.backends.throttler("default", "r1")
    assert throttler is not None
    throttler.admit(Job())
    said = telemetry(world).text()
    assert f"kn_serving_queue_depth{{{LABELS}}} 1\n" in said
    assert f"kn_revision_request_queued{{{LABELS}}} 1\n" in said
    assert f"kn_revision_request_active{{{LABELS}}} 0\n" in said
    assert "# TYPE kn_serving_queue_depth gauge\n" in said
    assert "invocation" not in said


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        (ScaleSpec(), ["kn_revision_concurrency_stable 12.5", "kn_revision_concurrency_target 70"]),
        (ScaleSpec(metric="rps", target=140.0), ["kn_revision_rps_panic 40", "kn_revision_rps_target 140"]),
    ],
    ids=["concurrency", "rps"],
)
async def test_the_autoscalers_figures_are_told(spec: ScaleSpec, expected: list[str]) -> None:
    world = World()
    revision(world)
    figures = Figures(spec, Load(12.5, 40.0, 2), Decision(3, -51, True), 4)
    said = telemetry(world, {Key(POD_AUTOSCALER, "default", "r1"): figures}).text()
    plain = said.replace("{" + LABELS + "}", "").splitlines()
    assert {
        "kn_revision_pods_desired 3",
        "kn_revision_pods_requested 4",
        "kn_revision_pods_count 2",
        "kn_revision_pods_not_ready_count 2",
        "kn_revision_capacity_excess -51",
        "kn_revision_panic_mode 1",
        *expected,
    } <= set(plain)


async def test_of_another_class_only_pods_are_told() -> None:
    world = World()
    revision(world)
    figures = Figures(ScaleSpec(autoscaler_class="hpa.autoscaling.knative.dev"), Load(0, 0, 1), Decision(), 1)
    said = telemetry(world, {Key(POD_AUTOSCALER, "default", "r1"): figures}).text()
    assert "kn_revision_pods_requested" in said
    assert "kn_revision_panic_mode" not in said


async def test_durations_are_kept_while_the_config_says_so() -> None:
    world = World()
    made = telemetry(world)
    revision(world)
    throttler = world.backends.throttler("default", "r1")
    assert throttler is not None
    assert throttler.meter is None
    configured(world, "prometheus")
    assert throttler.meter is not None
    throttler.meter.add(200, 0.03)
    said = made.text()
    assert "# TYPE kn_serving_invocation_duration_seconds histogram\n" in said
    assert f'kn_serving_invocation_duration_seconds_count{{http_response_status_code="200",{LABELS}}} 1\n' in said
    configured(world, "none")
    assert throttler.meter is None


def test_a_histogram_counts_all_up_to_each_bound() -> None:
    durations = Durations()
    for seconds in (0.005, 0.006, 20.0):
        durations.add(200, seconds)
    durations.add(503, 0.001)
    lines = dict(line.rsplit(" ", 1) for line in durations.lines("d", {}))
    assert [
        lines[f'd_bucket{{http_response_status_code="200",le="{le}"}}'] for le in ("0.005", "0.01", "10", "+Inf")
    ] == [
        "1",
        "2",
        "2",
        "3",
    ]
    assert lines['d_sum{http_response_status_code="200"}'] == "20.011"
    assert lines['d_count{http_response_status_code="503"}'] == "1"
