"""Which folders of this computer a Pod may have."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path

import pytest

from emulator.lib.tasks import Tasks
from emulator.workloads.environment import ConfigFault
from emulator.workloads.hostpaths import HostPaths
from tests.workloads.pods import pod


async def test_without_anybody_to_ask_it_is_refused_with_the_way_out(tmp_path: Path) -> None:
    with pytest.raises(ConfigFault) as fault:
        await HostPaths(False).check(pod(), "/srv", "")
    assert str(fault.value) == (
        "hostPath /srv: Pod default/p may not have folders of this computer; "
        "start kemu with --allow-host-path, or in a terminal, where it asks"
    )


async def test_the_user_is_asked_once_for_each_path(tmp_path: Path) -> None:
    asked: list[str] = []

    async def ask(question: str) -> bool:
        asked.append(question)
        await asyncio.sleep(0)
        return "/yes" in question

    gate = HostPaths(False, ask)
    async with Tasks() as tasks:
        both = [tasks.spawn(gate.check(pod(), "/yes", ""), "check") for _ in range(2)]
        await asyncio.gather(*both)
    for _ in range(2):
        with pytest.raises(ConfigFault, match=r"hostPath /no: .* or again, and answer y"):
            await gate.check(pod(), "/no", "")
    assert asked == [f"May Pod default/p read and write {path} of this computer?" for path in ("/yes", "/no")]


@pytest.mark.parametrize(
    ("type_", "name", "fault"),
    [
        ("", "none", ""),
        ("Directory", "folder", ""),
        ("Directory", "file", "is not a directory"),
        ("DirectoryOrCreate", "new", ""),
        ("DirectoryOrCreate", "file", "File exists"),
        ("File", "folder", "is not a file"),
        ("FileOrCreate", "new", ""),
        ("FileOrCreate", "none/new", "No such file or directory"),
        ("Socket", "socket", ""),
        ("Socket", "file", "is not a socket file"),
        ("CharDevice", "file", "is not a character device"),
        ("BlockDevice", "none", "is not a block device"),
    ],
)
async def test_a_type_is_checked_and_made_where_it_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, type_: str, name: str, fault: str
) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    monkeypatch.chdir(tmp_path)  # a socket's name is short
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("socket")
        check = HostPaths(True).check(pod(), str(tmp_path / name), type_)
        if fault:
            with pytest.raises(ConfigFault, match=fault):
                await check
        else:
            await check
    assert (tmp_path / "new").is_dir() is (type_ == "DirectoryOrCreate" and name == "new")
    assert (tmp_path / "new").is_file() is (type_ == "FileOrCreate" and name == "new")
