"""Jobs over the real Store and Controller: Pods, status, the two ends, what `kubectl get jobs` shows."""

from __future__ import annotations

import pytest

from emulator.objects.resource import Resource
from emulator.workloads.jobs import JOB
from emulator.workloads.pods import POD
from tests.workloads.batch import Batch, batch_obj, job_spec


@pytest.fixture
async def batch() -> Batch:
    return Batch()


def cells(job: Resource[object]) -> dict[str, object]:
    return {column.name: column.cell(job) for column in JOB.columns}


async def test_a_pod_that_succeeds_completes_the_job(batch: Batch) -> None:
    batch.run()
    (pod,) = batch.pods()
    assert pod.name.startswith("j-") and pod.labels["job-name"] == "j"
    assert pod.labels["batch.kubernetes.io/controller-uid"] == batch.job.uid
    assert batch.job.spec.selector.selector().matches(pod.labels)
    assert (batch.status["active"], batch.status["ready"], cells(batch.job)["Status"]) == (1, 0, "Running")
    assert "observedGeneration" not in batch.status
    batch.standing.advance(5)
    batch.end("Succeeded")
    assert batch.conditions() == {"SuccessCriteriaMet": "CompletionsReached", "Complete": "CompletionsReached"}
    assert (batch.status["succeeded"], "active" in batch.status) == (1, False)
    shown = cells(batch.job)
    assert (shown["Status"], shown["Completions"], shown["Duration"]) == ("Complete", "1/1", "5s")
    assert sorted(batch.events()) == ["Completed", "SuccessfulCreate"]
    assert len(batch.pods()) == 1


async def test_running_again_writes_nothing(batch: Batch) -> None:
    batch.run(parallelism=2, completions=3)
    batch.end("Succeeded")
    version = batch.store.version
    batch.later(0)
    assert batch.store.version == version


async def test_a_pod_that_fails_is_followed_by_another_after_10_s_then_20_s(batch: Batch) -> None:
    batch.run()
    for failures, wait_s in ((1, 10), (2, 20)):
        batch.end("Failed")
        assert (batch.status["failed"], len(batch.pods("Pending"))) == (failures, 0)
        batch.later(wait_s - 1)
        assert not batch.pods("Pending")
        batch.later(1)
        assert len(batch.pods("Pending")) == 1
    batch.end("Succeeded")
    assert (batch.status["succeeded"], batch.status["failed"], "Complete" in batch.conditions()) == (1, 2, True)


async def test_beyond_backoff_limit_the_job_has_failed(batch: Batch) -> None:
    batch.run(backoffLimit=1)
    batch.end("Failed")
    batch.later(10)
    batch.end("Failed")
    assert batch.conditions() == {"FailureTarget": "BackoffLimitExceeded", "Failed": "BackoffLimitExceeded"}
    assert (batch.status["failed"], "completionTime" in batch.status) == (2, False)
    assert batch.job.condition("Failed")["message"] == "Job has reached the specified backoff limit"
    assert "BackoffLimitExceeded" in batch.events()


async def test_restarts_in_place_count_against_backoff_limit(batch: Batch) -> None:
    batch.run("OnFailure", backoffLimit=2)
    (pod,) = batch.pods()
    status = {"name": "c", "ready": False, "restartCount": 2, "state": {}}
    batch.store.update_status(pod.key, {"phase": "Running", "containerStatuses": [status]})
    batch.controller.settle()
    assert "Failed" in batch.conditions() and not batch.pods()
    assert batch.status["failed"] == 1


async def test_a_job_that_takes_too_long_has_failed(batch: Batch) -> None:
    batch.run(activeDeadlineSeconds=30)
    batch.later(29)
    assert not batch.conditions()
    batch.later(1)
    assert batch.conditions()["Failed"] == "DeadlineExceeded"
    assert not batch.pods()


async def test_the_end_waits_for_pods_that_still_run(batch: Batch) -> None:
    batch.run(activeDeadlineSeconds=30)
    (pod,) = batch.pods()
    batch.store.patch_metadata(pod.key, finalizers=("kemu.dev/container",))
    batch.later(30)
    assert set(batch.conditions()) == {"FailureTarget"}
    assert batch.status["terminating"] == 1
    batch.store.patch_metadata(pod.key, finalizers=())
    batch.controller.settle()
    assert set(batch.conditions()) == {"FailureTarget", "Failed"}
    assert batch.status["failed"] == 1


