"""A question is asked of whoever is at the other end of the standard input, in a process of its own."""

from __future__ import annotations

import subprocess
import sys

import pytest

_ASK = """
import asyncio
from emulator.cli.question import ask

async def main():
    ticks = asyncio.create_task(asyncio.sleep(0))
    print(await ask("May it?"), ticks.done())

asyncio.run(main())
"""


@pytest.mark.parametrize(
    ("typed", "is_yes"),
    [("y\n", True), (" YES \n", True), ("n\n", False), ("\n", False), ("yesterday\n", False), ("", False)],
)
def test_only_a_yes_is_one_and_nothing_is_held_up_meanwhile(typed: str, is_yes: bool) -> None:
    asked = subprocess.run([sys.executable, "-c", _ASK], input=typed, capture_output=True, text=True, timeout=30)
    assert asked.stdout == f"{is_yes} True\n"
    assert "May it? Type y or n, then Enter" in asked.stderr
