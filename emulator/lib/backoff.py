"""How long to wait before trying again.

Pure functions over counts and times; the caller keeps the state and does the waiting. Three schedules live here: the
capped doubling that loops of kemu itself use, the restarts of a container that keeps exiting, and the retries of an
event. None of them has jitter: on one machine nothing has to be kept from retrying in step.

Followed: client-go `util/flowcontrol/backoff.go` with the kubelet's constants (`kubelet.go`: initial 10 s, maximum
5 min) and `kuberuntime_manager.go` doBackOff; Knative eventing `pkg/kncloudevents/retries.go`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

CRASH_FIRST_S = 10.0
CRASH_LIMIT_S = 300.0
# An entry expires after twice the maximum without a restart.
CRASH_RESET_S = 2 * CRASH_LIMIT_S

BackoffPolicy = Literal["linear", "exponential"]

# Beyond this a doubled delay is longer than Go's Duration can hold (292 years).
_MAX_DOUBLINGS = 62


def doubling_s(failures: int, first_s: float, limit_s: float) -> float:
    """Seconds to wait after the `failures`-th failure in a row (1 is the first): first, 2 first, 4 first … limit."""
    return min(first_s * 2.0 ** min(max(failures, 1) - 1, _MAX_DOUBLINGS), limit_s)


@dataclass(frozen=True)
class CrashBackoff:
    """Where one container stands in its restarts: `restarts` in a row, the last of them at `restarted_at`."""

    restarts: int = 0
    restarted_at: float | None = None

    def delay_s(self, exited_at: float) -> float:
        """Seconds between the exit at `exited_at` and the next start: 0, 10, 20, 40, 80, 160, 300, 300 …

        The first restart is immediate, and so is one after ten minutes without any.
        """
        if self._expired(exited_at) or self.restarts == 0:
            return 0.0
        return doubling_s(self.restarts, CRASH_FIRST_S, CRASH_LIMIT_S)

    def restarted(self, exited_at: float, now: float) -> CrashBackoff:
        """The state once the container that exited at `exited_at` is started again at `now`."""
        streak = 0 if self._expired(exited_at) else self.restarts
        return CrashBackoff(streak + 1, now)

    def _expired(self, exited_at: float) -> bool:
        return self.restarted_at is not None and exited_at - self.restarted_at > CRASH_RESET_S


def retry_s(policy: BackoffPolicy | None, delay_s: float | None, retry: int) -> float:
    """Seconds before retry number `retry` (0 is the first) of an event, as the in-memory channel and broker wait.

    Linear waits 0, d, 2d …; exponential d, 2d, 4d …; without a policy or a delay the retry follows at once. No cap.
    """
    if policy is None or delay_s is None:
        return 0.0
    if policy == "linear":
        return delay_s * retry
    return delay_s * 2.0 ** min(retry, _MAX_DOUBLINGS)
