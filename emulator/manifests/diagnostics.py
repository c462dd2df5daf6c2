"""Faults as the user reads them: `service.yaml:12:11 spec…imagee: unknown field; did you mean "image"?`

Pure. One line a fault: where, what, how to mend it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from emulator.lib.guesses import did_you_mean, near_names
from emulator.manifests.documents import Document, Fault, Position
from emulator.manifests.files import Source
from emulator.objects.kind import Registry
from emulator.objects.problems import QUOTES, Problem

NOWHERE = Position(0, 0)
"""The fault is the file itself."""


@dataclass(frozen=True, order=True)
class Diagnostic:
    """One fault of a load."""

    file: str
    position: Position
    text: str

    def __str__(self) -> str:
        if self.position == NOWHERE:
            return f"{self.file}: {self.text}"
        return f"{self.file}:{self.position.line}:{self.position.column} {self.text}"


class ManifestFaults(Exception):
    """A load that was refused, with all its faults; nothing of it was applied."""

    def __init__(self, diagnostics: Sequence[Diagnostic]) -> None:
        self.diagnostics = sorted(diagnostics)
        super().__init__("\n".join(map(str, self.diagnostics)))


def of_problems(file: str, document: Document, problems: Iterable[Problem]) -> list[Diagnostic]:
    """The Problems of one object, each at its place."""
    found = []
    for problem in problems:
        details = f" ({' '.join(problem.details.split())})" if problem.details else ""
        hint = f"; {_hint(document, problem)}" if problem.hint else ""
        position = document.position(problem.path)
        found.append(Diagnostic(file, position, f"{problem.field}: {problem.message}{details}{hint}"))
    return found


def _hint(document: Document, problem: Problem) -> str:
    """What belongs in the quotes is what was written: the value of `1.10` is 1.1, that of `on` true."""
    written = document.written.get(problem.path)
    return problem.hint if written is None or not problem.hint.startswith(QUOTES) else f'{QUOTES}: "{written}"'


def of_source(source: Source, fault: Fault | None = None) -> Diagnostic:
    """What is wrong with a file as a text, or why it cannot be read at all."""
    if fault is None:
        return Diagnostic(source.name, NOWHERE, source.fault)
    return Diagnostic(source.name, fault.position, fault.message + (f"; {fault.hint}" if fault.hint else ""))


# What stands beside Knative's kinds in real folders: no near miss of anything.
_OTHER_KINDS = (
    "ApiServerSource ClusterDomainClaim ClusterRole ClusterRoleBinding ContainerSource "
    "CustomResourceDefinition DaemonSet DomainMapping Endpoints EventPolicy EventTransform EventType "
    "HorizontalPodAutoscaler Ingress IntegrationSink IntegrationSource JobSink KafkaBinding "
    "KafkaChannel KafkaSink KafkaSource LimitRange MutatingWebhookConfiguration NetworkPolicy Node "
    "Parallel PersistentVolume PersistentVolumeClaim PodDisruptionBudget ReplicaSet RequestReply "
    "ResourceQuota Role RoleBinding ServiceAccount SinkBinding StatefulSet StorageClass "
    "ValidatingWebhookConfiguration"
)
_OTHERS = frozenset(_OTHER_KINDS.split())


def unknown_kind(file: str, document: Document, registry: Registry) -> Diagnostic:
    """An `apiVersion` and `kind` that kemu does not have, with what was probably meant."""
    value = document.value
    kind, version = str(value.get("kind", "")), str(value.get("apiVersion", ""))
    if (version, kind) == ("v1", "Service") or kind in _OTHERS:
        said = f"kind: kemu does not run {kind} of {version} yet; keep it in files that are not loaded here"
        return Diagnostic(file, document.position(("kind",)), said)
    same_name = [k for k in registry if k.name == kind]
    if same_name:
        versions = " or ".join(f'"{v}"' for v in sorted({k.api_version for k in same_name}))
        return Diagnostic(
            file,
            document.position(("apiVersion",)),
            f'apiVersion: no kind "{kind}" in "{version}"; did you mean {versions}?',
        )
    of_group = {k.name for k in registry if k.api_version == version}
    among = f"kinds of {version}: " if of_group else "among kemu's kinds are: "
    names = {k.name for k in registry}
    hint = did_you_mean(kind, names) or near_names(kind, of_group or names, among)
    return Diagnostic(file, document.position(("kind",)), f'kind: unknown kind "{kind}" in "{version}"; {hint}')


def no_object(file: str, document: Document) -> Diagnostic | None:
    """What keeps a document from being an object at all, if anything does."""
    value: Any = document.value
    if not isinstance(value, dict):
        return Diagnostic(file, document.position(()), "a document must be a map with apiVersion, kind and metadata")
    for key in ("apiVersion", "kind"):
        if not value.get(key):
            return Diagnostic(file, document.position(()), f"{key}: missing; every object says its apiVersion and kind")
    return None
