"""Pod templates and their selectors: what ReplicaSet, Deployment, Job and their like have in common.

Models, the rules that selector and template must keep, the Pod that a template makes, and the columns that
`kubectl get -o wide` prints of them. Pure. Followed: kubernetes pkg/apis/apps/validation/validation.go,
pkg/controller/controller_utils.go (GetPodFromTemplate), pkg/printers/internalversion/printers.go.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from emulator.lib.clock import SystemClock, parse_rfc3339
from emulator.lib.durations import human
from emulator.objects.kind import Column, Json, Request
from emulator.objects.model import Model
from emulator.objects.names import dns1123_label_faults, generated_name
from emulator.objects.podspec import PodSpec
from emulator.objects.problems import Path, Problem
from emulator.objects.refs import TemplateMetadata
from emulator.objects.resource import Resource
from emulator.objects.schemas import duplicate, invalid, not_supported, required
from emulator.objects.selectors import Selector


class PodTemplate(Model):
    metadata: TemplateMetadata | None = None
    spec: PodSpec


def labels_of(template: Json) -> dict[str, str]:
    labels: dict[str, str] = (template.get("metadata") or {}).get("labels") or {}
    return labels


def selector_of(resource: Resource[Any]) -> Selector:
    """The selector of a workload's `spec.selector`, a LabelSelector."""
    selector: Selector = resource.spec.selector.selector()
    return selector


def workload_problems(resource: Resource[Any], request: Request) -> Iterator[Problem]:
    """What is asked of selector, replicas and template where Pods are kept running for good; Kubernetes' texts."""
    spec = resource.obj["spec"]
    yield from _selector_problems(resource, request)
    yield from _replica_problems(spec)
    yield from container_problems(spec["template"]["spec"], "spec", "template", "spec")
    yield from _restart_problems(spec)


def _selector_problems(resource: Resource[Any], request: Request) -> Iterator[Problem]:
    """The selector is there, does not change, and matches the template's labels."""
    spec = resource.obj["spec"]
    selector, labels = spec.get("selector") or {}, labels_of(spec["template"])
    if not selector.get("matchLabels") and not selector.get("matchExpressions"):
        yield invalid(("spec", "selector"), selector, f"empty selector is invalid for {resource.kind.name.lower()}")
    elif not selector_of(resource).matches(labels):
        yield invalid(("spec", "template", "metadata", "labels"), labels, "`selector` does not match template `labels`")
    if request.old is not None and request.old.obj["spec"].get("selector") != spec.get("selector"):
        yield invalid(("spec", "selector"), selector, "field is immutable")


def _restart_problems(spec: Json) -> Iterator[Problem]:
    policy = spec["template"]["spec"].get("restartPolicy", "Always")
    if policy != "Always":
        yield not_supported(("spec", "template", "spec", "restartPolicy"), policy, ("Always",))


def container_problems(pod_spec: Json, *path: str) -> Iterator[Problem]:
    """Every container of the PodSpec at `path` has an image, and a name of its own that is a DNS label."""
    if not pod_spec.get("containers"):
        yield required((*path, "containers"))
    seen: set[str] = set()
    for which in ("initContainers", "containers"):
        for index, container in enumerate(pod_spec.get(which) or ()):
            for field in ("name", "image"):
                if not container.get(field):
                    yield required((*path, which, index, field))
            if name := container.get("name"):
                yield from _name_problems(name, seen, (*path, which, index, "name"))


def _name_problems(name: str, seen: set[str], path: Path) -> Iterator[Problem]:
    for fault in dns1123_label_faults(name):
        yield invalid(path, name, fault)
    if name in seen:
        yield duplicate(path, name)
    seen.add(name)


def _replica_problems(spec: Json) -> Iterator[Problem]:
    replicas = spec.get("replicas")
    if isinstance(replicas, int) and replicas < 0:
        yield invalid(("spec", "replicas"), replicas, "must be greater than or equal to 0")


def new_pod(owner: Resource[Any], template: Json, labels: Mapping[str, str] | None = None, name: str = "") -> Json:
    """A Pod of `template` for `owner`, with further labels; named after the owner and at random, unless `name` is."""
    metadata = template.get("metadata") or {}
    made: Json = {
        "name": name or generated_name(f"{owner.name}-"),
        "namespace": owner.namespace,
    }
    if not name:
        made["generateName"] = f"{owner.name}-"
    for field, more in (("labels", labels or {}), ("annotations", {})):
        if both := {**(metadata.get(field) or {}), **more}:
            made[field] = both
    if metadata.get("finalizers"):
        made["finalizers"] = metadata["finalizers"]
    return {"apiVersion": "v1", "kind": "Pod", "metadata": made, "spec": template["spec"]}


# -- columns


def ago(text: str) -> str:
    """How long ago an RFC 3339 time was, as kubectl shows it."""
    return human((SystemClock().now() - parse_rfc3339(text)).total_seconds())


def _containers(field: str) -> Any:
    def cell(resource: Resource[Any]) -> str:
        spec = resource.obj["spec"]
        template = spec.get("template") or spec["jobTemplate"]["spec"]["template"]
        return ",".join(str(c[field]) for c in template["spec"]["containers"])

    return cell


def selector_text(resource: Resource[Any]) -> str:
    """The selector as a column of `-o wide`."""
    return str(selector_of(resource)) or "<none>"


CONTAINERS = Column("Containers", _containers("name"), wide=True)
IMAGES = Column("Images", _containers("image"), wide=True)
SELECTOR = Column("Selector", selector_text, wide=True)


def worth(pod: Resource[Any]) -> tuple[bool, bool, str]:
    """A key by which the Pods to keep come first: ready ones, running ones, old ones."""
    return not pod.is_ready, pod.status.get("phase") != "Running", str(pod.metadata["creationTimestamp"])
