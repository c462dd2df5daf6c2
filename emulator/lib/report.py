"""One line for the user's log, tied to the object that it is about.

The merged log of `kemu up` is made of ordinary `logging` records: INFO is what a user asked to see. A record says
which object it is about in `record.about` (the name to show) and may carry `record.fields`, a flat dict of facts for
`--json`. The terminal handler that draws them lives in `cli/`; every other layer only logs.
"""

from __future__ import annotations

import logging


def report(logger: logging.Logger, about: str, message: str, *args: object, **fields: object) -> None:
    """Log `message % args` at INFO about the object shown as `about`; `fields` go to `--json` as they are."""
    logger.info(message, *args, extra={"about": about, "fields": fields})


def trouble(logger: logging.Logger, about: str, message: str, *args: object, **fields: object) -> None:
    """As `report`, at WARNING: something that the user should look at, handled here and shown once."""
    logger.warning(message, *args, extra={"about": about, "fields": fields})
