"""Every default, unit and limit of kemu itself, in one frozen place.

What Knative lets users configure (`config-*` ConfigMaps, annotations) is not here but with the kinds that read it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal


@dataclass(frozen=True)
class Settings:
    """How this kemu runs. The CLI fills it from its options; tests build it directly."""

    data_dir: Path
    host: str = "127.0.0.1"
    port: int = 8080
    api_port: int = 0  # 0: any free port, found through the state file
    domain: str = "localhost"
    runtime: str = "docker"
    watch: bool = True
    allow_host_path: bool = False
    ask: Callable[[str], Awaitable[bool]] | None = None  # puts a question to the user; None: nobody is there
    idle: Literal["stop", "freeze"] = "stop"  # what becomes of an idle replica whose Service does not say it
    frozen_max: int = 8  # frozen replicas kept at most, so that a laptop's memory holds
    rollout: bool = False  # each Service is started once at the start, as a cluster does
    paths: tuple[Path, ...] = ()
    debug_headers: bool = False  # Server-Timing on the answers to requests that had to wait for a start
    drain_s: float = 5.0  # how long the first Ctrl-C waits for requests in flight
    reload_quiet_s: float = 0.05  # files must have rested this long before a reload
    engine_retry_s: float = 1.0  # first wait before a lost engine is tried again; doubles up to
    engine_retry_max_s: float = 15.0


# The hosts under the cluster's own domain; Knative's `network.GetClusterDomainName()`.
CLUSTER_DOMAIN = "cluster.local"
# Names besides the configured domain under which the ingress answers, so that articles' commands work as typed.
ALSO_DOMAINS = ("localhost", "example.com", "127.0.0.1.sslip.io")
