"""Whether a Pod may have a folder of this computer: a manifest may come from anywhere, and mounting is reading.

Allowed for all paths by `--allow-host-path`, else asked of the user for each path once; where nobody can be asked it is
refused. Also checks a volume's `type`. Called by a Pod's volumes before they are mounted. Followed: kubernetes
pkg/volume/hostpath (`checkTypeInternal`), from where the faults' texts are.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

from emulator.objects.podspec import PodSpec
from emulator.objects.resource import Resource
from emulator.workloads.environment import ConfigFault

Ask = Callable[[str], Awaitable[bool]]
"""Puts a question to the user and returns whether the answer is yes."""

_KINDS: dict[str, tuple[str, Callable[[Path], bool]]] = {
    "Directory": ("a directory", Path.is_dir),
    "DirectoryOrCreate": ("a directory", Path.is_dir),
    "File": ("a file", Path.is_file),
    "FileOrCreate": ("a file", Path.is_file),
    "Socket": ("a socket file", Path.is_socket),
    "CharDevice": ("a character device", Path.is_char_device),
    "BlockDevice": ("a block device", Path.is_block_device),
}


class HostPaths:
    """What the user has allowed. Without `ask` nobody can be asked."""

    def __init__(self, are_allowed: bool, ask: Ask | None = None) -> None:
        self._are_allowed = are_allowed
        self._ask = ask
        self._answers: dict[str, bool] = {}
        self._asking = asyncio.Lock()

    async def check(self, pod: Resource[PodSpec], path: str, type_: str) -> None:
        """ConfigFault unless `pod` may have `path` and it is what `type_` says; what is to be made is made."""
        who = f"Pod {pod.namespace}/{pod.name}"
        if not await self._may_have(who, path):
            how = "in a terminal, where it asks" if self._ask is None else "again, and answer y"
            fix = f"start kemu with --allow-host-path, or {how}"
            raise ConfigFault(f"hostPath {path}: {who} may not have folders of this computer; {fix}")
        await asyncio.to_thread(_check_type, Path(path), type_)

    async def _may_have(self, who: str, path: str) -> bool:
        if self._are_allowed or self._ask is None:
            return self._are_allowed
        async with self._asking:
            if path not in self._answers:
                self._answers[path] = await self._ask(f"May {who} read and write {path} of this computer?")
            return self._answers[path]


def _check_type(path: Path, type_: str) -> None:
    """Blocks."""
    if type_ not in _KINDS:
        return
    word, is_so = _KINDS[type_]
    try:
        if type_ == "DirectoryOrCreate":
            path.mkdir(0o755, parents=True, exist_ok=True)
        elif type_ == "FileOrCreate" and not path.exists():
            path.touch(0o644)
    except OSError as error:
        raise ConfigFault(f"hostPath {path}: {error.strerror}") from error
    if not is_so(path):
        raise ConfigFault(f"hostPath type check failed: {path} is not {word}")