async def test_as_many_pods_run_as_parallelism_and_what_is_left_allow(batch: Batch) -> None:
    batch.run(parallelism=2, completions=3)
    assert len(batch.pods()) == 2
    batch.end("Succeeded")
    assert (len(batch.pods("Pending")), cells(batch.job)["Completions"]) == (1, "2/3")
    batch.end("Succeeded")
    assert "Complete" in batch.conditions()


async def test_without_completions_one_success_lets_the_others_end(batch: Batch) -> None:
    batch.run(parallelism=2)
    assert cells(batch.job)["Completions"] == "0/1 of 2"
    batch.end("Succeeded", batch.pods()[0])
    assert (len(batch.pods()), batch.conditions()) == (2, {})
    batch.end("Succeeded")
    assert "Complete" in batch.conditions()


async def test_lowering_parallelism_stops_pods_without_a_failure(batch: Batch) -> None:
    batch.run(parallelism=3, completions=3)
    batch.edit(parallelism=1)
    assert (len(batch.pods()), batch.status["active"], "failed" in batch.status) == (1, 1, False)


async def test_each_index_has_its_pod(batch: Batch) -> None:
    batch.run(completions=3, parallelism=2, completionMode="Indexed")
    first, second = batch.pods()
    assert [p.name.rpartition("-")[0] for p in (first, second)] == ["j-0", "j-1"]
    assert first.spec.hostname == "j-0"
    (variable,) = first.spec.containers[0].env
    assert (variable.name, first.labels["batch.kubernetes.io/job-completion-index"]) == ("JOB_COMPLETION_INDEX", "0")
    batch.end("Succeeded", second)
    assert batch.status["completedIndexes"] == "1"
    batch.end("Succeeded")
    batch.end("Succeeded")
    assert (batch.status["completedIndexes"], batch.status["succeeded"]) == ("0-2", 3)


async def test_what_was_counted_stays_when_its_pod_goes(batch: Batch) -> None:
    batch.run(completions=2)
    batch.end("Succeeded")
    batch.store.delete(POD, batch.pods("Succeeded")[0].name, "default")
    batch.controller.settle()
    assert (batch.status["succeeded"], len(batch.pods())) == (1, 1)


async def test_a_running_pod_that_is_deleted_has_failed(batch: Batch) -> None:
    batch.run()
    pod = batch.pods()[0]
    batch.store.patch_metadata(pod.key, finalizers=("kemu.dev/container",))
    batch.store.delete(POD, pod.name, "default")
    batch.controller.settle()
    batch.later(0)
    assert (batch.status["failed"], len([p for p in batch.pods() if not p.is_deleting])) == (1, 1)


async def test_a_suspended_job_has_no_pods_and_no_start(batch: Batch) -> None:
    batch.run(suspend=True)
    assert (batch.pods(), batch.conditions()) == ([], {"Suspended": "JobSuspended"})
    assert "startTime" not in batch.status and cells(batch.job)["Status"] == "Suspended"
    batch.edit(suspend=False)
    assert (len(batch.pods()), batch.job.condition("Suspended")["reason"]) == (1, "JobResumed")
    batch.edit(suspend=True)
    assert (batch.pods(), "failed" in batch.status, "startTime" in batch.status) == ([], False, False)
    assert sorted(batch.events()) == ["Resumed", "SuccessfulCreate", "SuccessfulDelete", "Suspended"]


async def test_a_finished_job_goes_when_its_time_is_over(batch: Batch) -> None:
    batch.run(ttlSecondsAfterFinished=60)
    batch.later(100)
    batch.end("Succeeded")
    batch.later(59)
    assert batch.store.find(JOB, "j", "default") is not None
    batch.later(1)
    assert batch.store.find(JOB, "j", "default") is None


async def test_pods_go_with_their_job(batch: Batch) -> None:
    batch.run()
    batch.end("Succeeded")
    batch.store.delete(JOB, "j", "default")
    batch.controller.settle()
    assert not batch.pods()


async def test_the_same_manifest_can_be_applied_again(batch: Batch) -> None:
    batch.run()
    before = batch.job.resource_version
    batch.store.update(batch_obj(JOB, job_spec(), labels=dict(batch.job.labels)))
    assert batch.job.obj["spec"]["selector"]["matchLabels"] == {"batch.kubernetes.io/controller-uid": batch.job.uid}
    assert batch.job.generation == 1 and batch.job.resource_version >= before
