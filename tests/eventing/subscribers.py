"""The data plane of eventing with subscribers in this process: no socket, virtual time."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from emulator.control.addresses import Addresses
from emulator.control.controller import Controller
from emulator.control.recorder import Recorder
from emulator.eventing.cloudevents import Event
from emulator.eventing.reconcilers import RECONCILERS
from emulator.ingress.cluster import ClusterClient
from emulator.ingress.cycle import Cycle
from emulator.ingress.deadlines import Deadlines
from emulator.ingress.hosts import VirtualHosts
from emulator.ingress.upstream import Dialer
from emulator.lib.tasks import Tasks
from emulator.workloads.kubeevents import KUBE_EVENT
from tests import world

if TYPE_CHECKING:
    from emulator.ingress.cluster import Call
    from emulator.ingress.cycle import Client

Response = tuple[int, list[tuple[bytes, bytes]], bytes]
REPLY: Response = (
    200,
    [(b"ce-specversion", b"1.0"), (b"ce-id", b"r"), (b"ce-source", b"sub"), (b"ce-type", b"reply")],
    b"answer",
)


@dataclass(frozen=True)
class Received:
    """One request, its header names in lower case, and when it came."""

    at: float
    method: bytes
    target: bytes
    headers: dict[bytes, bytes]
    body: bytes


class Subscriber:
    """Implements `Handler`: answers from a script (its last answer again and again, 202 without any), or never."""

    def __init__(self, *answers: int | Response | None) -> None:
        self._answers = answers or (202,)
        self.received: list[Received] = []

    def open(self, connection: Client) -> Cycle:
        raise NotImplementedError("nobody calls from outside")

    def call(self, call: Call) -> None:
        now = asyncio.get_running_loop().time()
        headers = {name.lower(): value for name, value in call.headers}
        self.received.append(Received(now, call.method, call.target, headers, call.body))
        answer = self._answers[min(len(self.received), len(self._answers)) - 1]
        if isinstance(answer, int):
            call.answer(answer)
        elif answer is not None:
            call.answer(*answer)

    @property
    def types(self) -> list[bytes]:
        return [received.headers[b"ce-type"] for received in self.received]


class World(world.World):
    """With a Controller, host tables and a client. `subscriber` puts one under a cluster-local name."""

    def __init__(self) -> None:
        super().__init__()
        self.hosts = VirtualHosts()
        self.client = ClusterClient(self.hosts.internal, Dialer(Tasks()), Deadlines())
        self._controller = Controller(self.store, RECONCILERS, Recorder(self.store, KUBE_EVENT), Addresses())

    def subscriber(self, name: str, *answers: int | Response | None) -> Subscriber:
        made = Subscriber(*answers)
        self.hosts.internal.set(f"{name}.test", made)
        return made

    def settle(self) -> None:
        self._controller.settle()


def event(type_: str = "t", data: bytes = b"hi", **attributes: Any) -> Event:
    more = {name.encode(): str(value).encode() for name, value in attributes.items()}
    required = {b"specversion": b"1.0", b"id": b"1", b"source": b"s", b"type": type_.encode()}
    return Event({**required, **more}, data, b"text/plain")
