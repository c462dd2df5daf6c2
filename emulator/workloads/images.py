"""Knative's Image kind: a container image that somebody wants to be present.

A Revision makes one for each of its containers; the ImageKeeper sees to them and writes their status.
"""

from __future__ import annotations

from pydantic import Field

from emulator.objects.kind import READY, REASON, Column, Kind
from emulator.objects.model import Model
from emulator.objects.podspec import LocalObjectReference

PULL_POLICY, NEVER = "kemu.dev/image-pull-policy", "Never"
"""Of an Image whose container says `imagePullPolicy: Never`."""


class ImageSpec(Model):
    image: str
    service_account_name: str | None = None
    image_pull_secrets: list[LocalObjectReference] = Field(default_factory=list)


IMAGE = Kind(
    group="caching.internal.knative.dev",
    version="v1alpha1",
    name="Image",
    plural="images",
    spec=ImageSpec,
    categories=("knative-internal", "caching"),
    columns=(
        Column("Image", lambda r: r.spec.image),
        READY,
        REASON,
    ),
    ephemeral=True,
)
