"""Starts a worker for every Pod in the Store and ends it when the Pod is deleted: the one user of the Runtime.

Reads Pods; writes their finalizer, and through the workers their status. It also keeps the output of the containers,
for a while after their Pod has gone, so that `kemu logs` can say why.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict

from emulator.lib.ringlog import RingLog
from emulator.lib.tasks import Tasks
from emulator.objects.podmarks import ADDRESS, COLD_START, FROZEN
from emulator.objects.podspec import PodSpec
from emulator.objects.resource import Resource
from emulator.store.store import Store
from emulator.store.watch import Change
from emulator.workloads.configs import CONFIG_MAP, SECRET
from emulator.workloads.pods import POD
from emulator.workloads.podworker import FINALIZER, PodWorker, Tools
from emulator.workloads.restoredpods import status_after_restart

_LOGS_KEPT = 200


class PodLogs:
    """Output by (namespace, Pod, container), the oldest forgotten beyond a bound."""

    def __init__(self) -> None:
        self._logs: OrderedDict[tuple[str, str, str], RingLog] = OrderedDict()

    def of(self, namespace: str, pod: str, container: str) -> RingLog:
        """The log of a container, made when it is new."""
        key = (namespace, pod, container)
        if key not in self._logs:
            self._logs[key] = RingLog()
            if len(self._logs) > _LOGS_KEPT:
                closed = next((k for k, log in self._logs.items() if log.is_closed), None)
                if closed is not None:
                    del self._logs[closed]
        return self._logs[key]

    def end(self, namespace: str, pod: str) -> None:
        """The Pod has gone: none of its logs goes on, that of a container without a process (`queue-proxy`) neither."""
        for key, log in self._logs.items():
            if key[:2] == (namespace, pod):
                log.close()

    def forget(self, namespace: str, pod: str) -> None:
        """Drop what a Pod of this name has left: another one of the same name begins."""
        for key in [key for key, log in self._logs.items() if key[:2] == (namespace, pod) and log.is_closed]:
            del self._logs[key]

    def release(self) -> None:
        """For kemu's own end: whoever follows a log is let go of."""
        for log in self._logs.values():
            log.release()

    def pods(self, namespace: str) -> list[str]:
        """The Pods of a namespace whose output is kept, the oldest first."""
        return list(dict.fromkeys(p for ns, p, _ in self._logs if ns == namespace))

    def containers(self, namespace: str, pod: str) -> list[str]:
        """The containers of a Pod that have written, or may yet."""
        return [c for ns, p, c in self._logs if (ns, p) == (namespace, pod)]


class PodRunner:
    """Workers by uid."""

    def __init__(self, tools: Tools, logs: PodLogs) -> None:
        self._tools = tools
        self._store: Store = tools.store
        self._logs = logs
        self._tasks = Tasks()
        self._workers: dict[str, PodWorker] = {}
        self._running: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Work until cancelled."""
        async with self._tasks:
            for pod in self._store.list(POD):
                self._take_over(pod)
            self._store.observe(self._changed)
            await asyncio.Event().wait()

    async def end(self, timeout_s: float) -> None:
        """Drain and remove all containers, for kemu's own end; what takes longer is left to the sweep."""
        for worker in self._workers.values():
            worker.end()
        if self._running:
            await asyncio.wait(self._running, timeout=timeout_s)

    def _changed(self, change: Change) -> None:
        if change.resource.kind in (CONFIG_MAP, SECRET):
            for each in self._workers.values():
                each.renew(change.resource)
        if change.resource.kind is not POD:
            return
        worker = self._workers.get(change.resource.uid)
        if worker is None and change.type != "DELETED":
            self._take(change.resource)
        elif worker is not None and (change.type == "DELETED" or change.resource.is_deleting):
            worker.end()
        elif worker is not None:
            worker.freeze(FROZEN in change.resource.annotations)
            worker.renew(change.resource)

    def _take_over(self, pod: Resource[PodSpec]) -> None:
        """A Pod that is there before kemu has started: made by files just now, or left by an earlier run."""
        if pod.is_deleting:  # nothing of it runs any more
            others = tuple(f for f in pod.metadata.get("finalizers", ()) if f != FINALIZER)
            self._store.patch_metadata(pod.key, finalizers=others)
            return
        self._store.patch_metadata(pod.key, annotations={ADDRESS: None, COLD_START: None})
        self._take(self._store.update_status(pod.key, status_after_restart(pod)))

    def _take(self, pod: Resource[PodSpec]) -> None:
        if pod.is_deleting:
            return
        self._logs.forget(pod.namespace, pod.name)
        worker = PodWorker(pod, self._tools, lambda name: self._logs.of(pod.namespace, pod.name, name))
        self._workers[pod.uid] = worker
        task = self._tasks.spawn(self._work(pod, worker), f"pod {pod.namespace}/{pod.name}")
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        if FINALIZER not in pod.metadata.get("finalizers", ()):
            self._store.patch_metadata(pod.key, finalizers=(*pod.metadata.get("finalizers", ()), FINALIZER))

    async def _work(self, pod: Resource[PodSpec], worker: PodWorker) -> None:
        try:
            await worker.run()
        finally:
            del self._workers[pod.uid]
            self._logs.end(pod.namespace, pod.name)
