"""The ConfigMaps of eventing: a Broker's class, config and delivery, a Channel's kind (eventing §4.1, 5.1)."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from emulator.eventing.defaults import broker_class, broker_defaults, channel_template

SHIPPED = {"retry": 10, "backoffPolicy": "exponential", "backoffDelay": "PT0.2S"}
MAP = {"apiVersion": "v1", "kind": "ConfigMap", "namespace": "knative-eventing"}
MT = "MTChannelBasedBroker"


def data(**config: Any) -> dict[str, str]:
    return {"default-br-config": yaml.safe_dump(config)}


def test_what_is_shipped_holds_without_a_config_map() -> None:
    assert broker_class({}, "default") == MT
    config, delivery = broker_defaults({}, "default", MT, is_annotated=False)
    assert config == {**MAP, "name": "config-br-default-channel"}
    assert delivery == SHIPPED


CLUSTER = {
    "brokerClass": MT,
    **MAP,
    "name": "cluster",
    "delivery": {"retry": 1, "timeout": "PT1S"},
    "brokerClasses": {"Kafka": {**MAP, "name": "kafka", "delivery": {"retry": 2}}},
}


@pytest.mark.parametrize(
    ("own", "class_", "is_annotated", "name", "retry"),
    [
        pytest.param({}, MT, False, "cluster", 1, id="the cluster's"),
        pytest.param({}, "Kafka", True, "kafka", 2, id="the cluster's for a class"),
        pytest.param({}, "Odd", True, "cluster", 1, id="the cluster's for an unknown class"),
        pytest.param({"brokerClass": MT, "name": "own"}, MT, False, "own", None, id="the namespace's"),
        pytest.param({"name": "own"}, MT, False, "cluster", 1, id="the namespace's without a class is none"),
        pytest.param({"brokerClass": "Odd", "name": "own"}, "Kafka", True, "kafka", 2, id="of another class"),
        pytest.param({"brokerClasses": {"Kafka": {"name": "own"}}}, "Kafka", True, "own", None, id="for a class"),
    ],
)
def test_a_brokers_config_and_delivery(
    own: dict[str, Any], class_: str, is_annotated: bool, name: str, retry: int | None
) -> None:
    found = data(clusterDefault=CLUSTER, namespaceDefaults={"ns": own} if own else {})
    config, delivery = broker_defaults(found, "ns", class_, is_annotated=is_annotated)
    assert config is not None
    assert config["name"] == name
    assert delivery == ({"retry": retry} if retry else None)


def test_the_class_is_the_namespaces_else_the_clusters() -> None:
    found = data(clusterDefault={"brokerClass": "A"}, namespaceDefaults={"ns": {"brokerClass": "B"}})
    assert (broker_class(found, "ns"), broker_class(found, "other")) == ("B", "A")


def test_a_channels_template() -> None:
    imc = {"apiVersion": "messaging.knative.dev/v1", "kind": "InMemoryChannel"}
    kafka = {"apiVersion": "messaging.knative.dev/v1beta1", "kind": "KafkaChannel", "spec": {"numPartitions": 3}}
    assert channel_template({}, "ns") == imc
    text = yaml.safe_dump({"clusterDefault": imc, "namespaceDefaults": {"ns": kafka}})
    assert channel_template({"default-ch-config": text}, "ns") == kafka
    assert channel_template({"default-ch-config": text}, "other") == imc
