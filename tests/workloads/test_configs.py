"""ConfigMaps and Secrets at admission."""

from __future__ import annotations

from typing import Any

import pytest

from emulator.lib.clock import SystemClock
from emulator.objects.errors import Invalid
from emulator.objects.kind import Registry
from emulator.store.store import Store
from emulator.workloads.configs import CONFIG_MAP, SECRET


@pytest.fixture
def store() -> Store:
    return Store(Registry([CONFIG_MAP, SECRET]), SystemClock(), CONFIG_MAP)


def obj(kind: str, **fields: Any) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": kind, "metadata": {"name": "a"}, **fields}


def test_string_data_becomes_data_and_wins(store: Store) -> None:
    made = store.create(obj("Secret", data={"a": "eA==", "b": "eA=="}, stringData={"b": "y"}))
    assert made.obj["data"] == {"a": "eA==", "b": "eQ=="}
    assert (made.obj["type"], "stringData" in made.obj) == ("Opaque", False)


def test_a_secret_that_is_no_base64_is_refused_with_a_cure(store: Store) -> None:
    with pytest.raises(Invalid, match=r"data\.a: Invalid value: the value is no base64"):
        store.create(obj("Secret", data={"a": "no base64!"}))


@pytest.mark.parametrize("kind", ["ConfigMap", "Secret"])
def test_what_is_immutable_cannot_be_changed(store: Store, kind: str) -> None:
    store.create(obj(kind, data={"a": "eA=="}, immutable=True))
    store.update(
        obj(kind, data={"a": "eA=="}, immutable=True, type="Opaque")
        if kind == "Secret"
        else obj(kind, data={"a": "eA=="}, immutable=True)
    )
    with pytest.raises(Invalid, match="field is immutable when `immutable` is set"):
        store.update(obj(kind, data={"a": "eQ=="}, immutable=True))
