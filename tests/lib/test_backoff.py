import pytest

from emulator.lib.backoff import CrashBackoff, doubling_s, retry_s


def test_doubling_starts_at_the_first_delay_and_stops_at_the_limit() -> None:
    assert [doubling_s(n, 0.5, 5.0) for n in (0, 1, 2, 3, 4, 5, 6)] == [0.5, 0.5, 1.0, 2.0, 4.0, 5.0, 5.0]
    assert doubling_s(10_000, 0.5, 5.0) == 5.0


def test_a_container_that_keeps_exiting_waits_longer_each_time_up_to_five_minutes() -> None:
    backoff, now, delays = CrashBackoff(), 100.0, []
    for _ in range(8):
        exited = now + 1
        delays.append(backoff.delay_s(exited))
        now = exited + delays[-1]
        backoff = backoff.restarted(exited, now)
    assert delays == [0.0, 10.0, 20.0, 40.0, 80.0, 160.0, 300.0, 300.0]


def test_a_container_that_ran_ten_minutes_starts_over_at_no_delay() -> None:
    backoff = CrashBackoff(restarts=5, restarted_at=1000.0)
    assert backoff.delay_s(1600.0) == 160.0
    assert backoff.delay_s(1600.5) == 0.0
    assert backoff.restarted(1600.5, 1600.5) == CrashBackoff(1, 1600.5)


@pytest.mark.parametrize(
    ("policy", "delay", "waits"),
    [
        ("linear", 0.5, [0.0, 0.5, 1.0, 1.5]),
        ("exponential", 0.5, [0.5, 1.0, 2.0, 4.0]),
        (None, 0.5, [0.0, 0.0, 0.0, 0.0]),
        ("linear", None, [0.0, 0.0, 0.0, 0.0]),
        ("exponential", None, [0.0, 0.0, 0.0, 0.0]),
    ],
)
def test_retries_of_an_event_wait_as_the_in_memory_channel_does(
    policy: object, delay: float | None, waits: list[float]
) -> None:
    assert [retry_s(policy, delay, retry) for retry in range(4)] == waits  # type: ignore[arg-type]


def test_ten_exponential_retries_of_the_documented_example_take_the_documented_time() -> None:
    assert sum(retry_s("exponential", 0.2, retry) for retry in range(10)) == pytest.approx(204.6)
    assert retry_s("exponential", 0.2, 5000) > 0
