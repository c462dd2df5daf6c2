"""The columns that kubectl shows of kinds that are only kept (`stored.py`).

Pure functions from an object to a cell. Followed: kubernetes pkg/printers/internalversion/printers.go, and
kube-aggregator pkg/registry/apiservice/rest/storage.go for APIServices.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from pydantic import ValidationError

from emulator.objects.jsonpaths import value_at
from emulator.objects.kind import AGE, Column, Json
from emulator.objects.resource import Resource
from emulator.objects.selectors import LabelSelector

Cell = Callable[[Resource[Any]], object]
_NONE = "<none>"
_MOST_HOSTS, _MOST_METRICS = 3, 2
ACCESS_MODES = {"ReadWriteOnce": "RWO", "ReadOnlyMany": "ROX", "ReadWriteMany": "RWX", "ReadWriteOncePod": "RWOP"}
"""The access modes of volumes, and how kubectl writes them in a column."""


def at(path: str, default: object = "") -> Cell:
    """What stands at a dotted path, or `default`."""

    def cell(resource: Resource[Any]) -> object:
        value = value_at(resource.obj, path)
        return default if value is None else value

    return cell


def _items(obj: Any, path: str) -> list[Any]:
    value = value_at(obj, path)
    return value if isinstance(value, list) else []


def count(path: str) -> Cell:
    """How many items a list has."""
    return lambda resource: len(_items(resource.obj, path))


def bound(*columns: Column) -> tuple[Column, ...]:
    """Columns with the object's age as the last one."""
    return (*columns, AGE)


CREATED_AT = Column("Created At", lambda resource: resource.metadata["creationTimestamp"])


# -- who may do what


def _subjects(kind: str) -> Cell:
    def cell(resource: Resource[Any]) -> str:
        named = [s for s in _items(resource.obj, "subjects") if isinstance(s, dict) and s.get("kind") == kind]
        is_account = kind == "ServiceAccount"
        return ", ".join(f"{s.get('namespace', '')}/{s.get('name', '')}" if is_account else s["name"] for s in named)

    return cell


ACCOUNT = bound(Column("Secrets", count("secrets"), type="integer"))
BINDING = (
    Column("Role", lambda r: _target(value_at(r.obj, "roleRef") or {})),
    AGE,
    Column("Users", _subjects("User"), wide=True),
    Column("Groups", _subjects("Group"), wide=True),
    Column("ServiceAccounts", _subjects("ServiceAccount"), wide=True),
)


# -- how many Pods


def _metric(metric: Any, current: Any) -> str:
    """One metric of an autoscaler: what is, and what is wanted."""
    name = "resource" if value_at(metric, "type") == "Resource" else "containerResource"
    wanted, present = value_at(metric, f"{name}.target") or {}, value_at(current, f"{name}.current") or {}
    about = f"{value_at(metric, f'{name}.name')}: " if value_at(metric, f"{name}.name") else ""
    if "averageUtilization" in wanted:
        use = present.get("averageUtilization")
        return f"{about}{'<unknown>' if use is None else f'{use}%'}/{wanted['averageUtilization']}%"
    return f"{about}{present.get('averageValue', '<unknown>')}/{wanted.get('averageValue', '<unknown>')}"


def _target(reference: Json) -> str:
    return f"{reference.get('kind', '')}/{reference.get('name', '')}"


def _targets(autoscaler: Resource[Any]) -> str:
    metrics, current = _items(autoscaler.obj, "spec.metrics"), _items(autoscaler.obj, "status.currentMetrics")
    texts = [_metric(each, current[at] if at < len(current) else None) for at, each in enumerate(metrics)]
    more = f" + {len(texts) - _MOST_METRICS} more..." if len(texts) > _MOST_METRICS else ""
    return ", ".join(texts[:_MOST_METRICS]) + more if texts else _NONE


AUTOSCALER = bound(
    Column("Reference", lambda r: _target(value_at(r.obj, "spec.scaleTargetRef") or {})),
    Column("Targets", _targets),
    Column("MinPods", lambda r: str(at("spec.minReplicas", 1)(r))),
    Column("MaxPods", at("spec.maxReplicas", 0), type="integer"),
    Column("Replicas", at("status.currentReplicas", 0), type="integer"),
)
BUDGET = bound(
    Column("Min Available", lambda r: str(at("spec.minAvailable", "N/A")(r))),
    Column("Max Unavailable", lambda r: str(at("spec.maxUnavailable", "N/A")(r))),
    Column("Allowed Disruptions", at("status.disruptionsAllowed", 0), type="integer"),
)


# -- network


def _pod_selector(policy: Resource[Any]) -> str:
    try:
        selector = LabelSelector.model_validate(value_at(policy.obj, "spec.podSelector") or {})
    except ValidationError:
        return _NONE
    return str(selector.selector()) or _NONE


def _hosts(ingress: Resource[Any]) -> str:
    hosts = [rule["host"] for rule in _items(ingress.obj, "spec.rules") if value_at(rule, "host")]
    more = f" + {len(hosts) - _MOST_HOSTS} more..." if len(hosts) > _MOST_HOSTS else ""
    return ",".join(hosts[:_MOST_HOSTS]) + more if hosts else "*"


