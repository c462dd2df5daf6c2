"""The documents that articles about Knative show load as they are: installation, namespaces, flows."""

from __future__ import annotations

from pathlib import Path

from emulator.app import KINDS, RECONCILERS
from emulator.control.addresses import Addresses
from emulator.control.controller import Controller
from emulator.control.recorder import Recorder
from emulator.lib.clock import SystemClock
from emulator.manifests.loader import Loader
from emulator.objects.kind import Registry
from emulator.store.store import Store
from emulator.workloads.configs import CONFIG_MAP
from emulator.workloads.kubeevents import KUBE_EVENT
from emulator.workloads.operators import config_maps

INSTALLATION = """\
apiVersion: v1
kind: Namespace
metadata:
  name: knative-serving
---
apiVersion: operator.knative.dev/v1beta1
kind: KnativeServing
metadata:
  name: knative-serving
  namespace: knative-serving
---
apiVersion: operator.knative.dev/v1beta1
kind: KnativeServing
metadata:
  name: knative-serving
  namespace: knative-serving
spec:
  ingress:
    kourier:
      enabled: true
  config:
    network:
      ingress-class: "kourier.ingress.networking.knative.dev"
---
apiVersion: v1
kind: Namespace
metadata:
  name: knative-eventing
---
apiVersion: operator.knative.dev/v1beta1
kind: KnativeEventing
metadata:
  name: knative-eventing
  namespace: knative-eventing
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: config-br-default-channel
  namespace: knative-eventing
data:
  channel-template-spec: |
    apiVersion: messaging.knative.dev/v1
    kind: InMemoryChannel
"""


FLOW = """\
apiVersion: eventing.knative.dev/v1
kind: Broker
metadata:
  name: default
---
apiVersion: flows.knative.dev/v1
kind: Sequence
metadata:
  name: sequence
spec:
  channelTemplate:
    apiVersion: messaging.knative.dev/v1
    kind: InMemoryChannel
  steps:
  - ref:
      apiVersion: serving.knative.dev/v1
      kind: Service
      name: first
  - ref:
      apiVersion: serving.knative.dev/v1
      kind: Service
      name: second
  - ref:
      apiVersion: serving.knative.dev/v1
      kind: Service
      name: third
  reply:
    ref:
      kind: Broker
      apiVersion: eventing.knative.dev/v1
      name: default
---
apiVersion: sources.knative.dev/v1
kind: PingSource
metadata:
  name: ping-source
spec:
  schedule: "*/2 * * * *"
  contentType: "application/json"
  data: '{"message": "Hello world!"}'
  sink:
    ref:
      apiVersion: eventing.knative.dev/v1
      kind: Broker
      name: default
---
apiVersion: eventing.knative.dev/v1
kind: Trigger
metadata:
  name: sequence-trigger
spec:
  broker: default
  filter:
    attributes:
      type: dev.knative.sources.ping
  subscriber:
    ref:
      apiVersion: flows.knative.dev/v1
      kind: Sequence
      name: sequence
"""


class World:
    """Manifests that were loaded and reconciled."""

    def __init__(self, folder: Path, text: str) -> None:
        (folder / "all.yaml").write_text(text)
        self.store = Store(Registry(KINDS), SystemClock(), CONFIG_MAP)
        controller = Controller(self.store, RECONCILERS, Recorder(self.store, KUBE_EVENT), Addresses())
        self.loader = Loader(self.store, [folder], {"KnativeServing": config_maps, "KnativeEventing": config_maps})
        self.loader.settle = controller.settle
        self.applied = str(self.loader.apply(self.loader.check(self.loader.read())))
        controller.settle()

    def ready(self, kind: str, name: str) -> str:
        """The status of Ready, with its reason unless it is True."""
        (found,) = self.store.registry.named(kind)
        condition = self.store.get(found, name, "default").condition("Ready")
        return " ".join(str(condition[key]) for key in ("status", "reason") if condition.get(key))


def test_the_documents_that_install_knative_are_accepted(tmp_path: Path) -> None:
    world = World(tmp_path, INSTALLATION)
    assert {n.name for n in world.store.list(world.store.registry.named("ns")[0])} == {
        "knative-serving",
        "knative-eventing",
    }
    network = world.store.config("config-network", "knative-serving")
    assert network["ingress-class"] == "kourier.ingress.networking.knative.dev"


def test_the_flow_waits_for_its_functions_and_says_so(tmp_path: Path) -> None:
    world = World(tmp_path, FLOW)
    names = ("Broker default", "Sequence sequence", "PingSource ping-source", "Trigger sequence-trigger")
    assert world.applied == f"{', '.join(names)} created"
    assert world.ready("brokers", "default") == "True"
    assert world.ready("pingsources", "ping-source") == "True"
    assert world.ready("subscriptions", "sequence-kn-sequence-0").startswith("False")
    assert world.ready("sequences", "sequence") == "Unknown SubscriptionsNotReady"
