"""`DockerRuntime`: containers by the Docker Engine, through the Docker SDK, all of it in threads.

Decides nothing about what is run: `docker_specs.py` says what a ContainerSpec becomes, `engine.py` where the engine
is. This module asks the engine, turns its refusals into `runtime/errors.py`, and keeps to what carries the instance's
label. Short calls share a small pool; what may last has a thread of its own (`threads.py`).
"""

from __future__ import annotations

import asyncio
import http.client
import os
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncGenerator, Callable, Collection
from contextlib import aclosing, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar, cast

import urllib3

from emulator.runtime.base import (
    INSTANCE_LABEL,
    KEPT_LABEL,
    Address,
    Capacity,
    ContainerEvent,
    ContainerSpec,
    ContainerState,
    Credential,
    EngineInfo,
    ExecResult,
    ImageInfo,
    LogLine,
    NetworkInfo,
    OnProgress,
    PullProgress,
    RunningContainer,
    Status,
    Stdio,
    Timings,
    Usage,
)
from emulator.runtime.docker_calls import (
    change_container,
    container_stats,
    exec_container,
    find_image,
    remove_container,
    start_container,
    stop_container,
)
from emulator.runtime.docker_dial import API_VERSION, Refused, hijack, tell
from emulator.runtime.docker_pull import pull_image
from emulator.runtime.docker_sdk import APIError, DockerException, NotFound, docker, requests
from emulator.runtime.docker_specs import (
    Placement,
    addresses_of,
    container_event,
    container_state,
    is_desktop,
    listed_state,
    usage_of,
)
from emulator.runtime.docker_stdio import DockerAttach, DockerExec, exec_id, streams
from emulator.runtime.docker_streams import Events, Output, OutputRequest
from emulator.runtime.engine import Endpoint, explain, find_engine
from emulator.runtime.errors import (
    ContainerFailed,
    ContainerGone,
    EngineLost,
    EngineUnavailable,
    ImageMissing,
)
from emulator.runtime.names import HostsFile
from emulator.runtime.threads import Threads

T = TypeVar("T")
Json = dict[str, Any]

WORKERS = 16
CALL_TIMEOUT_S = 60
_CLOCKS_DIFFER = timedelta(seconds=2)
# What a call to an engine that goes away raises, besides OSError.
_CUT = (requests.exceptions.ConnectionError, urllib3.exceptions.ProtocolError, http.client.HTTPException, OSError)


