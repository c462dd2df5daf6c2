"""What a container finds and is asked: one test for each of Knative's test/conformance/runtime (serving §3.5).

Upstream's container is a Go program that describes itself; this one is witness.py. Followed: knative/serving
test/conformance/runtime (98e5ef9).
"""

from __future__ import annotations

import base64
import ipaddress
import re
from pathlib import Path
from typing import Any

import pytest

from tests.contract.cluster import Cluster, Refused
from tests.contract.contract import must, should
from tests.scenarios.harness import eventually
from tests.scenarios.speaking import PROTOCOLS

pytestmark = pytest.mark.engine

WITNESS = (Path(__file__).parent / "witness.py").read_text()
PYTHON = "kemu.test/pyfunc"
ASK = "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8080/healthz')"
MI = 1024 * 1024


def witness(**fields: Any) -> dict[str, Any]:
    return {"image": PYTHON, "command": ["python3", "-c", WITNESS], **fields}


def told(cluster: Cluster, container: dict[str, Any] | None = None, **headers: str) -> Any:
    """What the witness in a new Service tells."""
    name = cluster.serve(container or witness())
    reply = cluster.request(name, **headers)
    assert reply.status == 200, reply.body
    return {**reply.json, "service": name}


def refused(cluster: Cluster, container: dict[str, Any]) -> str:
    """What is said against a Service, at once."""
    with pytest.raises(Refused) as found:
        cluster.create("Service", cluster.name(), {"template": {"spec": {"containers": [container]}}})
    return str(found.value)


@pytest.fixture(scope="module")
def plain(cluster: Cluster) -> Any:
    """What a witness of no particular spec tells."""
    return told(cluster)


# -- the container


@must("runtime/TestMustHaveCgroupConfigured")
@should("runtime/TestShouldHaveCgroupReadOnly")
def test_limits_are_those_of_the_cgroup_which_cannot_be_written(cluster: Cluster) -> None:
    resources = {"limits": {"cpu": "1", "memory": "128Mi"}, "requests": {"cpu": "125m"}}
    cgroups = told(cluster, witness(resources=resources))["cgroups"]
    values = {path: found["value"] for path, found in cgroups.items() if "value" in found}
    if "memory.max" in values:
        assert values["memory.max"] == str(128 * MI)
        quota, period = map(int, values["cpu.max"].split())
        assert int(values["cpu.weight"]) >= 1
    else:
        assert values["memory/memory.limit_in_bytes"] == str(128 * MI)
        quota, period = (int(values[f"cpu/cpu.cfs_{word}_us"]) for word in ("quota", "period"))
        assert values["cpu/cpu.shares"] == "128"
    assert quota == period
    assert not any(found.get("writable") for found in cgroups.values())


@must("runtime/TestCmdArgs")
def test_command_and_args_make_the_arguments(cluster: Cluster) -> None:
    command = ["python3", "-c", WITNESS, "abra"]
    assert told(cluster, {"image": PYTHON, "command": command, "args": ["cadabra", "do"]})["args"] == [
        "abra",
        "cadabra",
        "do",
    ]


@must("runtime/TestMustNotContainerConstraints")
def test_an_unknown_port_name_is_refused(cluster: Cluster) -> None:
    assert "Port name arbitrary is not allowed" in refused(cluster, witness(ports=[{"name": "arbitrary"}]))


@must("runtime/TestMustNotContainerConstraints")
def test_mount_propagation_is_refused(cluster: Cluster) -> None:
    mount = {"name": "v", "mountPath": "/v", "mountPropagation": "HostToContainer"}
    template = {
        "spec": {
            "containers": [witness(volumeMounts=[mount])],
            "volumes": [{"name": "v", "secret": {"secretName": "s"}}],
        }
    }
    with pytest.raises(Refused, match="mountPropagation"):
        cluster.create("Service", cluster.name(), {"template": template})


