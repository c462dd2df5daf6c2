"""Which files a path means, and files that cannot be read."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import pytest

from emulator.manifests.files import is_manifest, manifest_files, read_sources


@pytest.mark.parametrize(
    ("name", "counts"),
    [
        ("a.yaml", True),
        ("a.yml", True),
        ("a.json", True),
        ("a.YAML", False),
        ("a.txt", False),
        (".a.yaml", False),
        ("#a.yaml", False),
        ("a.yaml~", False),
        (".a.yaml.swp", False),
    ],
)
def test_editors_own_files_do_not_count(name: str, counts: bool) -> None:
    assert is_manifest(name) is counts


def test_files_come_in_order_of_their_names_folder_by_folder(tmp_path: Path) -> None:
    for name in ("b/x.yaml", "a/y.yaml", "z.yaml", ".hidden/no.yaml"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("")
    found = [str(path.relative_to(tmp_path)) for path in manifest_files(tmp_path)]
    assert found == ["z.yaml", "a/y.yaml", "b/x.yaml"]


def test_a_loop_of_symlinks_is_read_once(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("")
    (tmp_path / "again").symlink_to(tmp_path)
    assert [path.name for path in manifest_files(tmp_path)] == ["a.yaml"]


def test_a_single_file_is_read_whatever_its_name(tmp_path: Path) -> None:
    path = tmp_path / "manifest.txt"
    path.write_text("kind: x")
    assert [(s.name, s.text) for s in read_sources([path])] == [(str(path), "kind: x")]


def test_a_path_that_is_not_there_is_told_with_its_neighbours(tmp_path: Path) -> None:
    (tmp_path / "service.yaml").write_text("")
    (source,) = read_sources([tmp_path / "servcie.yaml"])
    assert source.fault == "there is no such file or folder; there are: service.yaml"


def test_a_file_that_is_no_utf8_is_told_with_the_byte(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_bytes(b"kind: \xff")
    (source,) = read_sources([tmp_path])
    assert source.fault == "byte 6 is no UTF-8: save the file as UTF-8"


def test_a_file_that_cannot_be_read_is_a_fault(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").symlink_to(tmp_path / "nowhere")
    (source,) = read_sources([tmp_path])
    assert source.fault == "it cannot be read: No such file or directory"


def test_a_huge_file_is_not_read(tmp_path: Path) -> None:
    with (tmp_path / "a.yaml").open("w") as file:
        file.truncate(33 << 20)
    (source,) = read_sources([tmp_path])
    assert source.fault == "it is larger than 32 MiB: is it a manifest?"


def test_a_dash_is_stdin(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("kind: x"))
    assert [(s.name, s.text) for s in read_sources([Path("-")])] == [("<stdin>", "kind: x")]
