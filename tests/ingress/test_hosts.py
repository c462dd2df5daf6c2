"""Host names: spellings, wildcards, the two scopes, and news of what came and went."""

from __future__ import annotations

import asyncio

import pytest

from emulator.ingress import hosts
from emulator.ingress.hosts import HostTable, VirtualHosts, normal_host
from emulator.serving.rulehandlers import RuleHandler


@pytest.mark.parametrize(
    ("raw", "name"),
    [
        (b"hello.example.com", b"hello.example.com"),
        (b"Hello.Example.COM", b"hello.example.com"),
        (b"hello.example.com:8080", b"hello.example.com"),
        (b"hello.example.com.", b"hello.example.com"),
        (b" hello.example.com.:80 ", b"hello.example.com"),
        (b"[::1]:8080", b"[::1]"),
        (b"[FE80::1]", b"[fe80::1]"),
        (b"", b""),
    ],
)
def test_a_host_has_one_normal_form(raw: bytes, name: bytes) -> None:
    assert normal_host(raw) == name


def test_a_name_leads_to_its_handler_however_it_is_spelt() -> None:
    table, hello = HostTable(), RuleHandler.to()
    table.set("Hello.Example.com", hello)
    assert table.find(b"hello.example.com") is hello
    assert table.find(b"HELLO.example.com.:8080") is hello
    assert table.find(b"other.example.com") is None


def test_a_spelling_that_was_seen_once_is_found_at_the_first_look() -> None:
    table, hello = HostTable(), RuleHandler.to()
    table.set("hello.example.com", hello)
    assert b"hello.example.com:8080" not in table.ready
    table.find(b"hello.example.com:8080")
    assert table.ready[b"hello.example.com:8080"] is hello


@pytest.mark.parametrize(
    ("raw", "is_found"),
    [
        (b"a.shop.test", True),
        (b"A.Shop.Test:80", True),
        (b"shop.test", False),
        (b"a.b.shop.test", False),
        (b"ashop.test", False),
    ],
)
def test_a_wildcard_stands_for_one_leading_label(raw: bytes, is_found: bool) -> None:
    table = HostTable()
    table.set("*.shop.test", RuleHandler.to())
    assert (table.find(raw) is not None) is is_found


def test_an_exact_name_comes_before_a_wildcard() -> None:
    table, all_of_them, one = HostTable(), RuleHandler.to(), RuleHandler.to()
    table.set("*.shop.test", all_of_them)
    assert table.find(b"a.shop.test") is all_of_them
    table.set("a.shop.test", one)
    assert table.find(b"a.shop.test") is one
    table.remove("a.shop.test")
    assert table.find(b"a.shop.test") is all_of_them


def test_a_name_that_is_set_again_leads_to_the_new_handler_in_every_spelling() -> None:
    table, old, new = HostTable(), RuleHandler.to(), RuleHandler.to()
    table.set("hello.test", old)
    table.find(b"Hello.test")
    table.set("hello.test", new)
    assert table.find(b"hello.test") is new
    assert table.find(b"Hello.test") is new


def test_a_name_that_is_removed_is_gone_in_every_spelling() -> None:
    table = HostTable()
    table.set("hello.test", RuleHandler.to())
    table.set("*.shop.test", RuleHandler.to())
    table.find(b"Hello.test")
    table.find(b"a.shop.test")
    table.remove("hello.test")
    table.remove("*.shop.test")
    table.remove("never.was.test")
    assert table.ready == {}
    assert [table.find(raw) for raw in (b"hello.test", b"Hello.test", b"a.shop.test")] == [None, None, None]


def test_a_stranger_becomes_known_when_it_is_set() -> None:
    table, late = HostTable(), RuleHandler.to()
    assert table.find(b"late.test") is None
    table.set("late.test", late)
    assert table.find(b"late.test") is late


def test_names_are_listed_sorted_with_their_wildcards() -> None:
    table = HostTable()
    for name in ("b.test", "*.a.test", "a.test"):
        table.set(name, RuleHandler.to())
    assert table.names() == ["*.a.test", "a.test", "b.test"]


def test_a_flood_of_spellings_and_strangers_is_forgotten() -> None:
    table, hello = HostTable(), RuleHandler.to()
    table.set("hello.test", hello)
    for port in range(hosts.ALIAS_LIMIT + 10):
        assert table.find(b"hello.test:%d" % port) is hello
        assert table.find(b"stranger%d.test" % port) is None
    assert len(table.ready) <= hosts.ALIAS_LIMIT + 1
    assert table.find(b"hello.test") is hello


def test_the_public_scope_does_not_see_internal_names() -> None:
    both, inner, outer = VirtualHosts(), RuleHandler.to(), RuleHandler.to()
    both.internal.set("hello.default.svc.cluster.local", inner)
    both.public.set("hello.default.example.com", outer)
    assert both.public.find(b"hello.default.svc.cluster.local") is None
    assert both.internal.find(b"hello.default.svc.cluster.local") is inner
    assert both.internal.find(b"hello.default.example.com") is outer


def test_the_internal_scope_follows_what_the_public_one_learns_and_forgets() -> None:
    both, outer = VirtualHosts(), RuleHandler.to()
    assert both.internal.find(b"hello.test") is None
    both.public.set("hello.test", outer)
    assert both.internal.find(b"hello.test") is outer
    both.public.remove("hello.test")
    assert both.internal.find(b"hello.test") is None


async def test_whoever_waits_hears_of_a_name_that_came_or_went() -> None:
    table = HostTable()
    async with asyncio.timeout(5):
        table.set("a.test", RuleHandler.to())
        await table.changed()
        table.remove("a.test")
        await table.changed()
        table.set("b.test", RuleHandler.to())
        await table.changed()
    assert table.names() == ["b.test"]


def test_ports_are_heard_until_nobody_asks_for_them() -> None:
    table = HostTable()
    table.hear("a", frozenset({9000, 9001}))
    table.hear("b", frozenset({9001}))
    assert table.ports == {9000, 9001}
    table.hear("a", frozenset())
    assert table.ports == {9001}
