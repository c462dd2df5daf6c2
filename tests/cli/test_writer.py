"""What happens to output that is read slowly, or not at all."""

from __future__ import annotations

import io
import os
import threading

import pytest

from emulator.cli.writer import Writer


def _fail() -> None:
    raise AssertionError("the reader is still there")


def test_everything_is_written_in_order_before_close_returns() -> None:
    stream = io.StringIO()
    writer = Writer(stream, _fail)
    for number in range(1000):
        writer.write(f"{number}\n")
    writer.close()
    assert stream.getvalue() == "".join(f"{number}\n" for number in range(1000))


def test_a_reader_that_stands_still_holds_up_nobody_and_hears_what_it_missed() -> None:
    read, write = os.pipe()
    got: list[str] = []
    with os.fdopen(write, "w") as stream, os.fdopen(read) as other_end:
        writer = Writer(stream, _fail)
        for _ in range(30_000):
            writer.write("x" * 99 + "\n")  # more than the pipe and the bound hold
        reader = threading.Thread(target=lambda: got.extend(other_end))
        reader.start()
        writer.close()
        stream.close()
        reader.join(5)
    missed = [line for line in got if line.startswith("…")]
    assert missed and all(line.endswith("lines were not shown: nobody read them\n") for line in missed)
    assert sum(int(line.split()[1]) for line in missed) + len(got) - len(missed) == 30_000


def test_a_reader_that_has_left_is_told_once() -> None:
    read, write = os.pipe()
    os.close(read)
    told = threading.Event()
    stream = os.fdopen(write, "w")
    writer = Writer(stream, told.set)
    writer.write("into the void\n")
    assert told.wait(5)
    writer.write("still no harm\n")
    writer.close()
    with pytest.raises(BrokenPipeError):
        stream.close()
