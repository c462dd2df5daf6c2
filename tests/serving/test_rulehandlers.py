"""Which Revision a rule picks, and the headers that it sets. Over real connections: tests/scenarios/test_routing.py."""

from __future__ import annotations

from collections import Counter

import pytest

from emulator.ingress.cluster import Answer, Call, Sink
from emulator.serving.rulehandlers import Draw, Rule, RuleHandler, Way
from emulator.serving.throttler import Throttler
from tests.serving.test_throttler import make

pytestmark = pytest.mark.looptime


def throttlers(count: int) -> list[Throttler]:
    return [make()[0] for _ in range(count)]


def call(*headers: tuple[bytes, bytes], host: str = "hello.test") -> tuple[Call, list[Answer]]:
    answers: list[Answer] = []
    return Call(b"GET", Sink(f"http://{host}/a?b=c"), list(headers), b"", answers.append), answers


async def test_shares_are_kept_over_five_thousand_requests() -> None:
    backends = throttlers(3)
    draw = Draw(list(zip(backends, (10, 30, 60), strict=True)), "a seed")
    chosen = Counter(id(draw.choose()) for _ in range(5_000))
    for backend, percent in zip(backends, (10, 30, 60), strict=True):
        assert abs(chosen[id(backend)] / 50 - percent) < 2


async def test_a_seed_makes_a_split_repeatable() -> None:
    shares = list(zip(throttlers(2), (50, 50), strict=True))

    def first(seed: str) -> list[int]:
        draw = Draw(shares, seed)
        return [shares[0][0] is draw.choose() for _ in range(40)]

    assert first("7") == first("7") != first("8")


async def test_the_tag_header_chooses_and_an_unknown_value_does_not() -> None:
    main, tagged = throttlers(2)
    way = Way(Draw([(main, 100)]), ((b"Knative-Serving-Default-Route", b"true"),))
    handler = RuleHandler(Rule(way, {b"old": Way(Draw([(tagged, 100)]))}))
    for value, chosen in ((b"old", tagged), (b"older", main), (b"", main)):
        made, _ = call((b"knative-serving-tag", value))
        handler.call(made)
        assert made.backend is chosen
        assert ((b"Knative-Serving-Default-Route", b"true") in made.headers) is (chosen is main)


async def test_headers_that_a_rule_sets_replace_the_clients() -> None:
    handler = RuleHandler(Rule(Way(Draw([(throttlers(1)[0], 100)]), ((b"Knative-Serving-Tag", b"old"),))))
    made, _ = call((b"knative-serving-tag", b"forged"), (b"Accept", b"*/*"))
    handler.call(made)
    assert made.headers == [(b"Accept", b"*/*"), (b"Knative-Serving-Tag", b"old")]


async def test_a_redirected_rule_sends_everybody_to_https() -> None:
    handler = RuleHandler(Rule(Way(Draw([(throttlers(1)[0], 100)])), is_redirected=True))
    made, answers = call(host="hello.test:8080")
    handler.call(made)
    assert [(a.status, a.headers) for a in answers] == [(301, [(b"Location", b"https://hello.test/a?b=c")])]


async def test_another_name_is_looked_up_at_each_request() -> None:
    (backend,) = throttlers(1)
    there: list[RuleHandler] = []
    handler = RuleHandler(Rule(Way(None, (), b"other", lambda: there[0] if there else None)))
    made, answers = call()
    handler.call(made)
    assert [(a.status, a.body) for a in answers] == [(503, b"no healthy upstream")]
    there.append(RuleHandler(Rule(Way(Draw([(backend, 100)])))))
    made, _ = call()
    handler.call(made)
    assert made.backend is backend
    assert made.host == b"hello.test"


async def test_a_rule_is_swapped_as_a_whole() -> None:
    one, other = throttlers(2)
    handler = RuleHandler(Rule(Way(Draw([(one, 100)]))))
    handler.take(Rule(Way(Draw([(other, 100)]))))
    assert handler.choose() is other
