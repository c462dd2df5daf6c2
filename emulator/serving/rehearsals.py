"""What a dry run at the server checks of a Service or a Configuration besides: that its Pods would be accepted.

A Pod of the template is made and offered, as a dry run too. Followed: knative/serving pkg/webhook/{podspec_dryrun,
validate_unstructured}.go (serving §2.1).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from emulator.objects.errors import ApiError
from emulator.objects.kind import Json
from emulator.objects.names import generated_name
from emulator.objects.problems import Problem
from emulator.objects.resource import Resource
from emulator.serving.annotations import SERVICE_LABEL
from emulator.serving.features import Features
from emulator.serving.kinds import CONFIGURATION, REVISION, SERVICE
from emulator.serving.revisionchildren import DEFAULT_PORT, pod_spec
from emulator.store.admission import Webhook, decode

_STEM = "dry-run-validation"


def rehearsals(offer: Callable[[Json], object]) -> list[Webhook]:
    """One for each kind that has a template; `offer` creates a Pod in a dry run, or raises ApiError."""

    def judge(resource: Resource[Any]) -> Iterator[Problem]:
        if resource.kind is CONFIGURATION and SERVICE_LABEL in resource.labels:
            return  # its Service was judged
        try:
            offer(_pod(resource))
        except ApiError as refused:
            yield Problem(("spec", "template"), f"dry run failed with {refused}: spec.template")

    return [
        Webhook(str(kind.webhook), kind, judge, "validation callback", of_dry_runs=True)
        for kind in (SERVICE, CONFIGURATION)
    ]


def _pod(resource: Resource[Any]) -> Json:
    metadata = {"name": generated_name(_STEM), "namespace": resource.namespace}
    template = {"metadata": metadata, "spec": resource.obj["spec"]["template"]["spec"]}
    spec = pod_spec(decode(REVISION, template), DEFAULT_PORT, Features({}))
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}
