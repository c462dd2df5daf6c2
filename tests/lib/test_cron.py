"""When croniter is loaded."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime

from emulator.lib import cron


def test_it_is_loaded_by_the_first_schedule() -> None:
    script = (
        "import sys, emulator.app; print('croniter' in sys.modules); "
        "from emulator.eventing.sources.schedule import Schedule; Schedule('0 * * * *'); "
        "print('croniter' in sys.modules)"
    )
    said = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    assert said.split() == ["False", "True"]


def test_it_reads_the_fields_of_an_expression() -> None:
    start = datetime(2025, 1, 1, 0, 30, tzinfo=UTC)
    assert cron.fields()("0 * * * *", start).get_next(datetime) == datetime(2025, 1, 1, 1, tzinfo=UTC)
