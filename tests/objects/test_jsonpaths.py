"""JSONPath in Kubernetes' dialect."""

from __future__ import annotations

from typing import Any

import pytest

from emulator.objects.jsonpaths import JsonPath, printed, value_at

OBJECT: dict[str, Any] = {
    "metadata": {"annotations": {"example.com/size": "big"}},
    "spec": {"list": [1, 2, 3], "ports": [{"name": "a", "port": 1}, {"name": "b", "port": 2, "tls": True}]},
    "status": {"conditions": [{"type": "Ready", "status": "True"}, {"type": "Other", "status": "False"}]},
}


@pytest.mark.parametrize(
    ("path", "found"),
    [
        (".spec.list[0]", [1]),
        (".spec.list[-1]", [3]),
        (".spec.list[1:]", [2, 3]),
        (".spec.list[0:3:2]", [1, 3]),
        (".spec.list[*]", [1, 2, 3]),
        (".spec.list[0,2]", [1, 3]),
        (".spec.list[9]", []),
        (".spec.nothing.there", []),
        (r".metadata.annotations.example\.com/size", ["big"]),
        (".metadata.annotations['example.com/size']", ["big"]),
        ('.status.conditions[?(@.type=="Ready")].status', ["True"]),
        (".status.conditions[?(@.type=='Other')].status", ["False"]),
        (".spec.ports[?(@.port>1)].name", ["b"]),
        (".spec.ports[?(@.tls)].name", ["b"]),
        (".spec.ports[?(@.tls==true)].name", ["b"]),
        (".spec.ports[?(@.port!=1)].name", ["b"]),
        (".spec.ports[*].name", ["a", "b"]),
        ("..port", [1, 2]),
        (".spec[?(@.type=='x')]", []),
        (".spec.*", [OBJECT["spec"]["list"], OBJECT["spec"]["ports"]]),
        ("$.spec.list[0]", [1]),
        (".", [OBJECT]),
    ],
)
def test_what_a_path_leads_to(path: str, found: list[Any]) -> None:
    assert JsonPath(path).find(OBJECT) == found


@pytest.mark.parametrize("path", [".a[", ".a[b]", "spec", ".a[?(@.b=!1)]"])
def test_what_is_no_path_is_refused(path: str) -> None:
    with pytest.raises(ValueError, match=r"array|operator|character"):
        JsonPath(path)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "null"),
        (True, "true"),
        ("x", "x"),
        (3, "3"),
        (1.5, "1.5"),
        (2.0, "2"),
        ({"b": 1, "a": [2]}, '{"a":[2],"b":1}'),
    ],
)
def test_how_a_result_is_printed(value: Any, text: str) -> None:
    assert printed(value) == text


@pytest.mark.parametrize(
    ("path", "value"),
    [
        pytest.param("status.conditions", OBJECT["status"]["conditions"], id="what stands there"),
        pytest.param("spec.other", None, id="no such field"),
        pytest.param("spec.list.other", None, id="nothing that has fields"),
        pytest.param("", None, id="no path"),
    ],
)
def test_a_dotted_path_leads_to_a_value_or_to_nothing(path: str, value: object) -> None:
    assert value_at(OBJECT, path) == value
