"""Who manages what, against the answers of Kubernetes' own code, and what no table shows."""

from __future__ import annotations

import copy
import time
from typing import Any

import pytest

from emulator.objects.errors import ApiError, ApplyConflict, BadRequest
from emulator.objects.kind import Json
from emulator.serving.kinds import SERVICE
from emulator.store.managedfields import Manager, applied, managed, settled
from emulator.workloads.configs import CONFIG_MAP
from emulator.workloads.deployments import DEPLOYMENT
from tests.store.vectors import cases

NOW = "2026-01-01T00:00:00Z"
LATER = "2026-01-01T00:00:09Z"


def by(name: str, now: str = NOW, part: str = "") -> Manager:
    return Manager(name, "v1", now, part)


def config_map(**more: Any) -> Json:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "namespace": "default"}, **more}


def entries(obj: Json) -> list[tuple[Any, ...]]:
    return [(e["manager"], e["operation"], e.get("time"), e["fieldsV1"]) for e in obj["metadata"]["managedFields"]]


def with_entries(obj: Json, found: list[Json]) -> Json:
    return {**obj, "metadata": {**obj["metadata"], "managedFields": found}}


def comparable(obj: Json) -> Json:
    obj = copy.deepcopy(obj)
    if not (found := obj["metadata"].pop("managedFields", [])):
        return obj
    for entry in found:
        entry.pop("time", None)
    return with_entries(obj, sorted(found, key=lambda entry: (entry["operation"], entry["manager"])))


@pytest.mark.parametrize("case", cases("applies"), ids=lambda case: case["name"])
def test_ownership_goes_as_in_kubernetes(case: Json) -> None:
    live: Json | None = None
    for step in case["steps"]:
        kind = DEPLOYMENT if step["object"]["kind"] == "Deployment" else SERVICE
        manager, wanted = Manager(step["manager"], kind.api_version, NOW), step["expected"]
        try:
            if step["op"] == "apply":
                new = applied(live, step["object"], kind, manager, force=step.get("force", False))
            else:
                new = with_entries(step["object"], managed(live, step["object"], kind, manager))
        except ApiError as error:
            assert error.message == wanted.get("error")
            continue
        assert comparable(new) == comparable(wanted["object"])
        live = new


def test_what_changes_is_the_writers_and_tells_when() -> None:
    old = config_map(data={"x": "1", "y": "1"})
    old = with_entries(old, managed(None, old, CONFIG_MAP, by("one")))
    assert entries(old) == [("one", "Update", NOW, {"f:data": {".": {}, "f:x": {}, "f:y": {}}})]
    new = config_map(data={"x": "2", "y": "1"})
    new = with_entries(new, managed(old, new, CONFIG_MAP, by("two", LATER)))
    assert entries(new) == [
        ("one", "Update", NOW, {"f:data": {".": {}, "f:y": {}}}),
        ("two", "Update", LATER, {"f:data": {"f:x": {}}}),
    ]


def test_an_object_that_nobody_manages_stays_so_until_it_is_applied_to() -> None:
    live = config_map(data={"x": "1"})
    assert managed(live, config_map(data={"x": "2"}), CONFIG_MAP, by("one")) == []
    with pytest.raises(ApplyConflict) as conflict:
        applied(live, config_map(data={"x": "2"}), CONFIG_MAP, by("one"))
    assert (
        conflict.value.message == 'Apply failed with 1 conflict: conflict with "before-first-apply" using v1: .data.x'
    )


def test_a_conflict_has_a_cause_for_each_field() -> None:
    live = applied(None, config_map(data={"x": "1", "y": "1"}), CONFIG_MAP, by("one"))
    with pytest.raises(ApplyConflict) as conflict:
        applied(live, config_map(data={"x": "2", "y": "2"}), CONFIG_MAP, by("two"))
    status = conflict.value.status()
    assert (status["code"], status["reason"]) == (409, "Conflict")
    assert status["message"] == 'Apply failed with 2 conflicts: conflicts with "one":\n- .data.x\n- .data.y'
    assert status["details"]["causes"] == [
        {"reason": "FieldManagerConflict", "message": 'conflict with "one"', "field": f".data.{name}"} for name in "xy"
    ]


def test_an_empty_list_of_entries_forgets_them_and_none_keeps_them() -> None:
    old = applied(None, config_map(data={"x": "1"}), CONFIG_MAP, by("one"))
    assert managed(old, with_entries(config_map(data={"x": "1"}), []), CONFIG_MAP, by("two")) == []
    assert managed(old, config_map(data={"x": "1"}), CONFIG_MAP, by("two")) == old["metadata"]["managedFields"]


def test_entries_cannot_be_applied() -> None:
    with pytest.raises(BadRequest, match="managedFields must be nil"):
        applied(None, with_entries(config_map(), []), CONFIG_MAP, by("one"))


def test_entries_that_cannot_be_read_count_as_none() -> None:
    live = with_entries(config_map(data={"x": "1"}), [{"manager": "one", "operation": "Frob"}])
    assert entries(applied(live, config_map(data={"x": "1"}), CONFIG_MAP, by("two")))[0][0] == "two"


def test_a_status_is_managed_by_its_own_entry() -> None:
    old = applied(None, {**config_map(), "kind": "Deployment", "spec": {"replicas": 1}}, DEPLOYMENT, by("one"))
    new = {**old, "status": {"replicas": 1}}
    assert managed(old, new, DEPLOYMENT, by("two")) == old["metadata"]["managedFields"]
    last = managed(old, new, DEPLOYMENT, by("two", part="status"))[-1]
    assert (last["subresource"], last["fieldsV1"]) == ("status", {"f:status": {"f:replicas": {}}})


def test_only_ten_updaters_are_told_apart() -> None:
    obj = config_map(data={"x": "0"})
    obj = with_entries(obj, managed(None, obj, CONFIG_MAP, by("m0")))
    for number in range(1, 15):
        new = config_map(data={**obj["data"], f"k{number}": "1"})
        obj = with_entries(new, managed(obj, new, CONFIG_MAP, by(f"m{number}", f"2026-01-01T00:00:{number:02}Z")))
    names = [name for name, *_ in entries(obj)]
    assert names == ["ancient-changes", *(f"m{number}" for number in range(6, 15))]
    assert set(entries(obj)[0][3]["f:data"]) == {".", "f:x", *(f"f:k{number}" for number in range(1, 6))}


def test_a_write_that_only_changes_times_is_none() -> None:
    old = with_entries(config_map(), [{"manager": "one", "time": NOW}])
    assert settled(with_entries(config_map(), [{"manager": "one", "time": LATER}]), old) is old
    changed = with_entries(config_map(data={}), [{"manager": "one", "time": LATER}])
    assert settled(changed, old) is changed


def test_applying_a_service_takes_less_than_a_millisecond() -> None:
    env = [{"name": f"E{n}", "value": "x"} for n in range(10)]
    spec = {"containers": [{"image": "x", "env": env, "ports": [{"containerPort": 8080}]}], "timeoutSeconds": 3}
    config = {
        **config_map(),
        "apiVersion": "serving.knative.dev/v1",
        "kind": "Service",
        "spec": {"template": {"spec": spec}},
    }
    live = applied(None, config, SERVICE, by("one"))
    changed = copy.deepcopy(config)
    changed["spec"]["template"]["spec"]["timeoutSeconds"] = 4
    spent = []
    for _ in range(50):
        began = time.perf_counter()
        applied(live, changed, SERVICE, by("one"))
        spent.append(time.perf_counter() - began)
    assert min(spent) < 0.001
