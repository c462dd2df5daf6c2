"""Labels and annotations under Knative Serving's prefixes: their names, defaults, and the rules for them.

Followed: knative/serving pkg/apis/serving/{register,metadata_validation}.go (serving §1.4, §2.2).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from emulator.lib.durations import SECOND, parse_go
from emulator.lib.gonumbers import format_float, parse_float
from emulator.lib.quantities import Quantity
from emulator.manifests.asleep import START
from emulator.objects.kind import Json, Request
from emulator.objects.names import dns1035_faults
from emulator.objects.problems import Problem, invalid_key, invalid_value, missing, out_of_range, under
from emulator.objects.resource import Resource
from emulator.store.store import MANIFESTS

GROUP = "serving.knative.dev"
NAMESPACE = "knative-serving"
WEBHOOK = f"validation.webhook.{GROUP}"
ROUTE_LABEL = "serving.knative.dev/route"
SERVICE_LABEL = f"{GROUP}/service"
SERVICE_UID = f"{GROUP}/serviceUID"
CONFIGURATION_LABEL = f"{GROUP}/configuration"
CONFIGURATION_UID = f"{GROUP}/configurationUID"
GENERATION = f"{GROUP}/configurationGeneration"
ROUTING_STATE = f"{GROUP}/routingState"
ROUTING_STATE_MODIFIED = f"{GROUP}/routingStateModified"
ROUTES = f"{GROUP}/routes"
NO_GC = f"{GROUP}/no-gc"
CREATOR = f"{GROUP}/creator"
LAST_MODIFIER = f"{GROUP}/lastModifier"
ROLLOUT_DURATION = f"{GROUP}/rollout-duration"
ROLLOUT_DURATIONS = (ROLLOUT_DURATION, f"{GROUP}/rolloutDuration")
"""Newer name first: it counts where both are written."""
PROGRESS_DEADLINE = f"{GROUP}/progress-deadline"
IDLE = "kemu.dev/idle"
"""`freeze` or `stop`, on a Service or Configuration or its template: what becomes of the last replica when idle."""
LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
_AUTOSCALING = "autoscaling.knative.dev/"
_NETWORKING = "networking.knative.dev/"
# networking pkg/apis/networking/metadata_validation.go
_NETWORKING_ALLOWED = (
    "ingress.class",
    "ingress-class",
    "certificate.class",
    "certificate-class",
    "disableAutoTLS",
    "disable-auto-tls",
    "disable-external-domain-tls",
    "httpOption",
    "http-protocol",
)
_QUEUE_PROXY = f"queue.sidecar.{GROUP}/"
_QUEUE_PROXY_RESOURCES = tuple(
    f"{_QUEUE_PROXY}{resource}-resource-{bound}"
    for resource in ("cpu", "memory", "ephemeral-storage")
    for bound in ("request", "limit")
)
_MISPLACED = 'autoscaling annotations must be put under "spec.template.metadata.annotations" to work'


def sign(obj: Json, request: Request) -> None:
    """Note who made an object and who last changed its spec, which must be completed by now."""
    annotations = obj["metadata"].setdefault("annotations", {})
    old = request.old
    if old is None:
        # A document may have been written from a Store; any other client is whom it says that it is.
        signed = annotations if request.user == MANIFESTS else {}
        annotations |= {key: signed.get(key, request.user) for key in (CREATOR, LAST_MODIFIER)}
        return
    for key in (CREATOR, LAST_MODIFIER):
        if key in old.annotations:
            annotations.setdefault(key, old.annotations[key])
    if old.obj.get("spec") != obj.get("spec"):
        annotations[LAST_MODIFIER] = request.user


def rouse(obj: Json, request: Request) -> None:
    """A template that somebody else than the manifests changes is rolled out, however `up` found its object."""
    old = request.old
    if old is None or request.user == MANIFESTS or obj["spec"]["template"] == old.obj["spec"]["template"]:
        return
    annotations = obj["metadata"].get("annotations") or {}
    if START in annotations and annotations[START] == old.annotations.get(START):
        del annotations[START]


def object_problems(resource: Resource[Any], request: Request) -> Iterator[Problem]:
    """The rules for metadata of Service, Configuration and Route."""
    yield from name_problems(resource)
    for key in resource.annotations:
        if key.startswith(_AUTOSCALING):
            yield invalid_key(key, "metadata", "annotations", details=_MISPLACED)
    yield from signature_problems(resource, request)


def signature_problems(resource: Resource[Any], request: Request) -> Iterator[Problem]:
    """The rules for what `sign` notes: who made an object stays, who changed it changes with the spec."""
    old = request.old
    if old is None or resource.metadata.get("ownerReferences"):
        return
    path = ("metadata", "annotations")
    if old.annotations.get(CREATOR) != resource.annotations.get(CREATOR):
        yield Problem((*path, CREATOR), "annotation value is immutable")
    modifier = resource.annotations.get(LAST_MODIFIER, "")
    if old.annotations.get(LAST_MODIFIER, "") != modifier and old.obj.get("spec") == resource.obj.get("spec"):
        yield invalid_value(modifier, *path, LAST_MODIFIER)


def own_problems(resource: Resource[Any]) -> Iterator[Problem]:
    """The rule for an annotation of kemu's own, which may stand on a Service or Configuration or on its template."""
    yield from under(_idle_problems(resource.annotations), "metadata", "annotations")


