"""`pods/log`: a container's output, by all parameters that Kubernetes has for it.

The lines are in the RingLog that whoever runs the container fills (`Logs`), the current and the previous run apart;
which of them is asked for follows from the Pod's status, as in the kubelet (kubelet_pods.go,
validateContainerLogStatus). A container without a process of its own (`queue-proxy`) is read the same way: its log is
whatever is appended to the RingLog of that name. Parameters: pkg/apis/core/validation, ValidatePodLogOptions.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from emulator.kubeapi.podcontainers import chosen, status_of
from emulator.kubeapi.target import Target
from emulator.lib.clock import parse_rfc3339, rfc3339_nano
from emulator.lib.ringlog import LogLine, RingLog, Run
from emulator.objects.errors import BadRequest, Invalid, NotFound
from emulator.objects.problems import Problem
from emulator.objects.resource import Resource
from emulator.objects.schemas import forbidden, invalid, not_supported
from emulator.store.store import Store

_STREAMS = ("All", "Stderr", "Stdout")
_WAITING = {"ErrImagePull": "image can't be pulled", "ImagePullBackOff": "trying and failing to pull image"}


class Logs(Protocol):
    """Output of containers, also of Pods that are gone."""

    def of(self, namespace: str, pod: str, container: str) -> RingLog: ...

    def containers(self, namespace: str, pod: str) -> list[str]: ...

    def pods(self, namespace: str) -> list[str]: ...


@dataclass(frozen=True, kw_only=True)
class Options:
    """What is asked for of a log. `since` is aware, `limit` counts bytes, `stream` "" is both."""

    container: str = ""
    follow: bool = False
    previous: bool = False
    timestamps: bool = False
    since: datetime | None = None
    tail: int | None = None
    limit: int | None = None
    stream: str = ""


class PodLog:
    """Answers `pods/log`."""

    def __init__(self, store: Store, logs: Logs) -> None:
        self._store = store
        self._logs = logs

    async def answer(self, request: Request, target: Target) -> Response:
        """Text, which with `follow` goes on to the end of the container; NotFound, BadRequest, Invalid."""
        pod = self._store.get(target.kind, target.name, target.namespace)
        options = options_of(request.query_params, pod.name, self._store.clock.now())
        container = chosen(pod, options.container)
        log = self._logs.of(pod.namespace, pod.name, container)
        return _text(log, wanted_run(pod, container, log, options.previous), options)

    async def kept(self, request: Request) -> Response:
        """kemu's own way to a log: of Pods that are gone, too, across restarts, and of the first container there is."""
        namespace, pod = request.path_params["namespace"], request.path_params["name"]
        options = options_of(request.query_params, pod, self._store.clock.now())
        names = self._logs.containers(namespace, pod)
        container = options.container or next(iter(names), "")
        if container not in names:
            raise NotFound("pods", pod)
        return _text(self._logs.of(namespace, pod, container), None, options)


def options_of(query: Mapping[str, str], pod: str, now: datetime) -> Options:
    """The parameters of a request for the log of `pod`; BadRequest, Invalid."""
    seconds, tail, limit = (_number(query, name) for name in ("sinceSeconds", "tailLines", "limitBytes"))
    moment, stream = query.get("sinceTime", ""), query.get("stream", "") or "All"
    problems = list(_problems(seconds, tail, limit, moment))
    if stream not in _STREAMS:
        problems.append(not_supported(("stream",), stream, _STREAMS))
    elif stream != "All" and tail is not None:
        said = "Forbidden: `tailLines` and specific `stream` are mutually exclusive for now"
        problems.append(Problem((), said, "FieldValueForbidden"))
    if problems:
        raise Invalid("PodLogOptions", pod, problems)
    return Options(
        container=query.get("container", ""),
        follow=flag(query, "follow"),
        previous=flag(query, "previous"),
        timestamps=flag(query, "timestamps"),
        since=now - timedelta(seconds=seconds) if seconds is not None else _moment(moment),
        tail=tail,
        limit=limit,
        stream="" if stream == "All" else stream.lower(),
    )


def flag(query: Mapping[str, str], name: str) -> bool:
    """A parameter as Kubernetes reads a bool: there, and neither 0 nor false."""
    return name in query and query[name] not in ("0", "false")


def _problems(seconds: int | None, tail: int | None, limit: int | None, moment: str) -> Iterator[Problem]:
    if tail is not None and tail < 0:
        yield invalid(("tailLines",), tail, "must be greater than or equal to 0")
    if limit is not None and limit < 1:
        yield invalid(("limitBytes",), limit, "must be greater than 0")
    if seconds is not None and moment:
        yield forbidden((), "at most one of `sinceTime` or `sinceSeconds` may be specified")
    elif seconds is not None and seconds < 1:
        yield invalid(("sinceSeconds",), seconds, "must be greater than 0")


def _number(query: Mapping[str, str], name: str) -> int | None:
    text = query.get(name, "")
    try:
        return int(text) if text else None
    except ValueError:
        raise BadRequest(f'{name}: strconv.ParseInt: parsing "{text}": invalid syntax') from None


def _moment(text: str) -> datetime | None:
    try:
        return parse_rfc3339(text) if text else None
    except ValueError:
        raise BadRequest(f'sinceTime: parsing time "{text}" as "2006-01-02T15:04:05Z07:00": cannot parse') from None


# -- which run


def wanted_run(pod: Resource[Any], container: str, log: RingLog, is_previous: bool) -> Run:
    """The run of a container whose output is asked for; BadRequest if there is none (yet)."""
    status = status_of(pod, container) or {}
    state, last = status.get("state") or {}, (status.get("lastState") or {}).get("terminated")
    about = f'container "{container}" in pod "{pod.name}"'
    is_waiting = "running" not in state and "terminated" not in state
    if is_previous:
        run = log.run(0 if is_waiting else 1) if last else None
        if run is None:
            raise BadRequest(f"previous terminated {about} not found")
        return run
    if is_waiting and not last:
        reason = (state.get("waiting") or {}).get("reason") or "ContainerCreating"
        raise BadRequest(f"{about} is waiting to start: {_WAITING.get(reason, reason)}")
    return log.run() or Run(log.end)


# -- lines


def _text(log: RingLog, run: Run | None, options: Options) -> Response:
    return StreamingResponse(_limited(_lines(log, run, options), options.limit), media_type="text/plain")


async def _lines(log: RingLog, run: Run | None, options: Options) -> AsyncIterator[bytes]:
    """The encoded lines of `run`; of all there is, without one."""
    start, end = (run.start, run.end) if run is not None else (0, None)
    next_position = max(start, log.end) if end is None else end
    for line in log.read(start=start, end=next_position, since=options.since, tail=options.tail):
        if options.stream in ("", line.stream):
            yield _encoded(line, options.timestamps)
    if not options.follow:
        return
    async with aclosing(log.follow(next_position, run)) as following:  # type: ignore[type-var]
        async for line in following:
            is_new = options.since is None or line.at >= options.since
            if is_new and options.stream in ("", line.stream):
                yield _encoded(line, options.timestamps)


async def _limited(lines: AsyncIterator[bytes], limit: int | None) -> AsyncIterator[bytes]:
    """The first `limit` bytes."""
    async for line in lines:
        if limit is None:
            yield line
            continue
        yield line[:limit]
        limit -= len(line)
        if limit <= 0:
            return


def _encoded(line: LogLine, is_stamped: bool) -> bytes:
    stamp = f"{rfc3339_nano(line.at)} " if is_stamped else ""
    return f"{stamp}{line.text}\n".encode()
