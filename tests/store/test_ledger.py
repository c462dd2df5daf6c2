"""What the manifests said last."""

from __future__ import annotations

from emulator.objects.resource import Key
from emulator.store.ledger import Ledger, Stated
from emulator.workloads.configs import CONFIG_MAP

KEY = Key(CONFIG_MAP, "default", "a")


def test_listeners_hear_of_what_changes_only() -> None:
    ledger = Ledger()
    heard: list[tuple[Key, Stated | None]] = []
    ledger.observe(lambda key, stated: heard.append((key, stated)))
    stated = Stated("a.yaml", {"data": {}}, 1)
    ledger.note(KEY, stated)
    ledger.note(KEY, Stated("a.yaml", {"data": {}}, 1))
    ledger.note(KEY, None)
    assert heard == [(KEY, stated), (KEY, None)]
    assert list(ledger) == []


def test_what_an_earlier_run_noted_is_no_news() -> None:
    ledger = Ledger()
    heard: list[Key] = []
    ledger.observe(lambda key, stated: heard.append(key))
    ledger.restore(KEY, Stated("a.yaml", {}))
    assert (ledger.of(KEY), heard) == (Stated("a.yaml", {}), [])
