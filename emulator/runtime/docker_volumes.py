"""Volumes that every user may write, as Kubernetes' emptyDir is.

The engine makes a volume that belongs to root, mode 0755, and has no word for another. So a new one is opened by a
container that never runs: the engine unpacks an archive into it, whose one entry is the folder that the volume is
mounted over. Blocks; called by `docker.py` in its threads. Follows kubernetes pkg/volume/emptydir (`perm`, 0777).
"""

from __future__ import annotations

import io
import tarfile
import threading

import docker
from docker.errors import NotFound

from emulator.runtime.docker_specs import opener_body

FOLDER = "kemu-volume"
_MODE = 0o777

_making = threading.Lock()
"""A Pod's containers start side by side: the second must not see the volume before it is open."""


def ensure_volume(client: docker.APIClient, name: str, image: str, instance: str) -> None:
    """Make volume `name` unless it is there. `image` is any that is present. The SDK's errors."""
    with _making:
        if _is_there(client, name):
            return
        opener = client.create_container_from_config(opener_body(name, f"/{FOLDER}", image, instance), None)  # type: ignore[no-untyped-call]
        try:
            client.put_archive(opener["Id"], "/", _archive())
        finally:
            client.remove_container(opener["Id"], force=True)


def _is_there(client: docker.APIClient, name: str) -> bool:
    try:
        client.inspect_volume(name)
    except NotFound:
        return False
    return True


def _archive() -> bytes:
    entry = tarfile.TarInfo(FOLDER)
    entry.type, entry.mode = tarfile.DIRTYPE, _MODE
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        archive.addfile(entry)
    return file.getvalue()
