"""Which of Knative's feature flags let a field of a PodSpec through, and what is said where one does not.

Pure, from the data of config-features. Followed: knative/serving pkg/apis/config/features.go, pkg/apis/serving/
fieldmask.go (serving §2.3, §7).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

# PodSpec fields behind `kubernetes.podspec-<flag>`.
GATED = {
    "affinity": "affinity",
    "topologySpreadConstraints": "topologyspreadconstraints",
    "hostAliases": "hostaliases",
    "nodeSelector": "nodeselector",
    "runtimeClassName": "runtimeclassname",
    "tolerations": "tolerations",
    "securityContext": "securitycontext",
    "shareProcessNamespace": "shareprocessnamespace",
    "hostIPC": "hostipc",
    "hostPID": "hostpid",
    "hostNetwork": "hostnetwork",
    "priorityClassName": "priorityclassname",
    "schedulerName": "schedulername",
    "dnsPolicy": "dnspolicy",
    "dnsConfig": "dnsconfig",
}
ALLOWED = frozenset(
    (
        "containers",
        "volumes",
        "serviceAccountName",
        "imagePullSecrets",
        "enableServiceLinks",
        "automountServiceAccountToken",
        "initContainers",
        "containerConcurrency",
        "timeoutSeconds",
        "responseStartTimeoutSeconds",
        "idleTimeoutSeconds",
    )
)
CONTAINER_ALLOWED = frozenset(
    (
        "name",
        "image",
        "command",
        "args",
        "workingDir",
        "env",
        "envFrom",
        "ports",
        "resources",
        "volumeMounts",
        "imagePullPolicy",
        "livenessProbe",
        "readinessProbe",
        "startupProbe",
        "securityContext",
        "terminationMessagePath",
        "terminationMessagePolicy",
    )
)
_ON_BY_DEFAULT = ("multi-container", "kubernetes.podspec-volumes-emptydir")


@dataclass(frozen=True)
class Features:
    """The flags in force."""

    data: Mapping[str, str]

    def is_on(self, flag: str) -> bool:
        """Whether a flag is Enabled or Allowed (in any case)."""
        default = "enabled" if flag in _ON_BY_DEFAULT else "disabled"
        return self.data.get(flag, default).lower() in ("enabled", "allowed")

    def lets_through(self, field: str) -> bool:
        """Whether a field of the PodSpec may be set."""
        return field in ALLOWED or (field in GATED and self.is_on(f"kubernetes.podspec-{GATED[field]}"))