def _idle_problems(annotations: Mapping[str, str]) -> Iterator[Problem]:
    if (said := annotations.get(IDLE)) is not None and said not in ("stop", "freeze"):
        yield Problem((IDLE,), f"invalid value: {said}", hint='write "freeze" or "stop"')


def rollout_problems(resource: Resource[Any]) -> Iterator[Problem]:
    """The rule for the rollout's duration, which a Service or Route may have."""
    key = next((key for key in ROLLOUT_DURATIONS if key in resource.annotations), "")
    if key and (text := resource.annotations[key]):
        yield from _duration_problems(text, "rollout-duration", ("metadata", "annotations", key))


def name_problems(resource: Resource[Any]) -> Iterator[Problem]:
    """The name must be a DNS-1035 label, and what it is generated from the beginning of one."""
    prefix = str(resource.metadata.get("generateName") or "")
    if faults := dns1035_faults(_masked(prefix)) if prefix else []:
        yield Problem(("metadata", "generateName"), f"not a DNS 1035 label prefix: [{' '.join(faults)}]")
    elif faults := dns1035_faults(resource.name):
        yield Problem(("metadata", "name"), f"not a DNS 1035 label: [{' '.join(faults)}]")


def _masked(prefix: str) -> str:
    """A dash at the end is fine, something follows (apimachinery api/validation/generic.go, maskTrailingDash)."""
    return f"{prefix[:-2]}a" if len(prefix) > 1 and prefix.endswith("-") else prefix


def template_problems(annotations: Mapping[str, str]) -> Iterator[Problem]:
    """The rules for a template's annotations besides the autoscaler's; paths start below the annotations."""
    for key in annotations:
        if key.startswith(_NETWORKING) and key.removeprefix(_NETWORKING) not in _NETWORKING_ALLOWED:
            yield invalid_key(key)
    yield from _queue_proxy_problems(annotations)
    if text := annotations.get(PROGRESS_DEADLINE):
        yield from _duration_problems(text, "progress-deadline", (PROGRESS_DEADLINE,))
    yield from _idle_problems(annotations)


def _queue_proxy_problems(annotations: Mapping[str, str]) -> Iterator[Problem]:
    """Resources for the queue-proxy, which kemu has none of; what is no quantity is refused all the same."""
    for key in (f"{_QUEUE_PROXY}resource-percentage", f"{_QUEUE_PROXY}resourcePercentage"):
        if key in annotations:
            yield from _share_problems(key, annotations[key])
            break
    for key in _QUEUE_PROXY_RESOURCES:
        if key in annotations:
            try:
                Quantity.parse(annotations[key])
            except ValueError:
                yield _bracketed(invalid_value(annotations[key], key), key)


def _share_problems(key: str, text: str) -> Iterator[Problem]:
    try:
        share = parse_float(text)
    except ValueError:
        yield _bracketed(invalid_value(text, key), key)
        return
    if not 0.1 <= share <= 100:
        yield _bracketed(out_of_range(format_float(share), 0.1, 100, key), key)


def _bracketed(problem: Problem, key: str) -> Problem:
    """A fault whose key the webhook puts into brackets."""
    return replace(problem, told=((f"[{key}]",),))


def owner_label_problems(resource: Resource[Any], label: str, kind: str) -> Iterator[Problem]:
    """A label that names an owner of a kind is only for those who have it."""
    owners = [(ref["kind"], ref["name"]) for ref in resource.metadata.get("ownerReferences", ())]
    if label in resource.labels and (kind, resource.labels[label]) not in owners:
        yield missing("metadata", "labels", label)


def _duration_problems(text: str, word: str, path: tuple[str, ...]) -> Iterator[Problem]:
    try:
        found = parse_go(text)
    except ValueError:
        yield invalid_value(text, *path)
        return
    if found % SECOND:
        yield Problem(path, f"{word}={text} is not at second precision")
    elif found < 0:
        yield Problem(path, f"{word}={text} must be positive")
