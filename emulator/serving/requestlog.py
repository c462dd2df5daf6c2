"""The request log: a line for each request that came to a replica, in the log of its Pod's queue-proxy.

And one for each probe, if that is wanted: on a cluster the kubelet asks queue-proxy, which asks the function.
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
from emulator.objects.podmarks import REVISION_LABEL
from emulator.objects.resource import Resource
from emulator.runtime.probes import USER_AGENT
from emulator.serving.annotations import CONFIGURATION_LABEL, NAMESPACE, SERVICE_LABEL
from emulator.serving.kinds import REVISION
from emulator.serving.throttler import Throttler
from emulator.store.projection import Projection, follow_config
from emulator.store.store import Store

CONFIG = "config-observability"
ENABLED, TEMPLATE = "logging.enable-request-log", "logging.request-log-template"
PROBES = "logging.enable-probe-request-log"
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
        self._logs: dict[tuple[str, str], RequestLog] = {}
        self._configure()

    def start(self) -> None:
        """Keep the Throttlers' logs as they should be; call it when there are Throttlers."""
        Projection(self._store, REVISION, self._give, self._drop)
        follow_config(self._store, CONFIG, NAMESPACE, self._reconfigure)

    def probed(self, pod: Resource[Any], is_well: bool, seconds: float) -> None:
        """A Pod's readiness was asked for, in its own rhythm."""
        log = self._logs.get((pod.namespace, pod.labels.get(REVISION_LABEL, "")))
        if log is not None and self._has_probes:
            log.probe(pod.name, is_well, seconds)

    def _configure(self) -> None:
        config = self._store.config(CONFIG, NAMESPACE)
        self._template, self._has_probes = template_of(config), _is_on(config, PROBES)

    def _reconfigure(self) -> None:
        self._configure()
        for revision in self._store.list(REVISION):
            self._give(revision)

    def _give(self, revision: Resource[Any]) -> None:
        throttler = self._throttler_of(revision.namespace, revision.name)
        log = self._logs.get((revision.namespace, revision.name))
        if throttler is None or (log.template if log is not None else None) is self._template:
            return
        self._drop(revision)
        throttler.log = None
        if self._template is not None:
            log = RequestLog(self._store, revision, self._template, self._write)
            throttler.log = self._logs[revision.namespace, revision.name] = log

    def _drop(self, revision: Resource[Any]) -> None:
        self._logs.pop((revision.namespace, revision.name), None)


def _is_on(config: Mapping[str, str], key: str) -> bool:
    try:
        return parse_bool(config.get(key, "false"))
    except ValueError:
        return False


def template_of(config: Mapping[str, str]) -> Template | None:
    """The template in force; None while no log is wanted. A text that is no template leaves the default in force."""
    if not _is_on(config, ENABLED):
        return None
    try:
        return parse("requestLog", config.get(TEMPLATE) or DEFAULT_TEMPLATE)
    except TemplateFault:
        return parse("requestLog", DEFAULT_TEMPLATE)


class RequestLog:
    """The log of one Revision. Implements `throttler.Log`."""

    def __init__(self, store: Store, revision: Resource[Any], template: Template, write: Write) -> None:
        self._store = store
        self._revision = revision
        self.template = template
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
        headers = work.seen_headers()
        request = request_fields(work.method, work.target, headers)
        response = {
            "Code": work.status,
            "Size": work.size,
            "Latency": asyncio.get_running_loop().time() - begun,
        }
        self._tell(request, response, trace_id(headers), pod)

    def probe(self, pod: str, is_well: bool, seconds: float) -> None:
        """The kubelet has asked for this Pod's readiness."""
        request = request_fields(b"GET", b"/", [(b"User-Agent", USER_AGENT.encode())])
        response = {"Code": 200 if is_well else 503, "Size": 5 if is_well else 0, "Latency": seconds}
        self._tell(request, response, "", pod)

    def _tell(self, request: dict[str, Any], response: dict[str, Any], trace: str, pod: str) -> None:
        told = {
            "Request": Struct("*http.Request", request),
            "Response": Struct("*http.RequestLogResponse", response),
            "Revision": Struct("*http.RequestLogRevision", self._fields(pod)),
            "TraceID": trace,
        }
        try:
            line = self.template.render(Struct("*http.RequestLogTemplateInput", told))
        except TemplateFault:
            line = (
                f"Invalid request log template: method: {request['Method']}, response code: {response['Code']}, "
                f"latency: {response['Latency']}, url: {request['RequestURI']}"
            )
        self._write(self._revision.namespace, pod, line)

    def _fields(self, pod: str) -> dict[str, str]:
        labels = self._revision.labels
        kind = self._store.registry.of("v1", "Pod")
        found = self._store.find(kind, pod, self._revision.namespace) if kind is not None else None
        return {
            "Name": self._revision.name,
            "Namespace": self._revision.namespace,
            "Service": labels.get(SERVICE_LABEL, ""),
            "Configuration": labels.get(CONFIGURATION_LABEL, ""),
            "PodName": pod,
            "PodIP": found.status.get("podIP", "") if found is not None else "",
        }


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
