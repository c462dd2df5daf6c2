"""Which user a process is, and which ones `runAsNonRoot` turns away."""

from __future__ import annotations

from typing import Any

import pytest

from emulator.runtime.base import ImageInfo
from emulator.workloads.environment import ConfigFault
from emulator.workloads.users import user_of
from tests.workloads.pods import pod


def user(security: dict[str, Any], pods: dict[str, Any] | None = None, image: str = "") -> str | None:
    made = pod({"securityContext": pods} if pods else None, securityContext=security)
    return user_of(made, made.spec.containers[0], ImageInfo(id="1", ref="i", user=image))


@pytest.mark.parametrize(
    ("security", "pods", "image", "is_user"),
    [
        ({}, None, "nobody", None),
        ({"runAsUser": 0}, None, "5", "0"),
        ({"runAsUser": 5, "runAsGroup": 6}, None, "", "5:6"),
        ({"runAsGroup": 6}, None, "", "0:6"),
        ({"runAsGroup": 6}, None, "app:7", "app:6"),
        ({}, {"runAsUser": 1, "runAsGroup": 2}, "", "1:2"),
        ({"runAsUser": 5}, {"runAsUser": 1, "runAsGroup": 2}, "", "5:2"),
        ({"runAsNonRoot": True}, None, "65532:65532", None),
        ({"runAsNonRoot": True, "runAsUser": 5}, None, "root", "5"),
        ({"runAsNonRoot": False}, {"runAsNonRoot": True}, "", None),
    ],
)
def test_the_containers_word_comes_before_the_pods_and_the_images(
    security: dict[str, Any], pods: dict[str, Any] | None, image: str, is_user: str | None
) -> None:
    assert user(security, pods, image) == is_user


@pytest.mark.parametrize(
    ("security", "image", "said"),
    [
        ({"runAsUser": 0}, "5", "container's runAsUser breaks non-root policy"),
        ({}, "", "container has runAsNonRoot and image will run as root"),
        ({}, "0:5", "container has runAsNonRoot and image will run as root"),
        (
            {},
            "app:5",
            "container has runAsNonRoot and image has non-numeric user (app), cannot verify user is non-root",
        ),
    ],
)
def test_root_is_turned_away_in_kubernetes_words(security: dict[str, Any], image: str, said: str) -> None:
    with pytest.raises(ConfigFault) as fault:
        user(security, {"runAsNonRoot": True}, image)
    text, _, where = str(fault.value).partition(" (pod: ")
    assert text == said
    assert where.startswith('"p_default(')
    assert where.endswith(')", container: c)')
