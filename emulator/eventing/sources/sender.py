"""Sends the events that kemu's own sources make, and sends them again when they do not get through.

Followed: knative/eventing pkg/adapter/v2/cloudevents.go: five more attempts with doubling pauses, for the statuses that
sdk-go's client retries. One Sender for all sources.
"""

from __future__ import annotations

import asyncio

from emulator.eventing.cloudevents import Event, binary_headers
from emulator.ingress.cluster import Answer, ClusterClient

RETRIES = 5
RETRIED = frozenset((0, 404, 413, 425, 429, 502, 503, 504))


class Sender:
    """Sends until it is stopped."""

    def __init__(self, client: ClusterClient) -> None:
        self._client = client
        self.is_stopped = False

    def stop(self) -> None:
        """Send nothing more, also no second attempt."""
        self.is_stopped = True

    def send(self, event: Event, sink: str, namespace: str, pause_s: float, attempt: int = 1) -> None:
        """Post `event` to the URL `sink` for a source of `namespace`; `pause_s` is the first of the doubling pauses."""

        def answered(answer: Answer) -> None:
            if not self.is_stopped and answer.status in RETRIED and attempt <= RETRIES:
                again = (event, sink, namespace, pause_s, attempt + 1)
                asyncio.get_running_loop().call_later(pause_s * 2 ** (attempt - 1), self.send, *again)

        if not self.is_stopped:
            headers = [(b"Kn-Namespace", namespace.encode()), *binary_headers(event)]
            self._client.start(sink, headers, event.data, answered)
