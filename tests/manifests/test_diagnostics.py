"""Faults as the user reads them: where, what, how to mend it."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from emulator.app import KINDS
from emulator.manifests.diagnostics import Diagnostic, ManifestFaults, no_object, of_problems, unknown_kind
from emulator.manifests.documents import Document, Position, read_documents
from emulator.objects.kind import Registry
from emulator.objects.problems import Problem, from_validation
from emulator.workloads.configs import CONFIG_MAP


def document(text: str) -> Document:
    (found,) = read_documents(text)
    return found


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[1]", "a.yaml:1:1 a document must be a map with apiVersion, kind and metadata"),
        ("kind: Pod", "a.yaml:1:1 apiVersion: missing; every object says its apiVersion and kind"),
        ("apiVersion: v1", "a.yaml:1:1 kind: missing; every object says its apiVersion and kind"),
    ],
)
def test_what_is_no_object_is_told_with_what_it_lacks(text: str, said: str) -> None:
    assert str(no_object("a.yaml", document(text))) == said


def test_an_object_is_no_fault() -> None:
    assert no_object("a.yaml", document("{apiVersion: v1, kind: Pod}")) is None


@pytest.mark.parametrize(
    ("version", "kind", "said"),
    [
        ("v2", "ConfigMap", 'a.yaml:1:1 apiVersion: no kind "ConfigMap" in "v2"; did you mean "v1"?'),
        (
            "serving.knative.dev/v1",
            "Servce",
            'a.yaml:2:1 kind: unknown kind "Servce" in "serving.knative.dev/v1"; did you mean "Service"?',
        ),
        (
            "apps/v1",
            "Xyz",
            'a.yaml:2:1 kind: unknown kind "Xyz" in "apps/v1"; '
            "kinds of apps/v1: DaemonSet, Deployment, ReplicaSet, StatefulSet",
        ),
    ],
)
def test_an_unknown_kind_is_told_with_what_was_meant(version: str, kind: str, said: str) -> None:
    found = unknown_kind("a.yaml", document(f"apiVersion: {version}\nkind: {kind}\n"), Registry(KINDS))
    assert str(found) == said


def test_without_a_guess_only_a_few_kinds_are_listed() -> None:
    text = str(unknown_kind("a.yaml", document("apiVersion: none/v1\nkind: Xyz\n"), Registry(KINDS)))
    assert "; among kemu's kinds are: " in text
    assert text.endswith(", …")
    assert len(text) < 200


def test_a_problem_is_told_at_its_place_with_details_and_hint() -> None:
    found = of_problems(
        "a.yaml", document("spec:\n  imagee: x\n"), [Problem(("spec", "imagee"), "unknown", hint="fix")]
    )
    assert [str(d) for d in found] == ["a.yaml:2:3 spec.imagee: unknown; fix"]


def test_faults_are_sorted_by_place() -> None:
    faults = [
        Diagnostic("b", Position(1, 1), "x"),
        Diagnostic("a", Position(9, 1), "y"),
        Diagnostic("a", Position(2, 1), "z"),
    ]
    assert str(ManifestFaults(faults)) == "a:2:1 z\na:9:1 y\nb:1:1 x"


@pytest.mark.parametrize(
    ("value", "hint"),
    [("1.10", '"1.10"'), ("on", '"on"'), ("012", '"012"'), ("3", '"3"'), ("true", '"true"'), ("1e3", '"1e3"')],
)
def test_what_has_to_be_quoted_is_shown_as_it_was_written(value: str, hint: str) -> None:
    made = document(f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: c}}\ndata:\n  a: {value}\n")
    with pytest.raises(ValidationError) as refused:
        CONFIG_MAP.spec.model_validate({"data": made.value["data"]})
    (found,) = of_problems("c.yaml", made, from_validation(refused.value, CONFIG_MAP.spec))
    assert (found.position, found.text.partition("; ")[2]) == (Position(5, 3), f"write it in quotes: {hint}")