def _addresses(ingress: Resource[Any]) -> str:
    points = _items(ingress.obj, "status.loadBalancer.ingress")
    return ",".join(str(point.get("ip") or point.get("hostname") or "") for point in points)


def _parameters(class_: Resource[Any]) -> str:
    reference = value_at(class_.obj, "spec.parameters")
    if not reference:
        return _NONE
    group = f".{reference['apiGroup']}" if reference.get("apiGroup") else ""
    return f"{reference.get('kind')}{group}/{reference.get('name')}"


INGRESS = bound(
    Column("Class", at("spec.ingressClassName", _NONE)),
    Column("Hosts", _hosts),
    Column("Address", _addresses),
    Column("Ports", lambda r: "80, 443" if value_at(r.obj, "spec.tls") else "80"),
)
INGRESS_CLASS = bound(Column("Controller", at("spec.controller")), Column("Parameters", _parameters))
NETWORK_POLICY = bound(Column("Pod-Selector", _pod_selector))


# -- storage and quotas


def _modes(modes: Iterable[str]) -> str:
    return ",".join(ACCESS_MODES.get(mode, mode) for mode in modes)


def _claim(volume: Resource[Any]) -> str:
    claim = value_at(volume.obj, "spec.claimRef")
    return f"{claim.get('namespace')}/{claim.get('name')}" if claim else ""


STORAGE_CLASS = bound(
    Column("Provisioner", at("provisioner")),
    Column("ReclaimPolicy", at("reclaimPolicy", "Delete")),
    Column("VolumeBindingMode", at("volumeBindingMode", "Immediate")),
    Column("AllowVolumeExpansion", at("allowVolumeExpansion", default=False), type="boolean"),
)
VOLUME = (
    Column("Capacity", at("spec.capacity.storage")),
    Column("Access Modes", lambda r: _modes(_items(r.obj, "spec.accessModes"))),
    Column("Reclaim Policy", at("spec.persistentVolumeReclaimPolicy", "Retain")),
    Column("Status", at("status.phase", "Available")),
    Column("Claim", _claim),
    Column("StorageClass", at("spec.storageClassName")),
    Column("VolumeAttributesClass", at("spec.volumeAttributesClassName", "<unset>")),
    Column("Reason", at("status.reason")),
    AGE,
    Column("VolumeMode", at("spec.volumeMode", "Filesystem"), wide=True),
)


def _usage(resource: Resource[Any], names: Callable[[str], bool]) -> str:
    hard: Json = value_at(resource.obj, "status.hard") or value_at(resource.obj, "spec.hard") or {}
    used: Json = value_at(resource.obj, "status.used") or {}
    return ", ".join(f"{name}: {used.get(name, 0)}/{hard[name]}" for name in sorted(hard) if names(name))


QUOTA = (
    Column("Request", lambda r: _usage(r, lambda name: not name.startswith("limits"))),
    Column("Limit", lambda r: _usage(r, lambda name: name.startswith("limits"))),
    AGE,
)


# -- the API server's own


def _service(registration: Resource[Any]) -> str:
    service = value_at(registration.obj, "spec.service")
    return f"{service.get('namespace')}/{service.get('name')}" if service else "Local"


def _available(registration: Resource[Any]) -> str:
    conditions: Sequence[Json] = _items(registration.obj, "status.conditions")
    condition = next((c for c in conditions if c.get("type") == "Available"), {"status": "Unknown"})
    is_plain = condition["status"] == "True" or not condition.get("reason")
    return condition["status"] if is_plain else f"{condition['status']} ({condition['reason']})"


API_SERVICE = bound(Column("Service", _service), Column("Available", _available))
WEBHOOKS = bound(Column("Webhooks", count("webhooks"), type="integer"))
POLICY = bound(
    Column("Validations", count("spec.validations"), type="integer"),
    Column("ParamKind", lambda r: _kind_of(value_at(r.obj, "spec.paramKind"))),
)
POLICY_BINDING = bound(
    Column("PolicyName", at("spec.policyName")),
    Column("ParamRef", lambda r: _name_of(value_at(r.obj, "spec.paramRef"))),
)


def _kind_of(reference: Any) -> str:
    return f"{reference.get('apiVersion')}/{reference.get('kind')}" if reference else "<unset>"


def _name_of(reference: Any) -> str:
    if not reference:
        return "<unset>"
    return f"{reference.get('namespace', '*')}/{reference['name']}" if reference.get("name") else "*"


PRIORITY_CLASS = (
    Column("Value", at("value", 0), type="integer"),
    Column("Global-Default", at("globalDefault", default=False), type="boolean"),
    AGE,
    Column("PreemptionPolicy", at("preemptionPolicy", "PreemptLowerPriority")),
)
LEASE = bound(Column("Holder", at("spec.holderIdentity")))
RUNTIME_CLASS = bound(Column("Handler", at("handler")))
