"""What Knative's webhook refuses of the ConfigMaps in `knative-serving`: a setting that is refused never takes effect,
so the last good one stays in force.

Pure: a rule takes the `data` of one ConfigMap and tells all its faults, each in the webhook's words and with the key it
is about ("" for none). Unknown keys are ignored there and here. config-autoscaler has its own module. Not asked for is
`queue-sidecar-image`, without which a cluster refuses config-deployment: kemu has no such image.

Followed: knative/pkg webhook/configmaps/configmaps.go, configmap/{parse,example}.go; knative/serving pkg/apis/config,
pkg/deployment/config.go, pkg/gc/config.go, pkg/observability/config.go, pkg/reconciler/route/config/domain.go;
knative/networking pkg/config/config.go (serving §7).
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

import yaml

from emulator.lib.durations import SECOND, format_go, parse_go
from emulator.lib.gonumbers import parse_bool, parse_float, parse_int64
from emulator.lib.gotemplatefunctions import TemplateFault
from emulator.lib.gotemplates import Struct, parse
from emulator.lib.quantities import Quantity
from emulator.objects.problems import Problem
from emulator.objects.resource import Resource
from emulator.serving.annotations import NAMESPACE
from emulator.serving.autoscalerconfig import AutoscalerConfig, InvalidConfig
from emulator.serving.hostnames import DOMAIN_TEMPLATE, TAG_TEMPLATE
from emulator.serving.revisionspec import object_meta

CONFIG_WEBHOOK = "config.webhook.serving.knative.dev"
EXAMPLE, CHECKSUM = "_example", "knative.dev/example-checksum"
_MAX_INT32 = 2**31 - 1
_RESOURCES = tuple(
    f"revision-{resource}-{bound}"
    for bound in ("request", "limit")
    for resource in ("cpu", "memory", "ephemeral-storage")
)

Data = Mapping[str, str]
Fault = tuple[str, str]
Rule = Callable[[Data], Iterator[Fault]]


def config_problems(config_map: Resource[Any]) -> Iterator[Problem]:
    """What the webhook says of a ConfigMap; nothing of one that is none of Knative's settings."""
    if config_map.namespace != NAMESPACE or config_map.name not in RULES:
        return
    data: Data = config_map.obj.get("data") or {}
    checksum = config_map.annotations.get(CHECKSUM)
    if EXAMPLE in data and checksum is not None and checksum != example_checksum(data[EXAMPLE]):
        yield Problem(
            ("data", EXAMPLE),
            f'the update modifies a key in "{EXAMPLE}" which is probably not what you want. Instead, copy the '
            'respective setting to the top-level of the ConfigMap, directly below "data"',
        )
        return
    for key, said in RULES[config_map.name](data):
        yield Problem(("data", key) if key in data else ("data",), said)


def operator_problems(operator: Resource[Any]) -> Iterator[Problem]:
    """The same of the ConfigMaps that a KnativeServing would make. A cluster lets it in and then fails to install."""
    for name, data in ((operator.obj.get("spec") or {}).get("config") or {}).items():
        for key, said in RULES.get(f"config-{name.removeprefix('config-')}", _no_rules)(data):
            path = ("spec", "config", name)
            yield Problem((*path, key) if key in data else path, said)


def example_checksum(text: str) -> str:
    """What guards the block `_example`: settings written into it have no effect (configmap/example.go)."""
    # Go's replacement is written `\n` between backquotes: a backslash and an n.
    joined = re.sub(r"(?:\r?\n)+", lambda _: "\\n", text.strip())
    return f"{zlib.crc32(joined.encode()):08x}"


class _Settings:
    """Reads values by key; a fault is kept and the default taken, so that the relations can be judged all the same."""

    def __init__(self, data: Data) -> None:
        self._data = data
        self.faults: list[Fault] = []

    def read(self, kind: Callable[[str], Any], default: Any, *keys: str) -> Any:
        """The value under the last of these keys that is written (older names come first)."""
        value = default
        for key in keys:
            if key in self._data:
                try:
                    value = kind(self._data[key])
                except ValueError as error:
                    self.faults.append((key, f'failed to parse "{key}": {error}'))
        return value