@should("runtime/TestShouldNotContainerConstraints")
@pytest.mark.parametrize(
    "fields",
    [
        {"lifecycle": {"postStart": {"exec": {"command": ["a"]}}}},
        {"lifecycle": {"preStop": {"exec": {"command": ["a"]}}}},
        {"ports": [{"containerPort": 8080, "hostPort": 80}]},
        {"stdin": True},
        {"stdinOnce": True},
        {"tty": True},
        {"ports": [{"containerPort": 8080}, {"containerPort": 8081}]},
        {"securityContext": {"runAsUser": -10}},
    ],
    ids=lambda fields: "-".join(f"{field}:{value}"[:24] for field, value in fields.items()),
)
def test_what_a_container_may_not_have_is_refused_or_dropped(cluster: Cluster, fields: dict[str, Any]) -> None:
    name = cluster.name()
    try:
        made = cluster.create("Service", name, {"template": {"spec": {"containers": [witness(**fields)]}}})
    except Refused:
        return
    [container] = made["spec"]["template"]["spec"]["containers"]
    cluster.delete("services", name)
    assert container.get(next(iter(fields))) != next(iter(fields.values()))


@must("runtime/TestSecretsViaEnv")
@pytest.mark.parametrize("whole", [False, True], ids=["a key", "all keys"])
def test_secrets_are_in_the_environment(cluster: Cluster, whole: bool) -> None:
    source = cluster.name()
    cluster.core("Secret", source, data={"testKey": base64.b64encode(b"testValue").decode()})
    key = {"name": "testKey", "valueFrom": {"secretKeyRef": {"name": source, "key": "testKey"}}}
    fields: dict[str, Any] = {"envFrom": [{"secretRef": {"name": source}}]} if whole else {"env": [key]}
    assert told(cluster, witness(**fields))["env"]["testKey"] == "testValue"


@must("runtime/TestConfigsViaEnv")
@pytest.mark.parametrize("whole", [False, True], ids=["a key", "all keys"])
def test_config_maps_are_in_the_environment(cluster: Cluster, whole: bool) -> None:
    source = cluster.name()
    cluster.core("ConfigMap", source, data={"testKey": "testValue"})
    key = {"name": "testKey", "valueFrom": {"configMapKeyRef": {"name": source, "key": "testKey"}}}
    fields: dict[str, Any] = {"envFrom": [{"configMapRef": {"name": source}}]} if whole else {"env": [key]}
    assert told(cluster, witness(**fields))["env"]["testKey"] == "testValue"


@should("runtime/TestShouldEnvVars")
def test_a_container_knows_whose_it_is(plain: Any) -> None:
    name = plain["service"]
    found = {key: plain["env"].get(key) for key in ("K_SERVICE", "K_CONFIGURATION", "K_REVISION")}
    assert found == {"K_SERVICE": name, "K_CONFIGURATION": name, "K_REVISION": f"{name}-00001"}


@must("runtime/TestMustEnvVars")
def test_the_port_is_the_one_of_the_spec(cluster: Cluster) -> None:
    assert told(cluster, witness(ports=[{"containerPort": 8801}]))["env"]["PORT"] == "8801"


@should("runtime/TestShouldHaveStdinEOF")
def test_the_standard_input_is_at_its_end(plain: Any) -> None:
    assert plain["stdin_eof"]


@must("runtime/TestMustHaveFiles")
def test_the_devices_are_there(plain: Any) -> None:
    files = plain["files"]
    for name in ("full", "null", "random", "tty", "urandom", "zero"):
        assert files[f"/dev/{name}"]["mode"] == "0o20666", name
    for name, number in (("stdin", 0), ("stdout", 1), ("stderr", 2)):
        assert files[f"/dev/{name}"]["link"] == f"/proc/self/fd/{number}"
        assert files[f"/proc/self/fd/{number}"]["link"]
    assert files["/dev/fd"]["link"] == "/proc/self/fd"
    assert "error" not in files["/dev/ptmx"]
    assert files["/tmp"]["mode"] in ("0o41777", "0o40777")


@should("runtime/TestShouldHaveFiles")
def test_names_are_resolved_and_there_is_no_console(plain: Any) -> None:
    assert re.fullmatch(r"0o1006[0-7]4|0o10064[0-7]", plain["files"]["/etc/resolv.conf"]["mode"])
    assert "error" in plain["files"]["/dev/console"]


@should("runtime/TestShouldHaveSysctlReadOnly")
def test_the_kernels_settings_cannot_be_written(plain: Any) -> None:
    kind, options = plain["mounts"]["/proc/sys"]
    assert kind == "proc"
    assert "ro" in options.split(",")