class DockerRuntime:
    """Implements `Runtime`. `hosts` is the file mounted over every container's /etc/hosts."""

    def __init__(self, instance: str, hosts: HostsFile | None = None) -> None:
        self.instance = instance
        self._hosts = hosts
        self._threads = Threads(WORKERS)
        self._client: docker.APIClient | None = None
        self._endpoint: Endpoint | None = None
        self._network: NetworkInfo | None = None
        self._networking = asyncio.Lock()
        self._is_desktop = False
        self._started: set[str] = set()  # they need not be asked whose they are
        self._pulls: dict[str, asyncio.Future[ImageInfo]] = {}
        self._watchers: dict[str, list[OnProgress]] = {}

    # -- the engine

    async def connect(self) -> EngineInfo:
        endpoint, client, version = await self._threads.call(self._connect)
        self._endpoint, self._client, self._network = endpoint, client, None
        self._is_desktop = is_desktop(version)
        return EngineInfo("docker", str(version["Version"]), endpoint.url)

    async def capacity(self) -> Capacity:
        info = await self._ask(lambda client: client.info())
        return Capacity(int(info["NCPU"]), int(info["MemTotal"]))

    async def close(self) -> None:
        await self._threads.close()
        if self._client is not None:
            self._client.close()

    def _connect(self) -> tuple[Endpoint, docker.APIClient, Json]:
        endpoint = find_engine(os.environ, Path.home())
        tls: docker.tls.TLSConfig | bool = False
        if endpoint.tls is not None:
            files = endpoint.tls
            pair = (str(files.cert), str(files.key)) if files.cert and files.key else None
            ca = str(files.ca) if files.ca else None
            tls = docker.tls.TLSConfig(client_cert=pair, ca_cert=ca, verify=files.verify)
        try:
            client = docker.APIClient(
                base_url=endpoint.url,
                tls=tls,
                version=API_VERSION,
                timeout=CALL_TIMEOUT_S,
                num_pools=WORKERS,
                max_pool_size=64,
            )
            # Not `info`: the engine holds that back while a pull looks for a registry that has no address.
            return endpoint, client, client.version()
        except (DockerException, requests.exceptions.RequestException, OSError) as error:
            raise EngineUnavailable(str(endpoint), *explain(error)) from error

    async def ensure_network(self) -> NetworkInfo:
        # One at a time: the engine lets two networks have the same name.
        async with self._networking:
            if self._network is None:
                self._network = await self._ask(lambda client: self._make_network(client))
            return self._network

    def _make_network(self, client: docker.APIClient) -> NetworkInfo:
        name = f"kemu-{self.instance}"
        labels = {INSTANCE_LABEL: self.instance}
        found = client.networks(names=[name], filters={"label": f"{INSTANCE_LABEL}={self.instance}"})
        if not [network for network in found if network["Name"] == name]:
            client.create_network(name, driver="bridge", labels=labels, check_duplicate=True)
        described = client.inspect_network(name)
        configs = (described.get("IPAM") or {}).get("Config") or [{}]
        gateway = configs[0].get("Gateway") if self._is_near else None
        return NetworkInfo(name, gateway)

    # -- containers

    async def start(self, spec: ContainerSpec) -> RunningContainer:
        place = await self._place()
        work = self._threads.long(
            lambda: self._call(lambda client: start_container(client, spec, place)), f"start {spec.name}"
        )
        try:
            created, timings = await asyncio.shield(work)
        except asyncio.CancelledError:
            work.add_done_callback(self._undo)
            raise
        if created["is_unreachable"]:
            await self.remove(created["id"], force=True)
            raise ContainerFailed(spec.name, "reach", "its network gave it no address")
        self._started.add(created["id"])
        addresses = MappingProxyType(created["addresses"])
        return RunningContainer(created["id"], spec.name, addresses, timings, created["host"])

    def _undo(self, work: asyncio.Future[tuple[Json, Timings]]) -> None:
        if not work.cancelled() and work.exception() is None:
            id = work.result()[0]["id"]
            self._threads.submit(lambda: self._quietly(lambda client: client.remove_container(id, v=True, force=True)))

    def _quietly(self, work: Callable[[docker.APIClient], object]) -> None:
        try:
            self._call(work)
        except (EngineUnavailable, APIError):
            return  # the sweep takes what stays behind

    async def stop(self, id: str, grace_s: float) -> None:
        # The HTTP call lasts as long as the grace.
        whole = max(0, round(grace_s))

        def work(client: docker.APIClient) -> None:
            if self._found(client, id) is not None:
                stop_container(client, id, whole)

        await self._threads.long(lambda: self._call(work), f"stop {id[:12]}")

    async def remove(self, id: str, *, force: bool = False) -> None:
        def work(client: docker.APIClient) -> None:
            if self._found(client, id) is not None:
                remove_container(client, id, force)

        await self._ask(work)
        self._started.discard(id)

    async def remove_volume(self, name: str) -> None:
        def work(client: docker.APIClient) -> None:
            try:
                labels = client.inspect_volume(name).get("Labels") or {}
                if labels.get(INSTANCE_LABEL) == self.instance and KEPT_LABEL not in labels:
                    client.remove_volume(name)
            except NotFound:
                return
            except APIError as error:
                if error.status_code != http.client.CONFLICT:
                    raise

        await self._ask(work)

    async def pause(self, id: str) -> None:
        await self._change(id, "pause", "is already paused")

    async def unpause(self, id: str) -> None:
        endpoint, done = self._endpoint, "is not paused"
        if endpoint is None or endpoint.scheme != "unix" or id not in self._started:
            await self._change(id, "unpause", done)
            return
        # A request waits for this.
        try:
            await tell(endpoint, f"/containers/{id}/unpause")
        except Refused as refused:
            if refused.status == http.client.NOT_FOUND:
                raise ContainerGone(id) from None
            if done not in refused.text:
                raise ContainerFailed(id[:12], "unpause", refused.text) from refused

    async def _change(self, id: str, verb: str, done: str) -> None:
        def work(client: docker.APIClient) -> None:
            if id not in self._started and self._found(client, id) is None:
                raise ContainerGone(id)
            change_container(client, id, verb, done)

        await self._ask(work)

    async def inspect(self, id: str) -> ContainerState:
        def work(client: docker.APIClient) -> ContainerState:
            found = self._found(client, id)
            return container_state(found) if found else ContainerState(id=id, name="", status=Status.GONE)

        return await self._ask(work)

    async def usage(self, id: str) -> Usage | None:
        def work(client: docker.APIClient) -> Usage | None:
            return usage_of(container_stats(client, id)) if self._found(client, id) is not None else None

        return await self._ask(work)

    async def containers(self) -> list[ContainerState]:
        listed = await self._ask(lambda client: client.containers(all=True, filters=self._own()))
        return [listed_state(entry) for entry in listed]

    async def exec(self, id: str, argv: tuple[str, ...], timeout_s: float) -> ExecResult:
        def work(client: docker.APIClient) -> ExecResult:
            if self._found(client, id) is None:
                raise ContainerGone(id)
            return exec_container(client, id, argv)

        done = self._threads.long(lambda: self._call(work), f"exec {id[:12]}")
        return await asyncio.wait_for(done, timeout_s)

    # -- streams

    async def open_exec(self, id: str, argv: tuple[str, ...], *, stdin: bool = False, tty: bool = False) -> Stdio:
        def work(client: docker.APIClient) -> str:
            self._running(client, id, "run a command in")
            return exec_id(client, id, argv, stdin, tty)

        prepared = await self._ask(work)
        line = await self._hijack(id, f"/exec/{prepared}/start", {"Detach": False, "Tty": tty})
        return DockerExec(prepared, id, streams(line, tty), self._ask, self._is_near)

    async def attach(self, id: str, *, stdin: bool = False) -> Stdio:
        described = await self._ask(lambda client: self._running(client, id, "attach to"))
        line = await self._hijack(id, f"/containers/{id}/attach?stream=1&stdout=1&stderr=1&stdin={int(stdin)}")

        async def code() -> int | None:
            state = await self.inspect(id)
            return None if state.status in (Status.RUNNING, Status.PAUSED) else state.exit_code or 0

        return DockerAttach(id, streams(line, bool(described["Config"].get("Tty"))), self._ask, code)

    async def _hijack(self, id: str, path: str, body: Json | None = None) -> tuple[StreamReader, StreamWriter]:
        assert self._endpoint is not None, "connect() comes first"
        try:
            return await hijack(self._endpoint, path, body)
        except Refused as refused:
            if refused.status == http.client.NOT_FOUND:
                raise ContainerGone(id) from None
            raise ContainerFailed(id[:12], "run a command in", refused.text) from refused

    async def reach(self, id: str, port: int) -> Address | None:
        place = await self._place()
        host = self._endpoint.host if self._endpoint is not None else ""

        def work(client: docker.APIClient) -> Address | None:
            described = self._running(client, id, "reach")
            shared = str(described["HostConfig"].get("NetworkMode", "")).partition("container:")[2]
            owner = self._running(client, shared, "reach") if shared else described
            return addresses_of(owner, (port,), place, host).get(port)

        return await self._ask(work)

    async def logs(
        self, id: str, *, follow: bool = False, since: datetime | None = None, tail: int | None = None
    ) -> AsyncGenerator[LogLine, None]:
        newest, told = since, 0
        async with aclosing(self._output(id, follow=follow, since=since, tail=tail)) as lines:
            async for line in lines:
                if newest is None or line.time > newest:
                    newest, told = line.time, 0
                told += line.time == newest
                yield line
        if not follow or self._threads.is_closed:
            return
        if (await self.inspect(id)).status in (Status.RUNNING, Status.PAUSED):
            raise self._lost(OSError("the output ended before the container"))
        # Engine 20.10 often leaves out a last line without a newline while it is followed; asked again, it has it.
        with suppress(ContainerGone):
            async with aclosing(self._output(id, follow=False, since=newest, tail=None if told else tail)) as lines:
                async for line in lines:
                    if told == 0:
                        yield line
                    told = max(0, told - 1)

    async def _output(
        self, id: str, *, follow: bool, since: datetime | None, tail: int | None
    ) -> AsyncGenerator[LogLine, None]:
        def work(client: docker.APIClient) -> Output:
            described = self._found(client, id)
            if described is None:
                raise ContainerGone(id)
            request = OutputRequest(id, follow, since, tail, bool(described["Config"].get("Tty")))
            return Output(client, request)

        try:
            async with aclosing(self._threads.stream(lambda: self._call(work), f"logs {id[:12]}")) as lines:
                async for line in lines:
                    yield line
        except _CUT as error:
            raise self._lost(error) from error

    def events(self) -> AsyncGenerator[ContainerEvent, None]:
        # Read from the call on, not from the first item on: the caller lists the containers in between. What is told
        # twice does no harm, an engine whose clock is a little behind would.
        return self._events_since(datetime.now(UTC) - _CLOCKS_DIFFER)

    async def _events_since(self, since: datetime) -> AsyncGenerator[ContainerEvent, None]:
        def open() -> Events:
            return self._call(lambda client: Events(client, self._own(), since))

        try:
            async for line in self._threads.stream(open, "engine events"):
                if (event := container_event(line)) is not None:
                    yield event
        except _CUT as error:
            raise self._lost(error) from error
        raise self._lost(OSError("its stream of events ended"))

    # -- images

    async def image(self, ref: str) -> ImageInfo | None:
        def work(client: docker.APIClient) -> ImageInfo | None:
            try:
                return find_image(client, ref)
            except APIError as error:
                if error.status_code == http.client.BAD_REQUEST:
                    raise ImageMissing(ref, str(error.explanation), "write it as name[:tag]") from error
                raise

        return await self._ask(work)

    async def pull(
        self, ref: str, progress: OnProgress | None = None, credentials: tuple[Credential, ...] = ()
    ) -> ImageInfo:
        if progress is not None:
            self._watchers.setdefault(ref, []).append(progress)
        under_way = self._pulls.get(ref)
        if under_way is None:
            loop = asyncio.get_running_loop()

            def tell(report: PullProgress) -> None:
                for watcher in self._watchers.get(ref, ()):
                    watcher(report)

            def tell_soon(report: PullProgress) -> None:
                loop.call_soon_threadsafe(tell, report)

            def work() -> ImageInfo:
                return self._call(lambda client: pull_image(client, ref, tell_soon, credentials))

            under_way = self._pulls[ref] = self._threads.long(work, f"pull {ref}")
            under_way.add_done_callback(lambda _: (self._pulls.pop(ref, None), self._watchers.pop(ref, None)))
        return await asyncio.shield(under_way)

    async def remove_kept(self) -> list[str]:
        def work(client: docker.APIClient) -> list[str]:
            removed = []
            for volume in client.volumes(filters=self._own())["Volumes"] or ():
                if KEPT_LABEL in volume["Labels"]:
                    with suppress(APIError):  # a container has it
                        client.remove_volume(volume["Name"])
                        removed.append(str(volume["Name"]))
            return removed

        return await self._ask(work)

    async def sweep(self, keep: Collection[str] = ()) -> list[str]:
        def work(client: docker.APIClient) -> list[str]:
            removed = []
            for entry in client.containers(all=True, filters=self._own()):
                if entry["Id"] not in keep:
                    self._quietly(lambda c, id=entry["Id"]: c.remove_container(id, v=True, force=True))  # type: ignore[misc]
                    removed.append(listed_state(entry).name)
            if not keep:
                for volume in client.volumes(filters=self._own())["Volumes"] or ():
                    if KEPT_LABEL not in volume["Labels"]:
                        self._quietly(lambda c, name=volume["Name"]: c.remove_volume(name))  # type: ignore[misc]
                for network in client.networks(filters=self._own()):
                    self._quietly(lambda c, id=network["Id"]: c.remove_network(id))  # type: ignore[misc]
            return removed

        names = await self._threads.long(lambda: self._call(work), "sweep")
        if not keep:
            self._network = None
        return names

    # -- inside

    def _own(self) -> Json:
        return {"label": f"{INSTANCE_LABEL}={self.instance}"}

    def _found(self, client: docker.APIClient, id: str) -> Json | None:
        """The engine's description of a container; None if it is not there, or another's."""
        try:
            described = cast(Json, client.inspect_container(id))
        except NotFound:
            return None
        return described if (described["Config"].get("Labels") or {}).get(INSTANCE_LABEL) == self.instance else None

    def _running(self, client: docker.APIClient, id: str, verb: str) -> Json:
        """The engine's description of a container that runs. ContainerGone, ContainerFailed."""
        described = self._found(client, id)
        if described is None:
            raise ContainerGone(id)
        if not described["State"]["Running"]:
            raise ContainerFailed(id[:12], verb, f"Container {id} is not running")
        return described

    @property
    def _is_near(self) -> bool:
        """Whether the engine's processes and networks are this machine's."""
        is_here = self._endpoint is not None and not self._endpoint.is_remote and not self._is_desktop
        return is_here and os.uname().sysname == "Linux"

    async def _place(self) -> Placement:
        network = await self.ensure_network()
        hosts = self._hosts
        endpoint = self._endpoint
        is_remote = endpoint is not None and endpoint.is_remote
        return Placement(
            instance=self.instance,
            network=network,
            hosts_file=hosts.path if hosts is not None and network.is_direct else None,
            extra_hosts=hosts.fixed() if hosts is not None and not network.is_direct else MappingProxyType({}),
            publish_on=None if network.is_direct else ("0.0.0.0" if is_remote else "127.0.0.1"),
        )

    async def _ask(self, work: Callable[[docker.APIClient], T]) -> T:
        return await self._threads.call(lambda: self._call(work))

    def _call(self, work: Callable[[docker.APIClient], T]) -> T:
        """`work` in this thread, with a cut line told as EngineLost."""
        client = self._client
        assert client is not None, "connect() comes first"
        try:
            return work(client)
        except APIError:
            raise
        except (requests.exceptions.RequestException, *_CUT) as error:
            raise self._lost(error) from error

    def _lost(self, error: BaseException) -> EngineLost:
        return EngineLost(str(self._endpoint), *explain(error))
