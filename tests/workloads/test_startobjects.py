"""What is there before anything is applied."""

from __future__ import annotations

import pytest

from emulator.control.addresses import Addresses
from emulator.control.controller import Controller
from emulator.control.recorder import Recorder
from emulator.eventing.defaults import BROKER_CLASS, broker_defaults, channel_template
from emulator.serving.autoscalerconfig import AutoscalerConfig
from emulator.store.store import Store
from emulator.workloads.accounts import keep_default_accounts
from emulator.workloads.configs import CONFIG_MAP
from emulator.workloads.coreservices import CORE_SERVICE
from emulator.workloads.kubeevents import KUBE_EVENT
from emulator.workloads.namespaces import NAMESPACE
from emulator.workloads.nodes import NODE_KIND
from emulator.workloads.operators import KNATIVE_SERVING
from emulator.workloads.reconcilers import RECONCILERS
from emulator.workloads.startobjects import CONFIG, NAMESPACES, Listening, is_from_start, put_start_objects
from tests.world import World, obj


@pytest.fixture
def store() -> Store:
    store = World().store
    keep_default_accounts(store)
    put_start_objects(store, Listening(8080, 7070, ("172.18.0.1", 80)), "v1.34.0")
    return store


def test_each_namespace_has_its_account_also_when_it_is_deleted(store: Store) -> None:
    kind = store.registry.of("v1", "ServiceAccount")
    assert kind is not None
    store.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "later"}})
    store.delete(kind, "default", "later")
    assert {a.namespace for a in store.list(kind)} == {*NAMESPACES, "later"} == {n.name for n in store.list(NAMESPACE)}


def test_the_gateway_shows_where_kemu_listens(store: Store) -> None:
    kourier = store.get(CORE_SERVICE, "kourier", "knative-serving")
    cells = {column.name: column.cell(kourier) for column in CORE_SERVICE.columns}
    assert (cells["Type"], cells["External-IP"], cells["Port(s)"]) == ("LoadBalancer", "127.0.0.1", "8080:8080/TCP")


def test_files_of_releases_do_not_move_the_gateway(store: Store) -> None:
    kourier = store.get(CORE_SERVICE, "kourier", "kourier-system")
    ports = [{"name": "http2", "port": 80, "targetPort": 8080}, *kourier.obj["spec"]["ports"]]
    labels = {"networking.knative.dev/ingress-provider": "kourier"}
    wanted = {**kourier.obj, "metadata": {**kourier.metadata, "labels": labels}}
    changed = store.update({**wanted, "spec": {**kourier.obj["spec"], "ports": ports}}, "me")
    assert changed.obj["spec"] == kourier.obj["spec"]
    assert changed.labels == labels


def test_a_later_start_keeps_what_was_edited_and_tells_its_own_ports(store: Store) -> None:
    network = store.get(CONFIG_MAP, "config-network", "knative-serving")
    store.update({**network.obj, "data": {"ingress-class": "mine"}})
    put_start_objects(store, Listening(9090, 7071, ("172.19.0.1", 81)), "v1.34.0")
    assert store.config("config-network", "knative-serving") == {"ingress-class": "mine"}
    ports = store.get(CORE_SERVICE, "kourier", "kourier-system").obj["spec"]["ports"]
    assert (ports[0]["port"], ports[0]["nodePort"]) == (9090, 9090)


def test_the_node_has_what_the_computer_has(store: Store) -> None:
    node = store.get(NODE_KIND, "kemu")
    cells = {column.name: column.cell(node) for column in NODE_KIND.columns}
    assert (cells["Status"], cells["Roles"], cells["Version"]) == ("Ready", "control-plane", "v1.34.0")
    assert int(node.status["capacity"]["cpu"]) >= 1
    assert node.status["capacity"]["memory"].endswith("Ki")


def test_the_config_maps_say_what_holds_without_them() -> None:
    serving, eventing = "knative-serving", "knative-eventing"
    assert AutoscalerConfig.of(CONFIG[serving, "config-autoscaler"]) == AutoscalerConfig.of({})
    brokers, channels = CONFIG[eventing, "config-br-defaults"], CONFIG[eventing, "default-ch-webhook"]
    for annotated in (True, False):
        said = [broker_defaults(data, "a", BROKER_CLASS, is_annotated=annotated) for data in (brokers, {})]
        assert said[0] == said[1]
    assert channel_template(channels, "a") == channel_template({}, "a")


def test_an_operator_object_takes_its_config_map_over(store: Store) -> None:
    config = {"autoscaler": {"stable-window": "30s"}}
    serving = obj(KNATIVE_SERVING, "knative-serving", {"config": config})
    store.create({**serving, "metadata": {**serving["metadata"], "namespace": "knative-serving"}})
    controller = Controller(store, RECONCILERS, Recorder(store, KUBE_EVENT), Addresses("x.test", 80, 80))
    store.announce()
    controller.settle()
    assert store.config("config-autoscaler", "knative-serving") == {"stable-window": "30s"}


def test_they_are_told_from_what_users_make(store: Store) -> None:
    for kind in store.registry:
        for one in store.list(kind):
            assert is_from_start(kind.group, kind.name, one.namespace, one.name), one.key
    assert is_from_start("", "ServiceAccount", "mine", "default")
    assert not is_from_start("", "Namespace", "", "mine")
    assert not is_from_start("", "Service", "default", "mine")
    assert not is_from_start("serving.knative.dev", "Service", "default", "kubernetes")


def test_a_services_status_has_no_generation(store: Store) -> None:
    controller = Controller(store, RECONCILERS, Recorder(store, KUBE_EVENT), Addresses("x.test", 80, 80))
    store.announce()
    controller.settle()
    kourier = store.get(CORE_SERVICE, "kourier", "kourier-system")
    assert kourier.status == {"loadBalancer": {"ingress": [{"ip": "127.0.0.1"}]}}