def _autoscaler(data: Data) -> Iterator[Fault]:
    try:
        AutoscalerConfig.of(data)
    except InvalidConfig as invalid:
        for said in invalid.faults:
            yield next((key for key in data if re.search(rf"(?<![\w-]){re.escape(key)}(?![\w-])", said)), ""), said


def _defaults(data: Data) -> Iterator[Fault]:
    settings = _Settings(data)
    settings.read(parse_bool, True, "allow-container-concurrency-zero")
    timeout = settings.read(parse_int64, 300, "revision-timeout-seconds")
    most = settings.read(parse_int64, 600, "max-revision-timeout-seconds")
    idle = settings.read(parse_int64, 0, "revision-idle-timeout-seconds")
    start = settings.read(parse_int64, timeout, "revision-response-start-timeout-seconds")
    concurrency = settings.read(parse_int64, 0, "container-concurrency")
    limit = settings.read(parse_int64, 1000, "container-concurrency-max-limit")
    for key in _RESOURCES:
        settings.read(Quantity.parse, None, key)
    yield from settings.faults
    for key, value, bound, bound_key in (
        ("revision-timeout-seconds", timeout, most, "max-revision-timeout-seconds"),
        ("revision-response-start-timeout-seconds", start, timeout, "revision-timeout-seconds"),
        ("revision-idle-timeout-seconds", idle, timeout, "revision-timeout-seconds"),
    ):
        if value > bound and value > 0:
            yield key, f"{key} ({value}) cannot be greater than {bound_key} ({bound})"
    for key, value, low, high in (
        ("container-concurrency-max-limit", limit, 1, max(limit, _MAX_INT32)),
        ("container-concurrency", concurrency, 0, limit),
    ):
        if not low <= value <= high:
            yield key, f"expected {low} <= {value} <= {min(high, _MAX_INT32) if low else high}: {key}"
    meta = object_meta({})
    for key in ("init-container-name-template", "container-name-template"):
        yield from _template_faults(data, key, "container-template", meta, "error executing template: ")


def _template_faults(data: Data, key: str, name: str, values: Struct, prefix: str = "") -> Iterator[Fault]:
    if key not in data:
        return
    try:
        template = parse(name, data[key])
    except TemplateFault as fault:
        yield key, str(fault)
        return
    try:
        template.render(values)
    except TemplateFault as fault:
        yield key, f"{prefix}{fault}"


def _network(data: Data) -> Iterator[Fault]:
    settings = _Settings(data)
    seconds = settings.read(parse_int64, 0, "rolloutDuration", "rollout-duration")
    settings.read(parse_bool, False, "autocreateClusterDomainClaims", "autocreate-cluster-domain-claims")
    settings.read(parse_bool, False, "enable-mesh-pod-addressability")
    settings.read(parse_bool, False, "internal-encryption")
    yield from settings.faults
    if seconds < 0:
        yield "rollout-duration", f"rollout-duration must be a positive integer, but was {seconds}"
    yield from _host_template_faults(data)
    protocol = data.get("http-protocol", data.get("httpProtocol", ""))
    if protocol.lower() not in ("", "enabled", "disabled", "redirected"):
        said = f"httpProtocol {data.get('http-protocol', '')} in config-network ConfigMap is not supported"
        yield "http-protocol" if "http-protocol" in data else "httpProtocol", said
    for key in ("system-internal-tls", "cluster-local-domain-tls"):
        if data.get(key, "").lower() not in ("", "enabled", "disabled"):
            yield key, f'{key} with value: "{data[key]}" in config-network ConfigMap is not supported'


