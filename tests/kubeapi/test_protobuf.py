"""Bodies as Go clients write them, against what Go's own types say of them (tests/kubeapi/protobufs)."""

from __future__ import annotations

import base64
import json
import os
import random
import shutil
import subprocess
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

from emulator.kubeapi import protobuf
from emulator.kubeapi.protobuf import decode, is_protobuf
from emulator.objects.errors import BadRequest

ROOT = Path(__file__).parents[2]
Json = dict[str, Any]
Ask = Callable[..., list[str]]


@pytest.fixture(scope="session")
def go_types() -> Ask:
    """Runs the program of tests/kubeapi/protobufs: `go_types("bodies", "3", "1")` are the lines that it prints."""
    go = shutil.which("go")
    if go is None and os.environ.get("CI") == "true":
        pytest.fail("Go is not installed: the bodies are made by Go's own encoder")
    if go is None:
        pytest.skip("Go is not installed")
    program = ROOT / ".cache" / "protobufs"
    built = subprocess.run(
        [go, "-C", Path(__file__).with_name("protobufs"), "build", "-o", program, "."],
        capture_output=True,
        text=True,
        check=False,
    )
    assert built.returncode == 0, built.stderr

    def ask(*arguments: str, lines: Iterable[str] = ()) -> list[str]:
        done = subprocess.run(
            [program, *arguments], input="\n".join(lines), capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.splitlines()

    return ask


def encoded(go_types: Ask, *objects: Json) -> list[bytes]:
    lines = go_types("encode", lines=[json.dumps(one) for one in objects])
    return [base64.b64decode(json.loads(line)["body"]) for line in lines]


POD_SPEC: Json = {
    "containers": [
        {
            "name": "app",
            "image": "example.com/app:1",
            "env": [
                {"name": "EMPTY"},
                {"name": "A", "value": "ä"},
                {"name": "KEY", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k", "optional": False}}},
            ],
            "ports": [{"name": "http1", "containerPort": 8080, "protocol": "TCP"}],
            "resources": {"limits": {"cpu": "500m", "memory": "1Gi"}},
            "readinessProbe": {"httpGet": {"path": "/", "port": 0}, "periodSeconds": 3},
            "livenessProbe": {"tcpSocket": {"port": "http1"}},
            "securityContext": {"runAsUser": 0, "readOnlyRootFilesystem": False},
            "volumeMounts": [{"name": "v", "mountPath": "/v"}],
        }
    ],
    "volumes": [{"name": "v", "emptyDir": {}}, {"name": "c", "configMap": {"name": "cm", "defaultMode": 420}}],
    "terminationGracePeriodSeconds": 0,
}

OBJECTS: dict[str, Json] = {
    "config map": {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "cm", "namespace": "default", "labels": {"a": ""}},
        "data": {"": "empty", "k": ""},
        "binaryData": {"b": "AP8="},
        "immutable": False,
    },
    "secret": {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"generateName": "s-"},
        "data": {"k": "cGFzcw=="},
        "stringData": {"t": "plain"},
        "type": "Opaque",
    },
    "deployment": {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "d", "annotations": {"note": "x"}, "finalizers": ["example.com/f"]},
        "spec": {
            "replicas": 0,
            "selector": {"matchExpressions": [{"key": "app", "operator": "In", "values": ["d"]}]},
            "template": {"metadata": {"labels": {"app": "d"}}, "spec": POD_SPEC},
            "strategy": {"rollingUpdate": {"maxSurge": "25%", "maxUnavailable": 0}},
            "revisionHistoryLimit": 0,
        },
    },
    "core service": {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "s"},
        "spec": {
            "ports": [{"name": "http", "port": 80, "targetPort": "http1", "nodePort": 30080}],
            "clusterIP": "None",
            "externalTrafficPolicy": "Local",
        },
    },
    "role": {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "Role",
        "metadata": {"name": "r"},
        "rules": [{"verbs": ["get"], "apiGroups": [""], "resources": ["pods"]}],
    },
    "access review": {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SubjectAccessReview",
        "spec": {
            "resourceAttributes": {"verb": "create", "resource": "pods", "namespace": "default"},
            "user": "me",
            "extra": {"scopes": ["a", "b"], "none": []},
        },
        "status": {"allowed": False},
    },
    "delete options of some group": {
        "apiVersion": "apps/v1",
        "kind": "DeleteOptions",
        "gracePeriodSeconds": 0,
        "propagationPolicy": "Foreground",
        "preconditions": {"uid": "u"},
    },
    "lease": {
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": {"name": "l"},
        "spec": {"holderIdentity": "", "leaseDurationSeconds": 15, "renewTime": "2026-01-02T03:04:05.000600Z"},
    },
    "event": {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": "e"},
        "involvedObject": {"kind": "Pod", "name": "p"},
        "firstTimestamp": "2026-01-02T03:04:05Z",
        "eventTime": "1969-12-31T23:59:59.500000Z",
        "count": 2,
        "reportingComponent": "",
        "reportingInstance": "",
    },
    "custom resource definition": {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "things.example.com", "managedFields": [{"manager": "m", "fieldsV1": {"f:spec": {}}}]},
        "spec": {
            "group": "example.com",
            "scope": "Namespaced",
            "names": {"plural": "things", "kind": "Thing"},
            "versions": [
                {
                    "name": "v1",
                    "served": True,
                    "storage": False,
                    "schema": {
                        "openAPIV3Schema": {
                            "type": "object",
                            "properties": {
                                "on": {"type": "boolean", "default": False},
                                "of": {"enum": [1, "two", {"three": 3}], "maximum": 0.5},
                                "any": {"items": {"type": "string"}, "additionalProperties": False},
                                "map": {"additionalProperties": {"type": "integer"}, "minLength": 0},
                            },
                            "dependencies": {"a": ["b"], "c": {"type": "object"}},
                        }
                    },
                }
            ],
        },
        "status": {"acceptedNames": {"plural": "", "kind": ""}},
    },
}


