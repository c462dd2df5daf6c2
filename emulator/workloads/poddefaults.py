"""What Kubernetes fills in where a Pod's spec says nothing, as far as clients show it or act on it.

Called at the admission of Pods and of everything with a Pod template; changes its argument in place. Followed:
kubernetes pkg/apis/core/v1/defaults.go.
"""

from __future__ import annotations

from emulator.objects.kind import Json

_PROBES = ("livenessProbe", "readinessProbe", "startupProbe")
_PROBE_DEFAULTS = {"timeoutSeconds": 1, "periodSeconds": 10, "successThreshold": 1, "failureThreshold": 3}
_CONTAINER_DEFAULTS = {"terminationMessagePath": "/dev/termination-log", "terminationMessagePolicy": "File"}
_POD_DEFAULTS = {
    "restartPolicy": "Always",
    "terminationGracePeriodSeconds": 30,
    "dnsPolicy": "ClusterFirst",
    "schedulerName": "default-scheduler",
}


def fill_pod_spec(spec: Json) -> None:
    """Complete a PodSpec that may yet turn out to be no valid one."""
    for field, value in _POD_DEFAULTS.items():
        if spec.get(field) is None:
            spec[field] = value
    for field in ("containers", "initContainers"):
        for container in spec.get(field) or ():
            _fill_container(container)


def fill_template(spec: Json) -> None:
    """Complete the Pod template of a workload's spec."""
    fill_pod_spec(spec["template"]["spec"])


def _fill_container(container: Json) -> None:
    for field, value in _CONTAINER_DEFAULTS.items():
        container.setdefault(field, value)
    container.setdefault("imagePullPolicy", _pull_policy(str(container.get("image", ""))))
    for port in container.get("ports") or ():
        port.setdefault("protocol", "TCP")
    for probe in (container.get(name) for name in _PROBES):
        if probe:
            _fill_probe(probe)


def _fill_probe(probe: Json) -> None:
    for field, value in _PROBE_DEFAULTS.items():
        if not probe.get(field):
            probe[field] = value
    if get := probe.get("httpGet"):
        get.setdefault("path", "/")
        get.setdefault("scheme", "HTTP")


def _pull_policy(image: str) -> str:
    last = image.rpartition("/")[2]
    is_latest = "@" not in last and last.partition(":")[2] in ("", "latest")
    return "Always" if is_latest else "IfNotPresent"
