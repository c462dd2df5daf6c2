"""Deployments over the real Store and Controller: ReplicaSets, rollouts, history, what `kubectl rollout` reads."""

from __future__ import annotations

from typing import Any

import pytest

from emulator.objects.errors import Invalid
from emulator.workloads.deployments import DEPLOYMENT, REVISION
from emulator.workloads.pods import POD
from emulator.workloads.replicasets import REPLICA_SET
from tests.workloads.rolling import Rolling
from tests.world import obj


@pytest.fixture
async def world() -> Rolling:
    return Rolling()


async def test_pods_belong_to_a_replica_set_of_the_deployment(world: Rolling) -> None:
    world.deploy(replicas=2)
    (replica_set,) = world.store.list(REPLICA_SET)
    label = replica_set.labels["pod-template-hash"]
    assert replica_set.name == f"d-{label}"
    assert replica_set.is_controlled_by(world.deployment)
    assert replica_set.obj["spec"]["selector"]["matchLabels"] == {"app": "d", "pod-template-hash": label}
    for pod in world.pods():
        assert pod.name.startswith(f"{replica_set.name}-") and len(pod.name) == len(replica_set.name) + 6
        assert pod.is_controlled_by(replica_set)
        assert pod.labels == {"app": "d", "pod-template-hash": label}


async def test_long_names_are_cut_for_pods_only(world: Rolling) -> None:
    name = "d" * 55
    spec = {
        "replicas": 1,
        "selector": {"matchLabels": {"app": "d"}},
        "template": {"metadata": {"labels": {"app": "d"}}, "spec": {"containers": [{"name": "c", "image": "app"}]}},
    }
    world.store.create(obj(DEPLOYMENT, name, spec))
    world.controller.settle()
    (replica_set,) = world.store.list(REPLICA_SET)
    assert replica_set.name == f"{name}-{replica_set.labels['pod-template-hash']}"
    (pod,) = world.store.list(POD)
    assert (len(pod.name), pod.name[:58]) == (63, replica_set.name[:58])


async def test_running_again_writes_nothing(world: Rolling) -> None:
    world.deploy(replicas=3)
    version = world.store.version
    world.controller._enqueue(world.deployment.key)
    world.controller.settle()
    assert world.store.version == version


async def test_status_counts_what_is_ready(world: Rolling) -> None:
    world.deploy()
    assert (world.status["replicas"], world.status["unavailableReplicas"]) == (2, 2)
    assert world.condition("Available") == ("False", "MinimumReplicasUnavailable")
    assert world.condition("Progressing") == ("True", "ReplicaSetUpdated")
    world.ready()
    assert (world.status["readyReplicas"], "unavailableReplicas" in world.status) == (2, False)
    assert world.status["observedGeneration"] == world.deployment.generation
    assert world.condition("Available") == ("True", "MinimumReplicasAvailable")
    assert world.condition("Progressing") == ("True", "NewReplicaSetAvailable")
    said = world.deployment.condition("Progressing")["message"]
    assert said == f'ReplicaSet "{world.store.list(REPLICA_SET)[0].name}" has successfully progressed.'


async def test_scaling_is_no_rollout(world: Rolling) -> None:
    world.deploy(replicas=1)
    world.ready()
    before = world.deployment.condition("Progressing")
    world.deploy(replicas=3)
    world.deploy(replicas=0)
    assert world.images() == []
    assert world.deployment.condition("Progressing") == before


async def test_a_new_template_rolls_without_a_gap(world: Rolling) -> None:
    world.deploy("a", 4)
    world.ready()
    world.deploy("b", 4)
    # maxSurge 25% lets one more come, maxUnavailable 25% lets one go at once.
    assert (world.images().count("a"), world.images().count("b")) == (3, 2)
    assert world.condition("Available")[0] == "True"
    world.roll()
    assert world.images() == ["b"] * 4
    assert world.sizes() == {"a": 0, "b": 4}


async def test_one_replica_stays_until_the_new_one_is_ready(world: Rolling) -> None:
    world.deploy("a", 1)
    world.ready()
    world.deploy("b", 1)
    assert world.images() == ["a", "b"]
    world.ready("b")
    assert world.images() == ["b"]


async def test_max_surge_0_lets_the_old_one_go_first(world: Rolling) -> None:
    strategy = {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 0, "maxUnavailable": 1}}
    world.deploy("a", 2, strategy=strategy)
    world.ready()
    world.deploy("b", 2, strategy=strategy)
    assert world.images() == ["a", "b"]
    world.roll()
    assert world.images() == ["b", "b"]


async def test_pods_that_never_ran_hold_nothing_up(world: Rolling) -> None:
    world.deploy("broken", 4)
    world.deploy("b", 4)
    assert world.sizes() == {"broken": 3, "b": 2}
    for _ in range(3):
        world.ready("b")
    assert world.images() == ["b"] * 4


async def test_recreate_waits_for_the_last_old_pod(world: Rolling) -> None:
    strategy = {"type": "Recreate"}
    world.deploy("a", 2, strategy=strategy)
    world.ready()
    first, second = world.pods()
    world.store.patch_metadata(first.key, finalizers=("held",))
    world.deploy("b", 2, strategy=strategy)
    assert world.images() == []
    world.store.patch_metadata(first.key, finalizers=())
    world.controller.settle()
    assert world.images() == ["b", "b"]
    assert second.name not in {pod.name for pod in world.pods()}


