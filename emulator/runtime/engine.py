"""Where the container engine is, and what to tell the user when it is not there.

Looks in the places, and in the order, that the docker command does: `DOCKER_HOST` (with `DOCKER_TLS_VERIFY` and
`DOCKER_CERT_PATH`), `DOCKER_CONTEXT`, the current context of `config.json`, the default socket. Reads files and
environment only; connects to nothing and does not import the Docker SDK. Called by `docker.py`. Follows docker/cli,
cli/command/cli.go and cli/context/store.
"""

from __future__ import annotations

import errno
import hashlib
import json
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from emulator.runtime.errors import EngineUnavailable

DEFAULT_UNIX = "unix:///var/run/docker.sock"
DEFAULT_PIPE = "npipe:////./pipe/docker_engine"
SCHEMES = ("unix", "npipe", "tcp", "http", "https", "ssh")
LOOPBACK = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """Paths of the certificates for a `tcp://` engine; `verify` off trusts any server."""

    ca: Path | None
    cert: Path | None
    key: Path | None
    verify: bool = True


@dataclass(frozen=True, slots=True)
class Endpoint:
    """`url` as the docker command writes it; `source` says where it was read, for messages."""

    url: str
    source: str
    tls: TlsFiles | None = None

    @property
    def host(self) -> str:
        """The machine where published ports appear: 127.0.0.1 for a socket or pipe on this one."""
        name = urlsplit(self.url).hostname if self.scheme not in ("unix", "npipe") else None
        return "127.0.0.1" if name is None or name in LOOPBACK else name

    @property
    def scheme(self) -> str:
        return self.url.partition("://")[0]

    @property
    def is_remote(self) -> bool:
        """Whether the engine is on another machine, which cannot see this one's files."""
        return self.host != "127.0.0.1"

    def __str__(self) -> str:
        return f"{self.url} ({self.source})"


def find_engine(environ: Mapping[str, str], home: Path) -> Endpoint:
    """The endpoint that the docker command would use. Reads small files, so call it in a thread. EngineUnavailable."""
    config = Path(environ.get("DOCKER_CONFIG") or home / ".docker")
    if url := environ.get("DOCKER_HOST"):
        return _checked(Endpoint(url, "DOCKER_HOST", _tls_of_environment(environ, config)))
    name, source = environ.get("DOCKER_CONTEXT", ""), "DOCKER_CONTEXT"
    if not name:
        name, source = _current_context(config), f"{config / 'config.json'}"
    if name and name != "default":
        return _checked(_context(config, name, source))
    return Endpoint(DEFAULT_PIPE if sys.platform == "win32" else DEFAULT_UNIX, "default socket")


def _checked(endpoint: Endpoint) -> Endpoint:
    if "://" not in endpoint.url or endpoint.scheme not in SCHEMES:
        why = "it is no address of an engine"
        raise EngineUnavailable(str(endpoint), why, "write it as unix:///path, tcp://host:port or ssh://user@host")
    return endpoint


def _tls_of_environment(environ: Mapping[str, str], config: Path) -> TlsFiles | None:
    verify = bool(environ.get("DOCKER_TLS_VERIFY"))
    if not verify and not environ.get("DOCKER_TLS"):
        return None
    return _tls_in(Path(environ.get("DOCKER_CERT_PATH") or config), verify)


def _tls_in(folder: Path, verify: bool) -> TlsFiles:
    ca, cert, key = (path if path.is_file() else None for path in (folder / f"{n}.pem" for n in ("ca", "cert", "key")))
    return TlsFiles(ca, cert, key, verify)


def _current_context(config: Path) -> str:
    try:
        found = json.loads((config / "config.json").read_text("utf-8"))
    except (OSError, ValueError):  # absent or broken: the docker command warns and goes on with the default socket
        return ""
    name = found.get("currentContext", "") if isinstance(found, dict) else ""
    return name if isinstance(name, str) else ""


def _context(config: Path, name: str, source: str) -> Endpoint:
    digest = hashlib.sha256(name.encode()).hexdigest()
    meta = config / "contexts" / "meta" / digest / "meta.json"
    label = f'context "{name}", from {source}'
    try:
        endpoint = json.loads(meta.read_text("utf-8"))["Endpoints"]["docker"]
        url, skip_verify = str(endpoint["Host"]), bool(endpoint.get("SkipTLSVerify"))
    except FileNotFoundError:
        fix = "see `docker context ls`, then `docker context use NAME` or unset DOCKER_CONTEXT"
        raise EngineUnavailable(label, "there is no such context", fix) from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        fix = f"mend it with `docker context update {name}` or choose another with `docker context use NAME`"
        raise EngineUnavailable(label, f"{meta} cannot be read: {error!r}", fix) from None
    folder = config / "contexts" / "tls" / digest / "docker"
    tls = _tls_in(folder, not skip_verify) if folder.is_dir() or skip_verify else None
    return Endpoint(url or DEFAULT_UNIX, label, tls)


def explain(error: BaseException) -> tuple[str, str]:
    """Why no engine answers and what to do, from whatever a library raised: walks to the operating system's error."""
    for cause in _causes(error):
        if isinstance(cause, OSError) and cause.errno in _REASONS:
            return _REASONS[cause.errno]
    for cause in _causes(error):
        if isinstance(cause, TimeoutError) or "timed out" in str(cause).lower():
            return "it does not reply in time", "look whether the engine hangs (`docker version`) and restart it"
    return str(error), "look whether `docker version` works, or set DOCKER_HOST to the engine to use"


_START = "start Docker (`sudo systemctl start docker`, or Docker Desktop), or set DOCKER_HOST to where it runs"
_REASONS = {
    errno.ENOENT: ("there is no socket of that name, so Docker is not running or not installed", _START),
    errno.ECONNREFUSED: ("nothing listens there, so Docker is not running", _START),
    errno.ECONNRESET: ("it closed the connection", _START),
    errno.EPIPE: ("it closed the connection", _START),
    errno.EACCES: (
        "permission denied",
        "add yourself to the docker group (`sudo usermod -aG docker $USER`, then log in again), or set DOCKER_HOST",
    ),
    errno.EHOSTUNREACH: ("the host cannot be reached", "check DOCKER_HOST or `docker context ls`, and the network"),
    errno.ENETUNREACH: ("the host cannot be reached", "check DOCKER_HOST or `docker context ls`, and the network"),
}


def _causes(error: BaseException) -> Iterator[BaseException]:
    """`error`, what it wraps and what caused it, outermost first: libraries keep the cause in any of three places."""
    seen: set[int] = set()
    todo: list[object] = [error]
    while todo:
        cause = todo.pop(0)
        if isinstance(cause, BaseException) and id(cause) not in seen:
            seen.add(id(cause))
            yield cause
            todo += [*cause.args, getattr(cause, "reason", None), cause.__cause__, cause.__context__]
