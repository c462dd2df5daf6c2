"""Where the engine is looked for, and what is said when it is not there."""

from __future__ import annotations

import errno
import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from emulator.runtime.engine import DEFAULT_UNIX, Endpoint, TlsFiles, explain, find_engine
from emulator.runtime.errors import EngineUnavailable

REMOTE = "tcp://build.example.com:2376"


def context(home: Path, name: str, meta: Any, *, current: bool = True, tls: tuple[str, ...] = ()) -> None:
    """Writes a context as `docker context create` does, and makes it the current one."""
    digest = hashlib.sha256(name.encode()).hexdigest()
    contexts = home / ".docker" / "contexts"
    (contexts / "meta" / digest).mkdir(parents=True)
    (contexts / "meta" / digest / "meta.json").write_text(meta if isinstance(meta, str) else json.dumps(meta))
    if tls:
        (contexts / "tls" / digest / "docker").mkdir(parents=True)
    for file in tls:
        (contexts / "tls" / digest / "docker" / f"{file}.pem").touch()
    if current:
        (home / ".docker" / "config.json").write_text(json.dumps({"currentContext": name}))


def docker_endpoint(host: str, **more: Any) -> dict[str, Any]:
    return {"Name": "build", "Endpoints": {"docker": {"Host": host, **more}}}


@pytest.mark.parametrize(
    ("environ", "url", "source"),
    [
        pytest.param({}, "unix:///current.sock", 'context "build", from ', id="the current context"),
        pytest.param(
            {"DOCKER_CONTEXT": "other"}, "unix:///other.sock", 'context "other", from DOCKER_CONTEXT', id="name"
        ),
        pytest.param({"DOCKER_CONTEXT": "default"}, DEFAULT_UNIX, "default socket", id="the default context"),
        pytest.param(
            {"DOCKER_HOST": "unix:///x", "DOCKER_CONTEXT": "other"}, "unix:///x", "DOCKER_HOST", id="host first"
        ),
    ],
)
def test_it_looks_where_docker_does(tmp_path: Path, environ: dict[str, str], url: str, source: str) -> None:
    context(tmp_path, "other", docker_endpoint("unix:///other.sock"))
    context(tmp_path, "build", docker_endpoint("unix:///current.sock"))
    found = find_engine(environ, tmp_path)
    assert found.url == url
    assert found.source.startswith(source)


@pytest.mark.parametrize(
    "config", [None, "", "{", "[]", '{"currentContext": 5}', "{}", '{"currentContext": "default"}']
)
def test_without_a_context_it_is_the_default_socket(tmp_path: Path, config: str | None) -> None:
    (tmp_path / ".docker").mkdir()
    if config is not None:
        (tmp_path / ".docker" / "config.json").write_text(config)
    assert find_engine({}, tmp_path) == Endpoint(DEFAULT_UNIX, "default socket")


def test_the_folder_of_the_configuration_can_be_told(tmp_path: Path) -> None:
    context(tmp_path, "build", docker_endpoint("unix:///told.sock"))
    environ = {"DOCKER_CONFIG": str(tmp_path / ".docker")}
    assert find_engine(environ, tmp_path / "elsewhere").url == "unix:///told.sock"


@pytest.mark.parametrize(
    ("files", "environ", "expected"),
    [
        ((), {}, None),
        (("ca", "cert", "key"), {}, None),
        (("ca", "cert", "key"), {"DOCKER_TLS_VERIFY": "1"}, (True, True, True, True)),
        (("ca",), {"DOCKER_TLS_VERIFY": "1"}, (True, False, False, True)),
        (("cert", "key"), {"DOCKER_TLS": "1"}, (False, True, True, False)),
    ],
    ids=["plain", "not asked for", "verified", "no client certificate", "unverified"],
)
def test_certificates_come_from_the_environments_folder(
    tmp_path: Path, files: tuple[str, ...], environ: dict[str, str], expected: tuple[bool, ...] | None
) -> None:
    for name in files:
        (tmp_path / f"{name}.pem").touch()
    tls = find_engine({"DOCKER_HOST": REMOTE, "DOCKER_CERT_PATH": str(tmp_path), **environ}, tmp_path).tls
    assert (tls and (tls.ca is not None, tls.cert is not None, tls.key is not None, tls.verify)) == expected


def test_a_context_brings_its_own_certificates(tmp_path: Path) -> None:
    context(tmp_path, "build", docker_endpoint(REMOTE), tls=("ca", "cert", "key"))
    tls = find_engine({}, tmp_path).tls
    assert tls is not None and tls.verify
    assert tls.ca is not None and tls.ca.is_file()


def test_a_context_may_trust_any_server(tmp_path: Path) -> None:
    context(tmp_path, "build", docker_endpoint(REMOTE, SkipTLSVerify=True))
    assert find_engine({}, tmp_path).tls == TlsFiles(None, None, None, verify=False)


@pytest.mark.parametrize("url", ["build.example.com", "ftp://x", "://x", "unix"])
def test_what_is_no_address_is_refused(tmp_path: Path, url: str) -> None:
    with pytest.raises(EngineUnavailable, match="no address of an engine; write it as unix://") as refused:
        find_engine({"DOCKER_HOST": url}, tmp_path)
    assert refused.value.endpoint == f"{url} (DOCKER_HOST)"


def test_a_context_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(EngineUnavailable, match=r'context "gone", from DOCKER_CONTEXT.*no such context') as refused:
        find_engine({"DOCKER_CONTEXT": "gone"}, tmp_path)
    assert "docker context ls" in refused.value.fix


@pytest.mark.parametrize(
    "meta", ["", "{", "[]", "{}", '{"Endpoints": {"docker": null}}', '{"Endpoints": {"docker": {}}}']
)
def test_a_context_that_is_broken_says_how_to_mend_it(tmp_path: Path, meta: str) -> None:
    context(tmp_path, "build", meta)
    with pytest.raises(EngineUnavailable, match=r"meta\.json cannot be read") as refused:
        find_engine({}, tmp_path)
    assert "docker context update build" in refused.value.fix


@pytest.mark.parametrize(
    ("url", "host", "is_remote"),
    [
        (DEFAULT_UNIX, "127.0.0.1", False),
        ("npipe:////./pipe/docker_engine", "127.0.0.1", False),
        ("tcp://localhost:2375", "127.0.0.1", False),
        ("tcp://[::1]:2375", "127.0.0.1", False),
        (REMOTE, "build.example.com", True),
        ("ssh://me@build.example.com", "build.example.com", True),
    ],
)
def test_published_ports_appear_on_the_engines_machine(url: str, host: str, is_remote: bool) -> None:
    endpoint = Endpoint(url, "test")
    assert (endpoint.host, endpoint.is_remote) == (host, is_remote)


@pytest.mark.parametrize(
    ("error", "why"),
    [
        (OSError(errno.ENOENT, "none"), "there is no socket of that name"),
        (OSError(errno.ECONNREFUSED, "refused"), "nothing listens there"),
        (OSError(errno.EACCES, "denied"), "permission denied"),
        (Exception("wrapped", OSError(errno.ECONNRESET, "reset")), "it closed the connection"),
        (TimeoutError(), "it does not reply in time"),
        (Exception("Read timed out."), "it does not reply in time"),
        (Exception("something else"), "something else"),
    ],
)
def test_the_cause_is_told_in_plain_words(error: BaseException, why: str) -> None:
    said, fix = explain(error)
    assert said.startswith(why)
    assert fix
