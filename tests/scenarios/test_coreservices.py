"""Core Services in front of Pods: by name from containers and from kemu's own deliveries."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.scenarios.harness import IMAGE, Kemu, eventually, service
from tests.scenarios.test_events import BROKER, RECORD, trigger

pytestmark = pytest.mark.engine

LABELS = {"app": "back"}


def deployment(replicas: int) -> dict[str, Any]:
    env = [{"name": name, "value": value} for name, value in {**RECORD, "MESSAGE": "from the back"}.items()]
    ready = {"httpGet": {"path": "/healthz", "port": 8080}, "periodSeconds": 1}
    ports = [{"name": "web", "containerPort": 8080}]
    container = {"name": "c", "image": IMAGE, "env": env, "ports": ports, "readinessProbe": ready}
    template = {"metadata": {"labels": LABELS}, "spec": {"containers": [container]}}
    spec = {"replicas": replicas, "selector": {"matchLabels": LABELS}, "template": template}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "back"}, "spec": spec}


def core(name: str, **spec: Any) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": spec}


def write(kemu: Kemu, *objects: dict[str, Any] | str) -> None:
    texts = [text if isinstance(text, str) else json.dumps(text) for text in objects]
    kemu.write("all.yaml", "\n---\n".join(texts))


def ready(kemu: Kemu, count: int) -> bool:
    subsets = next(e for e in kemu.objects("endpoints") if e["metadata"]["name"] == "web").get("subsets", [])
    return [len(subset.get("addresses", [])) for subset in subsets] == ([count] if count else [])


def test_containers_reach_pods_by_the_names_of_their_services(kemu: Kemu) -> None:
    web = core("web", selector=LABELS, ports=[{"port": 80, "targetPort": "web"}])
    direct = core("direct", selector=LABELS, clusterIP="None", ports=[{"port": 8080}])
    alias = core("alias", type="ExternalName", externalName="web.default.svc.cluster.local")
    mapped = [{"name": "a", "port": 9126, "targetPort": 8080}, {"name": "b", "port": 9127, "targetPort": "web"}]
    other = core("other", selector=LABELS, ports=mapped)
    write(kemu, deployment(2), web, direct, alias, other, service("front"))
    kemu.up()
    eventually(lambda: ready(kemu, 2), "both Pods are behind the Service")
    urls = (
        "http://web.default.svc.cluster.local",
        "http://web.default",
        "http://web",
        "http://direct.default.svc.cluster.local:8080",
        "http://alias.default.svc.cluster.local",
        "http://other.default.svc.cluster.local:9126",
        "http://other:9127",
    )
    for url in urls:
        reply = kemu.request("front", f"/fetch?url={url}/")
        assert (reply.status, reply.body) == (200, "from the back\n"), url
    write(kemu, deployment(0), web, direct, alias, service("front"))
    eventually(lambda: ready(kemu, 0), "no Pod is behind the Service")
    assert "no endpoints available" in kemu.request("front", "/fetch?url=http://web/").body


def test_events_are_delivered_to_a_core_service(kemu: Kemu) -> None:
    web = core("web", selector=LABELS, ports=[{"port": 80, "targetPort": 8080}])
    source = {
        "apiVersion": "sources.knative.dev/v1",
        "kind": "PingSource",
        "metadata": {"name": "ticks"},
        "spec": {
            "schedule": "0 0 1 1 *",
            "data": "hello",
            "sink": {"ref": {"apiVersion": "eventing.knative.dev/v1", "kind": "Broker", "name": "default"}},
        },
    }
    subscriber = {"ref": {"apiVersion": "v1", "kind": "Service", "name": "web"}}
    write(kemu, BROKER, source, trigger("all", "dev.knative.sources.ping", subscriber), deployment(1), web)
    kemu.up()
    eventually(lambda: ready(kemu, 1), "the Pod is behind the Service")
    kemu.run("fire", "ticks")
    kemu.said("→ web answered 202", "all")
