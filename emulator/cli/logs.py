"""`kemu logs`: the output of a Pod, or of all Pods of a Service, Revision or Deployment."""

from __future__ import annotations

import queue
import re
import threading
from typing import Any

import click

from emulator.cli.client import Client, Failure, data_dir_option, namespace_option

_SINCE = re.compile(r"(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?")


@click.command(short_help="Show what functions wrote.")
@click.argument("name")
@click.option("-f", "--follow", is_flag=True, help="Go on with new lines until Ctrl-C.")
@click.option("--since", default=None, help="Only lines newer than this: 10s, 5m, 1h.")
@click.option("--tail", type=int, default=None, help="Only so many of the last lines of each container.")
@namespace_option
@data_dir_option
def command(name: str, follow: bool, since: str | None, tail: int | None, namespace: str, data_dir: str | None) -> None:
    """Show the output of NAME: a Service, Revision, Deployment or Pod. Pods that are gone lately are shown, too."""
    client = Client.find(data_dir)
    name = name.rpartition("/")[2]
    query: dict[str, str] = {"timestamps": "false"}
    if since is not None:
        query["sinceSeconds"] = str(_seconds(since))
    if tail is not None:
        query["tailLines"] = str(tail)
    pods = _pods(client, namespace, name)
    if not pods and not follow:
        raise Failure(_nothing(client, namespace, name))
    if not follow:
        for pod in pods:
            for line in client.lines(_path(namespace, pod), **query):
                click.echo(_shown(pod, line, len(pods)))
        return
    _follow(client, namespace, name, query)


def _follow(client: Client, namespace: str, name: str, query: dict[str, str]) -> None:
    """Lines of all Pods, also of those that start later."""
    lines: queue.Queue[tuple[str, str]] = queue.Queue()
    known: set[str] = set()

    def read(pod: str) -> None:
        try:
            for line in client.lines(_path(namespace, pod), follow="true", **query):
                lines.put((pod, line))
        except (Failure, OSError):
            return

    while True:
        for pod in _pods(client, namespace, name):
            if pod not in known:
                known.add(pod)
                threading.Thread(target=read, args=(pod,), daemon=True).start()
        try:
            pod, line = lines.get(timeout=0.5)
            click.echo(_shown(pod, line, 2))
        except queue.Empty:
            continue


def _pods(client: Client, namespace: str, name: str) -> list[str]:
    """Pods whose output is kept and that belong to `name`, by the names that Knative generates."""
    kept: Any = client.get("/kemu/pods", namespace=namespace)
    revision = re.compile(rf"{re.escape(name)}(-\d{{5}})?-deployment-[a-z0-9]+-[a-z0-9]+")
    plain = re.compile(rf"{re.escape(name)}(-[a-z0-9]{{10}}-[a-z0-9]{{5}})?")
    owned = {p for p in kept if revision.fullmatch(p) or plain.fullmatch(p)}
    labelled = client.objects(client.kinds("pods")[0], namespace)["items"]
    for pod in labelled:
        labels = pod["metadata"].get("labels") or {}
        if name in (labels.get("serving.knative.dev/service"), labels.get("serving.knative.dev/revision")):
            owned.add(pod["metadata"]["name"])
    return [pod for pod in kept if pod in owned]


def _path(namespace: str, pod: str) -> str:
    return f"/kemu/logs/{namespace}/{pod}"


def _shown(pod: str, line: str, pods: int) -> str:
    return f"{pod} | {line}" if pods > 1 else line


def _nothing(client: Client, namespace: str, name: str) -> str:
    services = client.objects(client.kinds("ksvc")[0], namespace)["items"]
    names = [item["metadata"]["name"] for item in services]
    if name in names:
        return f"{name} has not run yet: no container of it has been started"
    return f'no Pod of "{name}" in namespace {namespace}; there are the Services: {", ".join(names) or "none"}'


def _seconds(text: str) -> int:
    match = _SINCE.fullmatch(text)
    if not text or match is None:
        raise Failure(f"--since {text}: write 10s, 5m or 1h30m")
    hours, minutes, seconds = (int(part or 0) for part in match.groups())
    return hours * 3600 + minutes * 60 + seconds
