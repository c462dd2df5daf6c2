"""Reloads the manifests when their files change.

watchfiles tells of changes; a reload waits until the files have rested for a moment, so that an editor's dance of
temporary files and a `git checkout` of hundreds are one reload. A load with faults is shown and changes nothing.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path

from watchfiles import Change, DefaultFilter, awatch

from emulator.lib.report import report
from emulator.lib.tasks import Tasks
from emulator.manifests.diagnostics import ManifestFaults
from emulator.manifests.files import STDIN, is_manifest
from emulator.manifests.loader import Applied, Loader

logger = logging.getLogger(__name__)

_LOCK_PATIENCE_S = 5.0
_WATCHED_S = 1.0  # by then the system tells of changes; nothing says when it begins to


class _Manifests(DefaultFilter):
    """Manifests, and folders that come and go with some inside."""

    def __call__(self, change: Change, path: str) -> bool:
        name = Path(path).name
        if any(part.startswith(".") for part in Path(path).parts[-2:-1]):
            return False
        return is_manifest(name) or ("." not in name and super().__call__(change, path))


async def watch(loader: Loader, quiet_s: float, applied: Callable[[Applied], None]) -> None:
    """Reload until cancelled; `applied` hears of every load that fitted."""
    paths = [path for path in loader.paths if str(path) != STDIN]
    if not paths:
        return
    # A single file is watched through its folder: an editor replaces it by renaming another one.
    roots = await asyncio.to_thread(lambda: {path if path.is_dir() else path.parent for path in paths})
    debounce_ms, step_ms = 1600, max(int(quiet_s * 1000), 1)
    seen = awatch(*roots, watch_filter=_Manifests(), debounce=debounce_ms, step=step_ms, rust_timeout=60_000)
    turn = asyncio.Lock()
    async with Tasks() as tasks:
        tasks.spawn(_catch_up(loader, applied, turn), "catch up")
        async for changes in seen:
            if await asyncio.to_thread(lambda changes=changes: any(_matters(*change) for change in changes)):  # type: ignore[misc]
                await _git_rests(roots)
                async with turn:
                    await reload(loader, applied)


async def _catch_up(loader: Loader, applied: Callable[[Applied], None], turn: asyncio.Lock) -> None:
    """Load what was saved after the first load and before the system watched."""
    await asyncio.sleep(_WATCHED_S)
    async with turn:
        await reload(loader, applied)


def _matters(change: Change, path: str) -> bool:
    """Not a log without a suffix that lies beside the manifests and is written at every reload."""
    return is_manifest(Path(path).name) or change is Change.deleted or Path(path).is_dir()


async def reload(loader: Loader, applied: Callable[[Applied], None]) -> None:
    """Load once; faults are reported, and the old state stays."""
    sources = await asyncio.to_thread(loader.read)
    try:
        wanted = loader.check(sources)
    except ManifestFaults as faults:
        if faults.diagnostics == loader.told:
            return
        loader.told = faults.diagnostics
        count = len(faults.diagnostics)
        lines = "\n".join(f"  {d}" for d in faults.diagnostics)
        said = "not reloaded: %d fault%s; what ran before still runs\n%s"
        logger.error(said, count, "" if count == 1 else "s", lines, extra={"about": "manifests", "fields": {}})
        return
    loader.told = []
    outcome = loader.apply(wanted)
    if not outcome.is_nothing:
        report(logger, "manifests", "reloaded: %s", outcome)
    applied(outcome)


async def _git_rests(roots: set[Path]) -> None:
    """Wait for a checkout that is under way."""
    locks = await asyncio.to_thread(_git_locks, roots)
    try:
        async with asyncio.timeout(_LOCK_PATIENCE_S):
            while await asyncio.to_thread(lambda: any(lock.exists() for lock in locks)):  # noqa: ASYNC110
                await asyncio.sleep(0.05)
    except TimeoutError:
        return


def _git_locks(roots: set[Path]) -> list[Path]:
    return [folder / ".git" / "index.lock" for root in roots for folder in (root, *root.resolve().parents)]
