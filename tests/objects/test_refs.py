"""References: one row a rule, with Knative's own text (eventing §3)."""

from __future__ import annotations

from typing import Any

import pytest

from emulator.objects.problems import knative_text
from emulator.objects.refs import Destination, KReference, ObjectMeta

REF = {"apiVersion": "v1", "kind": "Service", "name": "a"}


@pytest.mark.parametrize(
    ("destination", "text"),
    [
        pytest.param({"ref": REF}, "", id="ref"),
        pytest.param({"uri": "http://a/b"}, "", id="uri"),
        pytest.param({"ref": REF, "uri": "/b"}, "", id="a relative uri with a ref"),
        pytest.param({}, "expected at least one, got none: sink.ref, sink.uri", id="neither"),
        pytest.param(
            {"ref": REF, "uri": "http://a"},
            "Absolute URI is not allowed when Ref or [apiVersion, kind, name] is present: "
            "sink.[apiVersion, kind, name], sink.ref, sink.uri",
            id="an absolute uri with a ref",
        ),
        pytest.param(
            {"uri": "/b"},
            "invalid value: Relative URI is not allowed when Ref and [apiVersion, kind, name] is absent: sink.uri",
            id="a relative uri alone",
        ),
        pytest.param(
            {"ref": {}}, "missing field(s): sink.ref.apiVersion, sink.ref.kind, sink.ref.name", id="an empty ref"
        ),
        pytest.param({"ref": {"group": "g", "kind": "K", "name": "a"}}, "", id="a group instead of a version"),
    ],
)
def test_a_destination(destination: dict[str, Any], text: str) -> None:
    found = Destination.model_validate(destination)
    assert knative_text(list(found.validate_at(("sink",)))) == text


def test_the_odd_names_are_taken() -> None:
    found = Destination.model_validate({"ref": {**REF, "address": "http"}, "CACerts": "pem", "audience": "x"})
    assert found.ref == KReference.model_validate({**REF, "address": "http"})
    assert found.ca_certs == "pem"


def test_all_metadata_of_a_stored_object_can_be_written_back() -> None:
    meta = ObjectMeta.model_validate(
        {
            "name": "a",
            "uid": "1",
            "resourceVersion": "5",
            "generation": 2,
            "creationTimestamp": "2026-01-01T00:00:00Z",
            "managedFields": [{"manager": "kubectl"}],
            "ownerReferences": [{"apiVersion": "v1", "kind": "K", "name": "o", "uid": "2", "controller": True}],
        }
    )
    assert meta.owner_references[0].controller
