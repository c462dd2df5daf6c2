"""The data plane of eventing, put together: streams, receivers in the host tables, delivery, ticks.

`app.py` makes one, calls `start` before the Store is filled or after, and runs `run`. Names: the Brokers' ingress and
each Channel have their cluster-local names, on the public listener too, so that `curl -H 'Host: …'` works from
outside.
"""

from __future__ import annotations

import asyncio
import contextlib

from emulator.eventing.brokers import INGRESS_HOST
from emulator.eventing.channels import channel_host
from emulator.eventing.cloudevents import Event
from emulator.eventing.delivery import Deliverer
from emulator.eventing.journal import NullJournal
from emulator.eventing.narrator import Narrator
from emulator.eventing.receivers import BrokerReceiver, ChannelReceiver
from emulator.eventing.sources.objects import ObjectReporter
from emulator.eventing.sources.ping import Ticker
from emulator.eventing.sources.sender import Sender
from emulator.eventing.streams import Streams
from emulator.ingress.cluster import ClusterClient
from emulator.ingress.handler import Handler
from emulator.ingress.hosts import VirtualHosts
from emulator.settings import CLUSTER_DOMAIN
from emulator.store.store import Store


class Eventing:
    """See the module's text."""

    def __init__(self, store: Store, hosts: VirtualHosts, client: ClusterClient) -> None:
        self._hosts = hosts
        self._narrator = Narrator()
        self._deliverer = Deliverer(client, NullJournal(), self._narrator)
        self._streams = Streams(store, self._deliverer)
        self._sender = Sender(client)
        self._ticker = Ticker(store, self._sender, self._narrator)
        self._reporter = ObjectReporter(store, self._sender)
        self._channels: dict[tuple[str, str], Handler] = {}

    def start(self) -> None:
        """Fill the tables and keep them."""
        self._set(INGRESS_HOST, BrokerReceiver(self._streams, self._narrator.refused))
        self._streams.changed = self._publish_channels
        self._streams.start()
        self._reporter.start()

    async def run(self) -> None:
        """Tick until cancelled."""
        await self._ticker.run()

    async def wind_down(self, timeout_s: float) -> None:
        """Sources send no more, events on their way may arrive; what waits for another attempt is given up."""
        self._sender.stop()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                await self._deliverer.quiet()
        self._narrator.left_behind(len(self._deliverer.under_way) + len(self._deliverer.resting))

    def fire(self, namespace: str, name: str) -> Event:
        """Make a PingSource tick now; ApiError."""
        return self._ticker.fire(namespace, name)

    def _publish_channels(self) -> None:
        present = self._streams.channels
        for key in [key for key in self._channels if key not in present]:
            del self._channels[key]
            for name in _names(channel_host(*key)):
                self._hosts.internal.remove(name)
                self._hosts.public.remove(name)
        for key, stream in present.items():
            if key not in self._channels:
                self._channels[key] = ChannelReceiver(stream, self._narrator.refused)
                self._set(channel_host(*key), self._channels[key])

    def _set(self, host: str, handler: Handler) -> None:
        for name in _names(host):
            self._hosts.internal.set(name, handler)
        self._hosts.public.set(host, handler)


def _names(host: str) -> list[str]:
    """A cluster-local name and its short forms."""
    without = host.removesuffix(f".{CLUSTER_DOMAIN}")
    return [host, without, without.removesuffix(".svc")]