@pytest.mark.parametrize("one", OBJECTS.values(), ids=OBJECTS)
def test_a_body_is_the_object_that_the_client_means(go_types: Ask, one: Json) -> None:
    [body] = encoded(go_types, one)
    assert decode(body) == one


def test_every_kind_filled_at_random_means_to_go_what_it_meant(go_types: Ask) -> None:
    lines = [json.loads(line) for line in go_types("bodies", "8", "1")]
    ours = [json.dumps(decode(base64.b64decode(line["body"]))) for line in lines]
    assert len({line["kind"] for line in lines}) > 60
    read = go_types("canonical", lines=ours)
    meant = go_types("canonical", lines=[json.dumps(line["json"]) for line in lines])
    assert read == meant


def test_the_table_is_what_go_says_of_its_types(go_types: Ask) -> None:
    committed = (ROOT / "emulator" / "kubeapi" / "protobuf.json").read_text("utf-8")
    assert committed.splitlines() == go_types("table"), "run scripts/protobuf-table"


def test_a_body_that_ends_anywhere_is_a_bad_request(go_types: Ask) -> None:
    for body in encoded(go_types, *OBJECTS.values()):
        envelope_end = len(body) - 4  # contentEncoding and contentType, which are empty
        head_end = 4 + 2 + body[5]
        for length in range(len(body)):
            if length < envelope_end and length != head_end:
                with pytest.raises(BadRequest):
                    decode(body[:length])


def test_changed_bytes_give_an_object_or_a_bad_request(go_types: Ask) -> None:
    chance = random.Random(1)
    for body in encoded(go_types, *OBJECTS.values()):
        for _ in range(400):
            changed = bytearray(body)
            for _ in range(chance.randint(1, 4)):
                changed[chance.randrange(len(changed))] = chance.randrange(256)
            try:
                json.dumps(decode(bytes(changed)), allow_nan=False)
            except BadRequest as error:
                assert error.message


def test_a_deployment_is_read_within_a_millisecond(go_types: Ask) -> None:
    [body] = encoded(go_types, OBJECTS["deployment"])
    decode(body)
    times = []
    for _ in range(50):
        start = time.perf_counter()
        decode(body)
        times.append(time.perf_counter() - start)
    assert min(times) < 0.001


# -- bodies made by hand: no Go is needed


def varint(number: int) -> bytes:
    number &= 0xFFFF_FFFF_FFFF_FFFF
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*out, number])


def put(number: int, value: bytes | str | int) -> bytes:
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    content = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(content)) + content


def body_of(kind: str, content: bytes, api_version: str = "v1") -> bytes:
    return b"k8s\0" + put(1, put(1, api_version) + put(2, kind)) + put(2, content)


def nested_schemas(depth: int) -> bytes:
    schema = b""
    for _ in range(depth):
        schema = put(28, schema)
    return put(2, put(7, put(4, put(1, schema))))


