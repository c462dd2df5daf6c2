"""The frozen tier with real containers: frozen, thawed, stopped later, and whatever comes in between."""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.scenarios.harness import Kemu, eventually, service

pytestmark = pytest.mark.engine

A = "autoscaling.knative.dev"
FREEZE = {f"{A}/window": "6s", "kemu.dev/idle": "freeze"}
BRIEF = {**FREEZE, f"{A}/scale-to-zero-pod-retention-period": "10s"}


def paused(kemu: Kemu, name: str = "") -> list[Any]:
    return [c for c in kemu.containers(name) if c.status == "paused"]


def frozen(kemu: Kemu, name: str = "hello") -> None:
    eventually(lambda: paused(kemu, name), f"{name} is frozen")


def test_a_service_is_frozen_and_thawed_and_stopped_later(kemu: Kemu) -> None:
    kemu.write("hello.yaml", service("hello", annotations=BRIEF))
    kemu.up()
    assert kemu.request("hello").status == 200
    (container,) = kemu.containers("hello")
    frozen(kemu)
    assert kemu.condition("ksvc", "hello")["status"] == "True"
    assert kemu.condition("podautoscalers", "hello-00001", "Active")["reason"] == "NoTraffic"
    (pod,) = kemu.objects("pods")
    assert (pod["status"]["phase"], pod["status"]["reason"]) == ("Running", "Frozen")
    assert "Frozen" in kemu.run("get", "pods").out
    assert kemu.request("hello").status == 200
    assert [c.id for c in kemu.containers("hello")] == [container.id]
    kemu.said("thawed in", "hello-00001")
    eventually(lambda: not kemu.containers(running_only=False), "it is stopped after its retention period")
    assert kemu.request("hello").status == 200


def test_fifty_requests_at_once_to_a_frozen_service_are_all_answered_by_it(kemu: Kemu) -> None:
    kemu.write("hello.yaml", service("hello", annotations=FREEZE))
    kemu.up()
    kemu.request("hello")
    frozen(kemu)
    with ThreadPoolExecutor(50) as pool:
        replies = list(pool.map(lambda _: kemu.request("hello"), range(50)))
    assert [reply.status for reply in replies] == [200] * 50
    assert len(kemu.containers("hello", running_only=False)) == 1


def test_requests_that_come_while_it_is_being_frozen_are_answered(kemu: Kemu) -> None:
    kemu.write("hello.yaml", service("hello", annotations=FREEZE))
    kemu.up()
    for pause_s in (0.0, 0.15, 0.22):
        assert kemu.request("hello").status == 200
        already = len([m for m in kemu.messages("hello-00001") if "idle: frozen" in m])
        eventually(
            lambda n=already: len([m for m in kemu.messages("hello-00001") if "idle: frozen" in m]) > n,  # type: ignore[misc]
            "it is to be frozen",
        )
        time.sleep(pause_s)  # where in the freeze it comes
        begun = time.monotonic()
        assert kemu.request("hello").status == 200
        assert time.monotonic() - begun < 3


def test_no_more_are_kept_frozen_than_may_be(kemu: Kemu) -> None:
    for name in ("first", "second", "third"):
        kemu.write(f"{name}.yaml", service(name, annotations={f"{A}/window": "6s"}))
    kemu.up("--idle", "freeze", "--frozen-max", "2")
    for name in ("first", "second", "third"):
        eventually(lambda name=name: kemu.request(name).status == 200, f"{name} answers")  # type: ignore[misc]
        time.sleep(1)  # they are frozen in this order
    kemu.said("more than 2 are frozen", "first-00001")
    eventually(lambda: len(paused(kemu)) == 2 and len(kemu.containers(running_only=False)) == 2, "two are kept")
    eventually(lambda: "frozen" in kemu.run("ps").out, "ps tells it")
    rows = [line.split() for line in kemu.run("ps").out.splitlines() if " frozen, " in line]
    assert {row[1] for row in rows} == {"second", "third"}
    assert all("MiB" in row for row in rows), rows


