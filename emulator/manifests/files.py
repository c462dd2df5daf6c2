"""Which files a path means, and what is in them.

Folders are walked recursively for `.yaml`, `.yml` and `.json`; hidden names are skipped, a folder that is reached twice
(a symlink's loop) is read once; `-` is stdin. Blocking: run it in a thread.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

SUFFIXES = (".yaml", ".yml", ".json")
STDIN = "-"
SIZE_LIMIT = 32 * 1024 * 1024


@dataclass(frozen=True)
class Source:
    """One file: the name shown to the user, its text, or why it cannot be read.

    `is_found`: it lies in a folder that was named, and was not named itself.
    """

    name: str
    text: str = ""
    fault: str = ""
    is_found: bool = False


def read_sources(paths: Sequence[Path]) -> list[Source]:
    """All files below `paths`, by name."""
    return [source for path in paths for source in _below(path)]


def _below(path: Path) -> Iterator[Source]:
    if str(path) == STDIN:
        yield Source("<stdin>", sys.stdin.read())
    elif path.is_dir():
        found = [_read(file) for file in manifest_files(path)]
        yield from (replace(source, is_found=True) for source in found)
    elif path.exists():
        yield _read(path)
    else:
        beside = sorted(p.name for p in path.parent.iterdir())[:10] if path.parent.is_dir() else []
        near = f"; there are: {', '.join(beside)}" if beside else ""
        yield Source(str(path), fault=f"there is no such file or folder{near}")


def manifest_files(folder: Path) -> Iterator[Path]:
    """The manifests below a folder, in order of their names."""
    seen: set[tuple[int, int]] = set()
    for root, folders, files in os.walk(folder, followlinks=True):
        try:
            stat = os.stat(root)
        except OSError:  # it went while we walked: a checkout is under way
            folders.clear()
            continue
        if (stat.st_dev, stat.st_ino) in seen:
            folders.clear()
            continue
        seen.add((stat.st_dev, stat.st_ino))
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(files):
            if is_manifest(name):
                yield Path(root, name)


def is_manifest(name: str) -> bool:
    """Whether a file of that name counts; editors' own files do not."""
    return name.endswith(SUFFIXES) and not name.startswith((".", "#", "~")) and not name.endswith("~")


def _read(path: Path) -> Source:
    try:
        if path.stat().st_size > SIZE_LIMIT:
            return Source(str(path), fault=f"it is larger than {SIZE_LIMIT >> 20} MiB: is it a manifest?")
        return Source(str(path), path.read_bytes().decode("utf-8"))
    except UnicodeDecodeError as error:
        return Source(str(path), fault=f"byte {error.start} is no UTF-8: save the file as UTF-8")
    except OSError as error:
        return Source(str(path), fault=f"it cannot be read: {error.strerror}")
