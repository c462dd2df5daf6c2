"""What the collector of cycles looks at, in an interpreter of its own: it is the whole process's."""

from __future__ import annotations

import subprocess
import sys

_PRELUDE = """
import gc, weakref
from emulator.lib import collector
class Part: pass
def cycle():
    part = Part(); part.itself = part
    return part
"""


def _run(script: str) -> list[str]:
    command = [sys.executable, "-c", _PRELUDE + script]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()


def test_what_was_there_is_not_looked_at() -> None:
    script = "parts = [Part() for _ in range(50_000)]; collector.spare(); print(len(gc.get_objects()) < 1_000)"
    assert _run(script) == ["True"]


def test_what_a_full_collection_found_alive_is_not_looked_at_again() -> None:
    script = """
collector.spare()
parts = [Part() for _ in range(50_000)]
print(len(gc.get_objects()) > 50_000)
gc.collect()
print(len(gc.get_objects()) < 1_000)
"""
    assert _run(script) == ["True", "True"]


def test_cycles_that_come_later_are_still_freed() -> None:
    script = """
collector.begin(); collector.spare(); gc.collect()
seen = weakref.ref(cycle())
print(seen() is None)
gc.collect()
print(seen() is None)
"""
    assert _run(script) == ["False", "True"]


def test_it_looks_less_often() -> None:
    assert _run("collector.begin(); print(*gc.get_threshold())") == ["5000", "10", "10"]
