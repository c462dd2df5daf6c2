"""The documents that articles about Knative show load as they are: installation, namespaces, flows."""

from __future__ import annotations

from pathlib import Path

from emulator.app import REGISTRY
from emulator.lib.clock import SystemClock
from emulator.manifests.loader import Loader
from emulator.store.store import Store
from emulator.workloads.configs import CONFIG_MAP
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
spec:
  ingress:
    kourier:
      enabled: true
  config:
    network:
      ingress-class: "kourier.ingress.networking.knative.dev"
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


def test_the_documents_that_install_knative_are_accepted(tmp_path: Path) -> None:
    (tmp_path / "install.yaml").write_text(INSTALLATION)
    store = Store(REGISTRY, SystemClock(), CONFIG_MAP)
    loader = Loader(store, [tmp_path], {"KnativeServing": config_maps, "KnativeEventing": config_maps})
    assert str(loader.apply(loader.check(loader.read()))).count(" created") == 1
    assert {n.name for n in store.list(REGISTRY.named("ns")[0])} == {"knative-serving", "knative-eventing"}
