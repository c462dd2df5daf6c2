"""The output that is kept of containers, by their names."""

from __future__ import annotations

from emulator.workloads.podrunner import PodLogs


def test_a_pods_output_outlives_it_until_another_has_its_name() -> None:
    logs = PodLogs()
    old = logs.of("default", "p", "c")
    other = logs.of("default", "q", "c")
    logs.forget("default", "p")
    assert logs.of("default", "p", "c") is old, "its worker still writes there"
    old.close()
    other.close()
    assert logs.containers("default", "p") == ["c"]
    logs.forget("default", "p")
    assert logs.pods("default") == ["q"]
    assert not logs.of("default", "p", "c").is_closed