@must("runtime/TestMustRunAsUser")
def test_a_user_can_be_chosen(cluster: Cluster) -> None:
    assert told(cluster, witness(securityContext={"runAsUser": 2020}))["uid"] == 2020


@should("runtime/TestShouldRunAsUserContainerDefault")
def test_otherwise_the_user_is_the_images(plain: Any, cluster: Cluster) -> None:
    configured = cluster.kemu.engine.images.get(PYTHON).attrs["Config"]["User"]
    assert plain["uid"] == int(configured or 0)


@should("runtime/TestWorkingDirService")
def test_the_working_directory_can_be_chosen(cluster: Cluster) -> None:
    assert told(cluster, witness(workingDir="/tmp"))["cwd"] == "/tmp"


# -- requests


@must("runtime/TestMustHaveHeadersSet")
def test_headers_that_tell_where_a_request_comes_from(plain: Any) -> None:
    headers = {key.lower(): value for key, value in plain["headers"]}
    assert headers["host"] == f"{plain['service']}.default.example.com"
    # RFC 7239: for=…;host=…;proto=…, further hops behind commas.
    assert re.fullmatch(r"for=[^;,]+(;host=[^;,]+)?(;proto=http)?(, ?for=[^;,]+)*", headers["forwarded"])


@should("runtime/TestShouldHaveHeadersSet")
def test_headers_of_the_client_and_of_the_ways(cluster: Cluster) -> None:
    headers = {key.lower(): value for key, value in told(cluster, None, Testheader="Mine")["headers"]}
    assert headers["testheader"] == "Mine"
    assert headers["x-forwarded-proto"] == "http"
    for address in headers["x-forwarded-for"].split(","):
        ipaddress.ip_address(address.strip())
    assert re.fullmatch(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}", headers["traceparent"])


@must("runtime/TestProtocols")
@pytest.mark.parametrize(
    ("port", "version"), [({"name": "http1"}, "HTTP/1.1"), ({}, "HTTP/1.1"), ({"name": "h2c"}, "HTTP/2.0")]
)
def test_a_ports_name_says_the_protocol(cluster: Cluster, port: dict[str, Any], version: str) -> None:
    name = cluster.serve({"image": PROTOCOLS, "ports": [port]})
    assert cluster.text(name, "/proto") == version


# -- probes


@must("runtime/TestLivenessWithFail")
def test_a_container_that_is_not_alive_is_restarted(cluster: Cluster) -> None:
    probe = {"httpGet": {"path": "/healthz"}, "periodSeconds": 1, "failureThreshold": 3}
    name = cluster.serve(witness(livenessProbe=probe))
    assert cluster.request(name, "/start-failing").status == 200

    def restarts() -> int:
        pods = cluster.ask("GET", f"/api/v1/namespaces/default/pods?labelSelector=serving.knative.dev/service={name}")
        statuses = [s for pod in pods["items"] for s in pod["status"].get("containerStatuses", [])]
        return max((int(s["restartCount"]) for s in statuses if s["name"] == "user-container"), default=0)

    eventually(restarts, "the container was restarted")
    assert eventually(lambda: cluster.request(name).status == 200, "it answers again")


@must("runtime/TestProbeRuntime")
@pytest.mark.parametrize("period", [0, 1])
@pytest.mark.parametrize(
    "handler",
    [{"httpGet": {"path": "/healthz"}}, {"tcpSocket": {}}, {"exec": {"command": ["python3", "-c", ASK]}}],
    ids=["http", "tcp", "exec"],
)
def test_the_first_request_after_ready_is_answered(cluster: Cluster, handler: dict[str, Any], period: int) -> None:
    env = [{"name": "START_DELAY_S", "value": "0.7"}]
    probe = {**handler, **({"periodSeconds": period} if period else {})}
    name = cluster.serve(witness(env=env, readinessProbe=probe))
    assert cluster.request(name).status == 200


@must("runtime/TestProbeRuntimeAfterStartup")
def test_a_container_that_is_unready_later_gets_no_requests(cluster: Cluster) -> None:
    probe = {"httpGet": {"path": "/healthz"}, "periodSeconds": 1, "failureThreshold": 1}
    name = cluster.serve(witness(readinessProbe=probe), timeoutSeconds=1)
    assert cluster.request(name, "/start-failing").status == 200
    assert eventually(lambda: cluster.request(name).status in (503, 504), "requests wait, and wait in vain")
