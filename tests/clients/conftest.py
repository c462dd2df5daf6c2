"""Gives tests real clients and a kemu for each module; gathers what worked with which version.

A test that takes `kubectl` or `kn` runs with every version of it. `space` is a Namespace of the test's own.
"""

from __future__ import annotations

import importlib.metadata
import itertools
import os
from collections.abc import Generator, Iterator
from pathlib import Path

import docker
import pytest

from tests.clients.client import BINARIES, Client, binary
from tests.clients.matrix import Matrix, commands, write, written
from tests.scenarios.harness import Kemu

KUBECTLS = ["kubectl-1.20", "kubectl-1.28", "kubectl-1.31", "kubectl-1.33", "kubectl-1.37"]
KNS = ["kn-1.15", "kn-1.21"]
FUNCS = ["func-1.17"]
CLIENT_GO = "0.34"
MATRIX = pytest.StashKey[Matrix]()
_SPACES = itertools.count(1)


@pytest.fixture(scope="module")
def kemu(tmp_path_factory: pytest.TempPathFactory, engine: docker.DockerClient, images: None) -> Iterator[Kemu]:
    """A `kemu up` without manifests."""
    kemu = Kemu(tmp_path_factory.mktemp("kemu"), engine)
    try:
        kemu.up()
        yield kemu
        kemu.stop()
    finally:
        kemu.clean()


@pytest.fixture(scope="module")
def kubeconfig(kemu: Kemu) -> Path:
    """The file that `kemu kubeconfig` names."""
    return Path(kemu.run("kubeconfig").out.strip())


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where clients keep their caches."""
    return tmp_path_factory.mktemp("home")


@pytest.fixture
def space(kubeconfig: Path, home: Path) -> Iterator[str]:
    """A Namespace of this test's own; deleted with what is in it."""
    name = f"test-{next(_SPACES)}"
    client = Client(_any_kubectl(), kubeconfig, home)
    client.out("create", "namespace", name)
    yield name
    client.out("delete", "namespace", name, "--wait=false")


def _any_kubectl() -> Path:
    return next((BINARIES / name for name in reversed(KUBECTLS) if (BINARIES / name).exists()), binary(KUBECTLS[-1]))


@pytest.fixture(params=KUBECTLS)
def kubectl(request: pytest.FixtureRequest, kubeconfig: Path, home: Path, space: str) -> Client:
    """Each version of kubectl, in a Namespace of the test's own."""
    own = home / request.param
    own.mkdir(exist_ok=True)
    return Client(binary(request.param), kubeconfig, own, ("-n", space))


@pytest.fixture
def kubectl_newest(kubeconfig: Path, home: Path, space: str) -> Client:
    """kubectl as a tool of a test of something else."""
    return Client(_any_kubectl(), kubeconfig, home, ("-n", space))


@pytest.fixture(params=KNS)
def kn(request: pytest.FixtureRequest, kubeconfig: Path, home: Path, space: str) -> Client:
    """Each version of kn, in a Namespace of the test's own."""
    return Client(binary(request.param), kubeconfig, home, ("-n", space))


@pytest.fixture(params=FUNCS)
def func(request: pytest.FixtureRequest, kubeconfig: Path, home: Path, space: str) -> Client:
    """func, in a Namespace of the test's own."""
    return Client(binary(request.param), kubeconfig, home, ("-n", space))


# -- the matrix


def pytest_configure(config: pytest.Config) -> None:
    config.stash[MATRIX] = Matrix()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.when == "call" or report.outcome != "passed":
        client, command, version = _named(item)
        if client:
            item.config.stash[MATRIX].note(client, command, version, report.outcome)
    return report


def _named(item: pytest.Item) -> tuple[str, str, str]:
    """Client, command and version of a test: by the binary that it takes, else by what its module says it tests."""
    assert isinstance(item, pytest.Function)
    command = item.originalname.removeprefix("test_").replace("_", " ")
    for client in ("kubectl", "kn", "func"):
        if client in item.fixturenames:
            return client, command, str(item.callspec.params[client]).rpartition("-")[2]
    package: str = getattr(item.module, "PACKAGE", "")
    if package == "client-go":
        return package, command, CLIENT_GO
    return package, command, importlib.metadata.version(package) if package else ""


def pytest_sessionfinish(session: pytest.Session) -> None:
    matrix = session.config.stash[MATRIX]
    if matrix.is_empty:
        return
    if os.environ.get("KEMU_MATRIX") == "write":
        write(matrix.text())
    elif os.environ.get("CI") == "true" and not session.config.getoption("keyword"):
        for client, command in sorted(commands(written()) ^ commands(matrix.text())):
            matrix.note("docs/kubernetes-api.md is not up to date", f"{client}: {command}", "", "failed")
            session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    matrix = config.stash[MATRIX]
    if not matrix.is_empty:
        terminalreporter.section("clients")
        terminalreporter.write_line(matrix.text())
