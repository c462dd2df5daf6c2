"""Every flag of `kn service create`: what kemu keeps is what kn writes into a file (`--target`)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.clients.client import Client
from tests.clients.manifests import HELLO, SCRIPTABLE

pytestmark = pytest.mark.engine

FLAGS: dict[str, list[str]] = {
    "arg and cmd": ["--cmd", "/scriptable", "--arg", "a", "--arg=-b"],
    "annotation": ["-a", "a=1", "--annotation-service", "s=1", "--annotation-revision", "r=1"],
    "label": ["-l", "a=1", "--label-service", "s=1", "--label-revision", "r=1"],
    "cluster-local": ["--cluster-local"],
    "concurrency": ["--concurrency-limit", "3", "--scale-target", "2", "--scale-utilization", "70"],
    "env": ["--env", "A=1", "-e", "B=2"],
    "env-from": ["--env-from", "cm:settings", "--env-from", "secret:key"],
    "env-value-from": ["--env-value-from", "A=cm:settings:a", "--env-value-from", "B=secret:key:b"],
    "limit and request": ["--limit", "cpu=500m,memory=128Mi", "--request", "cpu=100m"],
    "mount": ["--mount", "/cm=cm:settings", "--mount", "/key=secret:key", "--mount", "/box=ed:box"],
    "volume": ["--volume", "v=cm:settings", "--mount", "/v=v"],
    "volume in memory": ["--volume", "b=ed:b:size=1Mi,type=Memory", "--mount", "/b=b"],
    "port": ["--port", "8080"],
    "port of HTTP/2": ["--port", "h2c:8080"],
    "probe": ["--probe-liveness", "http:127.0.0.1:8080:/", "--probe-readiness", "tcp:127.0.0.1:8080",
              "--probe-readiness-opts", "PeriodSeconds=2"],
    "pull-policy and pull-secret": ["--pull-policy", "IfNotPresent", "--pull-secret", "key"],
    "revision-name": ["--revision-name", "first"],
    "scale": ["--scale-min", "1", "--scale-max", "3", "--scale-init", "1", "--scale-activation", "2"],
    "scale as a range": ["--scale", "0..2"],
    "scale-metric and scale-window": ["--scale-metric", "rps", "--scale-window", "60s"],
    "security-context": ["--security-context", "none"],
    "service-account": ["--service-account", "default"],
    "tag": ["--tag", "@latest=newest"],
    "timeout": ["--timeout", "30"],
    "user": ["--user", "1001"],
    "no-lock-to-digest": ["--no-lock-to-digest"],
}  # fmt: skip


@pytest.mark.parametrize("flags", FLAGS.values(), ids=FLAGS)
def test_service_create_with_every_flag(kn: Client, kubectl_newest: Client, flags: list[str], tmp_path: Path) -> None:
    kubectl_newest.out("create", "configmap", "settings", "--from-literal=a=1")
    kubectl_newest.out("create", "secret", "generic", "key", "--from-literal=b=2")
    words = ["service", "create", "hello", "--image", SCRIPTABLE, *flags]
    oracle = tmp_path / "oracle.yaml"
    kn.out(*words, "--target", str(oracle))
    kn.out(*words)
    kept = json.loads(kn.out("service", "describe", "hello", "-o", "json"))
    wanted = yaml.safe_load(oracle.read_text())
    for path in (("metadata", "labels"), ("metadata", "annotations"), ("spec",)):
        assert lacking(at(wanted, path), at(kept, path)) == []


def test_service_create_with_more_containers(kn: Client) -> None:
    more = kn.at().out("container", "add", "side", "--image", SCRIPTABLE, "--env", "PORT=9090")
    kn.out("service", "create", "hello", "--image", HELLO, "--port", "8080", "--containers", "-", stdin=more)
    kept = json.loads(kn.out("service", "describe", "hello", "-o", "json"))
    assert [c["image"] for c in kept["spec"]["template"]["spec"]["containers"]] == [HELLO, SCRIPTABLE]


ELSEWHERE = ("client.knative.dev/updateTimestamp", "serving.knative.dev/creator", "serving.knative.dev/lastModifier")
"""What kn puts there by the clock, and what the server says of who asked."""


def at(obj: Any, path: tuple[str, ...]) -> Any:
    for key in path:
        obj = (obj or {}).get(key)
    return obj


def lacking(wanted: Any, kept: Any, where: str = "") -> list[str]:
    """What of `wanted` is not in `kept`; where kn says nothing (`""`, null), a default may be."""
    if isinstance(wanted, dict):
        keys = [key for key in wanted if key not in ELSEWHERE]
        return [text for key in keys for text in lacking(wanted[key], (kept or {}).get(key), f"{where}.{key}")]
    if isinstance(wanted, list):
        if not isinstance(kept, list) or len(kept) != len(wanted):
            return [f"{where}: {kept!r} for {wanted!r}"]
        return [text for i, each in enumerate(wanted) for text in lacking(each, kept[i], f"{where}[{i}]")]
    return [] if wanted == kept or wanted in (None, "") else [f"{where}: {kept!r} for {wanted!r}"]
