"""The PodAutoscaler kind: what a Revision asks of the autoscaler, and what that says of it.

Made by revisions.py, decided on and given its status by the Scaler; nothing of it is reconciled.
"""

from __future__ import annotations

from pydantic import ConfigDict

from emulator.objects.kind import Column, Kind
from emulator.objects.model import ATOMIC_MAP, Model


class ScaleTarget(Model):
    model_config = ConfigDict(json_schema_extra=ATOMIC_MAP)

    api_version: str
    kind: str
    name: str


class PodAutoscalerSpec(Model):
    scale_target_ref: ScaleTarget
    container_concurrency: int = 0
    protocol_type: str = "http1"
    reachability: str = ""


POD_AUTOSCALER = Kind(
    group="autoscaling.internal.knative.dev",
    version="v1alpha1",
    name="PodAutoscaler",
    plural="podautoscalers",
    spec=PodAutoscalerSpec,
    short_names=("kpa", "pa"),
    categories=("all", "knative-internal", "autoscaling"),
    columns=(
        Column("DesiredScale", lambda r: r.status.get("desiredScale")),
        Column("ActualScale", lambda r: r.status.get("actualScale")),
        Column("Ready", lambda r: r.condition("Ready")["status"]),
        Column("Reason", lambda r: r.condition("Ready").get("reason", "")),
    ),
    ephemeral=True,
)
