"""Cluster-wide defaults of eventing, from its ConfigMaps: a Broker's class, config and delivery; a Channel's kind.

Pure, from the data of config-br-defaults, config-br-default-channel and default-ch-webhook; what is shipped with
Knative holds where they say nothing (eventing §4.1, §5.1, §11). Followed: knative/eventing pkg/apis/config,
pkg/apis/messaging/ config.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml

from emulator.objects.kind import Json

NAMESPACE = "knative-eventing"
BROKER_CLASS = "eventing.knative.dev/broker.class"
MT_CLASS = "MTChannelBasedBroker"
_SHIPPED_BROKER: Json = {
    "brokerClass": MT_CLASS,
    "apiVersion": "v1",
    "kind": "ConfigMap",
    "name": "config-br-default-channel",
    "namespace": NAMESPACE,
    "delivery": {"retry": 10, "backoffPolicy": "exponential", "backoffDelay": "PT0.2S"},
}
_SHIPPED_CHANNEL: Json = {"apiVersion": "messaging.knative.dev/v1", "kind": "InMemoryChannel"}


def broker_class(data: Mapping[str, str], namespace: str) -> str:
    """The class of a Broker that names none."""
    cluster, own = _sections(data, "default-br-config", _SHIPPED_BROKER, namespace)
    return str(own.get("brokerClass") or cluster.get("brokerClass") or MT_CLASS)


def broker_defaults(
    data: Mapping[str, str], namespace: str, class_: str, *, is_annotated: bool
) -> tuple[Json | None, Json | None]:
    """(`spec.config`, `spec.delivery`) for a Broker of a class, None where there is no default."""
    cluster, own = _sections(data, "default-br-config", _SHIPPED_BROKER, namespace)
    found = (own.get("brokerClasses") or {}).get(class_)
    if found is None and own.get("brokerClass") == class_:
        found = own
    if found is None:
        found = (cluster.get("brokerClasses") or {}).get(class_) if is_annotated else None
    found = found or cluster
    reference = {key: found[key] for key in ("apiVersion", "kind", "name", "namespace") if found.get(key)}
    given = found.get("delivery") or {}
    delivery = {k: given[k] for k in ("deadLetterSink", "retry", "backoffPolicy", "backoffDelay") if k in given}
    return reference or None, delivery or None


def channel_template(data: Mapping[str, str], namespace: str) -> Json:
    """The template of a Channel (or Sequence) that names none."""
    cluster, own = _sections(data, "default-ch-config", _SHIPPED_CHANNEL, namespace)
    return {k: v for k, v in (own or cluster).items() if k in ("apiVersion", "kind", "spec")}


def _sections(data: Mapping[str, str], key: str, shipped: Json, namespace: str) -> tuple[Json, Json]:
    text: Any = yaml.safe_load(data.get(key, "")) or {}
    cluster = text.get("clusterDefault") or shipped
    return cluster, (text.get("namespaceDefaults") or {}).get(namespace) or {}
