"""A Pod's spec as Kubernetes' core/v1 defines it, as far as a container engine can mean something by it.

Shared by every kind that ends in Pods. Each field of core/v1 is modelled, so that no valid manifest is refused; those
without an effect here are marked with the reason. What Knative itself forbids is not decided here but in serving's
`revisionspec.py`. Followed: k8s.io/api core/v1 types.go (1.31).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Literal

from pydantic import ConfigDict, Field

from emulator.objects.model import (
    ATOMIC_MAP,
    IntOrString,
    JsonObject,
    Model,
    Quantity,
    approximated,
    ignored,
    keyed,
)

_NO_NODES = "there is one node, this computer"
_NO_ACCOUNTS = "there is no API server inside with which an account could do anything"
_HOST = "containers of kemu stay in their own namespaces"


class ObjectFieldSelector(Model):
    model_config = ConfigDict(json_schema_extra=ATOMIC_MAP)

    field_path: str
    api_version: str | None = None


class ResourceFieldSelector(Model):
    model_config = ConfigDict(json_schema_extra=ATOMIC_MAP)

    resource: str
    container_name: str | None = None
    divisor: Quantity | None = None


class KeySelector(Model):
    """One key of a ConfigMap or Secret."""

    model_config = ConfigDict(json_schema_extra=ATOMIC_MAP)

    key: str
    name: str = ""
    optional: bool | None = None


class EnvVarSource(Model):
    field_ref: ObjectFieldSelector | None = None
    resource_field_ref: ResourceFieldSelector | None = None
    config_map_key_ref: KeySelector | None = None
    secret_key_ref: KeySelector | None = None


class EnvVar(Model):
    name: str
    value: str | None = None
    value_from: EnvVarSource | None = None


class NamedRef(Model):
    """A ConfigMap or Secret as a whole."""

    name: str = ""
    optional: bool | None = None


class EnvFromSource(Model):
    prefix: str | None = None
    config_map_ref: NamedRef | None = None
    secret_ref: NamedRef | None = None


class ContainerPort(Model):
    container_port: int = 0
    name: str | None = None
    protocol: str | None = Field(default=None, json_schema_extra={"default": "TCP"})
    host_port: int | None = ignored("containers are reached through the ingress")
    host_ip: str | None = ignored("containers are reached through the ingress", alias="hostIP")


class HTTPHeader(Model):
    name: str
    value: str = ""


class HTTPGetAction(Model):
    port: IntOrString = 0
    path: str | None = None
    scheme: str | None = None
    host: str | None = ignored("probes go to the container itself, as Knative's do")
    http_headers: list[HTTPHeader] = Field(default_factory=list)


class TCPSocketAction(Model):
    port: IntOrString = 0
    host: str | None = ignored("probes go to the container itself, as Knative's do")


class ExecAction(Model):
    command: list[str] = Field(default_factory=list)


class GRPCAction(Model):
    port: int = 0
    service: str | None = None


class Probe(Model):
    http_get: HTTPGetAction | None = None
    tcp_socket: TCPSocketAction | None = None
    exec: ExecAction | None = None
    grpc: GRPCAction | None = None
    initial_delay_seconds: int | None = None
    period_seconds: int | None = None
    timeout_seconds: int | None = None
    success_threshold: int | None = None
    failure_threshold: int | None = None
    termination_grace_period_seconds: int | None = None


class SleepAction(Model):
    seconds: int


class LifecycleHandler(Model):
    exec: ExecAction | None = None
    http_get: HTTPGetAction | None = None
    tcp_socket: TCPSocketAction | None = None
    sleep: SleepAction | None = None


class Lifecycle(Model):
    post_start: LifecycleHandler | None = None
    pre_stop: LifecycleHandler | None = approximated("within the 10 s that a container has to end at most")
    stop_signal: str | None = ignored("the image's stop signal is sent")


class ResourceClaim(Model):
    name: str
    request: str | None = None


class Resources(Model):
    """cpu and memory limit the container; cpu requests weigh it; other resources are kept and have no effect."""

    limits: dict[str, Quantity] = Field(default_factory=dict)
    requests: dict[str, Quantity] = Field(default_factory=dict)
    claims: list[ResourceClaim] | None = ignored(_NO_NODES, marks=keyed("name", strategic=False))


class VolumeMount(Model):
    name: str
    mount_path: str
    read_only: bool | None = None
    sub_path: str | None = None
    sub_path_expr: str | None = None
    mount_propagation: str | None = ignored("mounts are private")
    recursive_read_only: str | None = ignored("mounts are as the engine makes them")


class Capabilities(Model):
    add: list[str] = Field(default_factory=list)
    drop: list[str] = Field(default_factory=list)


class SecurityContext(Model):
    run_as_user: int | None = None
    run_as_group: int | None = None
    run_as_non_root: bool | None = None
    read_only_root_filesystem: bool | None = None
    allow_privilege_escalation: bool | None = approximated("never allowed, whatever is written")
    privileged: bool | None = ignored("containers are never privileged")
    capabilities: Capabilities | None = None
    seccomp_profile: JsonObject | None = approximated("the engine's own profile, or none for Unconfined")
    app_armor_profile: JsonObject | None = ignored("the engine's default profile applies")
    proc_mount: str | None = ignored("the engine's default applies")
    se_linux_options: JsonObject | None = ignored("the engine's default applies")
    windows_options: JsonObject | None = ignored("containers are Linux")


class PodSecurityContext(Model):
    run_as_user: int | None = None
    run_as_group: int | None = None
    run_as_non_root: bool | None = None
    fs_group: int | None = None
    fs_group_change_policy: str | None = ignored("volumes are writable by every user")
    supplemental_groups: list[int] | None = None
    supplemental_groups_policy: str | None = ignored("groups of the image are kept")
    seccomp_profile: JsonObject | None = approximated("the engine's own profile, or none for Unconfined")
    app_armor_profile: JsonObject | None = ignored("the engine's default profile applies")
    sysctls: list[JsonObject] | None = ignored(_HOST)
    se_linux_options: JsonObject | None = ignored("the engine's default applies")
    windows_options: JsonObject | None = ignored("containers are Linux")


class ContainerResizePolicy(Model):
    resource_name: str
    restart_policy: str


class Container(Model):
    image: str = ""
    name: str = ""
    command: list[str] | None = None
    args: list[str] | None = None
    working_dir: str | None = None
    env: list[EnvVar] = Field(default_factory=list, json_schema_extra=keyed("name"))
    env_from: list[EnvFromSource] = Field(default_factory=list)
    ports: list[ContainerPort] = Field(default_factory=list, json_schema_extra=keyed("containerPort", "protocol"))
    resources: Resources | None = None
    volume_mounts: list[VolumeMount] = Field(default_factory=list, json_schema_extra=keyed("mountPath"))
    volume_devices: list[JsonObject] | None = ignored(_NO_NODES, marks=keyed("devicePath"))
    readiness_probe: Probe | None = None
    liveness_probe: Probe | None = None
    startup_probe: Probe | None = None
    lifecycle: Lifecycle | None = None
    image_pull_policy: str | None = approximated("an image that is present is used as it is, also with Always")
    security_context: SecurityContext | None = None
    restart_policy: str | None = ignored("init containers run to their end")
    resize_policy: list[ContainerResizePolicy] | None = ignored("containers are not resized")
    termination_message_path: str | None = None
    termination_message_policy: str | None = None
    stdin: bool | None = None
    stdin_once: bool | None = None
    tty: bool | None = None


class KeyToPath(Model):
    key: str = ""
    path: str = ""
    mode: int | None = None


class ConfigMapVolumeSource(Model):
    name: str = ""
    items: list[KeyToPath] = Field(default_factory=list)
    default_mode: int | None = None
    optional: bool | None = None


class SecretVolumeSource(Model):
    secret_name: str = ""
    items: list[KeyToPath] = Field(default_factory=list)
    default_mode: int | None = None
    optional: bool | None = None


class SecretProjection(Model):
    name: str = ""
    items: list[KeyToPath] = Field(default_factory=list)
    optional: bool | None = None


class DownwardAPIVolumeFile(Model):
    path: str
    field_ref: ObjectFieldSelector | None = None
    resource_field_ref: ResourceFieldSelector | None = None
    mode: int | None = None


class DownwardAPISource(Model):
    items: list[DownwardAPIVolumeFile] = Field(default_factory=list)
    default_mode: int | None = None


class ServiceAccountTokenProjection(Model):
    path: str = ""
    audience: str | None = None
    expiration_seconds: int | None = None


class VolumeProjection(Model):
    config_map: ConfigMapVolumeSource | None = None
    secret: SecretProjection | None = None
    downward_api: DownwardAPISource | None = Field(default=None, alias="downwardAPI")
    service_account_token: ServiceAccountTokenProjection | None = approximated("a placeholder that no server takes")
    cluster_trust_bundle: JsonObject | None = ignored("there is no certificate authority inside")


class ProjectedVolumeSource(Model):
    sources: list[VolumeProjection] = Field(default_factory=list)
    default_mode: int | None = None


class EmptyDirVolumeSource(Model):
    medium: str | None = approximated("in memory where it is mounted once; what is shared lies on disk")
    size_limit: Quantity | None = approximated("bounds a volume in memory; one on disk is not bounded")


class HostPathVolumeSource(Model):
    path: str
    type: str | None = None


class PersistentVolumeClaimVolumeSource(Model):
    claim_name: str
    read_only: bool | None = None


class Volume(Model):
    """A named volume; of the cloud providers' kinds none is modelled, Knative allows none."""

    name: str
    config_map: ConfigMapVolumeSource | None = None
    secret: SecretVolumeSource | None = None
    projected: ProjectedVolumeSource | None = None
    empty_dir: EmptyDirVolumeSource | None = None
    downward_api: DownwardAPISource | None = Field(default=None, alias="downwardAPI")
    host_path: HostPathVolumeSource | None = None
    persistent_volume_claim: PersistentVolumeClaimVolumeSource | None = approximated("a volume without a size")
    ephemeral: JsonObject | None = approximated("an empty volume of the Pod's own")
    csi: JsonObject | None = approximated("an empty volume of the Pod's own")
    image: JsonObject | None = approximated("an empty volume of the Pod's own")


