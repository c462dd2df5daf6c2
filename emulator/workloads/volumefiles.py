"""The files of a volume on this computer, replaced all at once: a reader sees the old ones or the new ones, never both.

What a volume shows are links into the folder that `..data` leads to; new files come in a folder beside it, and `..data`
is turned over. Blocks: call it in a thread. Followed: kubernetes pkg/volume/util/atomic_writer.go, and volume_linux.go
for `fsGroup`.
"""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

DEFAULT_MODE = 0o644
_DATA = "..data"
_GROUP_READS = 0o440


@dataclass(frozen=True)
class File:
    """One file of a volume: its path inside it, content, and permission bits."""

    path: str
    text: str
    mode: int = DEFAULT_MODE


def replace_files(root: Path, files: Sequence[File], group: int | None = None) -> None:
    """Let the volume at `root` show `files` and no others. `group` (`fsGroup`) may read them, too."""
    root.mkdir(parents=True, exist_ok=True)
    fresh = root / f"..{secrets.token_hex(8)}"
    fresh.mkdir(mode=0o755)
    for file in files:
        _write(fresh / file.path, file, group)
    current = root / _DATA
    old = root / os.readlink(current) if current.is_symlink() else None
    _link(current, fresh.name)
    shown = {file.path.split("/", 1)[0] for file in files}
    for name in shown:
        _link(root / name, f"{_DATA}/{name}")
    _remove_links(root, except_for=shown)
    if old is not None:
        shutil.rmtree(old, ignore_errors=True)


def _write(path: Path, file: File, group: int | None) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(file.text.encode(errors="surrogateescape"))
    if group is not None:
        with suppress(PermissionError):  # only root gives files away
            os.chown(path, -1, group)
    path.chmod(file.mode if group is None else file.mode | _GROUP_READS)


def _link(place: Path, target: str) -> None:
    """Let `place` lead to `target` from one moment to the next, unless it does."""
    if place.is_symlink() and os.readlink(place) == target:
        return
    part = place.with_name("..part")
    part.unlink(missing_ok=True)
    part.symlink_to(target)
    if place.is_dir() and not place.is_symlink():
        shutil.rmtree(place)  # made for a `subPath` that did not exist
    part.replace(place)


def _remove_links(root: Path, except_for: Iterable[str]) -> None:
    for place in root.iterdir():
        if place.is_symlink() and place.name != _DATA and place.name not in except_for:
            place.unlink()
