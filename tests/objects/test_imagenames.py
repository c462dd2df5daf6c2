"""Which texts name an image; the rows were asked of go-containerregistry."""

from __future__ import annotations

import pytest

from emulator.objects.imagenames import is_reference

DIGEST = "sha256:" + "0123456789abcdef" * 4


@pytest.mark.parametrize(
    "text",
    [
        "app",
        "app:1.0",
        "app:",
        "library/app",
        "gcr.io/knative-samples/helloworld-go",
        "localhost:5000/app:Tag_1",
        "Host.example.com/app",
        f"app@{DIGEST}",
        f"app:1@{DIGEST}",
        "/app",
        "x.y//app",
    ],
)
def test_an_image(text: str) -> None:
    assert is_reference(text)


@pytest.mark.parametrize(
    "text", ["a", "A", "App", "a b", "", "app:a b", "gcr.io/App", "app@sha256:abc", f"a@{DIGEST}", "x" * 256]
)
def test_no_image(text: str) -> None:
    assert not is_reference(text)
