"""Which user a container's process is, and whether the Pod allows it.

Pure. Called for every start, once the image is there. Followed: kubernetes pkg/kubelet/kuberuntime/security_context.go
(`verifyRunAsNonRoot`, `determineEffectiveSecurityContext`), from where the texts' form is.
"""

from __future__ import annotations

from typing import Any

from emulator.objects.podspec import Container, PodSpec
from emulator.objects.resource import Resource
from emulator.runtime.base import ImageInfo
from emulator.workloads.environment import ConfigFault


def user_of(pod: Resource[PodSpec], container: Container, image: ImageInfo) -> str | None:
    """The engine's `user` for the process (None: as the image says); ConfigFault where `runAsNonRoot` forbids it."""
    user = _first(pod, container, "run_as_user")
    group = _first(pod, container, "run_as_group")
    if _first(pod, container, "run_as_non_root"):
        _refuse_root(pod, container, user, image.user)
    if group is not None:  # the engine sets a group with a user only
        return f"{_image_user(image) if user is None else user}:{group}"
    return None if user is None else str(user)


def _first(pod: Resource[PodSpec], container: Container, field: str) -> Any:
    """The container's word, else the Pod's."""
    for security in (container.security_context, pod.spec.security_context):
        value = getattr(security, field, None)
        if value is not None:
            return value
    return None


def _image_user(image: ImageInfo) -> str:
    return image.user.partition(":")[0] or "0"


def _refuse_root(pod: Resource[PodSpec], container: Container, user: int | None, said: str) -> None:
    where = f'(pod: "{pod.name}_{pod.namespace}({pod.uid})", container: {container.name})'
    own = said.partition(":")[0]
    if user is not None:
        if user == 0:
            raise ConfigFault(f"container's runAsUser breaks non-root policy {where}")
    elif own and not own.isdigit():
        told = f"container has runAsNonRoot and image has non-numeric user ({own}), cannot verify user is non-root"
        raise ConfigFault(f"{told} {where}")
    elif int(own or 0) == 0:
        raise ConfigFault(f"container has runAsNonRoot and image will run as root {where}")
