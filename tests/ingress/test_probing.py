"""What probes are answered, by the hop that a cluster has answering them."""

from __future__ import annotations

import pytest

from emulator.ingress.forwarding import Special
from emulator.ingress.handler import Timeouts
from emulator.ingress.probing import probe_answer
from tests.ingress.conftest import World


class Backend:
    """A Revision, as far as a probe asks about it."""

    timeouts = Timeouts()
    speaks_http2 = False

    def __init__(self, *, in_path: bool, is_ready: bool = True) -> None:
        self.in_path = in_path
        self.is_ready = is_ready

    def admit(self, work: object) -> None:
        raise AssertionError("a probe is not admitted")

    leave = admit

    def timing(self, work: object) -> bytes:
        return b""

    def tunnelled(self, work: object) -> None:
        raise AssertionError("no probe is a tunnel")

    def troubled(self, work: object, text: str) -> None:
        raise AssertionError("a probe reaches no replica")


NO_HASH = b'a probe request must contain a non-empty "K-Network-Hash" header\n'


@pytest.mark.parametrize("in_path", [True, False], ids=["activator", "queue-proxy"])
@pytest.mark.parametrize(
    ("said", "is_ready", "expected"),
    [
        (Special(probe=b"queue"), True, (200, b"queue", [])),
        (Special(probe=b"queue"), False, (503, b"", [])),
        (Special(probe=b"activator"), True, (200, b"activator", [])),
        (Special(probe=b"probe", probe_hash=b"abc"), True, (200, b"", [(b"K-Network-Hash", b"abc")])),
        (Special(probe=b"probe"), True, (400, NO_HASH, [])),
    ],
    ids=["queue", "queue, not ready", "activator", "probe", "probe without a hash"],
)
def test_what_either_hop_knows_is_answered_by_it(
    said: Special, is_ready: bool, expected: tuple[int, bytes, list[tuple[bytes, bytes]]], in_path: bool
) -> None:
    assert probe_answer(said, Backend(in_path=in_path, is_ready=is_ready)) == expected


@pytest.mark.parametrize(
    ("said", "by_activator", "by_queue_proxy"),
    [
        (
            Special(probe=b"<x>"),
            (400, b'unexpected probe header value: "&lt;x&gt;"\n'),
            (400, b"unexpected probe header value: <x>\n"),
        ),
        (Special(is_kubelet=True), (200, b""), (400, b"unexpected probe header value: \n")),
        (Special(is_kubelet=True, probe=b"queue"), (200, b""), (200, b"queue")),
    ],
    ids=["unknown", "kubelet", "kubelet for the queue-proxy"],
)
def test_what_the_hops_answer_differently(
    said: Special, by_activator: tuple[int, bytes], by_queue_proxy: tuple[int, bytes]
) -> None:
    assert probe_answer(said, Backend(in_path=True))[:2] == by_activator
    assert probe_answer(said, Backend(in_path=False))[:2] == by_queue_proxy


@pytest.mark.parametrize("header", ["User-Agent: kube-probe/1.32", "K-Kubelet-Probe: queue"])
async def test_a_kubelets_probe_never_reaches_the_function(world: World, header: str) -> None:
    line = await world.connect()
    line.send("/", extra=f"{header}\r\n")
    status, _, body = await line.answer()
    assert (status, body, world.backend.heads, world.throttler.requests) == (200, b"", [], 0)
