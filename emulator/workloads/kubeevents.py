"""Kubernetes' own events (KubeEvent here): what happened to an object, written by the Recorder."""

from __future__ import annotations

from pydantic import ConfigDict

from emulator.objects.kind import Column, Kind
from emulator.objects.model import Model
from emulator.objects.names import path_segment_faults
from emulator.objects.resource import Resource


class KubeEventData(Model):
    """Kept as written: clients send more fields than anybody reads."""

    model_config = ConfigDict(extra="allow")


def _object(event: Resource[KubeEventData]) -> str:
    about = event.obj.get("involvedObject") or {}
    return f"{str(about.get('kind', '')).lower()}/{about.get('name', '')}"


KUBE_EVENT = Kind(
    group="",
    version="v1",
    name="Event",
    plural="events",
    spec=KubeEventData,
    short_names=("ev",),
    root=True,
    names=path_segment_faults,
    has_status=False,
    fields=(
        *(f"involvedObject.{name}" for name in ("kind", "name", "namespace", "uid", "apiVersion", "fieldPath")),
        "type",
        "reason",
        "reportingComponent",
        "source",
    ),
    columns=(
        Column("Last Seen", lambda r: r.obj.get("lastTimestamp"), type="date"),
        Column("Type", lambda r: r.obj.get("type")),
        Column("Reason", lambda r: r.obj.get("reason")),
        Column("Object", _object),
        Column("Message", lambda r: r.obj.get("message")),
    ),
    ephemeral=True,
)
