"""Discovery: what an API client asks first, which groups, versions and resources there are.

Pure, from the Registry (spec kubernetes-api.md §1).
"""

from __future__ import annotations

from typing import Any

from emulator.objects.kind import Json, Kind, Registry

VERSION: Json = {
    "major": "1",
    "minor": "31",
    "gitVersion": "v1.31.0+kemu",
    "gitCommit": "",
    "gitTreeState": "clean",
    "buildDate": "1970-01-01T00:00:00Z",
    "goVersion": "",
    "compiler": "",
    "platform": "linux/amd64",
}


def core_versions() -> Json:
    return {"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": []}


def groups(registry: Registry) -> Json:
    return {"kind": "APIGroupList", "apiVersion": "v1", "groups": [group(registry, name) for name in _names(registry)]}


def group(registry: Registry, name: str) -> Json:
    """One APIGroup, the preferred version first."""
    versions = list(dict.fromkeys(k.version for k in registry if k.group == name))
    listed = [{"groupVersion": f"{name}/{version}", "version": version} for version in versions]
    return {"kind": "APIGroup", "apiVersion": "v1", "name": name, "versions": listed, "preferredVersion": listed[0]}


def resources(registry: Registry, group_name: str, version: str) -> Json:
    kinds = [k for k in registry if k.group == group_name and version in k.versions]
    listed = [entry for kind in kinds for entry in _entries(kind)]
    api_version = f"{group_name}/{version}" if group_name else version
    return {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": api_version, "resources": listed}


def _names(registry: Registry) -> list[str]:
    return list(dict.fromkeys(kind.group for kind in registry if kind.group))


def _entries(kind: Kind[Any]) -> list[Json]:
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
    parts = [{**_part(entry, "status"), "verbs": ["get", "update"]}]
    if kind.name == "Pod":
        parts.append({**_part(entry, "log"), "verbs": ["get"]})
    return [entry, *parts]


def _part(entry: Json, part: str) -> Json:
    return {
        "name": f"{entry['name']}/{part}",
        "singularName": "",
        "namespaced": entry["namespaced"],
        "kind": entry["kind"],
    }
