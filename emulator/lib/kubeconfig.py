"""The kubeconfig of one kemu: how kubectl, kn, func and client libraries find its API.

It lies in the data directory (mode 0600, it holds the API's secret) and is never merged into the user's own. It stays
when kemu ends: the next one takes the same port and secret again, where it can, so that clients that hold the address
still find it.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import NamedTuple

NAME = "kubeconfig"
_SERVER = re.compile(r"^    server: http://127\.0\.0\.1:([0-9]+)/([-_A-Za-z0-9]{16,})$", re.MULTILINE)
_TEXT = """\
apiVersion: v1
kind: Config
current-context: kemu
clusters:
- name: kemu
  cluster:
    server: {server}
contexts:
- name: kemu
  context:
    cluster: kemu
    user: kemu
    namespace: default
users:
- name: kemu
  user: {{}}
"""


class Server(NamedTuple):
    """Where the API was served last: its port, and the secret first part of its paths."""

    port: int
    prefix: str


def path_of(folder: Path) -> Path:
    """The kubeconfig of a data directory."""
    return folder / NAME


def write(folder: Path, api_url: str) -> None:
    """Write the kubeconfig whole, or leave it as it was."""
    part = folder / f"{NAME}.{os.getpid()}"
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(_TEXT.format(server=api_url))
    part.replace(path_of(folder))


def last_server(folder: Path) -> Server | None:
    """What the kubeconfig of an earlier run says, if there is one."""
    try:
        found = _SERVER.search(path_of(folder).read_text())
    except (OSError, ValueError):
        return None
    return Server(int(found[1]), found[2]) if found else None
