"""What a Job must keep to, in Kubernetes' words."""

from __future__ import annotations

from typing import Any

import pytest

from emulator.objects.errors import Invalid
from emulator.workloads.jobs import JOB
from tests.workloads.batch import batch_obj, job_spec
from tests.world import World

OTHER = {"spec": {"restartPolicy": "Never", "containers": [{"name": "c", "image": "b"}]}}


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        (job_spec("Always"), 'spec.template.spec.restartPolicy: Required value: valid values: "OnFailure", "Never"'),
        (job_spec(completionMode="Indexed", parallelism=2), "spec.completions: Required value: when completion mode"),
        (job_spec(backoffLimit=-1), "spec.backoffLimit: Invalid value: -1: must be greater than or equal to 0"),
        (job_spec(selector={"matchLabels": {"a": "b"}}), "`selector` does not match template `labels`"),
        (job_spec(manualSelector=True), "spec.selector: Required value"),
    ],
    ids=["policy", "indexed-without-completions", "negative", "selector", "manual"],
)
def test_refused(spec: dict[str, Any], said: str) -> None:
    with pytest.raises(Invalid) as refused:
        World().create(batch_obj(JOB, spec))
    assert said in refused.value.message
    assert refused.value.message.startswith('Job.batch "j" is invalid: ')


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"completions": 4}, "spec.completions: Invalid value: 4: field is immutable"),
        ({"completionMode": "Indexed"}, 'spec.completionMode: Invalid value: "Indexed": field is immutable'),
        ({"template": OTHER}, "spec.template: Invalid value: "),
    ],
    ids=["completions", "mode", "template"],
)
def test_immutable(change: dict[str, Any], said: str) -> None:
    world = World()
    job = world.create(batch_obj(JOB, job_spec(parallelism=1, completions=2)))
    with pytest.raises(Invalid) as refused:
        world.edit(job, spec={**job.obj["spec"], **change})
    assert said in refused.value.message


def test_what_is_not_said_is_filled_in() -> None:
    spec = World().create(batch_obj(JOB, job_spec())).obj["spec"]
    left = {k: v for k, v in spec.items() if k not in ("template", "selector")}
    assert left == {
        "completions": 1,
        "parallelism": 1,
        "backoffLimit": 6,
        "completionMode": "NonIndexed",
        "suspend": False,
        "manualSelector": False,
        "podReplacementPolicy": "TerminatingOrFailed",
    }


def test_an_elastic_indexed_job_can_grow() -> None:
    world = World()
    job = world.create(batch_obj(JOB, job_spec(completions=2, parallelism=2, completionMode="Indexed")))
    grown = world.edit(job, spec={**job.obj["spec"], "completions": 3, "parallelism": 3})
    assert grown.obj["spec"]["completions"] == 3


def test_a_selector_of_ones_own_is_kept() -> None:
    own = {"matchLabels": {"a": "b"}}
    spec = job_spec(manualSelector=True, selector=own)
    spec["template"]["metadata"] = {"labels": {"a": "b"}}
    made = World().create(batch_obj(JOB, spec)).obj["spec"]
    assert (made["selector"], made["template"]["metadata"]["labels"]) == (own, {"a": "b"})
