"""Kubernetes events about one Pod, in the words of scheduler and kubelet: what `kubectl describe pod` ends with.

They are written a moment later than they happen, since a cold start must not wait for them; `flush` writes them now.
Followed: kubernetes pkg/kubelet/events, pkg/kubelet/{kuberuntime/kuberuntime_container,images/image_manager}.go.
"""

from __future__ import annotations

import asyncio

from emulator.control.reconciler import Note
from emulator.control.recorder import Recorder
from emulator.objects.podspec import PodSpec
from emulator.objects.resource import Resource
from emulator.workloads.pods import NODE

_LATER_S = 0.05


class PodEvents:
    """The events of one Pod."""

    def __init__(self, pod: Resource[PodSpec], recorder: Recorder) -> None:
        self._pod = pod
        self._recorder = recorder
        self._pending: list[tuple[Note, str, str]] = []

    def scheduled(self) -> None:
        pod = self._pod
        note = Note("Scheduled", f"Successfully assigned {pod.namespace}/{pod.name} to {NODE}")
        self._tell(note, "default-scheduler", "")

    def tell(self, note: Note, container: str, which: str = "containers") -> None:
        """Something happened to a container; `which` is the list of the spec that it stands in."""
        self._tell(note, "kubelet", f"spec.{which}{{{container}}}")

    def flush(self) -> None:
        """Write what is pending."""
        pending, self._pending = self._pending, []
        for note, component, field in pending:
            self._recorder.record(self._pod, note, component, field)

    def _tell(self, note: Note, component: str, field: str) -> None:
        if not self._pending:
            asyncio.get_running_loop().call_later(_LATER_S, self.flush)
        self._pending.append((note, component, field))
