"""What Knative accepts of the probes of a Revision's containers, in its own words.

Pure; paths start below the container. Followed: knative/serving pkg/apis/serving/k8s_validation.go, validateProbe and
validateReadinessProbe (serving §2.5).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from emulator.objects.kind import Json
from emulator.objects.podspec import Container, Probe
from emulator.objects.problems import Problem, both, disallowed, invalid_value, neither, out_of_range, under
from emulator.serving.features import Features

PROBES = ("livenessProbe", "readinessProbe", "startupProbe")
_INT32_MAX = 2**31 - 1
# k8s_validation.go, validateContainersPorts: what a port without a name is called.
_DEFAULT_PORT_NAME = "http"


def probe_problems(container: Container, raw: Json, features: Features, *, is_serving: bool) -> Iterator[Problem]:
    """The faults of the probes of a container that is no init container; `raw` is its JSON."""
    probes = (container.liveness_probe, container.readiness_probe, container.startup_probe)
    for name, probe in zip(PROBES, probes, strict=True):
        if probe is None:
            continue
        if not is_serving and not features.is_enabled("multi-container-probing"):
            yield from under(_mask_problems(raw[name]), name)
            continue
        yield from under(_handler_problems(probe), name)
        yield from under(_port_problems(probe, container, is_serving), name)
        if name == "readinessProbe":
            yield from under(_number_problems(probe), name)


def _mask_problems(raw: Json) -> Iterator[Problem]:
    """A probe where there may be none: every field that is set, the handlers as the probe itself."""
    handlers = ("exec", "grpc", "httpGet", "tcpSocket")
    if any(raw.get(handler) is not None for handler in handlers):
        yield disallowed()
    yield from (disallowed(field) for field, value in raw.items() if field not in handlers and value)


def init_probe_problems(container: Container) -> Iterator[Problem]:
    """Init containers have no probes and no hooks."""
    given = {
        "livenessProbe": container.liveness_probe,
        "readinessProbe": container.readiness_probe,
        "startupProbe": container.startup_probe,
        "lifecycle": container.lifecycle,
    }
    for field, value in given.items():
        if value is not None:
            yield Problem((field,), "field not allowed in an init container")


def _handlers(probe: Probe) -> dict[str, Any]:
    """The handlers by field, in upstream's order."""
    return {"httpGet": probe.http_get, "tcpSocket": probe.tcp_socket, "exec": probe.exec, "grpc": probe.grpc}


def _handler_problems(probe: Probe) -> Iterator[Problem]:
    handlers = _handlers(probe)
    given = [name for name, handler in handlers.items() if handler is not None]
    if not given:
        yield neither(*((name,) for name in handlers))
    elif len(given) > 1:
        told = ("gRPC" if name == "grpc" else name for name in given)  # as upstream spells it there
        yield both(*((name,) for name in told))


def _port_problems(probe: Probe, container: Container, is_serving: bool) -> Iterator[Problem]:
    name = (container.ports[0].name if container.ports else None) or _DEFAULT_PORT_NAME
    given = [field for field, handler in _handlers(probe).items() if handler is not None]
    for field, handler in (("httpGet", probe.http_get), ("tcpSocket", probe.tcp_socket)):
        if handler is None:
            continue
        port, said = handler.port, ""
        if is_serving and isinstance(port, str) and port and port != name:
            said = "Probe port must match container port"
        elif not is_serving and not port:
            said = "Probe port must be specified"
        if said:
            # Upstream puts it below the handlers that it looks at afterwards.
            told = (*reversed(given[given.index(field) + 1 :]), field)
            yield invalid_value(port, "port", details=said).moved((field,), told)


def _number_problems(probe: Probe) -> Iterator[Problem]:
    """What only readiness probes are asked; without a period Knative probes in its own, eager way."""
    period = probe.period_seconds or 0
    ranges = [("periodSeconds", period, 0), ("initialDelaySeconds", probe.initial_delay_seconds or 0, 0)]
    ranges.append(("successThreshold", probe.success_threshold or 0, 1))
    for field, value in (("failureThreshold", probe.failure_threshold), ("timeoutSeconds", probe.timeout_seconds)):
        if period:
            ranges.append((field, value or 0, 1))
        elif value:
            yield Problem((field,), f"{field} is disallowed when periodSeconds is zero")
    for field, number, least in ranges:
        if number < least:
            yield out_of_range(number, least, _INT32_MAX, field)
