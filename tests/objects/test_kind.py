"""Kinds and the Registry: who is meant by what clients write."""

from __future__ import annotations

from typing import Any

import pytest

from emulator.objects.kind import Kind, Registry, written_version
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


def test_a_kind_comes_and_goes_while_kemu_runs() -> None:
    registry = Registry([SERVICE])
    before = registry.version
    registry.add(PING)
    assert registry.of("sources.dev/v1beta2", "Ping") is PING
    assert registry.of_plural("sources.dev", "v1", "pings") is PING
    assert [*registry] == [SERVICE, PING]
    registry.remove(PING)
    assert registry.of("sources.dev/v1", "Ping") is None
    assert [*registry] == [SERVICE]
    assert registry.version == before + 2


@pytest.mark.parametrize(
    "other",
    [kind("serving.dev", "Service"), Kind("serving.dev", "v2", "Other", "services", Spec)],
    ids=["its name is taken", "its plural is taken"],
)
def test_a_kind_that_would_hide_another_is_refused(other: Kind[Any]) -> None:
    registry = Registry([SERVICE])
    with pytest.raises(ValueError, match="would stand in for"):
        registry.add(other)
    assert registry.version == 1


def test_a_kind_that_is_not_served_cannot_be_removed() -> None:
    with pytest.raises(ValueError, match="is not served"):
        Registry([SERVICE]).remove(PING)


def test_a_kind_that_is_redefined_stays_the_same_for_those_who_hold_it() -> None:
    ping = kind("sources.dev", "Ping")
    registry = Registry([ping])
    registry.redefine(ping, kind("sources.dev", "Ping", short_names=("pi",), also_served=("v1alpha1",)))
    assert registry.of("sources.dev/v1alpha1", "Ping") is ping
    assert registry.named("pi") == [ping]
    assert registry.version == 2


def test_the_scope_of_a_kind_cannot_be_redefined() -> None:
    ping = kind("sources.dev", "Ping")
    with pytest.raises(ValueError, match="cannot get another namespaced: False"):
        Registry([ping]).redefine(ping, kind("sources.dev", "Ping", namespaced=False))


def test_the_core_group_is_not_written() -> None:
    assert [written_version("", "v1"), written_version("apps", "v1")] == ["v1", "apps/v1"]
