"""DeliverySpec: how often and how an event is tried again, and where it goes when that fails.

Model, rules, and the plain `Policy` that the data path works with. Followed: knative/eventing pkg/apis/duck/v1/
delivery_types.go (eventing §7.1); durations as its ISO-8601 parser reads them (`lib/durations.py`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from emulator.lib.backoff import BackoffPolicy
from emulator.lib.durations import parse_iso
from emulator.objects.kind import Json
from emulator.objects.model import Model, ignored
from emulator.objects.problems import Path, Problem, disallowed, invalid_value
from emulator.objects.refs import Destination


class DeliverySpec(Model):
    dead_letter_sink: Destination | None = None
    retry: int | None = None
    backoff_policy: str | None = None
    backoff_delay: str | None = None
    timeout: str | None = None
    retry_after_max: str | None = ignored("the feature delivery-retryafter is off by default")
    format: Literal["json", "binary"] | None = None

    def validate_at(self, path: Path, features: Json | None = None) -> Iterator[Problem]:
        """Faults with `path` in front."""
        if self.dead_letter_sink is not None:
            yield from self.dead_letter_sink.validate_at((*path, "deadLetterSink"))
        if self.retry is not None and self.retry < 0:
            yield invalid_value(self.retry, *path, "retry")
        if self.backoff_policy not in (None, "linear", "exponential"):
            yield invalid_value(self.backoff_policy, *path, "backoffPolicy")
        if self.backoff_delay is not None and not _is_duration(self.backoff_delay):
            yield invalid_value(self.backoff_delay, *path, "backoffDelay")
        if self.timeout is not None and not (_is_duration(self.timeout) and parse_iso(self.timeout) > 0):
            yield invalid_value(self.timeout, *path, "timeout")
        if self.retry_after_max is not None:
            yield disallowed(*path, "retryAfterMax")


@dataclass(frozen=True, slots=True)
class Policy:
    """One delivery's rules, ready for use. `dead_letter` is a URL, `timeout_s` None waits without end."""

    retry: int = 0
    backoff: BackoffPolicy | None = None
    delay_s: float | None = None
    timeout_s: float | None = None
    is_structured: bool = False
    dead_letter: str = ""

    @classmethod
    def of(cls, spec: Json | None, dead_letter: str = "") -> Policy:
        """From the JSON of a DeliverySpec that is known to be valid."""
        given: Any = spec or {}
        return cls(
            retry=int(given.get("retry") or 0),
            backoff=given.get("backoffPolicy"),
            delay_s=parse_iso(given["backoffDelay"]) if given.get("backoffDelay") else None,
            timeout_s=parse_iso(given["timeout"]) if given.get("timeout") else None,
            is_structured=given.get("format") == "json",
            dead_letter=dead_letter,
        )


def _is_duration(text: str) -> bool:
    try:
        parse_iso(text)
    except ValueError:
        return False
    return True
