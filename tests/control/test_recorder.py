"""Kubernetes events: counted when repeated, and the oldest forgotten."""

from __future__ import annotations

import logging

import pytest

from emulator.control.reconciler import Note
from emulator.control.recorder import Recorder
from emulator.objects.resource import Resource
from emulator.serving.kinds import SERVICE
from emulator.workloads.kubeevents import KUBE_EVENT
from tests.world import World, obj

SPEC = {"template": {"spec": {"containers": [{"image": "app"}]}}}


def about(world: World, name: str = "hello") -> Resource[object]:
    return world.create(obj(SERVICE, name, SPEC))


def test_an_event_says_what_happened_to_whom_and_when() -> None:
    world = World()
    made = about(world)
    Recorder(world.store, KUBE_EVENT).record(made, Note("Created", "it is there", "Warning"))
    (event,) = world.store.list(KUBE_EVENT)
    assert event.name.startswith("hello.")
    found = event.obj
    assert found["involvedObject"] == {
        "apiVersion": "serving.knative.dev/v1",
        "kind": "Service",
        "name": "hello",
        "namespace": "default",
        "uid": made.uid,
        "resourceVersion": made.metadata["resourceVersion"],
    }
    assert (found["reason"], found["message"], found["type"], found["count"]) == (
        "Created",
        "it is there",
        "Warning",
        1,
    )
    assert found["firstTimestamp"] == found["lastTimestamp"] == "2026-01-02T03:04:05Z"


def test_the_same_again_is_counted_and_another_is_not() -> None:
    world = World()
    made, recorder = about(world), Recorder(world.store, KUBE_EVENT)
    recorder.record(made, Note("Ran", "once"))
    world.clock.advance(5)
    recorder.record(made, Note("Ran", "once"))
    recorder.record(made, Note("Ran", "twice"))
    recorder.record(about(world, "other"), Note("Ran", "once"))
    counts = sorted((e.obj["message"], e.obj["count"]) for e in world.store.list(KUBE_EVENT))
    assert counts == [("once", 1), ("once", 2), ("twice", 1)]
    counted = next(e.obj for e in world.store.list(KUBE_EVENT) if e.obj["count"] == 2)
    assert counted["lastTimestamp"] == "2026-01-02T03:04:10Z"


def test_one_that_was_deleted_is_made_anew() -> None:
    world = World()
    made, recorder = about(world), Recorder(world.store, KUBE_EVENT)
    recorder.record(made, Note("Ran", "once"))
    (event,) = world.store.list(KUBE_EVENT)
    world.store.delete(KUBE_EVENT, event.name, "default")
    recorder.record(made, Note("Ran", "once"))
    assert [e.obj["count"] for e in world.store.list(KUBE_EVENT)] == [1]


def test_the_oldest_are_forgotten() -> None:
    world = World()
    made, recorder = about(world), Recorder(world.store, KUBE_EVENT)
    for number in range(2_010):
        recorder.record(made, Note("Ran", str(number)))
    left = [int(e.obj["message"]) for e in world.store.list(KUBE_EVENT)]
    assert (len(left), min(left)) == (2_000, 10)


def test_what_is_to_be_told_is_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    world = World()
    made, recorder = about(world), Recorder(world.store, KUBE_EVENT)
    with caplog.at_level(logging.INFO):
        for note in (Note("Lack", "it lacks", "Warning", is_told=True), Note("Found", "it is there", is_told=True)):
            recorder.record(made, note)
        recorder.record(made, Note("Ran", "quietly", "Warning"))
    assert [(r.levelname, r.getMessage(), r.__dict__["about"]) for r in caplog.records] == [
        ("WARNING", "Lack: it lacks", "hello"),
        ("INFO", "Found: it is there", "hello"),
    ]


def test_an_event_may_be_about_a_field() -> None:
    world = World()
    made, recorder = about(world), Recorder(world.store, KUBE_EVENT)
    for container in ("a", "b"):
        recorder.record(made, Note("Pulled", "it is there"), "kubelet", f"spec.containers{{{container}}}")
    first, second = (e.obj for e in world.store.list(KUBE_EVENT))
    fields = {first["involvedObject"]["fieldPath"], second["involvedObject"]["fieldPath"]}
    assert fields == {"spec.containers{a}", "spec.containers{b}"}
    assert first["source"] == {"component": "kubelet"}
