"""The file: whole transactions, damage, other versions."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from emulator.store.database import FILE, Batch, Database, Row, Unusable, kept
from emulator.store.ledger import Stated

A, B = Row("", "ConfigMap", "default", "a"), Row("test.dev", "Thing", "", "b")


def written(folder: Path) -> Database:
    """A database with two rows, left as a killed process leaves it: not closed."""
    database = Database(folder)
    database.open()
    database.write(Batch({A: {"x": "ä"}, B: {"y": [1]}}, {A: Stated("a.yaml", {"z": None}, 3)}, version=7))
    return database


def test_what_was_written_is_found_again_though_nobody_closed_the_file(tmp_path: Path) -> None:
    first = written(tmp_path)
    found = Database(tmp_path).open()
    assert found.objects == {A: {"x": "ä"}, B: {"y": [1]}}
    assert found.stated == {A: Stated("a.yaml", {"z": None}, 3)}
    assert (found.version, found.notes) == (7, [])
    first.close()


def test_rows_go_and_change(tmp_path: Path) -> None:
    database = written(tmp_path)
    database.write(Batch({A: None, B: {"y": 2}}, {A: None}, version=8))
    database.close()
    found = Database(tmp_path).open()
    assert (found.objects, found.stated, found.version) == ({B: {"y": 2}}, {}, 8)
    assert len(kept(tmp_path)) == 1


def test_a_transaction_that_fails_leaves_nothing_of_itself(tmp_path: Path) -> None:
    database = written(tmp_path)
    with pytest.raises(TypeError):
        database.write(Batch({A: {"x": 2}, B: {"y": object()}}))
    database.write(Batch(version=9))
    assert Database(tmp_path).open().objects[A] == {"x": "ä"}
    database.close()


def test_the_file_is_for_its_owner_only(tmp_path: Path) -> None:
    database = written(tmp_path)
    assert {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {0o600}
    database.close()


@pytest.mark.parametrize("damage", ["no database", "holes"])
def test_a_damaged_file_is_moved_aside_and_told(tmp_path: Path, damage: str) -> None:
    database = written(tmp_path)
    database.write(Batch({Row("", "ConfigMap", "default", f"c{i}"): {"x": "y" * 900} for i in range(200)}))
    database.close()
    path = tmp_path / FILE
    content = bytearray(path.read_bytes())
    if damage == "no database":
        content[:16] = b"not a database.."
    else:
        content[8192 : len(content) - 4096] = bytes(len(content) - 12288)
    path.write_bytes(content)
    again = Database(tmp_path)
    found = again.open()
    assert found.objects == {}
    [note] = found.notes
    assert "is damaged" in note
    [aside] = tmp_path.glob(f"{FILE}.damaged-*")
    assert aside.name in note
    again.write(Batch({A: {}}))
    again.close()
    assert list(Database(tmp_path).open().objects) == [A]


def test_a_row_that_is_no_json_is_left_out_and_told(tmp_path: Path) -> None:
    database = written(tmp_path)
    database.close()
    with sqlite3.connect(tmp_path / FILE) as connection:
        connection.execute("UPDATE objects SET body = '{' WHERE name = 'a'")
    connection.close()
    found = Database(tmp_path).open()
    assert list(found.objects) == [B]
    assert "ConfigMap default/a" in found.notes[0]


def test_a_file_of_a_newer_kemu_is_refused(tmp_path: Path) -> None:
    written(tmp_path).close()
    connection = sqlite3.connect(tmp_path / FILE)
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(Unusable, match="written by a newer kemu"):
        Database(tmp_path).open()


def test_a_folder_in_the_place_of_the_file_is_told(tmp_path: Path) -> None:
    (tmp_path / FILE).mkdir()
    with pytest.raises(Unusable, match="cannot be used"):
        Database(tmp_path).open()


def test_where_nothing_is_kept_there_is_nothing(tmp_path: Path) -> None:
    assert kept(tmp_path) == []
    assert list(tmp_path.iterdir()) == []
