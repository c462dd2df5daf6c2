"""The one hosts file: cluster-local names, as every container of the instance sees them.

It lies in the data directory, is bind-mounted read-only over each container's /etc/hosts, and is rewritten in place
(same inode), so that running containers see a Service that was made after them. Names lead to kemu's internal
listener on the bridge's gateway; pinned ones to a Pod of the Service that has them. Engines with a machine of their
own (Docker Desktop, remote) know no address of kemu's that could stand in it; their containers get `fixed()` when
they start.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from types import MappingProxyType

_HEAD = "# Written by kemu: do not edit.\n127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n"
_PER_LINE = 8  # glibc reads long lines, musl stops at 512 bytes


class HostsFile:
    """The file at `path`. Its writes are small; they are done in a thread all the same."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._gateway = ""
        self._names: tuple[str, ...] = ()
        self._pins: Mapping[str, str] = {}

    def write(self, gateway: str, names: Iterable[str], pins: Mapping[str, str] = MappingProxyType({})) -> None:
        """Let all `names` lead to `gateway` ("": none is known), those of `pins` to the address there. Blocks: call it
        in a thread.
        """
        self._gateway, self._pins = gateway, dict(pins)
        self._names = tuple(name for name in names if name not in pins)
        text = self.text()
        mode = "r+" if self.path.exists() else "w"
        with self.path.open(mode, encoding="utf-8") as file:
            # One write, then cut: a reader in between sees old lines behind new ones, never half a file.
            file.write(text)
            file.truncate()
        self.path.chmod(0o644)

    def text(self) -> str:
        """The file's content."""
        rows = [self._names[at : at + _PER_LINE] for at in range(0, len(self._names), _PER_LINE)]
        pinned = "".join(f"{address}\t{name}\n" for name, address in sorted(self._pins.items()))
        return _HEAD + "".join(f"{self._gateway}\t{' '.join(row)}\n" for row in rows if self._gateway) + pinned

    def fixed(self) -> Mapping[str, str]:
        """The names as they are now, for an engine that cannot see the file."""
        return {**{name: self._gateway or "host-gateway" for name in self._names}, **self._pins}
