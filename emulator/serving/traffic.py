"""Traffic: how a Service or Route shares requests among Revisions; its model, defaults and rules.

Pure. Followed: knative/serving pkg/apis/serving/v1/route_{types,defaults,validation}.go (serving §2.8).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from emulator.objects.kind import Json
from emulator.objects.model import Model
from emulator.objects.names import dns1035_faults, qualified_name_faults
from emulator.objects.problems import Path, Problem, both, disallowed, invalid_key, invalid_value, neither, out_of_range


class TrafficTarget(Model):
    tag: str | None = None
    revision_name: str | None = None
    configuration_name: str | None = None
    latest_revision: bool | None = None
    percent: int | None = None
    url: str | None = None


def set_traffic_defaults(spec: Json) -> None:
    """Complete `spec.traffic` of a Service in place."""
    targets = spec.get("traffic")
    if not targets:
        spec["traffic"] = [{"latestRevision": True, "percent": 100}]
        return
    complete_targets(targets)


def complete_targets(targets: list[Json]) -> None:
    """`latestRevision` is what follows from `revisionName` where it is not said."""
    for target in targets:
        if target.get("latestRevision") is None:
            target["latestRevision"] = not target.get("revisionName")


def traffic_problems(targets: Sequence[TrafficTarget], *, is_service: bool) -> Iterator[Problem]:
    """The faults of a list of targets; paths start below `spec`."""
    total = 0
    tags: dict[str, int] = {}
    for index, target in enumerate(targets):
        path: Path = ("traffic", index)
        yield from _who_problems(target, path, is_service)
        if target.percent is not None and not 0 <= target.percent <= 100:
            yield out_of_range(target.percent, 0, 100, *path, "percent")
        total += target.percent or 0
        if target.url:
            yield disallowed(*path, "url")
        if target.tag:
            yield from _tag_problems(target.tag, index, tags)
    if total != 100:
        yield Problem(("traffic",), f"Traffic targets sum to {total}, want 100")


def _who_problems(target: TrafficTarget, path: Path, is_service: bool) -> Iterator[Problem]:
    revision, configuration = target.revision_name, target.configuration_name
    if is_service and configuration:
        yield disallowed(*path, "configurationName")
    elif not is_service and revision and configuration:
        yield both((*path, "configurationName"), (*path, "revisionName"))
    elif not is_service and not revision and not configuration:
        yield neither((*path, "configurationName"), (*path, "revisionName"))
    elif revision:
        yield from _name_problems(revision, *path, "revisionName")
    elif configuration:
        yield from _name_problems(configuration, *path, "configurationName")
    if target.latest_revision and revision:
        said = f'may not set revisionName "{revision}" when latestRevision is true'
        yield Problem((*path, "latestRevision"), said)
    elif target.latest_revision is False and not revision:
        yield Problem((*path, "latestRevision"), 'may not set revisionName "" when latestRevision is false')


def _name_problems(name: str, *path: str | int) -> Iterator[Problem]:
    if faults := qualified_name_faults(name):
        yield invalid_key(name, *path, details=", ".join(faults))


def _tag_problems(tag: str, index: int, tags: dict[str, int]) -> Iterator[Problem]:
    if faults := dns1035_faults(tag):
        # "traffic.tag[0]" is how Knative's webhook words it.
        fault = invalid_value(f"not a DNS 1035 label: [{' '.join(faults)}]", "traffic", index, "tag")
        yield replace(fault, told=((f"traffic.tag[{index}]",),))
    if tag in tags:
        first: Path = ("traffic", tags[tag], "tag")
        yield Problem(first, f'Multiple definitions for "{tag}"', others=(("traffic", index, "tag"),))
    tags.setdefault(tag, index)
