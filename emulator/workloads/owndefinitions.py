"""CustomResourceDefinitions of the kinds that a cluster would have from Knative's own files, made from kemu's Kinds.

Clients read them: `kn source list-types` finds sources, `kn channel list-types` channels by the labels of their
definitions (spec kubernetes-api.md §2.2). Follows config/core/300-resources of knative/serving and
config/core/resources of knative/eventing.
"""

from __future__ import annotations

from typing import Any

from emulator.objects.kind import Json, Kind
from emulator.objects.resource import Resource
from emulator.workloads.crds import CUSTOM_RESOURCE_DEFINITION, DefinitionSpec
from emulator.workloads.customkinds import custom_kind

_KNATIVE = ".knative.dev"
_ADDRESSABLE = {"duck.knative.dev/addressable": "true"}
_CHANNEL = {**_ADDRESSABLE, "messaging.knative.dev/subscribable": "true"}
_SOURCE = {"duck.knative.dev/source": "true"}
_PODSPECABLE = {"duck.knative.dev/podspecable": "true"}
_RELEASES = {
    "serving.knative.dev": "knative-serving",
    "operator.knative.dev": "knative-operator",
}
_LABELS: dict[str, dict[str, str]] = {
    "services.serving.knative.dev": {**_ADDRESSABLE, **_PODSPECABLE},
    "configurations.serving.knative.dev": _PODSPECABLE,
    "routes.serving.knative.dev": _ADDRESSABLE,
    "brokers.eventing.knative.dev": _ADDRESSABLE,
    "channels.messaging.knative.dev": _CHANNEL,
    "inmemorychannels.messaging.knative.dev": _CHANNEL,
    "sequences.flows.knative.dev": _ADDRESSABLE,
    "parallels.flows.knative.dev": _ADDRESSABLE,
    "jobsinks.sinks.knative.dev": _ADDRESSABLE,
    "integrationsinks.sinks.knative.dev": _ADDRESSABLE,
    "requestreplies.eventing.knative.dev": _ADDRESSABLE,
    "apiserversources.sources.knative.dev": _SOURCE,
    "containersources.sources.knative.dev": _SOURCE,
    "integrationsources.sources.knative.dev": _SOURCE,
    "pingsources.sources.knative.dev": _SOURCE,
    "sinkbindings.sources.knative.dev": {**_SOURCE, "duck.knative.dev/binding": "true"},
}
# Knative's kinds that kemu does not run yet: whoever installs Knative brings their definitions along.
LATER = (
    "containersources.sources.knative.dev",
    "eventpolicies.eventing.knative.dev",
    "eventtransforms.eventing.knative.dev",
    "eventtypes.eventing.knative.dev",
    "integrationsinks.sinks.knative.dev",
    "integrationsources.sources.knative.dev",
    "jobsinks.sinks.knative.dev",
    "parallels.flows.knative.dev",
    "requestreplies.eventing.knative.dev",
    "sinkbindings.sources.knative.dev",
)


def kind_of(definition: Resource[DefinitionSpec]) -> Kind[Any] | None:
    """The kind that a user's definition brings; None for those that kemu will have itself."""
    return None if definition.name in LATER else custom_kind(definition)


def own_definition(kind: Kind[Any]) -> Json | None:
    """The definition of one of Knative's kinds; None for those that Kubernetes itself has."""
    if not kind.group.endswith(_KNATIVE):
        return None
    release = _RELEASES.get(kind.group, "knative-serving" if "internal" in kind.group else "knative-eventing")
    labels = {"app.kubernetes.io/name": release, "knative.dev/crd-install": "true", **_LABELS.get(kind.resource, {})}
    names: Json = {
        "kind": kind.name,
        "listKind": f"{kind.name}List",
        "plural": kind.plural,
        "singular": kind.name.lower(),
        "categories": list(kind.categories),
        "shortNames": list(kind.short_names),
    }
    return {
        "apiVersion": CUSTOM_RESOURCE_DEFINITION.api_version,
        "kind": CUSTOM_RESOURCE_DEFINITION.name,
        "metadata": {"name": kind.resource, "labels": labels},
        "spec": {
            "group": kind.group,
            "names": {field: value for field, value in names.items() if value},
            "scope": "Namespaced" if kind.namespaced else "Cluster",
            "versions": [_version(kind, name, is_first=name == kind.version) for name in kind.versions],
        },
    }


def _version(kind: Kind[Any], name: str, *, is_first: bool) -> Json:
    schema: Json = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    version: Json = {"name": name, "served": True, "storage": is_first, "schema": {"openAPIV3Schema": schema}}
    return {**version, "subresources": {"status": {}}} if kind.has_status else version