def test_the_kind_comes_from_the_path_where_the_body_names_none() -> None:
    body = b"k8s\0" + put(2, put(1, put(1, "n")))
    expected = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "n"}}
    assert decode(body, "v1", "Namespace") == expected


def test_fields_of_a_later_release_are_skipped() -> None:
    later = put(99, "text") + put(98, 5) + varint(97 << 3 | 5) + b"1234" + varint(96 << 3 | 1) + b"12345678"
    assert decode(body_of("Namespace", later)) == {"apiVersion": "v1", "kind": "Namespace"}


def test_a_map_entry_may_lack_its_key_or_its_value() -> None:
    found = decode(body_of("ConfigMap", put(2, put(1, "only a key")) + put(2, put(2, "only a value"))))
    assert found["data"] == {"only a key": "", "": "only a value"}


def test_lists_of_numbers_may_be_packed() -> None:
    security = put(4, varint(0) + varint(7))
    found = decode(body_of("Pod", put(2, put(14, security))))
    assert found["spec"]["securityContext"] == {"supplementalGroups": [0, 7]}


EPOCH_SECONDS_OF_YEAR_10000 = 253_402_300_800

BROKEN = {
    "nothing": (b"", "must start with"),
    "JSON": (b'{"kind": "Pod"}', "must start with"),
    "another protobuf": (put(1, "x"), "must start with"),
    "an unknown kind": (body_of("Thing", b""), "no kind 'Thing' of version 'v1' can be read from protobuf"),
    "a kind of another version": (body_of("Deployment", b""), "no kind 'Deployment' of version 'v1'"),
    "no kind": (b"k8s\0", "no kind ''"),
    "a content encoding": (body_of("Pod", b"") + put(3, "gzip"), "content encoding 'gzip'"),
    "a length beyond the end": (body_of("Pod", b"\x0a\x7f"), "127 bytes are announced and 0 are there"),
    "a number that does not end": (body_of("Pod", b"\x80" * 3), "ends within a number"),
    "a number without end": (body_of("Pod", b"\x80" * 30), "more than ten bytes"),
    "a group": (body_of("Pod", b"\x0b"), "wire type 3"),
    "field 0": (body_of("Pod", b"\x00\x00"), "number 0"),
    "a number in place of a message": (body_of("Pod", put(1, 5)), "field 1 (metadata) has wire type 0, not 2"),
    "a text in place of a number": (body_of("Deployment", put(2, put(1, "3")), "apps/v1"), "(replicas)"),
    "an embedded message as a number": (body_of("Pod", put(2, put(1, put(2, 1)))), "an embedded message"),
    "a text that is not UTF-8": (body_of("Namespace", put(1, put(1, b"\xff"))), "not UTF-8"),
    "a time of no year": (
        body_of("Namespace", put(1, put(8, put(1, EPOCH_SECONDS_OF_YEAR_10000)))),
        "none of the years 1 to 9999",
    ),
    "JSON that is none": (body_of("ControllerRevision", put(2, put(1, "{")), "apps/v1"), "JSON that cannot be read"),
    "JSON without end": (body_of("ControllerRevision", put(2, put(1, "[" * 99_999)), "apps/v1"), "nested too deeply"),
    "no number of JSON": (body_of("ControllerRevision", put(2, put(1, "NaN")), "apps/v1"), "NaN"),
    "too deep": (
        body_of("CustomResourceDefinition", nested_schemas(200), "apiextensions.k8s.io/v1"),
        "deeper than 100",
    ),
    "too many fields": (body_of("Pod", put(9, b"") * (protobuf.MAX_FIELDS + 1)), "more than 200000 fields"),
    "too long": (b"k8s\0" + bytes(protobuf.MAX_BYTES), "at most 3145728"),
}


@pytest.mark.parametrize(("body", "text"), BROKEN.values(), ids=BROKEN)
def test_a_body_that_cannot_be_read_says_why(body: bytes, text: str) -> None:
    with pytest.raises(BadRequest) as raised:
        decode(body)
    assert text in raised.value.message


@pytest.mark.parametrize(
    ("content_type", "expected"),
    [
        ("application/vnd.kubernetes.protobuf", True),
        ("Application/vnd.kubernetes.protobuf; charset=utf-8", True),
        ("application/json", False),
        ("application/vnd.kubernetes.protobufs", False),
        ("", False),
    ],
)
def test_a_content_type_says_protobuf(content_type: str, expected: bool) -> None:
    assert is_protobuf(content_type) is expected
