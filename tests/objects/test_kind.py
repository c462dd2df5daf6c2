"""Kinds and the Registry: who is meant by what clients write."""

from __future__ import annotations

from typing import Any

import pytest

from emulator.objects.kind import Kind, Registry
from emulator.objects.model import Model


class Spec(Model):
    size: int = 0


def kind(group: str, name: str, **more: Any) -> Kind[Any]:
    return Kind(group=group, version="v1", name=name, plural=f"{name.lower()}s", spec=Spec, **more)


SERVICE = kind("serving.dev", "Service", short_names=("ksvc",), categories=("all",))
CORE = kind("", "Service", short_names=("svc",))
PING = kind("sources.dev", "Ping", also_served=("v1beta2",), categories=("all", "sources"))
REGISTRY = Registry([SERVICE, CORE, PING])


@pytest.mark.parametrize(
    ("word", "kinds"),
    [
        ("services", [SERVICE]),
        ("Service", [SERVICE]),
        ("ksvc", [SERVICE]),
        ("svc", [CORE]),
        ("services.serving.dev", [SERVICE]),
        ("ping.v1.sources.dev", [PING]),
        ("all", [SERVICE, PING]),
        ("sources", [PING]),
        ("nothing", []),
        ("services.other.dev", []),
    ],
)
def test_a_word_of_a_user(word: str, kinds: list[Kind[Any]]) -> None:
    assert REGISTRY.named(word) == kinds


@pytest.mark.parametrize(
    ("api_version", "name", "found"),
    [
        ("v1", "Service", CORE),
        ("serving.dev/v1", "Service", SERVICE),
        ("sources.dev/v1beta2", "Ping", PING),
        ("sources.dev/v2", "Ping", None),
        ("serving.dev/v1", "service", None),
    ],
)
def test_an_objects_type(api_version: str, name: str, found: Kind[Any] | None) -> None:
    assert REGISTRY.of(api_version, name) is found


def test_other_ways_to_a_kind() -> None:
    assert REGISTRY.of_group("sources.dev", "Ping") is PING
    assert REGISTRY.of_group("", "Ping") is None
    assert REGISTRY.of_plural("sources.dev", "v1beta2", "pings") is PING
    assert [*REGISTRY] == [SERVICE, CORE, PING]


def test_names_of_a_kind() -> None:
    assert (SERVICE.api_version, SERVICE.resource, SERVICE.qualified) == (
        "serving.dev/v1",
        "services.serving.dev",
        "Service.serving.dev",
    )
    assert (CORE.api_version, CORE.resource, CORE.qualified) == ("v1", "services", "Service")
    assert PING.versions == ("v1", "v1beta2")
    assert SERVICE.model is Spec
    assert repr(SERVICE) == "<Kind serving.dev/v1 Service>"
