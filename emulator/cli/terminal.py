"""The terminal of `kemu up`: one line an occurrence, from ordinary log records.

`Terminal` is a logging handler; a `Writer` takes what it draws. Plain text when piped, colours and pull progress on a
terminal, one JSON object a line with `--json`. A record says what it is about in `record.about`; without that it is
shown under its logger's name.
"""

from __future__ import annotations

import json
import logging
import os
import shutil
import signal
import sys
import time
from collections.abc import Iterable
from typing import IO, Any

from emulator.cli.writer import Writer

_COLOURS = (36, 32, 33, 35, 34, 96, 92, 93, 95, 94)
_RED, _YELLOW, _DIM, _OFF = "\x1b[31m", "\x1b[33m", "\x1b[2m", "\x1b[0m"
_CLEAR = "\r\x1b[2K"
_NARROWEST, _WIDEST, _END = 20, 28, 10


class Terminal(logging.Handler):
    """Draws records; `is_json`, `is_plain` and `shows_traces` as the options say."""

    def __init__(self, stream: IO[str], *, is_json: bool, shows_traces: bool) -> None:
        super().__init__()
        self._writer = Writer(stream, _hang_up)
        self._is_json = is_json
        self._has_colour = not is_json and stream.isatty() and not _no_colour()
        self._shows_traces = shows_traces
        self._width = _NARROWEST
        self._names: dict[str, int] = {}
        self._has_progress = False

    def emit(self, record: logging.LogRecord) -> None:
        try:
            if getattr(record, "transient", False):
                self._draw_progress(record)
            else:
                self.write(self._json(record) if self._is_json else self._text(record))
        except Exception:
            self.handleError(record)

    def write(self, text: str) -> None:
        """Lines that are no record; in order with the records."""
        clear = _CLEAR if self._has_progress else ""
        self._has_progress = False
        self._writer.write(f"{clear}{text}\n")

    def make_room(self, names: Iterable[str]) -> None:
        """Let the column of names be wide enough for these, so that it need not grow."""
        self._width = min(max([self._width, *map(len, names)]), _WIDEST)

    def close(self) -> None:
        self._writer.close()
        super().close()

    def _json(self, record: logging.LogRecord) -> str:
        found: dict[str, Any] = {
            "time": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created)) + f".{int(record.msecs):03d}Z",
            "level": record.levelname.lower(),
            "about": _about(record),
            "message": record.getMessage(),
        }
        return json.dumps({**found, **(getattr(record, "fields", None) or {})}, default=str, ensure_ascii=False)

    def _text(self, record: logging.LogRecord) -> str:
        about = _about(record)
        self.make_room([about])
        clock = time.strftime("%H:%M:%S", time.localtime(record.created)) + f".{int(record.msecs):03d}"
        first, *rest = record.getMessage().splitlines() or [""]
        if record.exc_info and self._shows_traces:
            rest += logging.Formatter().formatException(record.exc_info).splitlines()
        elif record.exc_info and record.exc_info[1] is not None:
            first += f" ({type(record.exc_info[1]).__name__}: {record.exc_info[1]}; -v shows where)"
        name = _cut(about).ljust(self._width)
        if not self._has_colour:
            return "\n".join([f"{clock}  {name}  {first}", *(f"{'':<{14 + self._width + 2}}{line}" for line in rest)])
        shade = _RED if record.levelno >= logging.ERROR else _YELLOW if record.levelno >= logging.WARNING else ""
        body = "\n".join([first, *(f"{'':<{14 + self._width + 2}}{line}" for line in rest)])
        return f"{_DIM}{clock}{_OFF}  {self._colour(about)}{name}{_OFF}  {shade}{body}{_OFF if shade else ''}"

    def _colour(self, about: str) -> str:
        index = self._names.setdefault(about, len(self._names))
        return f"\x1b[{_COLOURS[index % len(_COLOURS)]}m"

    def _draw_progress(self, record: logging.LogRecord) -> None:
        """A pull's progress in place, on a terminal only."""
        if not self._has_colour:
            return
        fields = getattr(record, "fields", {})
        total, current = fields.get("total") or 0, fields.get("current") or 0
        share = current / total if total else 0.0
        bar = "█" * int(share * 24)
        text = f"  pulling {fields.get('image', '')} {bar:<24} {current >> 20}/{total >> 20} MiB"
        self._writer.write(_CLEAR + text[: shutil.get_terminal_size().columns - 1])
        self._has_progress = True


def set_up(*, is_json: bool, is_verbose: bool, is_quiet: bool, stream: IO[str] | None = None) -> Terminal:
    """Let kemu's log go to the terminal: INFO, with -v DEBUG, with -q only errors. Close it at the end."""
    terminal = Terminal(stream or sys.stdout, is_json=is_json, shows_traces=is_verbose)
    root = logging.getLogger()
    root.handlers[:] = [terminal]
    root.setLevel(logging.WARNING)
    level = logging.DEBUG if is_verbose else logging.ERROR if is_quiet else logging.INFO
    logging.getLogger("emulator").setLevel(level)
    for noisy in ("uvicorn", "urllib3", "docker", "watchfiles", "asyncio"):
        logging.getLogger(noisy).setLevel(logging.ERROR)
    return terminal


def _cut(name: str) -> str:
    """A name that fits the column: its beginning and its end, in which generated names differ."""
    return name if len(name) <= _WIDEST else f"{name[: _WIDEST - _END - 1]}…{name[-_END:]}"


def _about(record: logging.LogRecord) -> str:
    return str(getattr(record, "about", "") or record.name.rpartition(".")[2])


def _hang_up() -> None:
    """Nobody reads what kemu says: as if its terminal had been closed."""
    with open(os.devnull, "w") as nowhere:
        os.dup2(nowhere.fileno(), sys.stdout.fileno())  # Python flushes stdout at exit
    os.kill(os.getpid(), signal.SIGHUP)


def _no_colour() -> bool:
    return bool(os.environ.get("NO_COLOR")) or os.environ.get("TERM") == "dumb"
