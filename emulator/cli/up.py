"""`kemu up`: run manifests until Ctrl-C. The one verb that is kemu, rather than its client."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import sys
import traceback
from pathlib import Path
from typing import Any

import click

from emulator.cli.client import Failure, NotThere, data_dir_option
from emulator.cli.overview import local_name, overview, talkers
from emulator.lib.report import report

logger = logging.getLogger(__name__)


@click.command(short_help="Run manifests: Services, Brokers, Sources … until Ctrl-C.")
@click.argument("paths", nargs=-1, metavar="[PATH]…")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8080,
    show_default=True,
    help="Where Services answer; 0 takes a free port.",
)
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option("--domain", default="localhost", show_default=True, help="The domain of Services' URLs.")
@click.option(
    "--runtime", type=click.Choice(["docker"]), default="docker", show_default=True, help="What runs containers."
)
@click.option(
    "--idle",
    type=click.Choice(["stop", "freeze"]),
    default="stop",
    show_default=True,
    help="What becomes of an idle Service's container, unless its annotation kemu.dev/idle says it.",
)
@click.option(
    "--frozen-max",
    type=click.IntRange(0),
    default=8,
    show_default=True,
    help="Frozen containers kept at most; beyond it the one frozen longest is stopped.",
)
@click.option("--no-watch", is_flag=True, help="Do not reload manifests when their files change.")
@click.option("--rollout", is_flag=True, help="Start each Service once, as a cluster does, and report it ready then.")
@click.option(
    "--allow-host-path", is_flag=True, help="Let Pods mount folders of this computer (hostPath) without asking."
)
@click.option("--debug-headers", is_flag=True, help="Say in a Server-Timing header where a cold request's time went.")
@click.option("--json", "is_json", is_flag=True, help="One JSON object a line instead of text.")
@click.option("-v", "--verbose", is_flag=True, help="Also what the reconcilers decide.")
@click.option("-q", "--quiet", is_flag=True, help="Only errors.")
@data_dir_option
def command(paths: tuple[str, ...], port: int, host: str, domain: str, runtime: str, idle: str,
            frozen_max: int, no_watch: bool, rollout: bool, allow_host_path: bool, debug_headers: bool,
            is_json: bool, verbose: bool, quiet: bool, data_dir: str | None) -> None:  # fmt: skip
    """Run every YAML and JSON document below PATH (files, folders, - for stdin; else the current folder).

    Services answer at http://NAME.NAMESPACE.localhost:8080, and on http://localhost:8080 by their Host header. Files
    are watched: a save is applied at once.
    """
    from emulator.cli.question import ask
    from emulator.cli.terminal import set_up
    from emulator.lib.instance import data_dir as folder_of
    from emulator.settings import Settings

    folder = folder_of(data_dir, os.environ)
    settings = Settings(
        data_dir=folder,
        host=host,
        port=port,
        domain=domain,
        runtime=runtime,
        watch=not no_watch,
        idle="freeze" if idle == "freeze" else "stop",
        frozen_max=frozen_max,
        rollout=rollout,
        debug_headers=debug_headers,
        allow_host_path=allow_host_path,
        ask=ask if sys.stdin.isatty() and sys.stdout.isatty() and not (is_json or quiet) else None,
        paths=tuple(Path(path) for path in paths or (".",)),
    )
    with contextlib.closing(set_up(is_json=is_json, is_verbose=verbose, is_quiet=quiet)) as terminal:
        show = _log_start if is_json or quiet else lambda started: _show(started, terminal, is_rollout=rollout)
        try:
            _run(settings, show)
        except Failure as failure:
            if is_json:
                logger.error("%s", failure.message, extra={"about": "kemu", "fields": {"exit": failure.exit_code}})
            raise


def _run(settings: Any, show: Any) -> None:
    from emulator.lib import collector

    collector.begin()
    from emulator.app import run
    from emulator.ingress.server import PortForbidden, PortInUse
    from emulator.lib.instance import AlreadyRunning, Instance
    from emulator.manifests.diagnostics import ManifestFaults
    from emulator.runtime.errors import EngineUnavailable
    from emulator.store.database import Unusable

    try:
        with Instance(settings.data_dir) as instance, asyncio.Runner(loop_factory=_loop_factory()) as runner:
            collector.spare()
            runner.run(run(settings, instance, show))
    except ManifestFaults as faults:
        count = len(faults.diagnostics)
        raise Failure(f"{count} fault{'' if count == 1 else 's'}; nothing was started\n{faults}") from None
    except (PortInUse, PortForbidden, AlreadyRunning, Unusable) as refused:
        raise Failure(str(refused)) from None
    except EngineUnavailable as missing:
        raise NotThere(str(missing)) from None
    except PermissionError as error:
        raise Failure(f"{error.filename}: {error.strerror}; choose another place with --data-dir") from None
    except Exception as error:
        raise Failure(_bug(error, settings.data_dir)) from None


def _bug(error: BaseException, folder: Path) -> str:
    """What to tell of an error that is nobody's but kemu's."""
    path = folder / "crash.log"
    path.write_text("".join(traceback.format_exception(error)))
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return f"a fault of kemu's own ended it: {type(error).__name__}: {error}; please report it with {path}"


def _loop_factory() -> Any:
    try:
        import uvloop
    except ImportError:  # Windows has none
        return None
    return uvloop.new_event_loop


def _show(started: Any, terminal: Any, *, is_rollout: bool) -> None:
    store = started.store
    terminal.write(overview(store, started.url, is_empty=started.applied.is_nothing, is_rollout=is_rollout))
    terminal.make_room(talkers(store))


def _log_start(started: Any) -> None:
    """The same as one log record, for `--json`."""
    services = started.store.registry.of_plural("serving.knative.dev", "v1", "services")
    urls = {local_name(service): str(service.status.get("url", "")) for service in started.store.list(services)}
    report(logger, "kemu", "listens on %s", started.url, url=started.url, pid=os.getpid(), services=urls)
