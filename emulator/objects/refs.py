"""References from one object to another: Knative's KReference and Destination.

Models and their validation only (eventing §3; knative/pkg apis/duck/v1/destination.go). Turning a Destination into a
URL is the Resolver's work in `control/`.
"""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

from pydantic import ConfigDict, Field

from emulator.objects.model import ATOMIC_MAP, Model, ignored, keyed, set_like
from emulator.objects.problems import Path, Problem, invalid_value, missing, none_of


class KReference(Model):
    """Names an object; `namespace` None means the referrer's own."""

    api_version: str | None = None
    kind: str = ""
    name: str = ""
    namespace: str | None = None
    group: str | None = ignored("the feature kreference-group is off by default")
    address: str | None = None

    def validate_at(self, path: Path) -> Iterator[Problem]:
        """Faults with `path` in front: name, kind and apiVersion (or group) are required."""
        if not self.name:
            yield missing(*path, "name")
        if not self.api_version and not self.group:
            yield missing(*path, "apiVersion")
        if not self.kind:
            yield missing(*path, "kind")


class Destination(Model):
    """Where events go: a `ref`, an absolute `uri`, or a `ref` with a `uri` relative to its address."""

    ref: KReference | None = None
    uri: str | None = None
    ca_certs: str | None = ignored("delivery inside kemu is plain HTTP", alias="CACerts")
    audience: str | None = ignored("OIDC is off")

    def validate_at(self, path: Path) -> Iterator[Problem]:
        if self.ref is None and self.uri is None:
            yield none_of((*path, "ref"), (*path, "uri"))
        elif self.ref is not None and self.uri is not None and urlsplit(self.uri).scheme:
            said = "Absolute URI is not allowed when Ref or [apiVersion, kind, name] is present"
            yield Problem((*path, "[apiVersion, kind, name]"), said, others=((*path, "ref"), (*path, "uri")))
        elif self.ref is None and self.uri is not None and not urlsplit(self.uri).scheme:
            said = "Relative URI is not allowed when Ref and [apiVersion, kind, name] is absent"
            yield invalid_value(said, *path, "uri")
        if self.ref is not None:
            yield from self.ref.validate_at((*path, "ref"))


class OwnerReference(Model):
    model_config = ConfigDict(json_schema_extra=ATOMIC_MAP)

    api_version: str
    kind: str
    name: str
    uid: str
    controller: bool | None = None
    block_owner_deletion: bool | None = None


class ObjectMeta(Model):
    """metadata of any object, as far as users may write it; the Store sets the rest."""

    name: str | None = None
    generate_name: str | None = None
    namespace: str | None = None
    labels: dict[str, str] = Field(default_factory=dict)
    annotations: dict[str, str] = Field(default_factory=dict)
    finalizers: list[str] = Field(default_factory=list, json_schema_extra=set_like())
    owner_references: list[OwnerReference] = Field(default_factory=list, json_schema_extra=keyed("uid"))
    uid: str | None = None
    resource_version: str | None = None
    generation: int | None = None
    creation_timestamp: str | None = None
    deletion_timestamp: str | None = None
    deletion_grace_period_seconds: int | None = None
    managed_fields: list[dict[str, object]] | None = None
    self_link: str | None = None


class TemplateMetadata(Model):
    """Metadata of what is made from a template. What makes it decides on names and owners."""

    name: str | None = None
    generate_name: str | None = None
    namespace: str | None = None
    labels: dict[str, str] = Field(default_factory=dict)
    annotations: dict[str, str] = Field(default_factory=dict)
    finalizers: list[str] = Field(default_factory=list)
    owner_references: list[OwnerReference] = Field(default_factory=list)
    creation_timestamp: str | None = None