async def test_a_paused_deployment_takes_no_new_template_but_another_size(world: Rolling) -> None:
    world.deploy("a", 1)
    world.ready()
    world.deploy("b", 2, paused=True)
    assert world.images() == ["a", "a"]
    assert world.condition("Progressing") == ("Unknown", "DeploymentPaused")
    world.deploy("b", 2)
    world.roll()
    assert world.images() == ["b", "b"]
    assert world.condition("Progressing") == ("True", "NewReplicaSetAvailable")


async def test_scaling_in_mid_rollout_is_shared_out(world: Rolling) -> None:
    world.deploy("a", 10)
    world.ready()
    world.deploy("b", 10)
    assert world.sizes() == {"a": 8, "b": 5}
    world.deploy("b", 20)
    assert world.sizes() == {"a": 15, "b": 10}


async def test_an_earlier_template_is_the_latest_revision_again(world: Rolling) -> None:
    for image in ("a", "b", "a"):
        world.deploy(image, 1)
        world.roll()
    assert world.images() == ["a"]
    by_image = {s.spec.template.spec.containers[0].image: s.annotations for s in world.store.list(REPLICA_SET)}
    assert (by_image["a"][REVISION], by_image["b"][REVISION]) == ("3", "2")
    assert by_image["a"]["deployment.kubernetes.io/revision-history"] == "1"
    assert world.deployment.annotations[REVISION] == "3"


async def test_history_is_cut_to_its_limit(world: Rolling) -> None:
    for image in "abcde":
        world.deploy(image, 1, revisionHistoryLimit=2)
        world.roll()
    assert set(world.sizes()) == {"c", "d", "e"}


async def test_a_pod_counts_as_available_after_min_ready_seconds(world: Rolling) -> None:
    world.deploy("a", 1, minReadySeconds=10)
    world.ready()
    assert (world.status["readyReplicas"], world.status.get("availableReplicas")) == (1, None)
    world.clock.advance(11)
    world.controller._enqueue(world.store.list(REPLICA_SET)[0].key)
    world.controller.settle()
    assert world.status["availableReplicas"] == 1


async def test_no_progress_is_told_after_the_deadline(world: Rolling) -> None:
    world.deploy("a", 1, progressDeadlineSeconds=30)
    world.clock.advance(32)
    world.controller._enqueue(world.deployment.key)
    world.controller.settle()
    assert world.condition("Progressing") == ("False", "ProgressDeadlineExceeded")
    world.ready()
    assert world.condition("Progressing") == ("True", "NewReplicaSetAvailable")


async def test_pods_that_are_not_ready_go_first(world: Rolling) -> None:
    world.deploy()
    first, second = world.pods()
    world.become(second)
    world.deploy(replicas=1)
    assert [pod.name for pod in world.pods()] == [second.name]
    assert first.name != second.name


async def test_a_pod_that_somebody_deletes_is_replaced(world: Rolling) -> None:
    world.deploy(replicas=1)
    (pod,) = world.pods()
    world.store.delete(POD, pod.name, "default")
    world.controller.settle()
    assert len(world.pods()) == 1


async def test_events_tell_of_scaling_and_of_pods(world: Rolling) -> None:
    world.deploy(replicas=1)
    (pod,), (replica_set,) = world.pods(), world.store.list(REPLICA_SET)
    world.deploy(replicas=0)
    assert sorted(world.events()) == [
        f"Deployment Scaled down replica set {replica_set.name} from 1 to 0",
        f"Deployment Scaled up replica set {replica_set.name} from 0 to 1",
        f"ReplicaSet Created pod: {pod.name}",
        f"ReplicaSet Deleted pod: {pod.name}",
    ]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            {"selector": {"matchLabels": {"app": "x"}}},
            'spec.template.metadata.labels: Invalid value: {"app":"d"}: `selector` does not match template `labels`',
        ),
        (
            {"selector": {}},
            "spec.selector: Invalid value: {}: empty selector is invalid for deployment",
        ),
        (
            {"strategy": {"type": "Recreate", "rollingUpdate": {"maxSurge": 1}}},
            "spec.strategy.rollingUpdate: Forbidden: may not be specified when strategy `type` is 'Recreate'",
        ),
        (
            {"strategy": {"type": "Never"}},
            'spec.strategy.type: Unsupported value: "Never": supported values: "Recreate", "RollingUpdate"',
        ),
        (
            {"strategy": {"rollingUpdate": {"maxSurge": 0, "maxUnavailable": 0}}},
            "spec.strategy.rollingUpdate.maxUnavailable: Invalid value: 0: may not be 0 when `maxSurge` is 0",
        ),
        ({"replicas": -1}, "spec.replicas: Invalid value: -1: must be greater than or equal to 0"),
    ],
)
async def test_a_deployment_is_refused(world: Rolling, change: dict[str, Any], said: str) -> None:
    with pytest.raises(Invalid) as refused:
        world.deploy(**change)
    assert refused.value.message == f'Deployment.apps "d" is invalid: {said}'


async def test_the_selector_cannot_change(world: Rolling) -> None:
    world.deploy()
    with pytest.raises(Invalid, match="field is immutable"):
        world.deploy(selector={"matchLabels": {"app": "d", "more": "x"}})


async def test_defaults_are_those_of_kubernetes(world: Rolling) -> None:
    world.deploy()
    spec = world.store.list(DEPLOYMENT)[0].obj["spec"]
    assert spec["strategy"] == {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": "25%", "maxSurge": "25%"}}
    assert (spec["revisionHistoryLimit"], spec["progressDeadlineSeconds"]) == (10, 600)
