"""Expectations that Kubernetes' own code gave for inputs of these tests; the files name the versions."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


def cases(name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((Path(__file__).parent / f"{name}.json").read_text())["cases"]
    return found
