"""The two streams of the Docker Engine that last: a container's output, and the events.

Each is a `Source` of `threads.py`: opened and read in a thread of its own, closed from any other. Reads what the SDK
leaves of the response, since its own generators cannot be ended while they wait. Used by `docker.py` alone.
"""

from __future__ import annotations

import http.client
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from emulator.runtime.base import LogLine
from emulator.runtime.docker_logs import read_lines, read_plain_lines
from emulator.runtime.docker_sdk import docker
from emulator.runtime.errors import ContainerGone

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class OutputRequest:
    """What output of which container; `has_tty` is how it was made."""

    id: str
    follow: bool
    since: datetime | None
    tail: int | None
    has_tty: bool


class Output:
    """A container's output as a blocking stream of lines."""

    def __init__(self, client: docker.APIClient, request: OutputRequest) -> None:
        id, self._has_tty = request.id, request.has_tty
        params: Json = {"stdout": 1, "stderr": 1, "timestamps": 1, "follow": int(request.follow)}
        params["tail"] = "all" if request.tail is None else str(request.tail)
        if request.since is not None:
            params["since"] = moment(request.since)
        url = client._url("/containers/{0}/logs", id)  # type: ignore[attr-defined]
        self._response = client._get(url, params=params, stream=True, timeout=None)  # type: ignore[attr-defined]
        if self._response.status_code == http.client.NOT_FOUND:
            self._response.close()
            raise ContainerGone(id)
        self._response.raise_for_status()

    def __iter__(self) -> Iterator[LogLine]:
        return read_plain_lines(self._response.raw._fp) if self._has_tty else read_lines(_Whole(self._response.raw))

    def close(self) -> None:
        _shut(self._response)


class _Whole:
    """Reads as many bytes as asked for, or to the end."""

    def __init__(self, raw: Any) -> None:
        self._raw = raw

    def read(self, amount: int, /) -> bytes:
        parts: list[bytes] = []
        while amount > 0:
            data = self._raw.read(amount)
            if not data:
                break
            parts.append(data)
            amount -= len(data)
        return b"".join(parts)


class Events:
    """The engine's events as a blocking stream, from `since` on as far as the engine remembers (its last 256)."""

    def __init__(self, client: docker.APIClient, filters: Json, since: datetime) -> None:
        # An int in the SDK's eyes, a text with fractions on the line.
        when = cast(int, moment(since))
        self._stream = client.events(since=when, filters={**filters, "type": "container"}, decode=True)

    def __iter__(self) -> Iterator[Json]:
        return iter(self._stream)

    def close(self) -> None:
        _shut(self._stream._response)  # type: ignore[attr-defined]


def _shut(response: Any) -> None:
    """Close a streamed response from any thread, also while another one is blocked in reading it."""
    try:
        connection = response.raw._fp.fp.raw
        sock = getattr(connection, "_sock", None) or connection
        sock.shutdown(socket.SHUT_RDWR)
    except (AttributeError, OSError, ValueError):
        pass
    response.close()


def moment(time: datetime) -> str:
    """`SECONDS.MICROSECONDS` as the engine reads it; a float has no room for both."""
    return f"{int(time.timestamp())}.{time.microsecond:06d}"
