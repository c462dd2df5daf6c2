"""In which form a client wants its answer: what it says in `Accept`, and what of that the API can do.

Objects as they are, Tables for `kubectl get`, or metadata alone for clients that watch many kinds; as JSON or YAML.
Protobuf is accepted in requests and never sent: every client that asks for it names JSON, too (spec kubernetes-api.md
§2.5). Followed: apiserver pkg/endpoints/handlers/negotiation.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from emulator.objects.errors import NotAcceptable

Shape = Literal["object", "table", "partial"]
JSON, YAML = "application/json", "application/yaml"
_SHAPES: dict[str, Shape] = {
    "": "object",
    "Table": "table",
    "PartialObjectMetadata": "partial",
    "PartialObjectMetadataList": "partial",
}
_VERSIONS = ("v1", "v1beta1")
_JSON_TYPES = (JSON, "application/*", "*/*", "")


@dataclass(frozen=True)
class Form:
    """`version` is that of `meta.k8s.io` for tables and metadata."""

    shape: Shape = "object"
    version: str = "v1"
    media: str = JSON


def negotiated(accept: str) -> Form:
    """The first of the forms in an Accept header that can be had; NotAcceptable."""
    for offer in accept.split(","):
        media, *rest = (part.strip() for part in offer.split(";"))
        parameters = dict(part.partition("=")[::2] for part in rest)
        shape = _SHAPES.get(parameters.get("as", ""))
        version = parameters.get("v", "v1")
        if shape is None or (shape != "object" and version not in _VERSIONS):
            continue
        if media in _JSON_TYPES:
            return Form(shape, version)
        if media == YAML and shape == "object":
            return Form(media=YAML)
    raise NotAcceptable((JSON, YAML))
