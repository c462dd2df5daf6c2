"""Which files in a folder of manifests are none."""

from __future__ import annotations

import pytest

from emulator.manifests.diagnostics import Diagnostic
from emulator.manifests.files import Source
from emulator.manifests.foreign import parsed, skipped

OBJECT = "{apiVersion: v1, kind: ConfigMap, metadata: {name: a}}"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("package.json", '{"name": "web", "version": "1.0.0", "scripts": {"start": "node ."}}'),
        ("tsconfig.json", '{\n  // strict\n  "compilerOptions": {"strict": true,}\n}'),
        ("data.json", "[1, 2, 3]"),
        ("docker-compose.yaml", "services:\n  web:\n    image: nginx\n"),
        ("values.yaml", "replicaCount: 1\nimage: {repository: nginx}\n---\nmore: 1\n"),
        ("ci.yml", "name: ci\non: [push]\njobs: {test: {runs-on: ubuntu-latest}}\n"),
        ("text.yaml", "just words"),
    ],
)
def test_what_has_no_sign_of_an_object_is_foreign(name: str, text: str) -> None:
    assert parsed(Source(name, text, is_found=True)) is None
    assert parsed(Source(name, text)), "a file that was named itself is meant to be a manifest"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("kind: Pod", "a.yaml:1:1 apiVersion: missing; every object says its apiVersion and kind"),
        ("metadata: {name: a}", "a.yaml:1:1 apiVersion: missing; every object says its apiVersion and kind"),
        ("apiversion: v1", "a.yaml:1:1 apiVersion: missing; every object says its apiVersion and kind"),
        (f"{OBJECT}\n---\nreplicas: 1", "a.yaml:3:1 apiVersion: missing; every object says its apiVersion and kind"),
        ("a:\n\tb: 1", "a.yaml:2:1 a tab where YAML wants spaces; indent with spaces"),
    ],
    ids=["kind", "metadata", "case", "beside an object", "no YAML"],
)
def test_what_has_one_is_judged(text: str, said: str) -> None:
    items = parsed(Source("a.yaml", text, is_found=True))
    assert items is not None
    assert [str(item) for item in items if isinstance(item, Diagnostic)] == [said]


def test_json_that_is_a_broken_manifest_is_a_fault() -> None:
    assert parsed(Source("a.json", '{"kind": "Pod", "spec": {', is_found=True))


def test_a_file_without_documents_is_nothing() -> None:
    assert parsed(Source("a.yaml", "# later\n", is_found=True)) == []


def test_a_file_that_cannot_be_read_is_a_fault() -> None:
    items = parsed(Source("a.json", fault="it cannot be read: no", is_found=True))
    assert items is not None
    assert [str(item) for item in items] == ["a.json: it cannot be read: no"]


def test_all_foreign_files_are_one_note() -> None:
    assert skipped(["a/package.json"]) == "skipped 1 file without apiVersion and kind: a/package.json"
    assert skipped(["a", "b"]) == "skipped 2 files without apiVersion and kind: a, b"
