"""Who belongs to a described object, and what happened to all of them."""

from __future__ import annotations

from typing import Any

from emulator.cli.describe import event_rows, family_of


def item(kind: str, name: str, owner: str = "") -> dict[str, Any]:
    owners = [{"uid": owner}] if owner else []
    return {"kind": kind, "metadata": {"name": name, "uid": f"{kind}-{name}", "ownerReferences": owners}}


SERVICE = item("Service", "hello")
REVISION = item("Revision", "hello-00001", "Configuration-hello")
EVERYTHING = [
    item("Pod", "p", "Deployment-d"),
    SERVICE,
    item("Configuration", "hello", "Service-hello"),
    item("Deployment", "d", "Revision-hello-00001"),
    REVISION,
    item("Configuration", "other", "Service-other"),
    item("Pod", "free"),
]


def event(uid: str, reason: str, time: str, version: int) -> dict[str, Any]:
    return {
        "metadata": {"resourceVersion": str(version)},
        "involvedObject": {"uid": uid},
        "type": "Normal",
        "reason": reason,
        "message": f"it {reason}",
        "lastTimestamp": time,
    }


def test_a_family_is_what_an_object_made_and_what_that_made() -> None:
    found = [member["metadata"]["uid"] for member in family_of(SERVICE, EVERYTHING)]
    assert found == ["Configuration-hello", "Revision-hello-00001", "Deployment-d", "Pod-p"]


def test_an_object_without_children_has_no_family() -> None:
    assert family_of(item("Pod", "free"), EVERYTHING) == []


def test_events_of_the_whole_family_are_told_in_their_order() -> None:
    events = [
        event("Revision-hello-00001", "third", "2026-01-02T03:04:06Z", 7),
        event("Pod-free", "elsewhere", "2026-01-02T03:04:06Z", 8),
        event("Service-hello", "second", "2026-01-02T03:04:05Z", 10),
        event("Revision-hello-00001", "first", "2026-01-02T03:04:05Z", 9),
    ]
    rows = event_rows(events, [SERVICE, *family_of(SERVICE, EVERYTHING)])
    assert rows[0] == ["TYPE", "REASON", "AGE", "FROM", "MESSAGE"]
    assert [(row[1], row[3], row[4]) for row in rows[1:]] == [
        ("first", "Revision/hello-00001", "it first"),
        ("second", "Service/hello", "it second"),
        ("third", "Revision/hello-00001", "it third"),
    ]
