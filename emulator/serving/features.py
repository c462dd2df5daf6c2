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
    "initContainers": "init-containers",
}
ALLOWED = frozenset(
    (
        "containers",
        "volumes",
        "serviceAccountName",
        "imagePullSecrets",
        "enableServiceLinks",
        "automountServiceAccountToken",
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
_VALUES = ("enabled", "allowed", "disabled")
SECURE_DEFAULTS = "secure-pod-defaults"


def enabling(flag: str) -> str:
    """The hint where `flag` keeps something out."""
    return f"set {flag}: enabled in ConfigMap config-features of namespace knative-serving"


@dataclass(frozen=True)
class Features:
    """The flags in force."""

    data: Mapping[str, str]

    def is_on(self, flag: str) -> bool:
        """Whether a flag is Enabled or Allowed (in any case): what Knative's field masks ask."""
        return self._value(flag) != "disabled"

    def is_enabled(self, flag: str) -> bool:
        """Whether a flag is Enabled: what most of Knative's checks ask, to which Allowed is not enough."""
        return self._value(flag) == "enabled"

    @property
    def has_secure_defaults(self) -> bool:
        return self.data.get(SECURE_DEFAULTS, "").lower() in ("enabled", "allowrootbounded")

    def lets_through(self, field: str) -> bool:
        """Whether a field of the PodSpec may be set."""
        if field == "securityContext" and self.has_secure_defaults:
            return True
        return field in ALLOWED or (field in GATED and self.is_on(f"kubernetes.podspec-{GATED[field]}"))

    def _value(self, flag: str) -> str:
        """A word that is none of the three leaves the default in force (features.go, asFlag)."""
        written = self.data.get(flag, "").lower()
        default = "enabled" if flag in _ON_BY_DEFAULT else "disabled"
        return written if written in _VALUES else default
