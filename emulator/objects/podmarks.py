"""Annotations of kemu's own on Pods and their Revisions: here serving, the Pods' workers and the API meet in the Store.

`ADDRESS` (host:port of the first port as kemu reaches it) and `COLD_START` (where the start or thaw went, in ms) are
written by the Pod's worker, `LAST_START` (all that the request waited for which caused it) by serving when that request
is over. `FROZEN` (since when, RFC 3339) is the wish that its containers be paused, written by the Scaler and carried
out by the worker: with it a Pod gets no requests from that very moment on; without it again once it is ready.
"""

from __future__ import annotations

from typing import Any

from emulator.objects.resource import Resource

ADDRESS, COLD_START, LAST_START = "kemu.dev/address", "kemu.dev/cold-start", "kemu.dev/last-start"
FROZEN = "kemu.dev/frozen"
LACKS = "kemu.dev/lacks"
"""On a Revision: what is said of the ConfigMap or Secret that it is missing."""
REVISION_LABEL = "serving.knative.dev/revision"
REASON = "Frozen"
"""`status.reason` of a Pod whose containers are paused, or about to be; what `kubectl get pods` shows of it."""


def takes_requests(pod: Resource[Any]) -> bool:
    """Whether a Pod is ready, and is to stay so."""
    return pod.is_ready and not pod.is_deleting and FROZEN not in pod.annotations


def is_frozen(pod: Resource[Any]) -> bool:
    """Whether its worker says that it is frozen."""
    return pod.status.get("reason") == REASON
