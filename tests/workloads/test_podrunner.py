"""The output that is kept of containers, by their names."""

from __future__ import annotations

from emulator.workloads.podrunner import PodLogs
from tests.world import NOW


def test_a_pods_output_outlives_it_until_another_has_its_name() -> None:
    logs = PodLogs()
    old = logs.of("default", "p", "c")
    other = logs.of("default", "q", "c")
    logs.forget("default", "p")
    assert logs.of("default", "p", "c") is old, "its worker still writes there"
    logs.of("default", "p", "queue-proxy").append("GET / 200", NOW)
    logs.end("default", "p")
    assert old.is_closed
    assert not other.is_closed
    other.close()
    assert logs.containers("default", "p") == ["c", "queue-proxy"]
    logs.forget("default", "p")
    assert logs.pods("default") == ["q"]
    assert not logs.of("default", "p", "c").is_closed
