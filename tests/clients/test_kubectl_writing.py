"""kubectl, its commands that write: apply, create, patch, edit, replace, label, scale, delete."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from tests.clients.client import Client
from tests.clients.manifests import SCRIPTABLE, config_map, file, service

pytestmark = pytest.mark.engine

KSVC = "service.serving.knative.dev/hello"


@pytest.fixture
def hello(kubectl: Client, tmp_path: Path) -> Client:
    """A Service `hello` that came by `kubectl apply`."""
    kubectl.out("apply", "-f", file(tmp_path, service("hello")))
    return kubectl


def test_apply(kubectl: Client, tmp_path: Path) -> None:
    path = file(tmp_path, service("hello"))
    assert kubectl.out("apply", "-f", path) == f"{KSVC} created\n"
    # kubectl compares lists as a whole, and Knative puts defaults into the containers: so it is on a cluster, too.
    assert kubectl.out("apply", "-f", path) == f"{KSVC} configured\n"
    assert kubectl.out("get", "ksvc", "hello", "-o", "jsonpath={.metadata.generation}") == "1"
    assert kubectl.out("apply", "-f", file(tmp_path, service("hello", "b"))) == f"{KSVC} configured\n"
    assert kubectl.out("get", "ksvc", "hello", "-o", "jsonpath={..env[0].value}") == "b"


def test_apply_of_core_objects(kubectl: Client, tmp_path: Path) -> None:
    assert kubectl.out("apply", "-f", file(tmp_path, config_map("c", a="1", b="2"))) == "configmap/c created\n"
    assert kubectl.out("apply", "-f", file(tmp_path, config_map("c", a="1", b="2"))) == "configmap/c unchanged\n"
    assert kubectl.out("apply", "-f", file(tmp_path, config_map("c", b="2"))) == "configmap/c configured\n"
    assert json.loads(kubectl.out("get", "cm", "c", "-o", "jsonpath={.data}")) == {"b": "2"}


def test_apply_refuses_what_is_misspelt(kubectl: Client, tmp_path: Path) -> None:
    body = service("hello")
    body["spec"]["template"]["spec"]["containers"][0]["imagee"] = "x"
    field = "imagee" if kubectl.minor < 27 else "spec.template.spec.containers[0].imagee"  # old ones judge themselves
    assert f'unknown field "{field}"' in kubectl.err("apply", "-f", file(tmp_path, body))


def test_apply_tells_what_knative_refuses(kubectl: Client, tmp_path: Path) -> None:
    body = service("hello")
    body["spec"]["template"]["spec"]["containers"][0]["ports"] = [{"containerPort": 8012}]
    said = kubectl.err("apply", "-f", file(tmp_path, body))
    assert 'admission webhook "validation.webhook.serving.knative.dev" denied the request: validation failed: ' in said
    assert "8012 is a reserved port, please use a different value" in said


def test_apply_server_side(kubectl: Client, tmp_path: Path) -> None:
    path = file(tmp_path, service("hello"))
    assert kubectl.out("apply", "--server-side", "-f", path) == f"{KSVC} serverside-applied\n"
    assert kubectl.out("apply", "--server-side", "-f", path) == f"{KSVC} serverside-applied\n"
    other = file(tmp_path, service("hello", "b"))
    said = kubectl.err("apply", "--server-side", "--field-manager=other", "-f", other)
    assert 'conflict with "kubectl"' in said
    forced = kubectl.out("apply", "--server-side", "--field-manager=other", "--force-conflicts", "-f", other)
    assert forced == f"{KSVC} serverside-applied\n"


def test_apply_server_side_after_apply(kubectl: Client, tmp_path: Path) -> None:
    kubectl.out("apply", "-f", file(tmp_path, config_map("c", a="1", b="2")))
    path = file(tmp_path, config_map("c", a="2"))
    assert kubectl.out("apply", "--server-side", "-f", path) == "configmap/c serverside-applied\n"
    # From 1.26 on kubectl makes what it applied before its own; what is stated no longer then goes.
    left = {"a": "2"} if kubectl.minor >= 26 else {"a": "2", "b": "2"}
    assert json.loads(kubectl.out("get", "cm", "c", "-o", "jsonpath={.data}")) == left
    kubectl.out("patch", "cm", "c", "--type=merge", "-p", '{"data":{"a":"3"}}')
    said = kubectl.err("apply", "--server-side", "-f", path)
    assert 'Apply failed with 1 conflict: conflict with "kubectl-patch" using v1: .data.a' in said


def test_apply_dry_run(kubectl: Client, tmp_path: Path) -> None:
    said = kubectl.out("apply", "--dry-run=server", "-f", file(tmp_path, service("hello")))
    assert said == f"{KSVC} created (server dry run)\n"
    assert 'services.serving.knative.dev "hello" not found' in kubectl.err("get", "ksvc", "hello")


def test_apply_prune(kubectl: Client, tmp_path: Path) -> None:
    folder = tmp_path / "all"
    folder.mkdir()
    for name in "ab":
        file(folder, {**config_map(name), "metadata": {"name": name, "labels": {"app": "x"}}})
    kubectl.out("apply", "-f", str(folder))
    (folder / "a.yaml").unlink()
    said = kubectl.out("apply", "-f", str(folder), "--prune", "-l", "app=x", *_prune_list(kubectl))
    assert said == "configmap/b unchanged\nconfigmap/a pruned\n"


def _prune_list(kubectl: Client) -> list[str]:
    return ["--prune-allowlist=core/v1/ConfigMap"] if kubectl.minor >= 27 else ["--prune-whitelist=core/v1/ConfigMap"]


def test_diff(hello: Client, tmp_path: Path) -> None:
    assert hello.out("diff", "-f", file(tmp_path, service("hello"))) == ""
    said = hello.run("diff", "-f", file(tmp_path, service("hello", "b")), code=1)
    changes = [line for line in said.out.splitlines() if line[:1] in "+-" and line[:3] not in ("+++", "---")]
    # 1.20 shows managedFields, too, whose time may have changed by a second.
    changes = [line.replace(" ", "") for line in changes if "generation" not in line and "time:" not in line]
    assert changes == ["-value:a", "+value:b"]


def test_create(kubectl: Client, tmp_path: Path) -> None:
    path = file(tmp_path, service("hello"))
    assert kubectl.out("create", "-f", path) == f"{KSVC} created\n"
    said = kubectl.err("create", "-f", path)
    assert f'Error from server (AlreadyExists): error when creating "{path}": ' in said
    assert 'services.serving.knative.dev "hello" already exists' in said


CREATED = [
    (["configmap", "c", "--from-literal=a=b"], "configmap/c created"),
    (["secret", "generic", "s", "--from-literal=a=b"], "secret/s created"),
    (["deployment", "d", f"--image={SCRIPTABLE}"], "deployment.apps/d created"),
]


def test_create_of_typed_objects(kubectl: Client) -> None:
    for words, said in CREATED:
        assert kubectl.out("create", *words) == f"{said}\n"
    assert kubectl.out("get", "secret", "s", "-o", "jsonpath={.data.a}") == "Yg=="
    name = f"made-by-{kubectl.minor}"
    assert kubectl.at().out("create", "namespace", name) == f"namespace/{name} created\n"
    assert kubectl.at().out("delete", "namespace", name) == f'namespace "{name}" deleted\n'


def test_patch_merge(hello: Client) -> None:
    assert (
        hello.out("patch", "ksvc", "hello", "--type=merge", "-p", '{"metadata":{"labels":{"a":"b"}}}')
        == f"{KSVC} patched\n"
    )
    assert hello.out("patch", "ksvc", "hello", "--type=merge", "-p", "{}") == f"{KSVC} patched (no change)\n"


def test_patch_json(hello: Client) -> None:
    change = '[{"op":"replace","path":"/spec/template/spec/containers/0/env/0/value","value":"c"}]'
    assert hello.out("patch", "ksvc", "hello", "--type=json", "-p", change) == f"{KSVC} patched\n"
    failing = '[{"op":"remove","path":"/spec/nothing"}]'
    assert hello.err("patch", "ksvc", "hello", "--type=json", "-p", failing).startswith("The request is invalid: ")


def test_patch_strategic(hello: Client) -> None:
    hello.out("create", "deployment", "d", f"--image={SCRIPTABLE}")
    change = '{"spec":{"template":{"spec":{"containers":[{"name":"scriptable","env":[{"name":"A","value":"1"}]}]}}}}'
    assert hello.out("patch", "deployment", "d", "-p", change) == "deployment.apps/d patched\n"
    assert hello.out("get", "deployment", "d", "-o", "jsonpath={..containers[0].image}") == SCRIPTABLE
    said = hello.err("patch", "ksvc", "hello", "-p", '{"metadata":{"labels":{"a":"b"}}}')
    assert "accepted media types include: application/json-patch+json, application/merge-patch+json" in said


def test_edit(hello: Client, tmp_path: Path) -> None:
    editor = tmp_path / "editor"
    editor.write_text('#!/bin/sh\nsed -i "s/value: a/value: edited/" "$1"\n')
    editor.chmod(editor.stat().st_mode | stat.S_IXUSR)
    said = hello.out("edit", "ksvc", "hello", EDITOR=str(editor), KUBE_EDITOR=str(editor))
    assert said == f"{KSVC} edited\n"
    assert hello.out("get", "ksvc", "hello", "-o", "jsonpath={..env[0].value}") == "edited"


def test_replace(hello: Client, tmp_path: Path) -> None:
    assert hello.out("replace", "-f", file(tmp_path, service("hello", "r"))) == f"{KSVC} replaced\n"
    said = hello.out("replace", "--force", "-f", file(tmp_path, service("hello", "f")))
    assert said.splitlines()[-1] == f"{KSVC} replaced"


def test_label_and_annotate(hello: Client) -> None:
    assert hello.out("label", "ksvc", "hello", "tier=web") == f"{KSVC} labeled\n"
    assert "already has a value (web), and --overwrite is false" in hello.err("label", "ksvc", "hello", "tier=back")
    assert hello.out("label", "ksvc", "hello", "tier-").split()[-1] in ("unlabeled", "labeled")
    assert hello.out("annotate", "ksvc", "hello", "note=x") in (f"{KSVC} annotated\n", f"{KSVC} annotate\n")
    assert hello.out("get", "ksvc", "hello", "-o", "jsonpath={.metadata.annotations.note}") == "x"


def test_scale_and_rollout(kubectl: Client) -> None:
    kubectl.out("create", "deployment", "d", f"--image={SCRIPTABLE}")
    assert kubectl.out("rollout", "status", "deployment/d").endswith('deployment "d" successfully rolled out\n')
    assert kubectl.out("scale", "deployment", "d", "--replicas=2") == "deployment.apps/d scaled\n"
    assert kubectl.run("rollout", "restart", "deployment/d", code=0).err == ""
    assert kubectl.out("rollout", "status", "deployment/d").endswith('deployment "d" successfully rolled out\n')
    history = kubectl.out("rollout", "history", "deployment/d").split()
    assert history == ["deployment.apps/d", "REVISION", "CHANGE-CAUSE", "1", "<none>", "2", "<none>"]
    assert kubectl.out("get", "deployment", "d", "-o", "jsonpath={.status.readyReplicas}") == "2"
    assert kubectl.out("rollout", "undo", "deployment/d") == "deployment.apps/d rolled back\n"


def test_delete(hello: Client) -> None:
    assert hello.out("delete", "ksvc", "hello") == 'service.serving.knative.dev "hello" deleted' + _where(hello)
    assert hello.out("get", "ksvc,configuration,revision,route", "-o", "name") == ""
    said = hello.err("delete", "ksvc", "hello")
    assert said == 'Error from server (NotFound): services.serving.knative.dev "hello" not found\n'


def _where(kubectl: Client) -> str:
    """From 1.34 on kubectl says which Namespace."""
    return f" from {kubectl.flags[1]} namespace\n" if kubectl.minor >= 34 else "\n"


@pytest.mark.parametrize("cascade", ["background", "foreground", "orphan"])
def test_delete_cascade(kubectl: Client, cascade: str) -> None:
    kubectl.out("create", "deployment", "d", f"--image={SCRIPTABLE}")
    kubectl.out("rollout", "status", "deployment/d")
    assert kubectl.out("delete", "deployment", "d", f"--cascade={cascade}") == 'deployment.apps "d" deleted' + _where(
        kubectl
    )
    if cascade == "orphan":
        assert kubectl.out("get", "replicasets", "-o", "jsonpath={..ownerReferences}") == ""
        kubectl.out("delete", "replicasets", "--all")
    kubectl.run("wait", "--for=delete", "pods", "-l", "app=d", "--timeout=20s")
    assert kubectl.out("get", "replicasets,pods", "-o", "name") == ""


def test_delete_of_all_and_by_label(kubectl: Client) -> None:
    for name in "abc":
        kubectl.out("create", "configmap", name)
    kubectl.out("label", "configmap", "a", "b", "pick=me")
    where = _where(kubectl).rstrip("\n")
    assert (
        kubectl.out("delete", "cm", "-l", "pick=me") == f'configmap "a" deleted{where}\nconfigmap "b" deleted{where}\n'
    )
    assert f'configmap "c" deleted{where}\n' in kubectl.out("delete", "cm", "--all")
