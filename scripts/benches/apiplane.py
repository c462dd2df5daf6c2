"""kemu's API with its Store and reconcilers, without an engine, for benches: python apiplane.py PORT SERVICES

Prints "ready"; when its standard input is closed, it prints the longest time, in milliseconds, for which its loop did
nothing else since then, and ends.
"""

import asyncio
import sys
from typing import Any

import uvloop

from emulator.app import KINDS, RECONCILERS
from emulator.control.addresses import Addresses
from emulator.control.controller import Controller
from emulator.control.recorder import Recorder
from emulator.ingress.deadlines import Deadlines
from emulator.ingress.hosts import HostTable
from emulator.ingress.server import Listener, Server, bind
from emulator.kubeapi.api import api
from emulator.kubeapi.own import Actions
from emulator.lib import collector
from emulator.lib.clock import SystemClock
from emulator.lib.tasks import Tasks
from emulator.objects.kind import Registry
from emulator.store.store import Store
from emulator.workloads.configs import CONFIG_MAP
from emulator.workloads.kubeevents import KUBE_EVENT

PREFIX = "bench"
_TICK_S = 0.002


async def main(port: int, services: int) -> None:
    store = Store(Registry(KINDS), SystemClock(), CONFIG_MAP)
    controller = Controller(store, RECONCILERS, Recorder(store, KUBE_EVENT), Addresses())
    for number in range(services):
        store.create(service(f"service-{number:04}"))
    controller.settle()
    nothing: Any = None
    actions = Actions(nothing, nothing, nothing, nothing, nothing)
    listener = Listener(bind("127.0.0.1", port), HostTable(), Deadlines(), api(store, PREFIX, actions))
    server = Server(listener)
    collector.spare()  # as `kemu up` does
    async with Tasks() as tasks:
        tasks.spawn(controller.run(), "controller")
        tasks.spawn(server.run(), "server")
        print("ready", flush=True)
        print(f"{await longest_ms():.1f}", flush=True)
        await server.stop(0.0)


async def longest_ms() -> float:
    """The longest delay of a regular tick until standard input is closed."""
    loop = asyncio.get_running_loop()
    closed = loop.run_in_executor(None, sys.stdin.read)
    longest = 0.0
    while not closed.done():
        due = loop.time() + _TICK_S
        await asyncio.sleep(_TICK_S)
        longest = max(longest, loop.time() - due)
    return longest * 1000


def service(name: str) -> dict[str, Any]:
    env = [{"name": f"NAME_{number}", "value": "value"} for number in range(8)]
    template = {"spec": {"containers": [{"image": "bench:1", "env": env}]}}
    return {
        "apiVersion": "serving.knative.dev/v1",
        "kind": "Service",
        "metadata": {"name": name, "labels": {"app": name}, "annotations": {"kemu.dev/start": "asleep"}},
        "spec": {"template": template},
    }


if __name__ == "__main__":
    uvloop.run(main(*(int(word) for word in sys.argv[1:3])))
