"""`open_exchange`: the Exchange for a request, by what its client speaks and what its replicas speak."""

from __future__ import annotations

from typing import TYPE_CHECKING

from emulator.ingress.cycle import Client
from emulator.ingress.exchange import Exchange
from emulator.ingress.http1 import AnswerHttp1, AskHttp1

if TYPE_CHECKING:
    from emulator.ingress.handler import Backend


class PlainExchange(AskHttp1, AnswerHttp1):
    """HTTP/1.1 on both sides."""

    __slots__ = ()


def open_exchange(connection: Client, backend: Backend) -> Exchange:
    """For the request whose head `connection` has just read."""
    if not connection.speaks_http2 and not backend.speaks_http2:
        return PlainExchange(connection, backend)
    from emulator.ingress.mixedexchanges import KINDS  # HTTP/2 is loaded by who speaks it first

    return KINDS[connection.speaks_http2, backend.speaks_http2](connection, backend)
