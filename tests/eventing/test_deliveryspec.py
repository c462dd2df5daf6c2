"""DeliverySpec: one row a rule, and the Policy made of it (eventing §7.1, 7.2)."""

from __future__ import annotations

from typing import Any

import pytest

from emulator.eventing.deliveryspec import DeliverySpec, Policy
from emulator.objects.problems import knative_text


@pytest.mark.parametrize(
    ("spec", "text"),
    [
        pytest.param({}, "", id="nothing"),
        pytest.param(
            {"retry": 0, "backoffPolicy": "linear", "backoffDelay": "PT0,5S", "timeout": "PT1M"}, "", id="all"
        ),
        pytest.param({"retry": -1}, "invalid value: -1: d.retry", id="retry"),
        pytest.param({"backoffPolicy": "Linear"}, "invalid value: Linear: d.backoffPolicy", id="policy"),
        pytest.param({"backoffDelay": "5s"}, "invalid value: 5s: d.backoffDelay", id="delay"),
        pytest.param({"backoffDelay": "PT"}, "invalid value: PT: d.backoffDelay", id="empty delay"),
        pytest.param({"timeout": "pt1s"}, "invalid value: pt1s: d.timeout", id="timeout"),
        pytest.param({"timeout": "PT0.05S"}, "invalid value: PT0.05S: d.timeout", id="a timeout that rounds to none"),
        pytest.param({"retryAfterMax": "PT1S"}, "must not set the field(s): d.retryAfterMax", id="behind a flag"),
        pytest.param(
            {"deadLetterSink": {}},
            "expected at least one, got none: d.deadLetterSink.ref, d.deadLetterSink.uri",
            id="dead letter sink",
        ),
    ],
)
def test_a_rule(spec: dict[str, Any], text: str) -> None:
    assert knative_text(list(DeliverySpec.model_validate(spec).validate_at(("d",)))) == text


@pytest.mark.parametrize(
    ("spec", "policy"),
    [
        (None, Policy()),
        ({"retry": 2}, Policy(retry=2)),
        (
            {"backoffPolicy": "exponential", "backoffDelay": "PT0.25S", "timeout": "PT2S", "format": "json"},
            Policy(backoff="exponential", delay_s=0.2, timeout_s=2.0, is_structured=True),
        ),
        ({"format": "binary"}, Policy()),
    ],
)
def test_a_policy(spec: dict[str, Any] | None, policy: Policy) -> None:
    assert Policy.of(spec) == policy


def test_a_policy_has_the_url_that_was_resolved() -> None:
    assert Policy.of({"deadLetterSink": {"uri": "http://a"}}, "http://b").dead_letter == "http://b"
