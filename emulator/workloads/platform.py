"""Workloads of the platform itself: what Knative's and its helpers' release files install, and kemu already is.

Deployments and their like in the platform's namespaces are kept and shown as ready, and nothing of them is started;
the log says so once for each namespace. What something in kemu controls (the Deployment of a Revision) runs there as
anywhere. Pure but for `tell_of_platform`; the kinds' reconcilers ask `is_platform` first.
"""

from __future__ import annotations

import logging
from typing import Any

from emulator.control.reconciler import Outcome, View
from emulator.lib.clock import rfc3339
from emulator.lib.report import report
from emulator.objects.conditions import Condition, written
from emulator.objects.kind import Json
from emulator.objects.platform import is_platform
from emulator.objects.resource import Resource
from emulator.store.store import Store
from emulator.store.watch import Change

logger = logging.getLogger(__name__)

_STARTED = ("Deployment", "StatefulSet", "DaemonSet", "Job", "CronJob")


def stood_for(resource: Resource[Any], view: View) -> Outcome:
    """What is said of a workload, an autoscaler or a core Service of the platform: all is as wanted."""
    return Outcome(None, _STATUSES[resource.kind.name](resource, rfc3339(view.now)))


def _replicas(resource: Resource[Any]) -> int:
    return int(resource.obj["spec"].get("replicas", 1))


def _deployment(deployment: Resource[Any], now: str) -> Json:
    count = _replicas(deployment)
    names = ("replicas", "updatedReplicas", "readyReplicas", "availableReplicas")
    conditions = written(
        [
            Condition.true("Available", "MinimumReplicasAvailable", "Deployment has minimum availability."),
            Condition.true("Progressing", "NewReplicaSetAvailable", "kemu stands for it; nothing was started."),
        ],
        deployment.status.get("conditions", ()),
        now,
    )
    return {**({name: count for name in names} if count else {}), "conditions": conditions}


def _stateful_set(stateful_set: Resource[Any], now: str) -> Json:
    names = ("replicas", "currentReplicas", "updatedReplicas", "readyReplicas", "availableReplicas")
    return dict.fromkeys(names, _replicas(stateful_set))


def _daemon_set(daemon_set: Resource[Any], now: str) -> Json:
    names = ("desiredNumberScheduled", "currentNumberScheduled", "updatedNumberScheduled")
    return {**dict.fromkeys((*names, "numberReady", "numberAvailable"), 1), "numberMisscheduled": 0}


def _job(job: Resource[Any], now: str) -> Json:
    conditions = written(
        [Condition.true("Complete", "CompletionsReached", "Reached expected number of succeeded pods")],
        job.status.get("conditions", ()),
        now,
    )
    made = job.metadata["creationTimestamp"]
    count = int(job.obj["spec"].get("completions") or 1)
    return {"startTime": made, "completionTime": made, "succeeded": count, "conditions": conditions}


def _autoscaler(autoscaler: Resource[Any], now: str) -> Json:
    least = int(autoscaler.obj.get("spec", {}).get("minReplicas") or 1)
    return {"currentReplicas": least, "desiredReplicas": least}


def _core_service(service: Resource[Any], now: str) -> Json:
    is_outside = service.obj["spec"].get("type") == "LoadBalancer"
    return {"loadBalancer": {"ingress": [{"ip": "127.0.0.1"}]} if is_outside else {}}


_STATUSES = {
    "Deployment": _deployment,
    "StatefulSet": _stateful_set,
    "DaemonSet": _daemon_set,
    "Job": _job,
    "HorizontalPodAutoscaler": _autoscaler,
    "Service": _core_service,
}


def tell_of_platform(store: Store) -> None:
    """From now on the log says once for each namespace that its workloads are not started."""
    told: set[str] = set()

    def changed(change: Change) -> None:
        resource = change.resource
        if change.type != "ADDED" or resource.kind.name not in _STARTED or not is_platform(resource):
            return
        if resource.namespace not in told:
            told.add(resource.namespace)
            said = "kept, shown as ready and not started, as all of %s: kemu is what it would bring"
            report(logger, f"{resource.kind.name} {resource.name}", said, resource.namespace)

    store.observe(changed)
