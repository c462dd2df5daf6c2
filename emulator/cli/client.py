"""How verbs talk to the running kemu: finding it, asking its API, and saying what went wrong.

Only the standard library, so that verbs start fast. Every failure is a `Failure`, whose class has the exit code.
"""

from __future__ import annotations

import http.client
import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from typing import IO, Any
from urllib.parse import quote, urlencode

import click

from emulator.lib.guesses import near_names
from emulator.lib.instance import State, data_dir, running

Json = dict[str, Any]
TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"


class Failure(click.ClickException):
    """What a verb could not do; shown as one line, exit code 1."""

    def show(self, file: IO[Any] | None = None) -> None:
        click.echo(f"kemu: {self.message}", file=file or sys.stderr)


class Refused(Failure):
    """What the API refused; `status` is its Status object."""

    def __init__(self, status: Mapping[str, Any]) -> None:
        super().__init__(str(status.get("message", "")))
        self.status = status


def data_dir_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """`--data-dir`, which every verb has."""
    said = "Where this kemu keeps its state (else KEMU_DATA_DIR, else the user's state directory)."
    return click.option("--data-dir", metavar="DIR", help=said)(command)


def namespace_option(command: Callable[..., Any]) -> Callable[..., Any]:
    return click.option("-n", "--namespace", default="default", show_default=True)(command)


class NotThere(Failure):
    """There is no running kemu, or no engine."""

    exit_code = 3


class Client:
    """The API of one running kemu."""

    def __init__(self, state: State) -> None:
        self.state = state

    @classmethod
    def find(cls, given: str | None) -> Client:
        """The running kemu of a data directory; NotThere when there is none."""
        folder = data_dir(given, os.environ)
        state = running(folder)
        if state is None:
            said = f"no kemu is running with the data directory {folder}; start one with `kemu up PATH`"
            raise NotThere(said)
        return cls(state)

    def get(self, path: str, accept: str = "application/json", **query: str) -> Json:
        found: Json = self.ask("GET", path, None, accept, query)
        return found

    def ask(
        self,
        method: str,
        path: str,
        body: Json | None = None,
        accept: str = "application/json",
        query: Mapping[str, str] | None = None,
    ) -> Any:
        """The JSON answer; Refused with the API's own words for a status of 400 and above."""
        response = self._send(method, path, body, accept, query or {})
        text = response.read()
        if response.status >= 400:
            raise Refused(_status(response.status, text))
        return json.loads(text) if text else {}

    def lines(self, path: str, accept: str = "application/json", **query: str) -> Iterator[str]:
        """The lines of a streamed answer (a watch, a followed log)."""
        response = self._send("GET", path, None, accept, query)
        if response.status >= 400:
            raise Refused(_status(response.status, response.read()))
        for line in response:
            yield line.decode(errors="replace").rstrip("\n")

    def kinds(self, word: str) -> list[Json]:
        """The kinds that `word` means; Failure with those there are."""
        found: Any = self.get("/kemu/kinds", word=word)
        if found:
            return list(found)
        everything: Any = self.get("/kemu/kinds")
        names = {entry["plural"] for entry in everything}
        raise Failure(f'there is no kind "{word}"; {near_names(word, names)}')

    def objects(self, kind: Json, namespace: str, name: str = "", **more: str) -> Json:
        """One object, or a list (all namespaces when `namespace` is "")."""
        return self.get(object_path(kind, namespace, name), **more)

    def _send(
        self, method: str, path: str, body: Json | None, accept: str, query: Mapping[str, str]
    ) -> http.client.HTTPResponse:
        url = f"/{self.state.prefix}{path}" + (f"?{urlencode(query)}" if query else "")
        connection = http.client.HTTPConnection("127.0.0.1", self.state.api_port)
        data = None if body is None else json.dumps(body).encode()
        headers = {"Accept": accept, "Content-Type": "application/json", "User-Agent": "kemu"}
        try:
            connection.request(method, url, data, headers)
            return connection.getresponse()
        except OSError as error:
            raise NotThere(f"kemu (pid {self.state.pid}) does not answer: {error}") from error


def object_path(kind: Json, namespace: str, name: str = "") -> str:
    """The URL path of an object or list."""
    root = f"/apis/{kind['group']}/{kind['version']}" if kind["group"] else f"/api/{kind['version']}"
    space = f"/namespaces/{quote(namespace)}" if kind["namespaced"] and namespace else ""
    return f"{root}{space}/{kind['plural']}" + (f"/{quote(name)}" if name else "")


def _status(code: int, text: bytes) -> Json:
    """The Status in an answer, or one made of what was said instead."""
    try:
        found = json.loads(text)
        return {**found, "message": found["message"], "code": code}
    except (ValueError, KeyError, TypeError):
        return {"message": f"kemu's API answered {code}: {text.decode(errors='replace').strip()}", "code": code}
