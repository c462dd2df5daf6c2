"""Jobs on a real engine: Pods that end, are kept for their output, and go with their Job."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.scenarios.harness import IMAGE, Kemu, eventually

pytestmark = pytest.mark.engine


def exit_code(code: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "fate"}, "data": {"code": code}}


def job(name: str, **spec: Any) -> dict[str, Any]:
    fate = {"name": "EXIT_AT_START", "valueFrom": {"configMapKeyRef": {"name": "fate", "key": "code"}}}
    template = {"spec": {"restartPolicy": "Never", "containers": [{"name": "c", "image": IMAGE, "env": [fate]}]}}
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": name}, "spec": {**spec, "template": template}}


def phases(kemu: Kemu) -> list[str]:
    return sorted(pod.get("status", {}).get("phase", "") for pod in kemu.objects("pods"))


def test_a_job_fails_and_is_tried_again_until_it_succeeds_and_takes_its_pods_along(kemu: Kemu) -> None:
    kemu.write("fate.yaml", json.dumps(exit_code("1")))
    path = kemu.write("job.yaml", json.dumps(job("j")))
    kemu.up()
    eventually(lambda: phases(kemu) == ["Failed"], "a Pod of the Job has failed")
    kemu.write("fate.yaml", json.dumps(exit_code("0")))
    eventually(lambda: kemu.condition("job", "j", "Complete").get("status") == "True", "the Job is complete", 40)
    assert phases(kemu) == ["Failed", "Succeeded"]
    (found,) = kemu.objects("jobs")
    assert (found["status"]["succeeded"], found["status"]["failed"]) == (1, 1)
    for pod in kemu.objects("pods"):
        assert "as EXIT_AT_START says" in kemu.run("logs", pod["metadata"]["name"]).out
    path.unlink()
    eventually(lambda: not kemu.objects("pods"), "the Pods are gone")
    eventually(lambda: not kemu.containers(running_only=False), "so are their containers")


def test_a_job_that_fails_once_too_often_has_failed(kemu: Kemu) -> None:
    kemu.write("all.yaml", f"{json.dumps(exit_code('3'))}\n---\n{json.dumps(job('j', backoffLimit=0))}")
    kemu.up()
    eventually(lambda: kemu.condition("job", "j", "Failed").get("reason"), "the Job has failed")
    assert kemu.condition("job", "j", "Failed")["reason"] == "BackoffLimitExceeded"
    assert phases(kemu) == ["Failed"]
