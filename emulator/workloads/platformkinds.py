"""Kinds of which kemu takes what installs the platform, and no others: StatefulSets, DaemonSets.

The release files of Knative and its helpers have such objects. They are kept and shown as ready (`platform.py`), in the
platform's namespaces alone: elsewhere an object that nothing runs would look as if it worked, so it is refused with
the reason. A kind that kemu comes to run leaves this module for one of its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from emulator.control.reconciler import Outcome, Reconciler, View
from emulator.objects.jsonpaths import value_at
from emulator.objects.kind import AGE, Column, Kind, Request
from emulator.objects.platform import is_platform
from emulator.objects.problems import Problem
from emulator.objects.resource import Resource
from emulator.workloads.autoscalers import AUTOSCALER
from emulator.workloads.platform import stood_for
from emulator.workloads.stored import Kept
from emulator.workloads.storedcolumns import at
from emulator.workloads.templates import CONTAINERS, IMAGES


def _problems(resource: Resource[Any], request: Request) -> Iterator[Problem]:
    if not is_platform(resource):
        said = f"Forbidden: kemu takes {resource.kind.name}s only where they are a part of Knative's own installation"
        yield Problem(("metadata", "namespace"), said, "FieldValueForbidden", hint="run it as a Knative Service")


def _kind(group: str, name: str, plural: str, short: tuple[str, ...], columns: tuple[Column, ...]) -> Kind[Kept]:
    return Kind(
        group=group,
        version="v1",
        name=name,
        plural=plural,
        spec=Kept,
        short_names=short,
        categories=("all",),
        validate=_problems,
        columns=columns,
    )


def _ready(stateful_set: Resource[Any]) -> str:
    return f"{at('status.readyReplicas', 0)(stateful_set)}/{at('spec.replicas', 1)(stateful_set)}"


def _count(name: str, field: str) -> Column:
    return Column(name, at(f"status.{field}", 0), type="integer")


def _selector(path: str) -> Column:
    def cell(resource: Resource[Any]) -> str:
        labels = value_at(resource.obj, path) or {}
        return ",".join(f"{key}={value}" for key, value in sorted(labels.items())) or "<none>"

    return Column("Selector", cell, wide=True)


STATEFUL_SET = _kind(
    "apps", "StatefulSet", "statefulsets", ("sts",), (Column("Ready", _ready), AGE, CONTAINERS, IMAGES)
)
DAEMON_SET = _kind(
    "apps",
    "DaemonSet",
    "daemonsets",
    ("ds",),
    (
        _count("Desired", "desiredNumberScheduled"),
        _count("Current", "currentNumberScheduled"),
        _count("Ready", "numberReady"),
        _count("Up-to-date", "updatedNumberScheduled"),
        _count("Available", "numberAvailable"),
        Column("Node Selector", lambda r: "<none>"),
        AGE,
        CONTAINERS,
        IMAGES,
        _selector("spec.selector.matchLabels"),
    ),
)


def _autoscaled(autoscaler: Resource[Any], view: View) -> Outcome:
    """Those of the platform have had their way; of the others `podscaling.py` decides."""
    return stood_for(autoscaler, view) if is_platform(autoscaler) else Outcome(None, autoscaler.status)


PLATFORM_KINDS: tuple[Kind[Any], ...] = (STATEFUL_SET, DAEMON_SET)
PLATFORM_RECONCILERS: dict[Kind[Any], Reconciler] = {
    **dict.fromkeys(PLATFORM_KINDS, Reconciler(stood_for)),
    AUTOSCALER: Reconciler(_autoscaled),
}
