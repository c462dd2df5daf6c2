"""Names of images as Docker reads them, and what an engine says about one."""

from __future__ import annotations

from typing import Any

import pytest

from emulator.runtime.errors import ImageMissing
from emulator.runtime.images import PullMeter, image_info, missing_fix, parse_name, unreached_registry

SHA = "sha256:" + "a" * 64


@pytest.mark.parametrize(
    ("ref", "full"),
    [
        ("nginx", "docker.io/library/nginx:latest"),
        ("nginx:1.27", "docker.io/library/nginx:1.27"),
        ("me/app", "docker.io/me/app:latest"),
        ("index.docker.io/nginx", "docker.io/library/nginx:latest"),
        ("gcr.io/knative-samples/helloworld-go", "gcr.io/knative-samples/helloworld-go:latest"),
        ("localhost/app:v1", "localhost/app:v1"),
        ("localhost:5000/app", "localhost:5000/app:latest"),
        ("registry:5000/a/b:c", "registry:5000/a/b:c"),
        ("dev.local/app", "dev.local/app:latest"),
        (f"nginx@{SHA}", f"docker.io/library/nginx@{SHA}"),
        (f"gcr.io/a/b:v1@{SHA}", f"gcr.io/a/b:v1@{SHA}"),
    ],
)
def test_a_name_is_completed_as_docker_does(ref: str, full: str) -> None:
    assert str(parse_name(ref)) == full


def described(**config: Any) -> dict[str, Any]:
    return {"Id": SHA, "RepoDigests": [], "Config": config}


def test_an_image_tells_how_it_runs() -> None:
    info = image_info(
        "app",
        described(
            Entrypoint=["/run"],
            Cmd=["a", "b"],
            User="1000",
            ExposedPorts={"9090/tcp": {}, "8080/tcp": {}, "53/udp": {}},
            Env=["PATH=/bin", "EMPTY=", "URL=a=b"],
            WorkingDir="/app",
            Labels={"colour": "blue"},
        ),
    )
    assert (info.id, info.ref, info.entrypoint, info.cmd) == (SHA, "app", ("/run",), ("a", "b"))
    assert (info.user, info.working_dir, info.exposed_ports) == ("1000", "/app", (8080, 9090))
    assert dict(info.env) == {"PATH": "/bin", "EMPTY": "", "URL": "a=b"}
    assert dict(info.labels) == {"colour": "blue"}


@pytest.mark.parametrize("config", [None, {}, {"Entrypoint": None, "Cmd": None, "Env": None, "ExposedPorts": None}])
def test_an_image_may_say_nothing(config: dict[str, Any] | None) -> None:
    info = image_info("app", {"Id": SHA, "Config": config})
    assert (info.digest, info.entrypoint, info.cmd, info.exposed_ports, dict(info.env)) == (None, (), (), (), {})


@pytest.mark.parametrize(
    ("digests", "digest"),
    [
        ([], None),
        (["docker.io/library/nginx@sha256:1"], "sha256:1"),
        (["mirror.io/nginx@sha256:2", "nginx@sha256:1"], "sha256:1"),
        (["mirror.io/nginx@sha256:2"], "sha256:2"),
        (["<none>"], None),
    ],
    ids=["built here", "pulled", "its own first", "any other", "none"],
)
def test_the_digest_is_that_of_its_own_repository(digests: list[str], digest: str | None) -> None:
    assert image_info("nginx:1", {**described(), "RepoDigests": digests}).digest == digest


def line(status: str, layer: str, current: int | None = None, total: int | None = None) -> dict[str, Any]:
    detail = {"current": current, "total": total} if total is not None else {}
    return {"status": status, "id": layer, "progressDetail": detail}


def test_layers_are_added_up() -> None:
    meter = PullMeter("nginx")
    lines = [
        line("Pulling fs layer", "a"),
        line("Downloading", "a", 10, 100),
        line("Downloading", "b", 5, 50),
        line("Downloading", "a", 60, 100),
        line("Download complete", "a"),
        line("Extracting", "a", 1, 100),
        line("Already exists", "c"),
        line("Pull complete", "b"),
    ]
    sums = [(seen.current, seen.total) for entry in lines if (seen := meter.read(entry)) is not None]
    assert sums == [(10, 100), (15, 150), (65, 150), (105, 150), (105, 150), (105, 150), (150, 150)]
    assert meter.error == ""


def test_what_the_registry_says_half_way_is_kept() -> None:
    meter = PullMeter("nginx")
    assert meter.read({"error": "unauthorized"}) is None
    assert meter.error == "unauthorized"


@pytest.mark.parametrize(
    ("ref", "why", "registry"),
    [
        (
            "no.where.example/bad:1",
            'Get "https://no.where.example/v2/": dial tcp: lookup no.where.example on 127.0.0.53:53: no such host',
            "no.where.example",
        ),
        ("localhost:5000/app", "dial tcp 127.0.0.1:5000: connect: connection refused", "localhost:5000"),
        ("nginx", "net/http: request canceled (Client.Timeout exceeded while awaiting headers)", "docker.io"),
        ("nginx", "pull access denied for nginx, repository does not exist or may require 'docker login'", ""),
        ("ghcr.io/a/b:1", "manifest unknown", ""),
    ],
)
def test_a_registry_that_does_not_answer_is_told_from_one_that_has_no_such_image(
    ref: str, why: str, registry: str
) -> None:
    assert unreached_registry(ref, why) == registry
    fix = missing_fix(ref, registry)
    assert f"docker build -t {ref} " in fix
    assert f"docker tag … {ref}" in fix
    assert ("docker login" in fix) is not bool(registry)
    said = str(ImageMissing(ref, why, fix, registry))
    assert (f"its registry {registry} cannot be reached: {why}; " in said) is bool(registry)
    assert ("is missing" in said) is not bool(registry)
