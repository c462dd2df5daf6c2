"""func: a function whose image is there already is deployed, looked at, invoked and deleted."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path

import docker
import pytest

from tests.clients.client import Client, plain, table
from tests.clients.manifests import SCRIPTABLE
from tests.scenarios.harness import Kemu

pytestmark = pytest.mark.engine
UNPRIVILEGED = "kemu.test/unprivileged"
"""func asks for `runAsNonRoot`, and builds images that are not root's."""
DEPLOY = ["deploy", "--build=false", "--push=false", "--registry=localhost:5000/me", f"--image={UNPRIVILEGED}"]


@pytest.fixture(scope="module")
def image(engine: docker.DockerClient, images: None) -> None:
    file = io.BytesIO(f"FROM {SCRIPTABLE}\nUSER 65532\n".encode())
    engine.images.build(fileobj=file, tag=UNPRIVILEGED, rm=True)


@pytest.fixture
def project(func: Client, image: None, tmp_path: Path) -> Client:
    """func, in the folder of a function `greet`."""
    func.at().out("create", "--language=go", str(tmp_path / "greet"))
    config = tmp_path / "greet" / "func.yaml"
    config.write_text(config.read_text() + "run:\n  envs:\n  - name: MESSAGE\n    value: hello from here\n")
    return replace(func, folder=tmp_path / "greet")


def test_deploy(project: Client) -> None:
    said = project.run(*DEPLOY, code=0)
    space = project.flags[1]
    lines = plain(said.out + said.err).splitlines()[-2:]
    exposed = f'✅ Function deployed in namespace "{space}" and exposed at URL:'
    assert lines == [exposed, f"   http://greet.{space}.localhost:PORT"]
    again = project.run(*DEPLOY, code=0)
    assert "Function updated in namespace" in again.out + again.err


def test_deploy_refuses_an_image_that_is_not_there(project: Client) -> None:
    said = project.run(*DEPLOY[:-1], "--image=kemu.test/there-is-none")
    assert (said.code, "Unable to fetch image" in said.err) == (1, True)


def test_subscribe(project: Client) -> None:
    project.at().out("subscribe", "--filter=type=order", "--source=default")
    project.out(*DEPLOY)
    described = json.loads(project.out("describe", "greet", "-o", "json"))
    assert described["subscriptions"] == [{"source": "", "type": "order", "broker": "default"}]


def test_list_and_describe(project: Client) -> None:
    project.out(*DEPLOY)
    url = f"http://greet.{project.flags[1]}.localhost:PORT"
    header, row = table(project.out("list"))
    assert header[:5] == ["NAME", "NAMESPACE", "RUNTIME", "URL", "READY"]
    assert row[:5] == ["greet", project.flags[1], "go", url, "True"]
    said = plain(project.out("describe", "greet"))
    assert "Function name:\n  greet" in said
    assert url in said
    described = json.loads(project.out("describe", "greet", "-o", "json"))
    assert (described["name"], described["namespace"]) == ("greet", project.flags[1])


@pytest.mark.parametrize("format_", ["http", "cloudevent"])
def test_invoke(project: Client, kemu: Kemu, format_: str) -> None:
    project.out(*DEPLOY)
    # kemu takes requests as a proxy takes them, for computers whose resolver does not know *.localhost.
    proxy = {"HTTP_PROXY": kemu.state.url}
    said = project.at().run("invoke", "--target=remote", f"--format={format_}", code=0, **proxy)
    # An answer that is no event is not shown to those who sent one.
    assert said.out.strip() == ("hello from here" if format_ == "http" else "")


def test_delete(project: Client) -> None:
    project.out(*DEPLOY)
    project.out("delete", "greet")
    assert "greet" not in project.out("list")
