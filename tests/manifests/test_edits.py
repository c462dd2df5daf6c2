"""Objects that are no longer as their files say."""

from __future__ import annotations

from pathlib import Path

import pytest

from emulator.manifests.edits import Edit, edits
from tests.manifests.test_loader import SERVICE_YAML, Files


@pytest.fixture
def files(tmp_path: Path) -> Files:
    files = Files(tmp_path)
    files.write("a.yaml", SERVICE_YAML.format(name="a", value="1"))
    files.load()
    return files


def edit(files: Files, value: str) -> None:
    obj = files.service("a").obj
    template = {"spec": {"containers": [{"image": "an/image", "env": [{"name": "A", "value": value}]}]}}
    files.store.update({**obj, "spec": {"template": template}}, "somebody")


def test_what_nobody_touched_is_as_its_file_says(files: Files) -> None:
    files.store.patch_metadata(files.service("a").key, labels={"x": "y"})
    files.store.update_status(files.service("a").key, {"x": "y"})
    assert list(edits(files.store, files.ledger)) == []


def test_another_spec_is_an_edit_until_it_is_taken_back(files: Files) -> None:
    edit(files, "2")
    key = files.service("a").key
    assert list(edits(files.store, files.ledger)) == [Edit(key, str(files.folder / "a.yaml"))]
    edit(files, "1")
    assert list(edits(files.store, files.ledger)) == []


def test_an_edit_ends_when_the_document_changes(files: Files) -> None:
    edit(files, "2")
    files.write("a.yaml", SERVICE_YAML.format(name="a", value="3"))
    files.load()
    assert list(edits(files.store, files.ledger)) == []


def test_a_deletion_is_an_edit(files: Files) -> None:
    key = files.service("a").key
    files.store.delete(key.kind, key.name, key.namespace)
    assert list(edits(files.store, files.ledger)) == [Edit(key, str(files.folder / "a.yaml"), is_gone=True)]
