"""CronJobs over the real Store and Controller, by a clock that the test moves, and in virtual time."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest

from emulator.lib.clock import LoopClock
from emulator.lib.tasks import Tasks
from emulator.objects.errors import Invalid
from emulator.objects.kind import Json
from emulator.objects.resource import Resource
from emulator.workloads.cronjobs import CRON_JOB
from emulator.workloads.jobs import JOB
from tests.workloads.batch import Batch, batch_obj, job_spec
from tests.world import World


@pytest.fixture
async def batch() -> Batch:
    return Batch()  # it is 03:04:05


def cron_obj(schedule: str = "*/5 * * * *", job: Json | None = None, **spec: Any) -> Json:
    whole = {"schedule": schedule, "jobTemplate": {"spec": job or job_spec()}, **spec}
    return batch_obj(CRON_JOB, whole, "c")


def plan(batch: Batch, **spec: Any) -> None:
    batch.store.create(cron_obj(**spec))
    batch.controller.settle()


def cron(batch: Batch) -> Resource[Any]:
    return batch.store.get(CRON_JOB, "c", "default")


def jobs(batch: Batch) -> list[Resource[Any]]:
    return batch.store.list(JOB)


async def test_a_job_is_made_when_the_time_has_come(batch: Batch) -> None:
    plan(batch)
    batch.later(54)
    assert not jobs(batch)
    batch.later(1)
    (job,) = jobs(batch)
    assert job.name == f"c-{int(datetime(2026, 1, 2, 3, 5, tzinfo=UTC).timestamp()) // 60}"
    assert job.annotations["batch.kubernetes.io/cronjob-scheduled-timestamp"] == "2026-01-02T03:05:00Z"
    assert job.is_controlled_by(cron(batch))
    status = cron(batch).status
    assert (status["lastScheduleTime"], status["active"][0]["uid"]) == ("2026-01-02T03:05:00Z", job.uid)
    assert "observedGeneration" not in status
    batch.later(5)
    batch.end("Succeeded")
    status = cron(batch).status
    assert ("active" in status, status["lastSuccessfulTime"]) == (False, "2026-01-02T03:05:05Z")
    assert {"SawCompletedJob", "SuccessfulCreate"} <= set(batch.events())


async def test_history_has_its_limits(batch: Batch) -> None:
    plan(batch, schedule="* * * * *", successfulJobsHistoryLimit=2, job=job_spec(backoffLimit=0))
    for phase in ("Succeeded", "Failed", "Succeeded", "Failed", "Succeeded"):
        batch.later(60)
        batch.end(phase)
    ends = [("Complete" if "Complete" in batch.conditions(job) else "Failed") for job in jobs(batch)]
    assert sorted(ends) == ["Complete", "Complete", "Failed"]
    assert "SuccessfulDelete" in batch.events()


@pytest.mark.parametrize(("policy", "left"), [("Allow", 2), ("Forbid", 1), ("Replace", 1)])
async def test_a_job_that_still_runs(batch: Batch, policy: str, left: int) -> None:
    plan(batch, schedule="* * * * *", concurrencyPolicy=policy)
    batch.later(60)
    (first,) = jobs(batch)
    batch.later(60)
    assert len(jobs(batch)) == left
    assert (first.name in [job.name for job in jobs(batch)]) == (policy != "Replace")
    assert ("JobAlreadyActive" in batch.events()) == (policy == "Forbid")


async def test_what_forbid_held_back_starts_when_the_job_has_ended(batch: Batch) -> None:
    plan(batch, schedule="* * * * *", concurrencyPolicy="Forbid")
    batch.later(60)
    batch.later(60)
    batch.end("Succeeded")
    assert len(jobs(batch)) == 2


async def test_times_that_were_missed_are_made_up_for_by_one_job(batch: Batch) -> None:
    plan(batch)
    batch.later(3600)
    assert len(jobs(batch)) == 1


async def test_after_the_starting_deadline_it_is_too_late(batch: Batch) -> None:
    plan(batch, startingDeadlineSeconds=60)
    batch.later(55 + 120)
    assert not jobs(batch)


async def test_a_suspended_cron_job_makes_nothing(batch: Batch) -> None:
    plan(batch, suspend=True)
    batch.later(3600)
    assert not jobs(batch)


async def test_a_cron_job_of_the_platform_is_only_kept(batch: Batch) -> None:
    made = cron_obj("* * * * *")
    batch.store.create({**made, "metadata": {"name": "c", "namespace": "knative-serving"}})
    batch.later(3600)
    assert not jobs(batch)


async def test_many_missed_times_are_told(batch: Batch) -> None:
    plan(batch, schedule="* * * * *")
    batch.later(60 * 102)
    assert (len(jobs(batch)), "TooManyMissedTimes" in batch.events()) == (1, True)


@pytest.mark.looptime
async def test_the_clock_alone_brings_jobs() -> None:
    batch = Batch(LoopClock(datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)))
    async with Tasks() as tasks:
        running = tasks.spawn(batch.controller.run(), "controller")
        batch.store.create(cron_obj("* * * * *"))
        await asyncio.sleep(56)
        assert len(jobs(batch)) == 1
        await asyncio.sleep(120)
        assert len(jobs(batch)) == 3
        running.cancel()


@pytest.mark.parametrize(
    ("obj", "said"),
    [
        (cron_obj("often"), 'spec.schedule: Invalid value: "often": expected exactly 5 fields, found 1: [often]'),
        (cron_obj(""), "spec.schedule: Required value"),
        (cron_obj("TZ=UTC * * * * *"), "cannot use TZ or CRON_TZ in schedule, use timeZone field instead"),
        (cron_obj(timeZone="Nowhere"), 'spec.timeZone: Invalid value: "Nowhere": unknown time zone Nowhere'),
        (
            cron_obj(concurrencyPolicy="No"),
            'spec.concurrencyPolicy: Unsupported value: "No": supported values: "Allow", "Forbid", "Replace"',
        ),
        (
            cron_obj(job=job_spec("Always")),
            'spec.jobTemplate.spec.template.spec.restartPolicy: Required value: valid values: "OnFailure", "Never"',
        ),
    ],
    ids=["schedule", "no-schedule", "zone-in-schedule", "zone", "policy", "restart-policy"],
)
def test_refused(obj: Json, said: str) -> None:
    with pytest.raises(Invalid) as refused:
        World().create(obj)
    assert said in refused.value.message


async def test_columns(batch: Batch) -> None:
    plan(batch)
    shown = [column.cell(cron(batch)) for column in CRON_JOB.columns]
    assert shown[:5] == ["*/5 * * * *", "<none>", "False", 0, "<none>"]
    assert shown[6:] == ["c", "a", "<none>"]
    batch.later(55)
    assert [column.cell(cron(batch)) for column in CRON_JOB.columns][3] == 1
