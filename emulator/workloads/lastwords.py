"""What a container says of its end: the file at its `terminationMessagePath`, or else its last output.

The file is an empty one of the Pod's folder, mounted anew for each start. All but `message` blocks, if only for a small
file: call it in a thread. Followed: kubernetes pkg/kubelet/kuberuntime (`getTerminationMessage`), pkg/kubelet/container
(MaxContainerTerminationMessage…), from where the bounds are.
"""

from __future__ import annotations

from pathlib import Path

from emulator.objects.podspec import Container
from emulator.runtime.base import Mount

FALLBACK_LINES = 80
_MOST_BYTES, _FALLBACK_BYTES = 4096, 2048
_FOLDER = "_messages"  # no volume has such a name


def file_of(container: Container, folder: Path) -> Path:
    """Where the container's message lies below its Pod's `folder`."""
    return folder / _FOLDER / container.name


def mount_of(container: Container, folder: Path) -> tuple[Mount, ...]:
    """The mount of the message's file; none where no path is named, or a volume is mounted there."""
    path = container.termination_message_path
    if not path or any(mount.mount_path == path for mount in container.volume_mounts):
        return ()
    return (Mount(kind="bind", target=path, source=str(file_of(container, folder))),)


def make(container: Container, folder: Path) -> None:
    """An empty file that every user may write; what an earlier start has written is gone."""
    file = file_of(container, folder)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.unlink(missing_ok=True)
    file.touch()
    file.chmod(0o666)


def read(container: Container, folder: Path) -> str:
    """What the container has written there; "" if nothing."""
    try:
        with file_of(container, folder).open("rb") as file:
            return file.read(_MOST_BYTES).decode(errors="replace")
    except OSError:
        return ""


def message(container: Container, written: str, exit_code: int, output: str) -> str:
    """The `message` of the ended container. `output` is its last FALLBACK_LINES lines at most."""
    if written or exit_code == 0 or container.termination_message_policy != "FallbackToLogsOnError":
        return written
    return output.encode()[-_FALLBACK_BYTES:].decode(errors="ignore")
