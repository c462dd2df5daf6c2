"""Where the fields stand that the API refused."""

from __future__ import annotations

from typing import Any

import pytest

from emulator.cli.faults import placed, position_of
from emulator.manifests.documents import read_documents

TEXT = """\
apiVersion: serving.knative.dev/v1
kind: Service
metadata:
  name: hello
  annotations:
    serving.knative.dev/creator: me
spec:
  template:
    spec:
      containers:
        - imagee: app
          env:
            - nam: A
"""
(DOCUMENT,) = read_documents(TEXT)
IMAGE, NAME = "spec.template.spec.containers[0].imagee", "spec.template.spec.containers[0].env[0].nam"


def causes(*pairs: tuple[str, str]) -> dict[str, Any]:
    return {"message": "all of it", "details": {"causes": [{"field": f, "message": m} for f, m in pairs]}}


def webhook(text: str) -> dict[str, Any]:
    said = f'admission webhook "validation.webhook.serving.knative.dev" denied the request: validation failed: {text}'
    return {"message": said}


@pytest.mark.parametrize(
    ("field", "line", "column"),
    [
        (IMAGE, 11, 11),
        (NAME, 13, 15),
        ("spec.template.spec.containers[0].env[0].name", 13, 15),
        ("spec.template.spec.containers[0].env", 12, 11),
        ("spec.template.spec.containers[0].name", 11, 11),
        ("metadata.annotations.serving.knative.dev/creator", 6, 5),
        ("metadata.annotations.serving.knative.dev/other", 5, 3),
        (f"{NAME}, {IMAGE}", 13, 15),
        ("status.x", 1, 1),
        ("", 1, 1),
    ],
)
def test_a_field_stands_where_it_or_what_is_around_it_was_written(field: str, line: int, column: int) -> None:
    found = position_of(field, DOCUMENT)
    assert (found.line, found.column) == (line, column)


@pytest.mark.parametrize(
    ("status", "lines"),
    [
        pytest.param(
            causes((NAME, "unknown field"), (IMAGE, "unknown field")),
            [f"a.yaml:11:11 {IMAGE}: unknown field", f"a.yaml:13:15 {NAME}: unknown field"],
            id="causes, in the order of the file",
        ),
        pytest.param(
            webhook("expected 0 <= -1 <= 1000: spec.template.spec.timeoutSeconds\ninvalid value: X: metadata.name"),
            [
                "a.yaml:4:3 metadata.name: invalid value: X",
                "a.yaml:9:5 spec.template.spec.timeoutSeconds: expected 0 <= -1 <= 1000",
            ],
            id="a webhook's lines",
        ),
        pytest.param(
            webhook(f"must not set the field(s): {IMAGE}\nbecause of: the rules"),
            [f"a.yaml:11:11 {IMAGE}: must not set the field(s) (because of: the rules)"],
            id="a webhook's details",
        ),
        pytest.param(webhook("no field at all"), ["a.yaml:1:1 no field at all"], id="a webhook without fields"),
        pytest.param(
            {"message": f'strict decoding error: unknown field "{IMAGE}", duplicate field "spec"'},
            ["a.yaml:7:1 spec: duplicate field", f"a.yaml:11:11 {IMAGE}: unknown field"],
            id="strict decoding",
        ),
        pytest.param({"message": "not today"}, ["a.yaml:1:1 not today"], id="something else"),
        pytest.param(
            {"message": "conflict", "details": {"causes": [{"message": "no field"}]}},
            ["a.yaml:1:1 conflict"],
            id="causes without fields",
        ),
    ],
)
def test_each_fault_is_told_with_its_place(status: dict[str, Any], lines: list[str]) -> None:
    assert placed(status, "a.yaml", DOCUMENT) == lines
