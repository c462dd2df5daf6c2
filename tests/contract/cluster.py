"""A running kemu as Knative's suites see one: objects through the API, and requests by Host header."""

from __future__ import annotations

import http.client
import itertools
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.scenarios.harness import IMAGE, Kemu, Reply, eventually

Json = dict[str, Any]
SERVING = "/apis/serving.knative.dev/v1"
_NAMES = itertools.count(1)


def app(message: str = "one", **fields: Any) -> Json:
    """A container that answers with a text."""
    return {"image": IMAGE, "env": [{"name": "MESSAGE", "value": message}], **fields}


class Refused(Exception):
    """The API said no; `status` is its Status object."""

    def __init__(self, status: Json) -> None:
        super().__init__(status["message"])
        self.status = status


class Cluster:
    """Everything goes to the Namespace `default` of one kemu, under names that no other test has."""

    def __init__(self, kemu: Kemu) -> None:
        self.kemu = kemu

    def name(self) -> str:
        return f"t{next(_NAMES)}"

    # -- objects

    def ask(self, method: str, path: str, body: Any = None, content_type: str = "application/json") -> Json:
        """The API's answer, or Refused."""
        status, text = self._asked(method, path, json.dumps(body) if body is not None else None, content_type)
        found: Json = json.loads(text)
        if status >= 400:
            raise Refused(found)
        return found

    def lines(self, path: str) -> list[str]:
        """What the API answers in plain text."""
        status, text = self._asked("GET", path, None, "")
        assert status == 200, text
        return text.splitlines()

    def _asked(self, method: str, path: str, body: str | None, content_type: str) -> tuple[int, str]:
        state = self.kemu.state
        connection = http.client.HTTPConnection("127.0.0.1", state.api_port, timeout=30)
        try:
            connection.request(method, f"/{state.prefix}{path}", body, {"Content-Type": content_type})
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()

    def path(self, plural: str, name: str = "", *, api: str = SERVING) -> str:
        return f"{api}/namespaces/default/{plural}" + (f"/{name}" if name else "")

    def create(self, kind: str, name: str, spec: Json, **metadata: Any) -> Json:
        """An object of Serving, of its kind's name in the singular."""
        body = {
            "apiVersion": "serving.knative.dev/v1",
            "kind": kind,
            "metadata": {"name": name, **metadata},
            "spec": spec,
        }
        return self.ask("POST", self.path(f"{kind.lower()}s"), body)

    def get(self, plural: str, name: str) -> Json:
        return self.ask("GET", self.path(plural, name))

    def core(self, kind: str, name: str, **fields: Any) -> Json:
        """A core object, replaced where it is there."""
        plural = f"{kind.lower()}s"
        body = {"apiVersion": "v1", "kind": kind, "metadata": {"name": name}, **fields}
        return self.ask("POST", self.path(plural, api="/api/v1"), body)

    def patch(self, plural: str, name: str, *operations: Json) -> Json:
        """A JSON patch."""
        return self.ask("PATCH", self.path(plural, name), list(operations), "application/json-patch+json")

    def delete(self, plural: str, name: str) -> None:
        self.ask("DELETE", self.path(plural, name))

    def pods(self, revision: str) -> list[Json]:
        """The Pods of a Revision that are not on their way out."""
        selector = f"labelSelector=serving.knative.dev/revision={revision}"
        found = self.ask("GET", f"{self.path('pods', api='/api/v1')}?{selector}")["items"]
        return [pod for pod in found if "deletionTimestamp" not in pod["metadata"]]

    def addresses(self, service: str, namespace: str = "default") -> list[str]:
        """The ready addresses behind a core Service, found as clients find them."""
        path = f"/apis/discovery.k8s.io/v1/namespaces/{namespace}/endpointslices"
        found = self.ask("GET", f"{path}?labelSelector=kubernetes.io/service-name={service}")["items"]
        ready = [each for part in found for each in part["endpoints"] if each["conditions"]["ready"]]
        return [address for each in ready for address in each["addresses"]]

    def activated(self, revision: str) -> None:
        """Waits until the activator is what stands behind a Revision's public Service."""
        activator = self.addresses("activator-service", "knative-serving")
        assert activator
        eventually(lambda: self.addresses(revision) == activator, f"the activator is in the path of {revision}")

    @contextmanager
    def configured(self, name: str, **data: str) -> Iterator[None]:
        """Settings of Knative's own, in one of its ConfigMaps, while the block runs; `_` stands for `-`."""
        wanted = {key.replace("_", "-").replace("--", "."): value for key, value in data.items()}
        path = f"/api/v1/namespaces/knative-serving/configmaps/{name}"
        before = self.ask("GET", path).get("data") or {}
        merge = "application/merge-patch+json"
        self.ask("PATCH", path, {"data": wanted}, merge)
        try:
            yield
        finally:
            self.ask("PATCH", path, {"data": {key: before.get(key) for key in wanted}}, merge)

    # -- waiting

    def condition(self, plural: str, name: str, type_: str = "Ready") -> Json:
        found = self.get(plural, name).get("status", {}).get("conditions", [])
        return next((c for c in found if c["type"] == type_), {})

    def ready(self, plural: str, name: str, status: str = "True", within_s: float = 30.0) -> Json:
        """The object, once its Ready has this status for its present generation."""

        def find() -> Json | None:
            found = self.get(plural, name)
            state = found.get("status", {})
            is_seen = state.get("observedGeneration") == found["metadata"]["generation"]
            conditions = {c["type"]: c["status"] for c in state.get("conditions", [])}
            return found if is_seen and conditions.get("Ready") == status else None

        return eventually(find, f"{plural}/{name} is Ready {status}", within_s)

    # -- Services

    def serve(self, container: Json, *, name: str = "", annotations: Json | None = None, **spec: Any) -> str:
        """A Service of one container, once it is ready; its name."""
        name = name or self.name()
        template = {"metadata": {"annotations": annotations or {}}, "spec": {"containers": [container], **spec}}
        self.create("Service", name, {"template": template})
        self.ready("services", name)
        return name

    def request(self, name: str, path: str = "/", **headers: str) -> Reply:
        return self.kemu.request(name, path, "GET", b"", **headers)

    def text(self, name: str, path: str = "/") -> str:
        """The body of an answer, without the newline at its end."""
        return self.request(name, path).body.rstrip("\n")