def _host_template_faults(data: Data) -> Iterator[Fault]:
    """Domain and tag templates, tried with Knative's own values: the first must make a host, nothing else."""
    host = {"Name": "foo", "Namespace": "bar", "Domain": "baz.com", "Annotations": {}, "Labels": {}}
    for key, older, shipped, values in (
        ("domain-template", "domainTemplate", DOMAIN_TEMPLATE, Struct("config.DomainTemplateValues", host)),
        ("tag-template", "tagTemplate", TAG_TEMPLATE, Struct("config.TagTemplateValues", {"Name": "foo", "Tag": "v2"})),
    ):
        written = key if key in data else older
        text = data.get(written, shipped).strip()
        try:
            made = parse(key, text).render(values)
        except TemplateFault as fault:
            yield written, str(fault)
            continue
        if key == "domain-template":
            yield from ((written, said) for said in _no_host(made))


def _no_host(made: str) -> Iterator[str]:
    parts = urlsplit(f"https://{made}")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    if stray := re.search(r"[\s\"<>^`{|}]", parts.netloc):
        yield f'parse "https://{made}": invalid character "{stray[0]}" in host name'
    elif not parts.hostname:
        yield "empty hostname"
    elif path != "/":
        yield f"domain template has url path: {path}"


def _deployment(data: Data) -> Iterator[Fault]:
    settings = _Settings(data)
    deadline = settings.read(parse_go, 600 * SECOND, "progressDeadline", "progress-deadline")
    digest = settings.read(parse_go, 10 * SECOND, "digestResolutionTimeout", "digest-resolution-timeout")
    settings.read(parse_bool, False, "pod-is-always-schedulable")
    for bound in ("request", "limit"):
        for resource in ("cpu", "memory", "ephemeral-storage"):
            settings.read(Quantity.parse, None, f"queue-sidecar-{resource}-{bound}")
    yield from settings.faults
    if deadline <= 0:
        yield "progress-deadline", f"progress-deadline cannot be a non-positive duration, was {format_go(deadline)}"
    elif deadline % SECOND:
        yield "progress-deadline", f"progress-deadline must be rounded to a whole second, was: {format_go(deadline)}"
    if digest <= 0:
        said = f"digest-resolution-timeout cannot be a non-positive duration, was {format_go(digest)}"
        yield "digest-resolution-timeout", said
    affinity = data.get("default-affinity-type", "none")
    if affinity not in ("none", "prefer-spread-revision-over-nodes"):
        yield "default-affinity-type", f'unsupported default-affinity-type value: "{affinity}"'


def _gc(data: Data) -> Iterator[Fault]:
    settings = _Settings(data)
    least = settings.read(parse_int64, 20, "min-non-active-revisions")
    yield from ((key, f"failed to parse data: {said}") for key, said in settings.faults)
    for key in ("retain-since-create-time", "retain-since-last-active-time"):
        if fault := _disabled_or(parse_go, data.get(key, "")):
            yield key, f"failed to parse {key}: {fault}"
    text = data.get("max-non-active-revisions", "")
    if fault := _disabled_or(_parse_uint, text):
        yield "max-non-active-revisions", f"failed to parse max-non-active-revisions: {fault}"
        return
    most = -1 if text.lower() == "disabled" else int(text or 1000)
    if least < 0:
        yield "min-non-active-revisions", f"min-non-active-revisions must be non-negative, was: {least}"
    if 0 <= most < least:
        said = f"min-non-active-revisions({least}) must be <= max-non-active-revisions({most})"
        yield "min-non-active-revisions", said


def _disabled_or(kind: Callable[[str], int], text: str) -> str:
    if text in ("", *([text] if text.lower() == "disabled" else [])):
        return ""
    try:
        return "must be non-negative" if kind(text) < 0 else ""
    except ValueError as error:
        return str(error)


def _parse_uint(text: str) -> int:
    if not re.fullmatch(r"[0-9]+", text, re.ASCII):
        raise ValueError(f'strconv.ParseUint: parsing "{text}": invalid syntax')
    if int(text) > 2**64 - 1:
        raise ValueError(f'strconv.ParseUint: parsing "{text}": value out of range')
    return int(text)


