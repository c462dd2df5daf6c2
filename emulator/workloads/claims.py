"""PersistentVolumeClaims: bound at once, since there is nothing to wait for on one computer.

Behind each is a volume of the engine, made when the first Pod mounts it. It belongs to the claim's name: Pods, the
claim itself and kemu may go and come again, and find in it what they left; `kemu down --volumes` removes it. Sizes
bound nothing. Followed: kubernetes pkg/apis/core/validation (ValidatePersistentVolumeClaim) and pkg/printers.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from emulator.control.reconciler import Outcome, Reconciler, View
from emulator.objects.kind import AGE, Column, Json, Kind, Request
from emulator.objects.model import JsonObject, Model, approximated, ignored
from emulator.objects.problems import Problem, missing
from emulator.objects.resource import Resource
from emulator.objects.schemas import not_supported, required
from emulator.workloads.storedcolumns import ACCESS_MODES

_CLASS = "standard"
_ONE_SORT = "every claim gets a volume of the engine's, new and empty"


class ClaimSpec(Model):
    access_modes: list[str] = approximated("any Pods of the namespace may mount it", [])
    resources: JsonObject = approximated("sizes bound nothing", {})
    storage_class_name: str | None = approximated(_ONE_SORT)
    volume_mode: str | None = approximated("a volume is a folder")
    volume_name: str = ignored(_ONE_SORT, "")
    volume_attributes_class_name: str | None = ignored(_ONE_SORT)
    selector: JsonObject | None = ignored(_ONE_SORT)
    data_source: JsonObject | None = ignored(_ONE_SORT)
    data_source_ref: JsonObject | None = ignored(_ONE_SORT)


def _default(obj: Json, request: Request) -> None:
    spec = obj.setdefault("spec", {})
    spec.setdefault("volumeMode", "Filesystem")
    spec.setdefault("storageClassName", _CLASS)


def _validate(claim: Resource[ClaimSpec], request: Request) -> Iterator[Problem]:
    if not claim.spec.access_modes:
        yield required(("spec", "accessModes"), "at least 1 access mode is required")
    for index, mode in enumerate(claim.spec.access_modes):
        if mode not in ACCESS_MODES:
            yield not_supported(("spec", "accessModes", index), mode, sorted(ACCESS_MODES))
    if not (claim.spec.resources.get("requests") or {}).get("storage"):
        yield missing("spec", "resources", "requests", "storage")


def reconcile(claim: Resource[ClaimSpec], view: View) -> Outcome:
    """Reads a claim, writes that it has what it asks for."""
    capacity = {"storage": claim.spec.resources["requests"]["storage"]}
    return Outcome(None, {"phase": "Bound", "accessModes": claim.spec.access_modes, "capacity": capacity})


def claim_volume(instance: str, claim: Resource[Any]) -> str:
    """What the engine's volume behind a claim is called."""
    return f"kemu-{instance}-{claim.namespace}.{claim.name}"  # a namespace has no dot


def _volume(claim: Resource[Any]) -> str:
    return claim.spec.volume_name or (f"pvc-{claim.uid}" if claim.status.get("phase") == "Bound" else "")


def _modes(claim: Resource[Any]) -> str:
    return ",".join(ACCESS_MODES.get(mode, mode) for mode in claim.status.get("accessModes", ()))


CLAIM = Kind(
    group="",
    version="v1",
    name="PersistentVolumeClaim",
    plural="persistentvolumeclaims",
    spec=ClaimSpec,
    short_names=("pvc",),
    default=_default,
    validate=_validate,
    columns=(
        Column("Status", lambda r: r.status.get("phase", "Pending")),
        Column("Volume", _volume),
        Column("Capacity", lambda r: str((r.status.get("capacity") or {}).get("storage", ""))),
        Column("Access Modes", _modes),
        Column("StorageClass", lambda r: r.spec.storage_class_name or ""),
        Column("VolumeAttributesClass", lambda r: r.spec.volume_attributes_class_name or "<unset>"),
        AGE,
        Column("VolumeMode", lambda r: r.spec.volume_mode or "<unset>", wide=True),
    ),
)
CLAIM_RECONCILER = Reconciler(reconcile)
