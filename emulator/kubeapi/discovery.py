"""Discovery: what an API client asks first, which groups, versions and resources there are.

Pure, from the Registry. In the plain form (one document for each group and version) and in the aggregated one (all at
once, which kubectl asks for since 1.26); spec kubernetes-api.md §2.1.
"""

from __future__ import annotations

import platform
import sys
from collections.abc import Iterator
from typing import Any

from emulator.kubeapi.aliases import EVENTS, other_kinds
from emulator.kubeapi.reviews import REVIEWS
from emulator.objects.kind import Json, Kind, Registry

AGGREGATED = {
    version: f"application/json;g=apidiscovery.k8s.io;v={version};as=APIGroupDiscoveryList"
    for version in ("v2", "v2beta1")
}
_GO_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
VERSION: Json = {
    "major": "1",
    "minor": "34",
    "gitVersion": "v1.34.0+kemu",
    "gitCommit": "",
    "gitTreeState": "clean",
    "buildDate": "1970-01-01T00:00:00Z",
    "goVersion": "",
    "compiler": "",
    "platform": f"{sys.platform}/{_GO_ARCHITECTURES.get(platform.machine(), platform.machine())}",
}
_STATUS_VERBS = ("get", "patch", "update")


def aggregated_version(accept: str) -> str | None:
    """Which version of aggregated discovery an Accept header asks for first, if any."""
    for offer in accept.split(","):
        parameters = dict(part.strip().partition("=")[::2] for part in offer.split(";")[1:])
        if parameters.get("as") == "APIGroupDiscoveryList" and parameters.get("v") in AGGREGATED:
            return parameters["v"]
        if offer.split(";")[0].strip() in ("application/json", "*/*") and "as" not in parameters:
            return None
    return None


# -- the plain form


def core_versions() -> Json:
    return {"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": []}


def groups(registry: Registry) -> Json:
    return {"kind": "APIGroupList", "apiVersion": "v1", "groups": [group(registry, name) for name in names(registry)]}


def group(registry: Registry, name: str) -> Json:
    """One APIGroup, the preferred version first."""
    listed = [{"groupVersion": f"{name}/{version}", "version": version} for version in versions(registry, name)]
    return {"kind": "APIGroup", "apiVersion": "v1", "name": name, "versions": listed, "preferredVersion": listed[0]}


