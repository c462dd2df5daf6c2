"""The request log: when there is one, and what its lines say."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from emulator.objects.podmarks import REVISION_LABEL
from emulator.serving.annotations import NAMESPACE, SERVICE_LABEL
from emulator.serving.kinds import REVISION, SERVICE
from emulator.serving.requestlog import (
    CONFIG,
    ENABLED,
    PROBES,
    TEMPLATE,
    RequestLogs,
    request_fields,
    template_of,
    trace_id,
)
from emulator.serving.throttler import Throttler
from emulator.workloads.pods import POD
from tests.serving.test_throttler import Job, make, replicas
from tests.world import World, obj

pytestmark = pytest.mark.looptime


class Logged(World):
    """A Revision with its Throttler and one replica, and the lines that were written about it."""

    def __init__(self, **settings: str) -> None:
        super().__init__()
        self.lines: list[tuple[str, str, str]] = []
        self.throttler: Throttler = make()[0]
        self.throttler.set_replicas(replicas(1))
        service = self.create(obj(SERVICE, "hello", {"template": {"spec": {"containers": [{"image": "app"}]}}}))
        spec = {"containers": [{"image": "app"}]}
        self.revision = self.create(obj(REVISION, "hello-00001", spec, labels={SERVICE_LABEL: "hello"}), service)
        spec = {"containers": [{"name": "c", "image": "app"}]}
        self.pod = self.create(obj(POD, "pod-1", spec, labels={REVISION_LABEL: "hello-00001"}))
        self.status(self.pod, podIP="10.0.0.7")
        self.configured(**settings)
        self.logs = RequestLogs(self.store, lambda *_: self.throttler, lambda *line: self.lines.append(line))
        self.logs.start()

    def configured(self, **settings: str) -> None:
        names = {"enabled": ENABLED, "template": TEMPLATE, "probes": PROBES}
        self.config(CONFIG, NAMESPACE, {names[key]: value for key, value in settings.items()})

    async def request(self, seconds: float = 0.0) -> None:
        job = Job()
        job.method, job.target = b"POST", b"/path?a=1"
        self.throttler.admit(job)
        await asyncio.sleep(seconds)
        job.status, job.size, job.finished = 201, 5, True
        self.throttler.leave(job)


async def test_a_line_by_the_template_that_knative_ships() -> None:
    world = Logged(enabled="true")
    await world.request(0.25)
    ((namespace, pod, line),) = world.lines
    assert (namespace, pod) == ("default", "pod-1")
    assert json.loads(line) == {
        "httpRequest": {
            "requestMethod": "POST",
            "requestUrl": b"/path?a\\u003D1".decode("unicode_escape"),
            "requestSize": "0",
            "status": 201,
            "responseSize": "5",
            "userAgent": "curl",
            "remoteIp": "",
            "serverIp": "10.0.0.7",
            "referer": "",
            "latency": "0.25s",
            "protocol": "HTTP/1.1",
        },
        "traceId": "",
    }


async def test_a_template_may_use_the_revision_and_headers() -> None:
    world = Logged(
        enabled="true",
        template='{{.Revision.Service}} {{.Revision.Name}} {{.Revision.PodName}} {{.Request.Header.Get "user-agent"}}',
    )
    await world.request()
    assert world.lines == [("default", "pod-1", "hello hello-00001 pod-1 curl")]


async def test_no_line_without_the_setting_and_one_as_soon_as_it_comes() -> None:
    world = Logged()
    await world.request()
    world.configured(enabled="true", template="{{.Response.Code}}")
    await world.request()
    world.configured(enabled="false")
    await world.request()
    assert [line for _, _, line in world.lines] == ["201"]


async def test_a_request_that_never_came_to_a_replica_has_no_line() -> None:
    world = Logged(enabled="true")
    world.throttler.set_replicas({})
    await world.request()
    assert world.lines == []


async def test_a_request_that_waited_is_counted_from_its_replicas_room_on() -> None:
    world = Logged(enabled="true", template="{{.Response.Latency}}")
    world.throttler.set_replicas({})
    asyncio.get_running_loop().call_later(3, world.throttler.set_replicas, replicas(1))
    await world.request(5)
    assert [line for _, _, line in world.lines] == ["2"]


async def test_a_change_of_the_revision_loses_no_request() -> None:
    world = Logged(enabled="true", template="{{.Response.Code}}")
    asyncio.get_running_loop().call_later(1, lambda: world.status(world.revision, conditions=[]))
    await world.request(2)
    assert [line for _, _, line in world.lines] == ["201"]


@pytest.mark.parametrize(
    ("settings", "is_well", "expected"),
    [
        ({"enabled": "true", "probes": "true"}, True, ["GET / kube-probe/1.31 200 0.001"]),
        ({"enabled": "true", "probes": "true"}, False, ["GET / kube-probe/1.31 503 0.001"]),
        ({"enabled": "true"}, True, []),
        ({"probes": "true"}, True, []),
    ],
    ids=["well", "unwell", "no probes wanted", "no log wanted"],
)
async def test_probes_have_lines_when_they_are_wanted(
    settings: dict[str, str], is_well: bool, expected: list[str]
) -> None:
    fields = ("Request.Method", "Request.RequestURI", "Request.UserAgent", "Response.Code", "Response.Latency")
    world = Logged(template=" ".join(f"{{{{.{field}}}}}" for field in fields), **settings)
    world.logs.probed(world.pod, is_well, 0.001)
    assert [line for _, _, line in world.lines] == expected


async def test_a_template_that_does_not_fit_says_so_with_the_request() -> None:
    world = Logged(enabled="true", template="{{.Request.Colour}}")
    await world.request(2)
    said = "Invalid request log template: method: POST, response code: 201, latency: 2.0, url: /path?a=1"
    assert [line for _, _, line in world.lines] == [said]


@pytest.mark.parametrize("config", [{}, {ENABLED: "no"}, {ENABLED: "false", TEMPLATE: "x"}])
def test_there_is_no_log_unless_it_is_asked_for(config: dict[str, str]) -> None:
    assert template_of(config) is None


def test_what_is_no_template_leaves_the_default_in_force() -> None:
    made = template_of({ENABLED: "true", TEMPLATE: "{{"})
    assert made is not None
    assert made.render({"Request": {}, "Response": {}, "Revision": {}}).startswith('{"httpRequest"')


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ([(b"Content-Length", b"12")], {"ContentLength": 12}),
        ([(b"Transfer-Encoding", b"chunked")], {"ContentLength": -1}),
        ([(b"X-Forwarded-For", b"10.1.1.1, 127.0.0.1")], {"RemoteAddr": "10.1.1.1"}),
        ([(b"host", b"a.example.com"), (b"referer", b"/x")], {"Host": "a.example.com", "Referer": "/x"}),
    ],
)
def test_the_fields_of_a_request(headers: list[tuple[bytes, bytes]], expected: dict[str, Any]) -> None:
    found = request_fields(b"GET", b"/", headers)
    assert {key: found[key] for key in expected} == expected


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        (
            [(b"Traceparent", b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00")],
            "4bf92f3577b34da6a3ce929d0e0e4736",
        ),
        ([(b"X-B3-TraceId", b"463ac35c9f6413ad")], "463ac35c9f6413ad"),
        ([], ""),
    ],
)
def test_the_trace_of_a_request(headers: list[tuple[bytes, bytes]], expected: str) -> None:
    assert trace_id(headers) == expected
