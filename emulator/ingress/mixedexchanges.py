"""The Exchanges in which one side or both speak HTTP/2."""

from __future__ import annotations

from emulator.ingress.exchange import Exchange
from emulator.ingress.http1 import AnswerHttp1, AskHttp1
from emulator.ingress.http2 import AnswerHttp2, AskHttp2


class StreamExchange(AskHttp2, AnswerHttp2):
    """HTTP/2 on both sides."""

    __slots__ = ()


class RaisedExchange(AskHttp2, AnswerHttp1):
    """From a client's HTTP/1.1 to a replica's HTTP/2."""

    __slots__ = ()


class LoweredExchange(AskHttp1, AnswerHttp2):
    """From a client's HTTP/2 to a replica's HTTP/1.1."""

    __slots__ = ()


KINDS: dict[tuple[bool, bool], type[Exchange]] = {
    (True, True): StreamExchange,
    (False, True): RaisedExchange,
    (True, False): LoweredExchange,
}