def resources(registry: Registry, group_name: str, version: str) -> Json:
    api_version = f"{group_name}/{version}" if group_name else version
    listed = [entry for kind in _served(registry, group_name, version) for entry in _entries(kind)]
    listed += [_review(plural, kind, namespaced) for plural, kind, namespaced in REVIEWS.get(api_version, ())]
    return {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": api_version, "resources": listed}


# -- what there is


def names(registry: Registry) -> list[str]:
    """The groups besides the core group: Kubernetes' own first, as an API server lists them (`kubectl get all`)."""
    stored = [kind for kind in registry if kind.group]
    own = [kind.group for kind in stored if kind.is_builtin]
    others = [api_version.partition("/")[0] for api_version in (EVENTS, *REVIEWS)]
    return list(dict.fromkeys((*own, *others, *(kind.group for kind in stored))))


def versions(registry: Registry, group_name: str) -> list[str]:
    """A group's versions, the preferred one first; empty for a group that is not there."""
    kinds = [k for k in registry if k.group == group_name]
    found = [k.version for k in kinds] + [version for k in kinds for version in k.also_served]
    found += [v for g, _, v in (a.rpartition("/") for a in (EVENTS, *REVIEWS)) if g == group_name]
    return list(dict.fromkeys(found))


def _served(registry: Registry, group_name: str, version: str) -> list[Kind[Any]]:
    own = [k for k in registry if k.group == group_name and version in k.versions]
    return own + other_kinds(registry, group_name, version)


def subresources(kind: Kind[Any]) -> Iterator[tuple[str, tuple[str, str, str], tuple[str, ...]]]:
    """Name, (group, version, kind) of what is exchanged, and verbs of each part of a kind's objects."""
    own = (kind.group, kind.version, kind.name)
    if kind.has_status:
        yield "status", own, _STATUS_VERBS
    if kind.scale is not None:
        yield "scale", ("autoscaling", "v1", "Scale"), _STATUS_VERBS
    if (kind.group, kind.name) == ("", "Pod"):
        yield "log", own, ("get",)
        yield "exec", ("", "v1", "PodExecOptions"), ("create", "get")
        yield "attach", ("", "v1", "PodAttachOptions"), ("create", "get")
        yield "portforward", ("", "v1", "PodPortForwardOptions"), ("create", "get")


def _entries(kind: Kind[Any]) -> Iterator[Json]:
    entry: Json = {
        "name": kind.plural,
        "singularName": kind.name.lower(),
        "namespaced": kind.namespaced,
        "kind": kind.name,
        "verbs": list(kind.verbs),
    }
    if kind.short_names:
        entry["shortNames"] = list(kind.short_names)
    if kind.categories:
        entry["categories"] = list(kind.categories)
    yield entry
    for part, (group_name, version, name), verbs in subresources(kind):
        listed: Json = {
            "name": f"{kind.plural}/{part}",
            "singularName": "",
            "namespaced": kind.namespaced,
            "kind": name,
            "verbs": list(verbs),
        }
        if group_name != kind.group:
            listed |= {"group": group_name, "version": version}
        yield listed


def _review(plural: str, kind: str, namespaced: bool) -> Json:
    return {"name": plural, "singularName": kind.lower(), "namespaced": namespaced, "kind": kind, "verbs": ["create"]}


# -- the aggregated form


def aggregated_core(registry: Registry, form: str) -> Json:
    """`/api`: the core group, which has no name here."""
    return _aggregated([("", ["v1"])], registry, form)


def aggregated_groups(registry: Registry, form: str) -> Json:
    """`/apis`: all other groups."""
    return _aggregated([(name, versions(registry, name)) for name in names(registry)], registry, form)


def _aggregated(listed: list[tuple[str, list[str]]], registry: Registry, form: str) -> Json:
    items = [
        {
            "metadata": {"name": name, "creationTimestamp": None} if name else {"creationTimestamp": None},
            "versions": [_aggregated_version(registry, name, version) for version in there],
        }
        for name, there in listed
    ]
    return {
        "kind": "APIGroupDiscoveryList",
        "apiVersion": f"apidiscovery.k8s.io/{form}",
        "metadata": {},
        "items": items,
    }


def _aggregated_version(registry: Registry, group_name: str, version: str) -> Json:
    api_version = f"{group_name}/{version}" if group_name else version
    found = [_aggregated_kind(kind, group_name, version) for kind in _served(registry, group_name, version)]
    for plural, kind, namespaced in REVIEWS.get(api_version, ()):
        found.append(
            {
                "resource": plural,
                "responseKind": {"group": group_name, "version": version, "kind": kind},
                "scope": "Namespaced" if namespaced else "Cluster",
                "singularResource": kind.lower(),
                "verbs": ["create"],
            }
        )
    return {"version": version, "freshness": "Current", "resources": found}


def _aggregated_kind(kind: Kind[Any], group_name: str, version: str) -> Json:
    entry: Json = {
        "resource": kind.plural,
        "responseKind": {"group": group_name, "version": version, "kind": kind.name},
        "scope": "Namespaced" if kind.namespaced else "Cluster",
        "singularResource": kind.name.lower(),
        "verbs": list(kind.verbs),
    }
    if kind.short_names:
        entry["shortNames"] = list(kind.short_names)
    if kind.categories:
        entry["categories"] = list(kind.categories)
    parts = [
        {"subresource": part, "responseKind": {"group": g, "version": v, "kind": k}, "verbs": list(verbs)}
        for part, (g, v, k), verbs in subresources(kind)
    ]
    return {**entry, "subresources": parts} if parts else entry