class LocalObjectReference(Model):
    model_config = ConfigDict(json_schema_extra=ATOMIC_MAP)

    name: str = ""


class PodSpec(Model):
    containers: list[Container] = Field(default_factory=list, json_schema_extra=keyed("name"))
    init_containers: list[Container] = Field(default_factory=list, json_schema_extra=keyed("name"))
    ephemeral_containers: list[JsonObject] | None = ignored(
        "a debugger attaches to the engine's container", marks=keyed("name")
    )
    volumes: list[Volume] = Field(default_factory=list, json_schema_extra=keyed("name", retain_keys=True))
    restart_policy: Literal["Always", "OnFailure", "Never"] | None = None
    termination_grace_period_seconds: int | None = approximated("at most 10 s once requests have ended")
    active_deadline_seconds: int | None = ignored("Pods of kemu have no deadline")
    security_context: PodSecurityContext | None = None
    image_pull_secrets: list[LocalObjectReference] = Field(default_factory=list, json_schema_extra=keyed("name"))
    service_account_name: str | None = approximated("of an account only its imagePullSecrets count")
    service_account: str | None = ignored(_NO_ACCOUNTS)
    automount_service_account_token: bool | None = ignored(_NO_ACCOUNTS)
    enable_service_links: bool | None = ignored("no variables are made of core Services")
    hostname: str | None = None
    subdomain: str | None = ignored("Pods have no DNS names")
    host_aliases: list[JsonObject] | None = ignored("the hosts file is one for all containers", marks=keyed("ip"))
    dns_policy: str | None = ignored("the engine resolves names")
    dns_config: JsonObject | None = ignored("the engine resolves names")
    host_network: bool | None = ignored(_HOST)
    host_pid: bool | None = ignored(_HOST, alias="hostPID")
    host_ipc: bool | None = ignored(_HOST, alias="hostIPC")
    host_users: bool | None = ignored(_HOST)
    share_process_namespace: bool | None = ignored(_HOST)
    set_hostname_as_fqdn: bool | None = ignored("Pods have no DNS names", alias="setHostnameAsFQDN")
    node_name: str | None = ignored(_NO_NODES)
    node_selector: dict[str, str] | None = ignored(_NO_NODES, marks=ATOMIC_MAP)
    affinity: JsonObject | None = ignored(_NO_NODES)
    tolerations: list[JsonObject] | None = ignored(_NO_NODES)
    topology_spread_constraints: list[JsonObject] | None = ignored(
        _NO_NODES, marks=keyed("topologyKey", "whenUnsatisfiable")
    )
    scheduler_name: str | None = ignored(_NO_NODES)
    scheduling_gates: list[JsonObject] | None = ignored(_NO_NODES, marks=keyed("name"))
    priority_class_name: str | None = ignored(_NO_NODES)
    priority: int | None = ignored(_NO_NODES)
    preemption_policy: str | None = ignored(_NO_NODES)
    runtime_class_name: str | None = ignored("the engine's default runtime is used")
    readiness_gates: list[JsonObject] | None = ignored(_NO_NODES)
    resource_claims: list[JsonObject] | None = ignored(_NO_NODES, marks=keyed("name", retain_keys=True))
    overhead: dict[str, Quantity] | None = ignored(_NO_NODES)
    os: JsonObject | None = ignored("containers are Linux")
    resources: JsonObject | None = ignored("limits are the containers' own")


_REFERENCE = re.compile(r"\$(\$|\([^)]*\))")


def referred(text: str) -> list[str]:
    """The names that `expand_env` would look up in `text`."""
    return [found[1:-1] for found in _REFERENCE.findall(text) if found != "$"]


def expand_env(text: str, env: Mapping[str, str]) -> str:
    """`$(VAR)` by its value; an unknown one stays as written and `$$` is one dollar (k8s third_party/forked/golang)."""

    def value(match: re.Match[str]) -> str:
        found = match[1]
        return "$" if found == "$" else env.get(found[1:-1], match[0])

    return _REFERENCE.sub(value, text)
