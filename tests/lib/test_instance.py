"""One kemu per data directory."""

from __future__ import annotations

from pathlib import Path

import pytest

from emulator.lib.instance import AlreadyRunning, Instance, State, data_dir, read_state, running

STATE = State(1, "abc", "127.0.0.1", 8080, 9090, "secret", "2026-01-01T00:00:00Z")


def test_the_data_directory_is_as_given_else_from_the_environment(tmp_path: Path) -> None:
    assert data_dir(str(tmp_path), {"KEMU_DATA_DIR": "/other"}) == tmp_path
    assert data_dir(None, {"KEMU_DATA_DIR": "/other"}) == Path("/other")
    assert data_dir(None, {}).name == "kemu"


def test_a_running_instance_is_found_and_a_second_one_refused(tmp_path: Path) -> None:
    with Instance(tmp_path) as instance:
        assert running(tmp_path) is None
        instance.publish(STATE)
        assert running(tmp_path) == STATE
        assert (tmp_path / "state.json").stat().st_mode & 0o777 == 0o600
        with pytest.raises(AlreadyRunning, match=r"pid 1, http://127.0.0.1:8080"), Instance(tmp_path):
            pass
    assert running(tmp_path) is None
    assert not (tmp_path / "state.json").exists()


def test_a_state_file_without_its_process_does_not_count(tmp_path: Path) -> None:
    with Instance(tmp_path) as instance:
        instance.publish(STATE)
        left = (tmp_path / "state.json").read_text()
    (tmp_path / "state.json").write_text(left)
    assert read_state(tmp_path) == STATE
    assert running(tmp_path) is None


def test_the_id_stays_with_the_directory(tmp_path: Path) -> None:
    with Instance(tmp_path) as instance:
        first = instance.id
    with Instance(tmp_path) as instance:
        assert instance.id == first
    with Instance(tmp_path / "other") as instance:
        assert instance.id != first


def test_an_instance_forgets_its_own_and_leaves_the_rest(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    with Instance(folder) as instance:
        assert instance.id
        for name in ("objects.sqlite", "objects.sqlite-wal", "objects.sqlite.damaged-20260101T000000", "crash.log"):
            (folder / name).write_text("x")
        (folder / "pods" / "p").mkdir(parents=True)
        (folder / "notes.txt").write_text("mine")
        instance.forget()
    assert [path.name for path in folder.iterdir()] == ["notes.txt"]
    (folder / "notes.txt").unlink()
    with Instance(folder) as instance:
        instance.forget()
    assert not folder.exists()