def _domain(data: Data) -> Iterator[Fault]:
    for domain, text in data.items():
        if domain == EXAMPLE:
            continue
        try:
            read = yaml.safe_load(text)
        except yaml.YAMLError as error:
            yield domain, f"error converting YAML to JSON: {' '.join(str(error).split())}"
            continue
        selector = read.get("selector") if isinstance(read, dict) else read
        if read is not None and (
            not isinstance(read, dict)
            or not isinstance(selector or {}, dict)
            or not all(isinstance(value, str | int | float) for value in (selector or {}).values())
        ):
            yield domain, f"{domain} must be empty, or have a map `selector` of labels and their values"


def _observability(data: Data) -> Iterator[Fault]:
    settings = _Settings(data)
    settings.read(parse_bool, False, "logging.enable-var-log-collection")
    logs = settings.read(parse_bool, False, "logging.enable-request-log")
    settings.read(parse_bool, False, "logging.enable-probe-request-log")
    rate = settings.read(parse_float, 0.0, "tracing-sampling-rate")
    for key in ("metrics-export-interval", "request-metrics-export-interval", "runtime-export-interval"):
        if settings.read(parse_go, 0, key) < 0:
            settings.faults.append((key, f'export interval "{data[key].strip()}" should be greater than zero'))
    yield from settings.faults
    yield from _exporter_faults(data, "metrics", ("prometheus",))
    yield from _exporter_faults(data, "request-metrics", ("prometheus",))
    yield from _exporter_faults(data, "tracing", ("stdout",))
    if not 0 <= rate <= 1:
        bound = "less than or equal to one" if rate > 1 else "greater or equal to zero"
        yield "tracing-sampling-rate", f"sampling rate {rate:f} should be {bound}"
    profiling = data.get("runtime-profiling", "disabled").strip()
    if profiling not in ("enabled", "disabled"):
        yield "runtime-profiling", f'unsupported profile setting "{profiling}"'
    yield from _request_log_faults(data, logs)


def _exporter_faults(data: Data, prefix: str, besides: tuple[str, ...]) -> Iterator[Fault]:
    key = f"{prefix}-protocol"
    protocol, endpoint = data.get(key, "none").strip(), data.get(f"{prefix}-endpoint", "").strip()
    told = "for protocol" if prefix == "tracing" else "when protocol is"
    if protocol not in ("grpc", "http/protobuf", "none", *besides):
        yield key, f'unsupported protocol "{protocol}"'
    elif protocol in ("grpc", "http/protobuf") and not endpoint:
        yield key, f'endpoint should be set {told} "{protocol}"'
    elif endpoint and (protocol == "none" or protocol == "stdout"):
        shown = "'none'" if prefix == "tracing" else '"none"'
        yield f"{prefix}-endpoint", f"endpoint should not be set when protocol is {shown}"


def _request_log_faults(data: Data, logs: bool) -> Iterator[Fault]:
    key = "logging.request-log-template"
    template = data.get(key, "shipped").strip()
    if not template and logs:
        yield key, f'"logging.enable-request-log" was set to true, but no "{key}" was specified'
    try:
        parse("requestLog", template)
    except TemplateFault as fault:
        yield key, str(fault)


def _no_rules(data: Data) -> Iterator[Fault]:
    """Flags are on or off, and any other word is the default."""
    return iter(())


def _leader_election(data: Data) -> Iterator[Fault]:
    settings = _Settings(data)
    for older, key in (
        ("leaseDuration", "lease-duration"),
        ("renewDeadline", "renew-deadline"),
        ("retryPeriod", "retry-period"),
    ):
        settings.read(parse_go, 0, older, key)
    buckets = settings.read(parse_int64, 1, "buckets")
    yield from settings.faults
    if not 1 <= buckets <= 10:
        yield "buckets", f"buckets: value must be between 1 <= {buckets} <= 10"


RULES: Mapping[str, Rule] = {
    "config-autoscaler": _autoscaler,
    "config-defaults": _defaults,
    "config-deployment": _deployment,
    "config-domain": _domain,
    "config-features": _no_rules,
    "config-gc": _gc,
    "config-leader-election": _leader_election,
    "config-logging": _no_rules,
    "config-network": _network,
    "config-observability": _observability,
}
