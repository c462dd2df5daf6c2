"""What the user reads of events, and how much of it."""

from __future__ import annotations

import logging
from collections.abc import Callable

import pytest

from emulator.eventing.delivery import Leg
from emulator.eventing.deliveryspec import Policy
from emulator.eventing.narrator import Narrator
from emulator.ingress.cluster import Answer
from tests.eventing.subscribers import event

pytestmark = pytest.mark.looptime
LEG = Leg("orders", "default", "billing", "http://billing", policy=Policy(retry=3))
E = event("shop.order")
DLS = "http://dls"


@pytest.fixture(autouse=True)
def log(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.INFO)
    return caplog


def status(code: int) -> Answer:
    return Answer(code, [], b"")


@pytest.mark.parametrize(
    ("tell", "about", "level", "text"),
    [
        pytest.param(lambda n: n.accepted("b", E), "b", "INFO", "accepted shop.order 1", id="accepted"),
        pytest.param(lambda n: n.matched("b", E, ["x", "y"]), "b", "INFO", "shop.order 1 matches x, y", id="matched"),
        pytest.param(
            lambda n: n.matched("b", E, list("abcdefg")),
            "b",
            "INFO",
            "shop.order 1 matches a, b, c, d, e and 2 more",
            id="matched by many",
        ),
        pytest.param(
            lambda n: n.matched("b", E, []), "b", "INFO", "shop.order 1 matches no Trigger", id="matched by none"
        ),
        pytest.param(
            lambda n: n.refused("b", "id: missing"), "b", "WARNING", "refused an event: id: missing", id="refused"
        ),
        pytest.param(
            lambda n: n.answered(LEG, E, status(202), None, 0.0123),
            "orders",
            "INFO",
            "shop.order 1 → billing answered 202 in 12 ms",
            id="answered",
        ),
        pytest.param(
            lambda n: n.answered(LEG, E, status(200), event("paid"), 0.0),
            "orders",
            "INFO",
            "shop.order 1 → billing answered 200 in 0 ms, replied paid 1",
            id="replied",
        ),
        pytest.param(
            lambda n: n.retrying(LEG, E, status(503), 0.4, 2),
            "orders",
            "WARNING",
            "shop.order 1 → billing failed (status 503); retry 2 of 3 in 0.4 s",
            id="retrying",
        ),
        pytest.param(
            lambda n: n.failed(LEG, E, Answer(0, [], b"", "connection refused"), DLS),
            "orders",
            "WARNING",
            "shop.order 1 → billing failed for good (connection refused); to the dead letter sink http://dls",
            id="failed",
        ),
        pytest.param(
            lambda n: n.failed(LEG, E, status(400), ""),
            "orders",
            "WARNING",
            "shop.order 1 → billing failed for good (status 400); there is no dead letter sink: it is lost",
            id="failed without a dead letter sink",
        ),
        pytest.param(
            lambda n: n.dead_lettered(LEG, E, DLS),
            "orders",
            "INFO",
            "shop.order 1 is with the dead letter sink http://dls",
            id="dead letter",
        ),
        pytest.param(
            lambda n: n.lost(LEG, E, status(500), DLS),
            "orders",
            "WARNING",
            "shop.order 1 is lost: the dead letter sink http://dls failed, too (status 500)",
            id="lost",
        ),
        pytest.param(lambda n: n.ticked("p", E, "Broker b"), "p", "INFO", "tick: shop.order 1 → Broker b", id="ticked"),
    ],
)
async def test_a_line(
    tell: Callable[[Narrator], None], about: str, level: str, text: str, log: pytest.LogCaptureFixture
) -> None:
    tell(Narrator())
    (record,) = log.records
    assert (record.getMessage(), record.levelname) == (text, level)
    assert vars(record)["about"] == about


async def test_a_long_id_is_cut(log: pytest.LogCaptureFixture) -> None:
    Narrator().accepted("b", event("t", id="0123456789"))
    assert log.messages == ["accepted t 01234567"]
