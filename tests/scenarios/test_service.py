"""A Service from zero and back, and what a user does to it while kemu runs."""

from __future__ import annotations

import json
import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.scenarios.harness import Kemu, eventually, service

pytestmark = pytest.mark.engine

WINDOW = {"autoscaling.knative.dev/window": "6s"}
NAMED = {"metadata": {"name": "default"}}
# What root may do and others may not.
WITHOUT_PORT_80 = ("setpriv", "--bounding-set", "-net_bind_service") if os.geteuid() == 0 else ()


def test_a_service_starts_at_a_request_and_stops_after_its_window_three_times(kemu: Kemu) -> None:
    kemu.write("hello.yaml", service("hello", env={"MESSAGE": "hi"}, annotations=WINDOW))
    kemu.up()
    assert kemu.containers() == []
    for _ in range(3):
        reply = kemu.request("hello")
        assert (reply.status, reply.body) == (200, "hi\n")
        assert len(kemu.containers("hello")) == 1
        eventually(lambda: not kemu.containers(running_only=False), "the container is gone")
    assert kemu.condition("ksvc", "hello")["status"] == "True"
    messages = kemu.messages("hello-00001")
    assert len([m for m in messages if m.startswith("cold start")]) == 3, messages


def test_the_url_in_status_answers_as_it_is(kemu: Kemu) -> None:
    kemu.write("hello.yaml", service("hello"))
    kemu.up()
    (found,) = kemu.objects("ksvc")
    assert found["status"]["url"] == f"http://hello.default.localhost:{kemu.state.port}"
    assert kemu.request(f"hello.default.localhost:{kemu.state.port}").status == 200


def test_fifty_requests_at_once_start_one_container_and_are_all_answered(kemu: Kemu) -> None:
    kemu.write("hello.yaml", service("hello", env={"START_DELAY_MS": "200"}))
    kemu.up()
    with ThreadPoolExecutor(50) as pool:
        replies = list(pool.map(lambda _: kemu.request("hello"), range(50)))
    assert [reply.status for reply in replies] == [200] * 50
    assert len(kemu.containers("hello", running_only=False)) == 1


def test_the_environment_names_service_revision_and_port(kemu: Kemu) -> None:
    kemu.write("hello.yaml", service("hello", env={"GREETING": "hi $(K_MISSING)"}))
    kemu.up()
    found = kemu.request("hello", "/env").json
    assert found["K_SERVICE"] == found["K_CONFIGURATION"] == "hello"
    assert (found["K_REVISION"], found["PORT"], found["GREETING"]) == ("hello-00001", "8080", "hi $(K_MISSING)")


def test_an_edit_is_answered_by_a_new_revision_and_nothing_in_flight_fails(kemu: Kemu) -> None:
    kemu.write("hello.yaml", service("hello", env={"MESSAGE": "one"}))
    kemu.up()
    assert kemu.request("hello").body == "one\n"
    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(lambda: kemu.request("hello", "/sleep?ms=2500"))
        kemu.write("hello.yaml", service("hello", env={"MESSAGE": "two"}))
        eventually(lambda: kemu.request("hello").body == "two\n", "the edit is answered")
        assert kemu.request("hello").headers["kemu-revision"] == "hello-00002"
        assert slow.result().body == "slept\n"
    (found,) = kemu.objects("ksvc")
    assert found["status"]["latestReadyRevisionName"] == "hello-00002"


def test_a_removed_file_takes_its_service_and_containers_away(kemu: Kemu) -> None:
    kept = kemu.write("kept.yaml", service("kept"))
    gone = kemu.write("gone.yaml", service("gone"))
    kemu.up()
    assert kemu.request("gone").status == kemu.request("kept").status == 200
    gone.unlink()
    eventually(lambda: kemu.request("gone").status == 404, "the Service is gone")
    eventually(lambda: not kemu.containers("gone", running_only=False), "its container is gone")
    assert kemu.request("kept").status == 200
    assert kept.exists()


def test_a_broken_edit_is_told_and_the_old_revision_serves_on(kemu: Kemu) -> None:
    kemu.write("hello.yaml", service("hello", env={"MESSAGE": "one"}))
    kemu.up()
    assert kemu.request("hello").body == "one\n"
    kemu.write("hello.yaml", service("hello").replace('"containers"', '"containerz"'))
    said = kemu.said("not reloaded")
    assert 'containerz: unknown field; did you mean "containers"?' in said
    assert kemu.request("hello").body == "one\n"


