"""Probes of a running container: from a Kubernetes Probe to yes or no, and when to ask.

`checker` binds a Probe to a container's addresses; `first_success` asks from the first millisecond on, so that a cold
start waits for the function and for nothing else; `steadily` asks in the Probe's own rhythm and tells each verdict.
The rhythm before the first success is kemu's own (as Knative's queue-proxy polls each 50 ms rather than each period);
afterwards Kubernetes' rules hold (pkg/kubelet/prober/worker.go).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping

from emulator.objects.podspec import Container, Probe
from emulator.runtime.base import Address, Runtime
from emulator.runtime.errors import ContainerFailed, ContainerGone, EngineUnavailable
from emulator.runtime.probes import grpc_health, http_get, tcp_connects

Check = Callable[[], Awaitable[bool]]

FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.001, 0.025
# Kubernetes' defaults (pkg/apis/core/v1/defaults.go).
PERIOD_S, TIMEOUT_S, FAILURES = 10, 1, 3


def checker(probe: Probe, container: Container, runtime: Runtime, id: str, addresses: Mapping[int, Address]) -> Check:
    """The question that `probe` asks of the container `id`; of ports without an address the Runtime is asked."""
    timeout_s = float(probe.timeout_seconds or TIMEOUT_S)
    if probe.exec is not None:
        argv = tuple(probe.exec.command or ())
        return lambda: _exec_succeeds(runtime, id, argv, timeout_s)
    ask, port = _question(probe, timeout_s)
    return _asked(ask, _number(port, container), runtime, id, addresses)


def asked_by(probe: Probe) -> str:
    """What `probe` asks, for the log."""
    if probe.exec is not None:
        return f"exec {' '.join(probe.exec.command or ())}"
    if probe.http_get is not None:
        port = f" on port {probe.http_get.port}" if probe.http_get.port else ""
        return f"GET {probe.http_get.path or '/'}{port}"
    return "gRPC health" if probe.grpc is not None else "TCP connection"


def port_checker(
    probe: Probe, container: Container, runtime: Runtime, id: str, addresses: Mapping[int, Address]
) -> Check | None:
    """Whether anybody listens on the port that `probe` asks; None where it asks no more than that, or no port."""
    if probe.http_get is None and probe.grpc is None:
        return None
    _, port = _question(probe, TIMEOUT_S)
    return _asked(lambda at: tcp_connects(at, TIMEOUT_S), _number(port, container), runtime, id, addresses)


def _asked(
    ask: Callable[[Address], Awaitable[bool]], port: int, runtime: Runtime, id: str, addresses: Mapping[int, Address]
) -> Check:
    number = port or next(iter(addresses), 0)
    known = dict(addresses)

    async def check() -> bool:
        if number not in known:
            if (address := await _reached(runtime, id, number)) is None:
                return False
            known[number] = address
        return await ask(known[number])

    return check


def _question(probe: Probe, timeout_s: float) -> tuple[Callable[[Address], Awaitable[bool]], object]:
    """What is asked of an address, and of which port; 0 is the main one."""
    if probe.http_get is not None:
        get = probe.http_get
        headers = [(h.name, h.value) for h in get.http_headers or ()]
        scheme = (get.scheme or "HTTP").lower()
        return (lambda at: http_get(at, get.path or "/", headers, scheme, timeout_s)), get.port
    if probe.grpc is not None:
        grpc = probe.grpc
        return (lambda at: grpc_health(at, grpc.service or "", timeout_s)), grpc.port
    return (lambda at: tcp_connects(at, timeout_s)), probe.tcp_socket.port if probe.tcp_socket is not None else 0


def heard(check: Check, tell: Callable[[bool, float], None]) -> Check:
    """`check`, of which each answer and its seconds are told."""

    async def asked() -> bool:
        begun = asyncio.get_running_loop().time()
        is_well = await check()
        tell(is_well, asyncio.get_running_loop().time() - begun)
        return is_well

    return asked


async def first_success(check: Check, successes: int = 1) -> None:
    """Returns once `check` has said yes `successes` times in a row; pauses grow from 1 ms to 25 ms."""
    pause_s, streak = FIRST_PAUSE_S, 0
    while True:
        streak = streak + 1 if await check() else 0
        if streak >= successes:
            return
        await asyncio.sleep(pause_s)
        pause_s = min(pause_s * 1.5, LONGEST_PAUSE_S)


async def steadily(probe: Probe, check: Check, tell: Callable[[bool], None]) -> None:
    """Ask each period, and `tell` True or False whenever the thresholds of `probe` say so; never ends."""
    period_s = float(probe.period_seconds or PERIOD_S)
    failures = successes = 0
    while True:
        await asyncio.sleep(period_s)
        if await check():
            failures, successes = 0, successes + 1
            if successes >= (probe.success_threshold or 1):
                tell(True)
        else:
            failures, successes = failures + 1, 0
            if failures >= (probe.failure_threshold or FAILURES):
                tell(False)


def _number(port: object, container: Container) -> int:
    if isinstance(port, str) and not port.isdigit():
        port = next((p.container_port for p in container.ports if p.name == port), 0)
    return int(str(port or 0))


async def _reached(runtime: Runtime, id: str, port: int) -> Address | None:
    try:
        return await runtime.reach(id, port)
    except (ContainerGone, ContainerFailed, EngineUnavailable):
        return None


async def _exec_succeeds(runtime: Runtime, id: str, argv: tuple[str, ...], timeout_s: float) -> bool:
    try:
        return (await runtime.exec(id, argv, timeout_s)).code == 0
    except (TimeoutError, ContainerGone, ContainerFailed, EngineUnavailable):
        return False
