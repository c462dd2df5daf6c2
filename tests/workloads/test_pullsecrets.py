"""Which credentials of Secrets are for which image."""

from __future__ import annotations

import json
from typing import Any

import pytest

from emulator.runtime.base import Credential
from emulator.workloads.pullsecrets import lacking_secrets, pull_credentials
from tests.world import World

AUTH = "bWU6czNjcmV0"  # me:s3cret
ME = Credential("me", "s3cret")


def world(*entries: tuple[str, dict[str, Any]], key: str = ".dockerconfigjson") -> World:
    """With the Secret `pull`."""
    made, auths = World(), dict(entries)
    config = json.dumps({"auths": auths} if key == ".dockerconfigjson" else auths)
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "pull"}, "stringData": {key: config}}
    made.store.create(secret)
    return made


@pytest.mark.parametrize(
    ("registry", "ref", "fits"),
    [
        ("gcr.io", "gcr.io/a/b", True),
        ("https://gcr.io", "gcr.io/a/b@sha256:1", True),
        ("gcr.io", "eu.gcr.io/a/b", False),
        ("*.gcr.io", "eu.gcr.io/a/b", True),
        ("*.io", "eu.gcr.io/a/b", False),
        ("https://index.docker.io/v1/", "nginx", True),
        ("docker.io", "me/nginx:1", True),
        ("localhost:5000", "localhost:5000/a", True),
        ("localhost:5000", "localhost:5001/a", False),
        ("gcr.io/mine", "gcr.io/mine/app", True),
        ("gcr.io/mine", "gcr.io/yours/app", False),
    ],
)
def test_an_entry_is_for_its_registry_and_path(registry: str, ref: str, fits: bool) -> None:
    made = world((registry, {"auth": AUTH}))
    assert pull_credentials(made.store, "default", ["pull"], None, ref) == ((ME,) if fits else ())


def test_the_longest_entry_comes_first_and_unusable_ones_are_passed_over() -> None:
    made = world(
        ("gcr.io", {"username": "all", "password": "p"}),
        ("gcr.io/mine", {"auth": AUTH}),
        ("gcr.io/m", {"auth": "no base64!"}),
        ("gcr.io/mi", {"email": "x"}),
    )
    assert pull_credentials(made.store, "default", ["gone", "pull"], None, "gcr.io/mine/a") == (
        ME,
        Credential("all", "p"),
    )


def test_the_older_form_counts_too() -> None:
    made = world(("gcr.io", {"auth": AUTH}), key=".dockercfg")
    assert pull_credentials(made.store, "default", ["pull"], None, "gcr.io/a") == (ME,)


def test_without_names_those_of_the_service_account_count() -> None:
    made = world(("gcr.io", {"auth": AUTH}))
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "puller"}}
    made.store.create({**account, "imagePullSecrets": [{"name": "pull"}]})
    assert pull_credentials(made.store, "default", [], "puller", "gcr.io/a") == (ME,)
    assert pull_credentials(made.store, "default", [], None, "gcr.io/a") == ()


def test_a_password_is_not_printed() -> None:
    assert "s3cret" not in repr(ME)


def test_what_is_named_and_not_there_is_a_fault() -> None:
    made = world()
    said = 'imagePullSecrets: secret "gone" not found in namespace "default"'
    assert lacking_secrets(made.store, "default", ["pull", "gone"]) == (said,)
