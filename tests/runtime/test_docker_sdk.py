"""How the Docker SDK is loaded, each in an interpreter of its own."""

from __future__ import annotations

import subprocess
import sys

_TELL = "import sys; print(*(name for name in ('charset_normalizer', 'chardet') if name in sys.modules))"


def _run(script: str) -> str:
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", script], capture_output=True, text=True, check=True
    ).stdout


def test_the_sdk_is_loaded_without_what_guesses_character_sets() -> None:
    assert _run(f"import emulator.runtime.docker; {_TELL}").split() == []


def test_what_was_hidden_can_be_loaded_afterwards() -> None:
    assert _run(f"import emulator.runtime.docker, charset_normalizer; {_TELL}").split() == ["charset_normalizer"]


def test_an_answer_without_a_character_set_is_read_as_utf_8() -> None:
    script = (
        "from emulator.runtime.docker_sdk import requests; answer = requests.Response(); "
        "answer._content = 'Größe'.encode(); print(ascii(answer.text))"
    )
    assert _run(script).strip() == ascii("Größe")
