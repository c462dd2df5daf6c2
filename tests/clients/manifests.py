"""Objects that clients' tests give to kemu, as the text of a file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

HELLO = "gcr.io/knative-samples/helloworld-go"
SCRIPTABLE = "kemu.test/scriptable"


def service(name: str, target: str = "a", image: str = HELLO, **labels: str) -> dict[str, Any]:
    """A Service of the hello image; `target` is what it greets."""
    container = {"image": image, "env": [{"name": "TARGET", "value": target}]}
    return {
        "apiVersion": "serving.knative.dev/v1",
        "kind": "Service",
        "metadata": {"name": name, **({"labels": labels} if labels else {})},
        "spec": {"template": {"spec": {"containers": [container]}}},
    }


def config_map(name: str, **data: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data}


def file(folder: Path, *objects: dict[str, Any]) -> str:
    """The path of a file with these objects; JSON is YAML."""
    path = folder / f"{objects[0]['metadata']['name']}.yaml"
    path.write_text("\n---\n".join(json.dumps(each) for each in objects))
    return str(path)
