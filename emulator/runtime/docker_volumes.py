"""Volumes that every user may write, as Kubernetes' emptyDir is.

The engine makes a volume that belongs to root, mode 0755, and has no word for another. So a new one is opened by a
container that never runs: the engine unpacks an archive into it, whose one entry is the folder that the volume is
mounted over. A folder inside one is made in the same way, and mounted as a folder of the engine's computer: only from
Engine 26 on there is a word for it. Blocks; called by `docker.py` in its threads. Follows kubernetes
pkg/volume/emptydir (`perm`, 0777).
"""

from __future__ import annotations

import io
import tarfile
import threading
from dataclasses import replace

from emulator.runtime.base import Mount
from emulator.runtime.docker_sdk import NotFound, docker
from emulator.runtime.docker_specs import opener_body

FOLDER = "kemu-volume"
_MODE = 0o777

_making = threading.Lock()
"""A Pod's containers start side by side: the second must not see the volume before it is open."""
_folders: set[tuple[str, str]] = set()
"""(volume, folder) that were made: made again, a folder would lose the mode that a container gave it."""


def ensure_volume(client: docker.APIClient, mount: Mount, image: str, instance: str) -> None:
    """Make a mount's volume and the folder inside it that it names, unless they are there.

    `image` is any that is present. The SDK's errors.
    """
    name, folder = mount.source, mount.sub_path
    with _making:
        is_new = not _is_there(client, name)
        if is_new:
            _folders.difference_update([known for known in _folders if known[0] == name])
        if not is_new and (not folder or (name, folder) in _folders):
            return
        body = opener_body(replace(mount, target=f"/{FOLDER}", sub_path="", read_only=False), image, instance)
        opener = client.create_container_from_config(body, None)  # type: ignore[no-untyped-call]
        try:
            client.put_archive(opener["Id"], "/", _archive(folder, is_new=is_new))
        finally:
            client.remove_container(opener["Id"], force=True)
        if folder:
            _folders.add((name, folder))


def inside(client: docker.APIClient, mount: Mount) -> Mount:
    """The mount as the engine knows it: of a folder inside a volume by where the volume lies."""
    if mount.kind != "volume" or not mount.sub_path:
        return mount
    root = client.inspect_volume(mount.source)["Mountpoint"]
    return Mount(kind="bind", target=mount.target, source=f"{root}/{mount.sub_path}", read_only=mount.read_only)


def _is_there(client: docker.APIClient, name: str) -> bool:
    try:
        client.inspect_volume(name)
    except NotFound:
        return False
    return True


def _archive(folder: str, *, is_new: bool) -> bytes:
    """The volume's own entry when it `is_new`, and one for each folder on the way to `folder`."""
    parts = [part for part in folder.split("/") if part]
    paths = ["/".join((FOLDER, *parts[:count])) for count in range(0 if is_new else 1, len(parts) + 1)]
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        for path in paths:
            entry = tarfile.TarInfo(path)
            entry.type, entry.mode = tarfile.DIRTYPE, _MODE
            archive.addfile(entry)
    return file.getvalue()
