"""Dry runs of Services and Configurations: their Pods must be accepted, too."""

from __future__ import annotations

from typing import Any

import pytest

from emulator.objects.errors import Denied
from emulator.objects.kind import Kind
from emulator.serving.kinds import CONFIGURATION, SERVICE
from emulator.serving.rehearsals import rehearsals
from emulator.store.store import Store
from emulator.workloads.pods import POD
from tests.world import World, obj


@pytest.fixture
def store() -> Store:
    made = World().store
    made.webhooks = rehearsals(lambda pod: made.create(pod, dry_run=True))
    return made


def template(**container: Any) -> dict[str, Any]:
    return {"template": {"spec": {"containers": [{"image": "app", **container}]}}}


SAID = (
    'admission webhook "validation.webhook.serving.knative.dev" denied the request: validation callback failed: '
    'dry run failed with Pod "dry-run-validation'
)


@pytest.mark.parametrize("kind", [SERVICE, CONFIGURATION], ids=lambda kind: kind.name)
def test_a_dry_run_tells_that_the_pods_would_be_refused(store: Store, kind: Kind[Any]) -> None:
    with pytest.raises(Denied) as denied:
        store.create(obj(kind, "hello", template(name="&Invalid")), dry_run=True)
    text = str(denied.value)
    assert text.startswith(SAID)
    assert 'is invalid: spec.containers[0].name: Invalid value: "&Invalid": a lowercase RFC 1123 label' in text
    assert text.endswith(": spec.template")


def test_a_dry_run_of_what_fits_stores_neither_it_nor_a_pod(store: Store) -> None:
    store.create(obj(SERVICE, "hello", template()), dry_run=True)
    assert (store.list(SERVICE), store.list(POD)) == ([], [])


def test_what_is_no_dry_run_is_not_rehearsed(store: Store) -> None:
    store.create(obj(SERVICE, "hello", template(name="&Invalid")))
    with pytest.raises(Denied, match="validation callback failed"):
        store.update(obj(SERVICE, "hello", template(name="&Other")), dry_run=True)
