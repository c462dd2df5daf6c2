"""Jobs and CronJobs over the real Store and Controller; the test says how a Pod fares and what time it is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from emulator.app import KINDS
from emulator.control.addresses import Addresses
from emulator.control.controller import Controller
from emulator.control.reconciler import Reconciler
from emulator.control.recorder import Recorder
from emulator.lib.clock import Clock
from emulator.objects.kind import Json, Kind, Registry
from emulator.objects.resource import Resource
from emulator.store.store import Store
from emulator.workloads.configs import CONFIG_MAP
from emulator.workloads.cronjobs import CRON_JOB, CRON_JOB_RECONCILER
from emulator.workloads.jobs import JOB, JOB_RECONCILER
from emulator.workloads.kubeevents import KUBE_EVENT
from emulator.workloads.pods import POD
from tests.world import StandingClock


def job_spec(policy: str = "Never", **spec: Any) -> Json:
    return {"template": {"spec": {"restartPolicy": policy, "containers": [{"name": "c", "image": "a"}]}}, **spec}


def batch_obj(kind: Kind[Any], spec: Json, name: str = "j", **metadata: Any) -> Json:
    return {"apiVersion": "batch/v1", "kind": kind.name, "metadata": {"name": name, **metadata}, "spec": spec}


class Batch:
    """The Job `j`, or the CronJob `c`, and what they make."""

    def __init__(self, clock: Clock | None = None) -> None:
        self.standing = StandingClock()
        self.store = Store(Registry(KINDS), clock or self.standing, CONFIG_MAP)
        reconcilers: dict[Kind[Any], Reconciler] = {JOB: JOB_RECONCILER, CRON_JOB: CRON_JOB_RECONCILER}
        self.controller = Controller(self.store, reconcilers, Recorder(self.store, KUBE_EVENT), Addresses())

    def run(self, policy: str = "Never", **spec: Any) -> None:
        """Create `j`."""
        self.store.create(batch_obj(JOB, job_spec(policy, **spec)))
        self.controller.settle()

    def edit(self, **spec: Any) -> None:
        """Change the spec of `j`."""
        present = self.job.obj
        self.store.update({**present, "spec": {**present["spec"], **spec}})
        self.controller.settle()

    def later(self, seconds: float) -> None:
        """Time goes on, and whoever waits for it looks again."""
        self.standing.advance(seconds)
        for kind in (CRON_JOB, JOB):
            for resource in self._all(kind):
                self.controller._enqueue(resource.key)
        self.controller.settle()

    def _all(self, kind: Kind[Any]) -> list[Resource[Any]]:
        return self.store.list(kind)

    @property
    def job(self) -> Resource[Any]:
        return self.store.get(JOB, "j", "default")

    @property
    def status(self) -> Mapping[str, Any]:
        return self.job.status

    def conditions(self, job: Resource[Any] | None = None) -> dict[str, str]:
        """The reasons of what is True."""
        found = (job or self.job).status.get("conditions", ())
        return {c["type"]: c["reason"] for c in found if c["status"] == "True"}

    def jobs(self) -> list[Resource[Any]]:
        return self.store.list(JOB)

    def pods(self, phase: str = "") -> list[Resource[Any]]:
        return [p for p in self.store.list(POD) if phase in ("", p.status.get("phase", "Pending"))]

    def end(self, phase: str, pod: Resource[Any] | None = None) -> None:
        """One Pod (else all that are running) ends."""
        for each in [pod] if pod is not None else self.pods("Pending"):
            terminated = {"exitCode": int(phase == "Failed"), "finishedAt": self.store.now()}
            container = {"name": "c", "restartCount": 0, "ready": False, "state": {"terminated": terminated}}
            self.store.update_status(each.key, {"phase": phase, "containerStatuses": [container]})
        self.controller.settle()

    def events(self) -> list[str]:
        return [str(event.obj["reason"]) for event in self.store.list(KUBE_EVENT)]
