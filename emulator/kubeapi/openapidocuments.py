"""The OpenAPI 3 documents: one for each group and version that is served.

Pure, and slow by the measure of the event loop: `openapi.py` calls it in a thread and keeps what comes out. Spec
kubernetes-api.md §2.4.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from emulator.kubeapi import discovery
from emulator.kubeapi.openapipaths import paths_of, review_path
from emulator.kubeapi.openapischemas import Schemas
from emulator.kubeapi.reviews import REVIEWS
from emulator.objects.kind import Json, Kind

_TITLE: Json = {"title": "Kubernetes API of kemu", "version": discovery.VERSION["gitVersion"]}


def addresses(kinds: Sequence[Kind[Any]]) -> list[str]:
    """What has a document: `api/v1`, `apis/apps/v1` …"""
    found = [address(kind.group, version) for kind in kinds for version in kind.versions]
    return list(dict.fromkeys((*found, *(f"apis/{api_version}" for api_version in REVIEWS))))


def address(group: str, version: str) -> str:
    return f"apis/{group}/{version}" if group else f"api/{version}"


def document(kinds: Sequence[Kind[Any]], where: str) -> Json:
    """The document at an address."""
    schemas = Schemas()
    paths: Json = {}
    for kind in kinds:
        for version in kind.versions:
            if address(kind.group, version) == where:
                schemas.add(kind, version)
                paths.update(paths_of(kind, version))
                if kind.scale is not None:
                    schemas.add_scale()
    api_version = where.removeprefix("apis/")
    for plural, name, namespaced in REVIEWS.get(api_version, ()):
        schemas.add_review(api_version, name)
        paths.update([review_path(api_version, plural, name, namespaced=namespaced)])
    return {"openapi": "3.0.0", "info": _TITLE, "paths": paths, "components": {"schemas": schemas.named}}
