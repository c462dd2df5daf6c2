"""Image names, and what an image says about itself.

Pure: names are normalised as Docker's `reference` package does it, an engine's description becomes an `ImageInfo`, and
the lines of a pull become one `PullProgress`. Calls no engine and no registry. Used by `docker.py`. Follows
distribution/reference, normalize.go.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from emulator.runtime.base import ImageInfo, PullProgress

DEFAULT_REGISTRY = "docker.io"
LEGACY_REGISTRY = "index.docker.io"


@dataclass(frozen=True, slots=True)
class ImageName:
    """A reference taken apart. `str()` is the full name, so equal images have equal names."""

    registry: str
    path: str
    tag: str = ""
    digest: str = ""

    @property
    def repository(self) -> str:
        return f"{self.registry}/{self.path}"

    def __str__(self) -> str:
        return self.repository + (f":{self.tag}" if self.tag else "") + (f"@{self.digest}" if self.digest else "")


def parse_name(ref: str) -> ImageName:
    """`nginx` → docker.io/library/nginx:latest. The first part is a registry if it has a dot, a colon or is
    localhost.
    """
    name, _, digest = ref.partition("@")
    last = name.rpartition("/")[2]
    tag = last.partition(":")[2]
    name = name.removesuffix(f":{tag}") if tag else name
    first, slash, rest = name.partition("/")
    if slash and ("." in first or ":" in first or first == "localhost" or first != first.lower()):
        registry, path = first, rest
    else:
        registry, path = DEFAULT_REGISTRY, name
    if registry == LEGACY_REGISTRY:
        registry = DEFAULT_REGISTRY
    if registry == DEFAULT_REGISTRY and "/" not in path:
        path = f"library/{path}"
    return ImageName(registry, path, tag or ("" if digest else "latest"), digest)


# What the engine says, in Go's words, when nobody has answered it.
_UNREACHED = (
    "no such host",
    "server misbehaving",
    "connection refused",
    "connection reset by peer",
    "network is unreachable",
    "no route to host",
    "i/o timeout",
    "TLS handshake timeout",
    "Client.Timeout exceeded",
    "context deadline exceeded",
)


def unreached_registry(ref: str, why: str) -> str:
    """The registry of `ref` where a pull that failed for `why` did not get through to it, else ""."""
    return parse_name(ref).registry if any(words in why for words in _UNREACHED) else ""


def missing_fix(ref: str, unreached: str) -> str:
    """What to do about an image that cannot be had."""
    local = f"build it under this name (docker build -t {ref} …), or give it to one that is here (docker tag … {ref})"
    return f"{local}; {'or check the network' if unreached else 'or check its name and `docker login`'}"


def image_info(ref: str, described: Mapping[str, Any]) -> ImageInfo:
    """From the engine's inspect answer. A digest is taken from the entry of `ref`'s own repository, else from any."""
    config = described.get("Config") or {}
    env = dict(entry.partition("=")[::2] for entry in config.get("Env") or ())
    return ImageInfo(
        id=described["Id"],
        ref=ref,
        digest=_digest(parse_name(ref), described.get("RepoDigests") or []),
        entrypoint=tuple(config.get("Entrypoint") or ()),
        cmd=tuple(config.get("Cmd") or ()),
        user=config.get("User") or "",
        exposed_ports=_tcp_ports(config.get("ExposedPorts") or {}),
        env=MappingProxyType(env),
        working_dir=config.get("WorkingDir") or "",
        labels=MappingProxyType(dict(config.get("Labels") or {})),
    )


def _digest(name: ImageName, known: list[str]) -> str | None:
    pairs = [(parse_name(entry).repository, entry.partition("@")[2]) for entry in known if "@" in entry]
    own = [digest for repository, digest in pairs if repository == name.repository]
    return next(iter(own or [digest for _, digest in pairs]), None)


def _tcp_ports(exposed: Mapping[str, Any]) -> tuple[int, ...]:
    """`{"8080/tcp": {}}` → (8080,), lowest first; udp and sctp are left out."""
    ports = (entry.partition("/") for entry in exposed)
    return tuple(sorted(int(port) for port, _, protocol in ports if protocol in ("", "tcp") and port.isdigit()))


@dataclass(slots=True)
class PullMeter:
    """Adds up the layers of one pull. `error` is what the registry said when it refused half way."""

    ref: str
    error: str = ""
    _layers: dict[str, tuple[int, int]] = field(default_factory=dict)

    def read(self, line: Mapping[str, Any]) -> PullProgress | None:
        """Take one line of the engine's stream; the new sum if it changed."""
        if "error" in line:
            self.error = str(line["error"])
            return None
        status, layer = str(line.get("status", "")), str(line.get("id", ""))
        detail = line.get("progressDetail") or {}
        _, total = self._layers.get(layer, (0, 0))
        if status == "Downloading" and "total" in detail:
            self._layers[layer] = (int(detail.get("current", 0)), int(detail["total"]))
        elif status in ("Download complete", "Pull complete", "Already exists"):
            self._layers[layer] = (total, total)
        elif status not in ("Extracting", "Verifying Checksum"):
            return None
        sums = self._layers.values()
        return PullProgress(self.ref, status, sum(done for done, _ in sums), sum(whole for _, whole in sums))