def test_a_frozen_service_ends_with_what_it_belongs_to(kemu: Kemu) -> None:
    kept = kemu.write("hello.yaml", service("hello", annotations=FREEZE))
    kemu.up()
    kemu.request("hello")
    frozen(kemu)
    kept.unlink()
    eventually(lambda: not kemu.containers(running_only=False), "its container is gone")
    kemu.write("hello.yaml", service("hello", annotations=FREEZE, env={"MESSAGE": "two"}))
    eventually(lambda: kemu.request("hello").status == 200, "it is back")
    frozen(kemu)
    begun = time.monotonic()
    assert kemu.stop() == 0
    assert time.monotonic() - begun < 8
    assert kemu.containers(running_only=False) == []


def test_an_edit_of_a_frozen_service_is_answered_by_the_new_revision_and_the_old_one_goes(kemu: Kemu) -> None:
    kemu.write("hello.yaml", service("hello", annotations=FREEZE, env={"MESSAGE": "one"}))
    kemu.up()
    kemu.request("hello")
    frozen(kemu)
    kemu.write("hello.yaml", service("hello", annotations=FREEZE, env={"MESSAGE": "two"}))
    eventually(lambda: kemu.request("hello").body == "two\n", "the edit is answered")
    eventually(lambda: not kemu.containers("hello-00001", running_only=False), "the old container is gone")


def test_what_a_killed_kemu_left_frozen_is_removed_by_the_next(kemu: Kemu) -> None:
    kemu.write("hello.yaml", service("hello", annotations=FREEZE))
    kemu.up()
    kemu.request("hello")
    frozen(kemu)
    kemu.kill()
    assert len(paused(kemu)) == 1
    kemu.up()
    assert kemu.containers(running_only=False) == []
    assert kemu.request("hello").status == 200


def test_all_containers_of_a_pod_are_frozen(kemu: Kemu) -> None:
    made = json.loads(service("hello", annotations=FREEZE))
    containers = made["spec"]["template"]["spec"]["containers"]
    containers[0] |= {"name": "main", "ports": [{"containerPort": 8080}]}
    containers.append({"name": "side", "image": "kemu.test/scriptable", "env": [{"name": "PORT", "value": "9000"}]})
    kemu.write("hello.yaml", json.dumps(made))
    kemu.up()
    assert kemu.request("hello").status == 200
    eventually(lambda: len(paused(kemu)) == 2, "both are frozen")
    assert kemu.request("hello").status == 200
    assert paused(kemu) == []


def test_one_that_dies_while_frozen_is_started_anew_by_the_next_request(kemu: Kemu) -> None:
    kemu.write("hello.yaml", service("hello", annotations=FREEZE))
    kemu.up()
    kemu.request("hello")
    frozen(kemu)
    (container,) = kemu.containers("hello")
    container.kill()
    kemu.said("while frozen", "hello-00001")
    assert kemu.condition("ksvc", "hello")["status"] == "True"
    assert kemu.request("hello").status == 200
    assert [c.id for c in kemu.containers("hello")] != [container.id]


def test_an_event_wakes_a_frozen_subscriber(kemu: Kemu) -> None:
    kemu.write("hello.yaml", service("hello", annotations=FREEZE))
    broker = {"apiVersion": "eventing.knative.dev/v1", "kind": "Broker", "metadata": {"name": "default"}}
    subscriber = {"ref": {"apiVersion": "serving.knative.dev/v1", "kind": "Service", "name": "hello"}}
    trigger = {**broker, "kind": "Trigger", "spec": {"broker": "default", "subscriber": subscriber}}
    kemu.write("events.yaml", "\n---\n".join(map(json.dumps, (broker, trigger))))
    kemu.up()
    kemu.request("hello")
    frozen(kemu)
    assert kemu.run("send", "broker:default", "--type", "a").code == 0
    kemu.said("thawed in", "hello-00001")
    assert kemu.request("hello", "/stats").json["requests"] >= 2
