"""What runs containers: the `Runtime` protocol and the plain data that crosses it.

The Pod reconciler is the one user. Nothing here knows Kubernetes objects, the Store or an engine's own types: the
reconciler translates a Pod's containers into `ContainerSpec`, and reads `ContainerState` back. A Runtime belongs to one
kemu instance: everything it makes carries `INSTANCE_LABEL`, and nothing without that label is ever listed, changed or
removed: to every method another's container is as good as gone. All methods are coroutines (or async iterators) that
never block the loop; they raise the classes of `runtime/errors.py`. `RUNTIMES` in `tests/runtime/conftest.py` names the
implementations that keep these promises.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Literal, Protocol

INSTANCE_LABEL = "dev.kemu.instance"
KEPT_LABEL = "dev.kemu.kept"
"""On volumes that no sweep takes."""

Address = tuple[str, int]
"""Where kemu's own process reaches a port: (host, port)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mount:
    """Something placed into a container's file system.

    bind: `source` is an absolute path on this computer (file or folder). volume: `source` is a volume's name; it is
    made when missing (labelled, empty, writable by every user), shared by all containers that name it, and goes with
    `remove_volume` or `sweep`, or with `remove_kept` alone if it `is_kept`; `sub_path` is a relative folder inside it,
    made when missing. tmpfs: no source; `size_bytes` bounds it (None: half the memory, as the kernel does).
    """

    kind: Literal["bind", "volume", "tmpfs"]
    target: str
    source: str = ""
    sub_path: str = ""
    read_only: bool = False
    is_kept: bool = False
    size_bytes: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainerSpec:
    """One container to run. None and empty mean: as the image says, or no limit.

    `command` replaces the image's ENTRYPOINT and, unless `args` are given, drops its CMD; `args` alone replace its CMD
    (Kubernetes' rules). `user` is `uid`, `uid:gid` or a name. `ports` are those that kemu must reach, the main one
    first; where containers are reached directly every other port answers too. `share_network_of` (a container's id)
    joins that container's network instead of making one: `ports`, `hostname` and `aliases` are then that container's
    affair. `aliases` are names under which other containers find this one; its `hostname` always is one. With `stdin`
    `Runtime.attach` can write to its process (`stdin_once`: the first one only), which else reads no input at all.
    `is_unconfined` leaves every system call to it that its capabilities allow (no seccomp profile).
    """

    name: str
    image: str
    env: Mapping[str, str] = field(default_factory=dict)
    command: tuple[str, ...] | None = None
    args: tuple[str, ...] | None = None
    working_dir: str | None = None
    user: str | None = None
    groups: tuple[int, ...] = ()
    hostname: str | None = None
    aliases: tuple[str, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    ports: tuple[int, ...] = ()
    share_network_of: str | None = None
    mounts: tuple[Mount, ...] = ()
    memory_bytes: int | None = None
    cpu_nano: int | None = None
    cpu_shares: int | None = None
    cap_add: tuple[str, ...] = ()
    cap_drop: tuple[str, ...] = ()
    read_only_root: bool = False
    is_unconfined: bool = False
    stop_signal: str | None = None
    stdin: bool = False
    stdin_once: bool = False
    tty: bool = False


@dataclass(frozen=True, slots=True)
class Timings:
    """Where the engine's part of a cold start went, in milliseconds."""

    create_ms: float
    start_ms: float


@dataclass(frozen=True, slots=True)
class RunningContainer:
    """A container that was just started.

    `addresses` has one entry for each of its spec's `ports`, in their order; none if it has ended by now. `host` is
    where its other ports are; "" if it shares another's network, or only published ports are reached.
    """

    id: str
    name: str
    addresses: Mapping[int, Address]
    timings: Timings
    host: str = ""

    @property
    def address(self) -> Address | None:
        """The address of the main (first) port, None if the spec named no port."""
        return next(iter(self.addresses.values()), None)


class Status(StrEnum):
    """Engine words such as restarting, removing and dead are folded into these."""

    CREATED = "created"
    RUNNING = "running"
    PAUSED = "paused"
    EXITED = "exited"
    GONE = "gone"


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainerState:
    """What the engine says about a container.

    `exit_code` is None while it has not ended; `error` is the engine's own text.
    """

    id: str
    name: str
    status: Status
    exit_code: int | None = None
    oom_killed: bool = False
    started_at: datetime | None = None
    finished_at: datetime | None = None
    error: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line that a container wrote, without its newline; `time` is when the engine read it (aware UTC)."""

    stream: Literal["stdout", "stderr"]
    time: datetime
    text: str


@dataclass(frozen=True, slots=True)
class ContainerEvent:
    """`exit_code` comes with "die" only. "destroy" is the last event of a container."""

    id: str
    name: str
    action: Literal["create", "start", "oom", "die", "pause", "unpause", "destroy"]
    time: datetime
    exit_code: int | None = None
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageInfo:
    """An image that is present. `digest` (`sha256:…`) only if it came from, or went to, a registry."""

    id: str
    ref: str
    digest: str | None = None
    entrypoint: tuple[str, ...] = ()
    cmd: tuple[str, ...] = ()
    user: str = ""
    exposed_ports: tuple[int, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    working_dir: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PullProgress:
    """Bytes of all layers known so far; `total` grows while the registry tells of more."""

    ref: str
    status: str
    current: int
    total: int


@dataclass(frozen=True, slots=True)
class Credential:
    """Who pulls, to a registry. Its password is never printed."""

    user: str
    password: str = field(repr=False)


OnProgress = Callable[[PullProgress], None]


@dataclass(frozen=True, slots=True)
class ExecResult:
    """`output` is stdout and stderr as they came, at most 10 KiB (what Kubernetes keeps of a probe's)."""

    code: int
    output: str


StdioName = Literal["stdout", "stderr"]


class Stdio(Protocol):
    """The standard streams of a process in a container, held by one client. With a terminal all output is stdout.

    One task may read while another writes. Whoever holds it closes it.
    """

    async def read(self) -> tuple[StdioName, bytes] | None:
        """The next output; None when there will be none. Nothing is read ahead of the caller beyond a small buffer."""

    async def write(self, data: bytes) -> None:
        """To the process's stdin; waits while the process is slow to read. What nobody reads any more is dropped."""

    async def end_input(self) -> None:
        """The process reads the end of its input; output goes on."""

    async def resize(self, width: int, height: int) -> None:
        """The terminal's size in characters; without a terminal, or when it has ended: nothing."""

    async def exit_code(self) -> int:
        """Waits for the process's end."""

    async def close(self) -> None:
        """Let go. A process of `open_exec` that still runs is killed, an attached container runs on."""


@dataclass(frozen=True, slots=True)
class NetworkInfo:
    """The instance's network, as seen from kemu.

    `gateway`: the address by which containers reach this computer, and which kemu may bind; None where the engine has a
    machine of its own (Docker Desktop, remote): containers then come by the engine's `host-gateway` to kemu's loopback
    ports. `is_direct`: containers' own addresses answer here; else every port is a published one, behind a proxy of
    the engine that accepts connections before the container does (see `probes`).
    """

    name: str
    gateway: str | None

    @property
    def is_direct(self) -> bool:
        return self.gateway is not None


@dataclass(frozen=True, slots=True)
class EngineInfo:
    """What answers: `kind` is the key in RUNTIMES, `version` its own, `endpoint` where it was found."""

    kind: str
    version: str
    endpoint: str


@dataclass(frozen=True, slots=True)
class Capacity:
    """What the engine's computer has: CPUs, and memory in bytes."""

    cpus: int
    memory_bytes: int


@dataclass(frozen=True, slots=True)
class Usage:
    """What a container holds at present, in bytes without file cache that could be dropped, and the CPU time that its
    processes have had since its start, in seconds.
    """

    memory_bytes: int
    cpu_s: float


class Runtime(Protocol):
    """Runs containers for one instance.

    After EngineLost, call `connect` (with back-off) until it returns, then `containers`: what the engine says then is
    the truth, events in between are lost.
    """

    instance: str

    async def connect(self) -> EngineInfo:
        """Find the engine and say hello; may be called again at any time. EngineUnavailable."""

    async def capacity(self) -> Capacity:
        """What containers without limits may use."""

    async def close(self) -> None:
        """End every stream and thread. Containers are left alone. May be called twice."""

    async def ensure_network(self) -> NetworkInfo:
        """The instance's network, made when missing; `start` calls it too. Cheap when called again."""

    async def start(self, spec: ContainerSpec) -> RunningContainer:
        """Create and start. ImageMissing (nothing is pulled here), NameTaken, ContainerFailed.

        When the caller is cancelled meanwhile, the container is removed as soon as it exists.
        """

    async def stop(self, id: str, grace_s: float) -> None:
        """Stop signal, up to `grace_s` of patience, SIGKILL; returns when it has ended. Ended or gone already: fine."""

    async def remove(self, id: str, *, force: bool = False) -> None:
        """Remove an ended container; with `force` a running one too, at once. Gone already: fine.

        ContainerFailed if it runs and there is no `force`.
        """

    async def remove_volume(self, name: str) -> None:
        """Remove a volume that a Mount made. Gone already: fine; in use, kept, or another's: it stays."""

    async def pause(self, id: str) -> None:
        """Freeze all processes; paused already: fine. ContainerGone, ContainerFailed if it does not run."""

    async def unpause(self, id: str) -> None:
        """Thaw; running already: fine. ContainerGone."""

    async def inspect(self, id: str) -> ContainerState:
        """Never raises for an unknown id: its status is GONE."""

    async def usage(self, id: str) -> Usage | None:
        """What a running or paused container uses; None for any other. Some 10 ms of the engine's work."""

    async def containers(self) -> list[ContainerState]:
        """The instance's containers, running or not; without exit code and times (`inspect` has them)."""

    async def exec(self, id: str, argv: tuple[str, ...], timeout_s: float) -> ExecResult:
        """Run `argv` in a running container. TimeoutError, ContainerGone, ContainerFailed (not running).

        A command that is not there ends with code 126 or 127, as in a shell.
        """

    async def open_exec(self, id: str, argv: tuple[str, ...], *, stdin: bool = False, tty: bool = False) -> Stdio:
        """Run `argv` in a running container with its streams held open. ContainerGone, ContainerFailed (not running).

        ContainerFailed too if the command cannot be started; some engines tell that on the first `read` only.
        """

    async def attach(self, id: str, *, stdin: bool = False) -> Stdio:
        """The streams of the container's own process, output from now on. ContainerGone, ContainerFailed (not running).

        `stdin` reaches it only if its spec says `stdin`.
        """

    async def reach(self, id: str, port: int) -> Address | None:
        """Where kemu reaches a port of a running container, whether or not its spec names it; None if it cannot.

        ContainerGone, ContainerFailed (not running). Whether anybody listens there is not asked.
        """

    def logs(
        self, id: str, *, follow: bool = False, since: datetime | None = None, tail: int | None = None
    ) -> AsyncGenerator[LogLine, None]:
        """Lines in order; with `follow` until the container ends. Close it (`aclosing`) when leaving early."""

    def events(self) -> AsyncGenerator[ContainerEvent, None]:
        """The instance's container events from just before this call on (some may be old); ends by EngineLost only.

        Listing the containers after calling this, in whatever order, misses nothing.
        """

    async def image(self, ref: str) -> ImageInfo | None:
        """The image if it is present; no registry is asked."""

    async def pull(
        self, ref: str, progress: OnProgress | None = None, credentials: tuple[Credential, ...] = ()
    ) -> ImageInfo:
        """Fetch `ref`; callers that ask for the same one meanwhile share one transfer. ImageMissing.

        The registry is shown `credentials` one after the other, then the engine's user's own, if there are any.
        `progress` is called on the loop. A caller that is cancelled does not end the transfer for the others.
        """

    async def remove_kept(self) -> list[str]:
        """Remove the instance's volumes that are kept; the names of those that are gone now. What is in use stays."""

    async def sweep(self, keep: Collection[str] = ()) -> list[str]:
        """Remove this instance's containers (but ids in `keep`), volumes and, if none is kept, its network.

        Returns the names of the containers removed. Nothing without the instance's label is touched.
        """
