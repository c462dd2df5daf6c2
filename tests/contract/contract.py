"""Which line of Knative's own suites a test stands for, and how many of them passed.

Knative tests its implementations with conformance suites (knative/serving test/conformance and test/e2e). Each of their
tests that says something about a laptop has one here or among the scenarios, marked with its level and name; the whole
is printed at the end by the pytest plugin that this module is, too.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from typing import Literal, TypeVar

import pytest

Level = Literal["MUST", "SHOULD", "MAY"]
LEVELS: tuple[Level, ...] = ("MUST", "SHOULD", "MAY")
F = TypeVar("F", bound=Callable[..., object])


def must(name: str) -> Callable[[F], F]:
    """The test stands for this one of Knative's (`suite/Test`), which every implementation has to pass."""
    return pytest.mark.contract("MUST", name)


def should(name: str) -> Callable[[F], F]:
    """As `must`, for what an implementation should do."""
    return pytest.mark.contract("SHOULD", name)


def may(name: str) -> Callable[[F], F]:
    """As `must`, for what is behind a flag, or optional."""
    return pytest.mark.contract("MAY", name)


class Score:
    """Outcomes by level, suite and name; a name passes when all its tests do."""

    def __init__(self) -> None:
        self._outcomes: dict[tuple[Level, str, str], bool] = {}

    def note(self, level: Level, suite: str, name: str, *, passed: bool) -> None:
        key = (level, suite, name)
        self._outcomes[key] = passed and self._outcomes.get(key, True)

    @property
    def is_empty(self) -> bool:
        return not self._outcomes

    def lines(self) -> Iterable[str]:
        """A table of suites and levels, and the names that failed."""
        suites = sorted({suite for _, suite, _ in self._outcomes})
        yield f"{'':12}" + "".join(f"{level:>12}" for level in LEVELS)
        for suite in suites:
            yield f"{suite:12}" + "".join(f"{self._share(level, suite):>12}" for level in LEVELS)
        for (level, suite, name), passed in sorted(self._outcomes.items()):
            if not passed:
                yield f"failed: {level} {suite} {name}"

    def _share(self, level: Level, suite: str) -> str:
        found = [passed for (lv, s, _), passed in self._outcomes.items() if (lv, s) == (level, suite)]
        return f"{sum(found)} of {len(found)}" if found else "-"


# -- the plugin

SCORE = pytest.StashKey[Score]()


def pytest_configure(config: pytest.Config) -> None:
    config.stash[SCORE] = Score()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.when == "call" or report.outcome != "passed":
        for mark in item.iter_markers("contract"):
            level, name = mark.args
            suite, _, test = name.partition("/")
            item.config.stash[SCORE].note(level, suite, test, passed=report.outcome == "passed")
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    score = config.stash[SCORE]
    if not score.is_empty:
        terminalreporter.section("Knative's contract")
        for line in score.lines():
            terminalreporter.write_line(line)
