"""What an Accept header comes to."""

from __future__ import annotations

import pytest

from emulator.kubeapi.media import Form, negotiated
from emulator.objects.errors import NotAcceptable

KUBECTL = (
    "application/json;as=Table;v=v1;g=meta.k8s.io,application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/json"
)


@pytest.mark.parametrize(
    ("accept", "form"),
    [
        ("", Form()),
        ("*/*", Form()),
        (KUBECTL, Form("table")),
        ("application/json;as=Table;v=v1beta1;g=meta.k8s.io", Form("table", "v1beta1")),
        ("application/json;as=Table;v=v9;g=meta.k8s.io, application/json", Form()),
        ("application/vnd.kubernetes.protobuf,application/json", Form()),
        ("application/vnd.kubernetes.protobuf;stream=watch, */*", Form()),
        ("application/yaml", Form(media="application/yaml")),
        ("application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1", Form("partial")),
    ],
)
def test_the_first_form_that_can_be_had_is_taken(accept: str, form: Form) -> None:
    assert negotiated(accept) == form


@pytest.mark.parametrize("accept", ["text/html", "application/cbor", "application/json;as=Chair;v=v1"])
def test_what_cannot_be_had_is_refused(accept: str) -> None:
    with pytest.raises(NotAcceptable, match="application/json, application/yaml"):
        negotiated(accept)
