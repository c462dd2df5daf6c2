"""A bench of traffic splits: changed again and again under load, with no request failed or led astray."""

import http.client
import json
import random
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from containers import IMAGE, kemu, request

from emulator.lib.instance import State

REVISIONS, CHANGES, CLIENTS = 10, 100, 8
_GAP_S = 0.05
_HOST = {"Host": "split.default.example.com"}


@dataclass(frozen=True)
class Split:
    """What came of the requests: how many, which failed, which Revisions answered, and how many shares were given."""

    requests: int
    failed: list[str]
    revisions: set[str]
    changes: int


def split() -> Split:
    """Ten Revisions that run, each a Configuration of its own, behind one Route whose shares change a hundred times."""
    objects = [_configuration(number) for number in range(REVISIONS)]
    with kemu([*objects, _route(_shares(0))]) as state, ThreadPoolExecutor(CLIENTS + REVISIONS) as pool:
        tagged = [f"t{number}-split" for number in range(REVISIONS)]
        assert list(pool.map(lambda name: request(state.port, name), tagged)) == [200] * REVISIONS
        stop, answers = threading.Event(), []
        workers = [pool.submit(_ask, state.port, stop) for _ in range(CLIENTS)]
        for change in range(1, CHANGES + 1):
            _set(state, _shares(change))
            time.sleep(_GAP_S)
        stop.set()
        for worker in workers:
            answers += worker.result()
    failed = [f"{status} {body}" for status, body, _ in answers if status != 200]
    return Split(len(answers), failed, {revision for _, _, revision in answers if revision}, CHANGES)


def _shares(change: int) -> list[int]:
    """Ten whole numbers that make a hundred, others for each change; some are nothing."""
    cuts = sorted(random.Random(change).choices(range(101), k=REVISIONS - 1))
    return [after - before for before, after in zip([0, *cuts], [*cuts, 100], strict=True)]


def _configuration(number: int) -> dict[str, Any]:
    annotations = {"autoscaling.knative.dev/window": "600s"}
    template = {"metadata": {"annotations": annotations}, "spec": {"containers": [{"image": IMAGE}]}}
    return _serving("Configuration", f"c{number}", {"template": template})


def _route(shares: list[int]) -> dict[str, Any]:
    return _serving("Route", "split", {"traffic": _traffic(shares)})


def _traffic(shares: list[int]) -> list[dict[str, Any]]:
    return [
        {"configurationName": f"c{number}", "percent": percent, "tag": f"t{number}"}
        for number, percent in enumerate(shares)
    ]


def _serving(kind: str, name: str, spec: dict[str, Any]) -> dict[str, Any]:
    return {"apiVersion": "serving.knative.dev/v1", "kind": kind, "metadata": {"name": name}, "spec": spec}


def _set(state: State, shares: list[int]) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", state.api_port)
    path = f"/{state.prefix}/apis/serving.knative.dev/v1/namespaces/default/routes/split"
    body = json.dumps({"spec": {"traffic": _traffic(shares)}})
    connection.request("PATCH", path, body, {"Content-Type": "application/merge-patch+json"})
    answer = connection.getresponse()
    assert answer.status == 200, answer.read()
    connection.close()


def _ask(port: int, stop: threading.Event) -> list[tuple[int, str, str]]:
    """One client's requests, until it is told to stop: (status, body, revision)."""
    answers = []
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    while not stop.is_set():
        try:
            connection.request("GET", "/", headers=_HOST)
            answer = connection.getresponse()
            answers.append((answer.status, answer.read().decode(), answer.getheader("Kemu-Revision", "")))
        except OSError as error:
            answers.append((0, repr(error), ""))
            connection.close()
    connection.close()
    return answers