def test_many_files_changed_at_once_are_one_reload(kemu: Kemu) -> None:
    kemu.write("hello.yaml", service("hello"))
    kemu.up()
    for number in range(100):
        kemu.write(f"many-{number}.yaml", json.dumps(_config_map(f"many-{number}")))
    kemu.said("many-99 created")
    assert len([m for m in kemu.messages("manifests") if m.startswith("reloaded")]) <= 3


def test_ctrl_c_ends_requests_first_and_leaves_no_container(kemu: Kemu) -> None:
    kemu.write("hello.yaml", service("hello"))
    kemu.up()
    kemu.request("hello")
    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(lambda: kemu.request("hello", "/sleep?ms=1000"))
        eventually(lambda: kemu.request("hello", "/stats").json["in_flight"] == 1, "the request is in flight")
        assert kemu.stop() == 0
        assert slow.result().body == "slept\n"
    assert kemu.containers(running_only=False) == []


def test_a_second_ctrl_c_does_not_wait_and_leaves_no_container(kemu: Kemu) -> None:
    kemu.write("hello.yaml", service("hello", env={"IGNORE_SIGTERM": "1"}))
    kemu.up()
    assert kemu.request("hello").status == 200
    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(lambda: kemu.request("hello", "/sleep?ms=60000"))
        kemu.said("GET /sleep", "hello-00001")
        assert kemu.process is not None
        kemu.process.send_signal(signal.SIGINT)
        kemu.said("stopping")
        begun = time.monotonic()
        assert kemu.stop() == 0
        assert time.monotonic() - begun < 3  # not the 5 s for requests, nor the 10 s for the container
        assert slow.result().status == 502
    assert kemu.containers(running_only=False) == []


def test_a_closed_terminal_ends_kemu_as_ctrl_c_does(kemu: Kemu) -> None:
    kemu.write("hello.yaml", service("hello"))
    kemu.up()
    assert kemu.request("hello").status == 200
    assert kemu.process is not None
    kemu.process.send_signal(signal.SIGHUP)
    assert kemu.process.wait(20) == 0
    assert kemu.containers(running_only=False) == []


def test_a_traffic_split_shares_requests_between_revisions(kemu: Kemu) -> None:
    kemu.write("hello.yaml", service("hello", env={"MESSAGE": "one"}))
    kemu.up()
    kemu.request("hello")
    changed = json.loads(service("hello", env={"MESSAGE": "two"}))
    changed["spec"]["traffic"] = [
        {"revisionName": "hello-00001", "percent": 50, "tag": "old"},
        {"latestRevision": True, "percent": 50},
    ]
    kemu.write("hello.yaml", json.dumps(changed))
    eventually(lambda: kemu.request("hello").body == "two\n", "the new Revision gets a share")
    assert {kemu.request("hello").body for _ in range(40)} == {"one\n", "two\n"}
    assert {kemu.request("old-hello.default.example.com").body for _ in range(5)} == {"one\n"}


def _config_map(name: str) -> dict[str, object]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": {}}


def test_functions_reach_each_other_under_cluster_local_names(kemu: Kemu) -> None:
    kemu.write("caller.yaml", service("caller"))
    kemu.write("other.yaml", service("other", env={"MESSAGE": "from zero"}))
    kemu.up()
    for name in ("other", "other.default", "other.default.svc", "other.default.svc.cluster.local"):
        reply = kemu.request("caller", f"/fetch?url=http://{name}")
        # A single label is a name of the Pod's own namespace: kemu knows no namespace by a caller's address.
        assert (reply.status, reply.body) == ((200, "from zero\n") if "." in name else (502, reply.body)), name


def test_cluster_local_urls_carry_a_port_where_80_may_not_be_bound(kemu: Kemu) -> None:
    kemu.write("caller.yaml", service("caller"))
    kemu.write("other.yaml", service("other", env={"MESSAGE": "here"}))
    kemu.write("broker.yaml", json.dumps({"apiVersion": "eventing.knative.dev/v1", "kind": "Broker"} | NAMED))
    kemu.up(before=WITHOUT_PORT_80)
    assert "port 80" in kemu.said("cluster-local URLs carry port")
    (url,) = (s["status"]["address"]["url"] for s in kemu.objects("ksvc") if s["metadata"]["name"] == "other")
    assert url.startswith("http://other.default.svc.cluster.local:")
    assert kemu.request("caller", f"/fetch?url={url}").body == "here\n"
    (broker,) = kemu.objects("brokers")
    assert broker["status"]["address"]["url"].startswith("http://broker-ingress.knative-eventing.svc.cluster.local:")
    assert kemu.run("send", "broker:default", "--type", "a").code == 0
