"""How log records look: plain, in colour, as JSON."""

from __future__ import annotations

import io
import json
import logging
import re
from collections.abc import Callable, Iterator

import pytest

from emulator.cli.terminal import Terminal
from emulator.lib.report import report, trouble

logger = logging.getLogger("emulator.some.part")
Say = Callable[..., Terminal]


class Screen(io.StringIO):
    """A stream that says whether it is a terminal."""

    def __init__(self, is_terminal: bool) -> None:
        super().__init__()
        self._is_terminal = is_terminal

    def isatty(self) -> bool:
        return self._is_terminal


@pytest.fixture
def screen(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Screen]:
    monkeypatch.delenv("NO_COLOR")
    monkeypatch.setenv("TERM", "xterm")
    found = Screen(getattr(request, "param", False))
    yield found
    logger.handlers.clear()


def shown(screen: Screen, act: Callable[[Terminal], None], *, is_json: bool = False, traces: bool = False) -> str:
    """What `act` leaves on the screen."""
    terminal = Terminal(screen, is_json=is_json, shows_traces=traces)
    logger.handlers[:] = [terminal]
    logger.setLevel(logging.DEBUG)
    logger.propagate = False
    act(terminal)
    terminal.close()
    return screen.getvalue()


def test_piped_lines_are_plain_and_aligned(screen: Screen) -> None:
    def act(terminal: Terminal) -> None:
        terminal.make_room(["a-longer-name"])
        report(logger, "hello", "scaled %d → %d", 0, 1)
        report(logger, "a-longer-name", "one\ntwo")

    first, second, third = shown(screen, act).splitlines()
    assert re.fullmatch(r"\d\d:\d\d:\d\d\.\d{3}  hello                 scaled 0 → 1", first)
    assert second[14:] == "a-longer-name         one"
    assert third == " " * 36 + "two"


@pytest.mark.parametrize("screen", [True], indirect=True)
def test_a_terminal_gets_colours_the_same_for_the_same_name(screen: Screen) -> None:
    def act(terminal: Terminal) -> None:
        for about in ("hello", "other", "hello"):
            report(logger, about, "x")
        trouble(logger, "hello", "beware")

    lines = shown(screen, act).splitlines()
    colours = [line.split("\x1b[0m  \x1b[")[1].split("m")[0] for line in lines]
    assert colours[0] == colours[2] != colours[1]
    assert "\x1b[33mbeware\x1b[0m" in lines[3]


@pytest.mark.parametrize("screen", [True], indirect=True)
def test_progress_is_drawn_in_place_and_makes_way_for_lines(screen: Screen) -> None:
    def act(terminal: Terminal) -> None:
        fields = {"image": "big", "current": 10 << 20, "total": 20 << 20}
        logger.info("pulling", extra={"about": "big", "fields": fields, "transient": True})
        report(logger, "big", "pulled")

    first, last = shown(screen, act).split("\r\x1b[2K")[1:]
    assert first == f"  pulling big {'█' * 12:<24} 10/20 MiB"
    assert last.endswith("pulled\n")


def test_progress_is_not_for_pipes(screen: Screen) -> None:
    assert shown(screen, lambda _: logger.info("pulling", extra={"transient": True})) == ""


def test_json_has_one_object_a_line_with_the_facts(screen: Screen) -> None:
    said = shown(screen, lambda _: report(logger, "hello", "cold start\n%d ms", 5, total_ms=5.0), is_json=True)
    found = json.loads(said)
    assert said.count("\n") == 1
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", found.pop("time"))
    assert found == {"level": "info", "about": "hello", "message": "cold start\n5 ms", "total_ms": 5.0}


@pytest.mark.parametrize(("traces", "last"), [(False, "oh (ValueError: no; -v shows where)"), (True, "ValueError: no")])
def test_an_exception_is_one_line_unless_asked_for(screen: Screen, traces: bool, last: str) -> None:
    def act(_: Terminal) -> None:
        try:
            raise ValueError("no")
        except ValueError:
            logger.exception("oh")

    assert shown(screen, act, traces=traces).splitlines()[-1].endswith(last)


def test_without_a_name_a_record_is_shown_under_its_module(screen: Screen) -> None:
    assert "  part                  hm" in shown(screen, lambda _: logger.warning("hm"))


def test_a_name_that_is_too_long_keeps_the_column(screen: Screen) -> None:
    name = "a-function-with-a-very-long-name-00001"

    def act(terminal: Terminal) -> None:
        terminal.make_room([name])
        report(logger, name, "one")
        report(logger, "hello", "two")

    first, second = (line[14:] for line in shown(screen, act).splitlines())
    assert first == "a-function-with-a…name-00001  one"
    assert second.index("two") == first.index("one")
