"""Files of a volume, replaced all at once."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from emulator.workloads.volumefiles import File, replace_files


def shown(root: Path) -> dict[str, str]:
    """What a container sees, by path."""
    visible = [path for path in root.iterdir() if not path.name.startswith("..")]
    files = [file for path in visible for file in ([path] if path.is_file() else path.rglob("*")) if file.is_file()]
    return {str(file.relative_to(root)): file.read_text() for file in files}


def test_the_volume_shows_the_new_files_and_no_others(tmp_path: Path) -> None:
    replace_files(tmp_path, [File("keep", "1"), File("deep/er", "2"), File("gone", "3")])
    assert shown(tmp_path) == {"keep": "1", "deep/er": "2", "gone": "3"}
    replace_files(tmp_path, [File("keep", "one"), File("deep/new", "4")])
    assert shown(tmp_path) == {"keep": "one", "deep/new": "4"}
    replace_files(tmp_path, [])
    assert shown(tmp_path) == {}
    current = (tmp_path / "..data").readlink().name
    assert {path.name for path in tmp_path.iterdir()} == {"..data", current}, "nothing is left of earlier files"


def test_all_of_them_change_with_one_link(tmp_path: Path) -> None:
    replace_files(tmp_path, [File("a", "old"), File("b", "old")])
    links = {name: (tmp_path / name).lstat().st_ino for name in ("a", "b")}
    replace_files(tmp_path, [File("a", "new"), File("b", "new")])
    assert {name: (tmp_path / name).lstat().st_ino for name in ("a", "b")} == links
    assert {(tmp_path / name).read_text() for name in links} == {"new"}


def test_a_reader_keeps_what_it_has_opened(tmp_path: Path) -> None:
    replace_files(tmp_path, [File("f", "old", 0o400)])
    with (tmp_path / "f").open() as reader:
        replace_files(tmp_path, [File("f", "new", 0o400)])
        assert reader.read() == "old"
    assert (tmp_path / "f").read_text() == "new"


@pytest.mark.parametrize(("group", "mode"), [(None, 0o400), (os.getgid(), 0o440)])
def test_the_pods_group_may_read_them(tmp_path: Path, group: int | None, mode: int) -> None:
    replace_files(tmp_path, [File("f", "text", 0o400)], group)
    found = (tmp_path / "f").stat()
    assert (found.st_mode & 0o777, found.st_gid) == (mode, os.getgid())


def test_a_folder_that_stood_in_for_a_missing_file_gives_way(tmp_path: Path) -> None:
    (tmp_path / "later").mkdir()
    replace_files(tmp_path, [File("later", "text")])
    assert shown(tmp_path) == {"later": "text"}
