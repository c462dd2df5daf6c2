"""kemu's data plane with a backend outside of containers, for benches: python plane.py PORT SERVICES TRIGGERS

Real control and data plane (Store, Controller, Throttler, Streams, listeners), without an engine. The host
hello.example.com leads to 127.0.0.1:9001, as do SERVICES others, and h2c.example.com to 127.0.0.1:9003 in HTTP/2; the
Broker `default` has TRIGGERS Triggers, of which one matches the type `bench` and delivers to 127.0.0.1:9002.
"""

import sys
from typing import Any

import uvloop

from emulator.app import KINDS
from emulator.control.addresses import Addresses
from emulator.control.controller import Controller
from emulator.control.recorder import Recorder
from emulator.eventing.eventing import Eventing
from emulator.eventing.reconcilers import RECONCILERS
from emulator.ingress.cluster import ClusterClient
from emulator.ingress.deadlines import Deadlines
from emulator.ingress.handler import Timeouts
from emulator.ingress.hosts import VirtualHosts
from emulator.ingress.server import Listener, Server, UnknownHost, bind
from emulator.ingress.upstream import Dialer
from emulator.lib import collector
from emulator.lib.clock import SystemClock
from emulator.lib.tasks import Tasks
from emulator.objects.kind import Registry
from emulator.serving.rulehandlers import RuleHandler
from emulator.serving.throttler import Hooks, Throttler
from emulator.store.store import Store
from emulator.workloads.configs import CONFIG_MAP
from emulator.workloads.kubeevents import KUBE_EVENT

BACKEND, STREAMS, SUBSCRIBER = ("127.0.0.1", 9001), ("127.0.0.1", 9003), "http://127.0.0.1:9002/"


async def main(port: int, services: int, triggers: int) -> None:
    hosts, deadlines = VirtualHosts(), Deadlines()
    store = Store(Registry(KINDS), SystemClock(), CONFIG_MAP)
    async with Tasks() as dials:
        dialer = Dialer(dials)
        for number in range(services):
            name = "hello.example.com" if number == 0 else f"service-{number}.default.example.com"
            hosts.public.set(name, route(dialer, BACKEND))
        hosts.public.set("h2c.example.com", route(dialer, STREAMS, speaks_http2=True))
        eventing = Eventing(store, hosts, ClusterClient(hosts.internal, dialer, deadlines))
        eventing.start()
        controller = Controller(store, RECONCILERS, Recorder(store, KUBE_EVENT), Addresses())
        store.create({"apiVersion": "eventing.knative.dev/v1", "kind": "Broker", "metadata": {"name": "default"}})
        for number in range(triggers):
            store.create(trigger(number))
        controller.settle()
        server = Server(Listener(bind("127.0.0.1", port), hosts.public, deadlines, UnknownHost(hosts.public)))
        collector.spare()  # as `kemu up` does
        print("ready", flush=True)
        await server.run()


def route(dialer: Dialer, at: tuple[str, int], *, speaks_http2: bool = False) -> RuleHandler:
    hooks = Hooks(lambda: None, lambda work, pod: None)
    throttler = Throttler(0, Timeouts(300.0), hooks, speaks_http2=speaks_http2)
    lines = b"Kemu-Revision: hello-00001\r\n"
    throttler.set_replicas({"only": lambda: dialer.endpoint(*at, speaks_http2=speaks_http2, response_lines=lines)})
    return RuleHandler.to((throttler, 100))


def trigger(number: int) -> dict[str, Any]:
    type_ = "bench" if number == 0 else f"other-{number}"
    return {
        "apiVersion": "eventing.knative.dev/v1",
        "kind": "Trigger",
        "metadata": {"name": f"trigger-{number}"},
        "spec": {
            "broker": "default",
            "filter": {"attributes": {"type": type_}},
            "subscriber": {"uri": SUBSCRIBER},
        },
    }


if __name__ == "__main__":
    uvloop.run(main(*(int(word) for word in sys.argv[1:4])))
