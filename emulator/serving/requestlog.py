"""The request log: a line for each request that came to a replica, in the log of its Pod's queue-proxy.

Reads Revisions and the ConfigMap `config-observability`, and gives the Throttlers what writes the lines. As kemu's data
path is ingress, activator and queue-proxy in one, `RemoteAddr` is the client's address, and the latency is counted from
the moment at which the replica had room. A change of the ConfigMap counts at once; a cluster makes new Pods for it.
Followed: knative/serving pkg/http/request_log.go, pkg/queue/sharedmain/handlers.go (serving §7).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from emulator.ingress.handler import Work
from emulator.lib.gonumbers import parse_bool
from emulator.lib.gotemplatefunctions import TemplateFault
from emulator.lib.gotemplates import Struct, Template, parse
from emulator.objects.resource import Resource
from emulator.serving.annotations import CONFIGURATION_LABEL, NAMESPACE, SERVICE_LABEL
from emulator.serving.kinds import REVISION
from emulator.serving.throttler import Throttler
from emulator.store.projection import Projection
from emulator.store.store import Store
from emulator.store.watch import Change

CONFIG = "config-observability"
ENABLED, TEMPLATE = "logging.enable-request-log", "logging.request-log-template"
# pkg/observability, the default of `logging.request-log-template`
DEFAULT_TEMPLATE = (
    '{"httpRequest": {"requestMethod": "{{.Request.Method}}", "requestUrl": "{{js .Request.RequestURI}}", '
    '"requestSize": "{{.Request.ContentLength}}", "status": {{.Response.Code}}, '
    '"responseSize": "{{.Response.Size}}", "userAgent": "{{js .Request.UserAgent}}", '
    '"remoteIp": "{{js .Request.RemoteAddr}}", "serverIp": "{{.Revision.PodIP}}", '
    '"referer": "{{js .Request.Referer}}", "latency": "{{.Response.Latency}}s", '
    '"protocol": "{{.Request.Proto}}"}, "traceId": "{{.TraceID}}"}'
)

Write = Callable[[str, str, str], None]
"""Appends a line to queue-proxy's log: namespace, Pod, text."""
Headers = Sequence[tuple[bytes, bytes]]


class RequestLogs:
    """Gives each Throttler its log while the ConfigMap says so, and takes it away when it does not any more."""

    def __init__(self, store: Store, throttler_of: Callable[[str, str], Throttler | None], write: Write) -> None:
        self._store = store
        self._throttler_of = throttler_of
        self._write = write
        self._template = template_of(store.config(CONFIG, NAMESPACE))

    def start(self) -> None:
        """Keep the Throttlers' logs as they should be; call it when there are Throttlers."""
        Projection(self._store, REVISION, self._give, lambda revision: None)
        self._store.observe(self._changed)

    def _changed(self, change: Change) -> None:
        if (change.resource.kind.name, change.resource.name, change.resource.namespace) == (
            "ConfigMap",
            CONFIG,
            NAMESPACE,
        ):
            self._template = template_of(self._store.config(CONFIG, NAMESPACE))
            for revision in self._store.list(REVISION):
                self._give(revision)

    def _give(self, revision: Resource[Any]) -> None:
        throttler = self._throttler_of(revision.namespace, revision.name)
        if throttler is not None:
            log = None if self._template is None else RequestLog(self._store, revision, self._template, self._write)
            throttler.log = log


def template_of(config: Mapping[str, str]) -> Template | None:
    """The template in force; None while no log is wanted. A text that is no template leaves the default in force."""
    try:
        if not parse_bool(config.get(ENABLED, "false")):
            return None
        return parse("requestLog", config.get(TEMPLATE) or DEFAULT_TEMPLATE)
    except TemplateFault:
        return parse("requestLog", DEFAULT_TEMPLATE)
    except ValueError:
        return None


class RequestLog:
    """The log of one Revision. Implements `throttler.Log`."""

    def __init__(self, store: Store, revision: Resource[Any], template: Template, write: Write) -> None:
        self._store = store
        self._revision = revision
        self._template = template
        self._write = write
        self._begun: dict[int, float] = {}

    def begin(self, work: Work) -> None:
        """`work` goes to a replica."""
        self._begun[id(work)] = asyncio.get_running_loop().time()

    def end(self, work: Work, pod: str) -> None:
        """`work`, which went to this Pod, is over."""
        begun = self._begun.pop(id(work), None)
        if begun is None:
            return  # there was no log yet when it began
        latency_s = asyncio.get_running_loop().time() - begun
        told = self._told(work, latency_s, pod)
        try:
            line = self._template.render(told)
        except TemplateFault:
            line = (
                f"Invalid request log template: method: {told['Request']['Method']}, response code: {work.status}, "
                f"latency: {latency_s}, url: {told['Request']['RequestURI']}"
            )
        self._write(self._revision.namespace, pod, line)

    def _told(self, work: Work, latency_s: float, pod: str) -> Struct:
        headers = work.seen_headers()
        labels = self._revision.labels
        kind = self._store.registry.of("v1", "Pod")
        found = self._store.find(kind, pod, self._revision.namespace) if kind is not None else None
        revision = {
            "Name": self._revision.name,
            "Namespace": self._revision.namespace,
            "Service": labels.get(SERVICE_LABEL, ""),
            "Configuration": labels.get(CONFIGURATION_LABEL, ""),
            "PodName": pod,
            "PodIP": found.status.get("podIP", "") if found is not None else "",
        }
        response = {"Code": work.status, "Size": work.size, "Latency": latency_s}
        return Struct(
            "*http.RequestLogTemplateInput",
            {
                "Request": Struct("*http.Request", request_fields(work.method, work.target, headers)),
                "Response": Struct("*http.RequestLogResponse", response),
                "Revision": Struct("*http.RequestLogRevision", revision),
                "TraceID": trace_id(headers),
            },
        )


def request_fields(method: bytes, target: bytes, headers: Headers) -> dict[str, Any]:
    """Go's http.Request, as far as a template may want it. Pure."""
    listed: dict[str, list[str]] = {}
    for name, value in headers:
        listed.setdefault(name.decode("latin-1").title(), []).append(value.decode("latin-1"))

    def get(name: str) -> str:
        return listed.get(name.title(), [""])[0]

    length = get("Content-Length")
    unknown = -1 if "Transfer-Encoding" in listed else 0
    uri = target.decode("latin-1")
    return {
        "Method": method.decode("latin-1"),
        "RequestURI": uri,
        "URL": uri,
        "Proto": "HTTP/1.1",
        "Host": get("Host"),
        "ContentLength": int(length) if length.isdigit() else unknown,
        "RemoteAddr": get("X-Forwarded-For").partition(",")[0],
        "UserAgent": get("User-Agent"),
        "Referer": get("Referer"),
        "Header": {**listed, "Get": get},
    }


def trace_id(headers: Headers) -> str:
    """The trace that a request belongs to: of W3C's traceparent, else of B3 (ExtractTraceID)."""
    found = {name.lower(): value.decode("latin-1") for name, value in headers}
    parts = found.get(b"traceparent", "").split("-")
    return parts[1] if len(parts) > 1 else found.get(b"x-b3-traceid", "")
