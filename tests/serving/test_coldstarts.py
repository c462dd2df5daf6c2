"""Where the time of a cold request went: the parts add up, whenever it came. Pure."""

from __future__ import annotations

import re

import pytest

from emulator.serving.coldstarts import ColdStart, breakdown, own_parts

POD = {"image": 1.0, "create": 5.0, "start": 150.0, "port": 3.0, "probe": 0.0}
TOKEN = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
METRIC = rf"{TOKEN}(;{TOKEN}=({TOKEN}|\"[^\"]*\"))*"


def test_a_pods_own_parts_are_read_from_its_annotation() -> None:
    assert own_parts("image=1.0 create=5.0") == {"image": 1.0, "create": 5.0}
    assert own_parts("") == {}


@pytest.mark.parametrize(
    ("own", "waited_ms", "parts"),
    [
        pytest.param(POD, 161.0, {"queued": 2.0, **POD, "first byte": 4.0}, id="it waited for all"),
        pytest.param(
            POD, 100.0, {"queued": 0.0, "start": 97.0, "port": 3.0, "probe": 0.0, "first byte": 4.0}, id="it came later"
        ),
        pytest.param({"thaw": 9.0}, 10.5, {"queued": 1.5, "thaw": 9.0, "first byte": 4.0}, id="thawed"),
    ],
)
def test_the_parts_of_a_request_add_up(own: dict[str, float], waited_ms: float, parts: dict[str, float]) -> None:
    cold = breakdown(own, waited_ms, 4.0)
    assert dict(cold.parts) == parts
    assert list(cold.parts) == list(parts)
    assert cold.total_ms == waited_ms + 4.0


def test_it_is_told_in_words() -> None:
    assert breakdown(POD, 161.0, 4.0).text == (
        "cold start 165 ms: queued 2.0 · image 1.0 · create 5.0 · start 150 · port 3.0 · probe 0.0 · first byte 4.0"
    )
    assert breakdown({"thaw": 9.0}, 10.5, 4.0).text == "thawed in 14 ms: queued 1.5 · thaw 9.0 · first byte 4.0"


@pytest.mark.parametrize("cold", [breakdown(POD, 161.0, 4.0), breakdown({"thaw": 9.0}, 10.5, 4.0)])
def test_the_header_is_valid(cold: ColdStart) -> None:
    line = cold.header.decode()
    assert line.startswith(f"Server-Timing: cold;desc={cold.way};dur=")
    assert line.endswith("\r\n")
    value = line.removeprefix("Server-Timing: ").rstrip("\r\n")
    assert re.fullmatch(rf"{METRIC}(, {METRIC})*", value), value
    assert "first-byte;dur=4.0" in value
