"""Fetching an image by the Docker SDK, with the credentials that are given and those that the docker client keeps.

The client's own are read anew for each pull, so that a `docker login` counts at once: `auths`, `credHelpers` and
`credsStore` of its config.json (`DOCKER_CONFIG`). A helper that fails is no reason to give up: most images need no
credentials. Blocks; `docker.py` runs it in a thread.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, cast

from emulator.runtime.base import Credential, ImageInfo, OnProgress
from emulator.runtime.docker_sdk import APIError, DockerException, docker, load_config, resolve_authconfig
from emulator.runtime.errors import ImageMissing
from emulator.runtime.images import PullMeter, image_info, missing_fix, parse_name, unreached_registry

Json = dict[str, Any]

_REFUSALS = ("unauthorized", "denied", "authentication", "basic auth", "forbidden", "not found", "not exist")
"""Parts of what registries say to those whom they do not know, or not well enough."""


def pull_image(client: docker.APIClient, ref: str, tell: OnProgress, credentials: Sequence[Credential]) -> ImageInfo:
    """The image, after asking with one credential after the other; ImageMissing with what the first was told."""
    first: ImageMissing | None = None
    for auth, trouble in _attempts(parse_name(ref).registry, credentials):
        try:
            return _pull(client, ref, tell, auth)
        except ImageMissing as missing:
            first = first or (_not_had(ref, f"{missing.why} ({trouble})") if trouble else missing)
            if not any(word in missing.why.lower() for word in _REFUSALS):
                break
    assert first is not None
    raise first


def _attempts(registry: str, credentials: Sequence[Credential]) -> Iterator[tuple[Json, str]]:
    """What to show the registry; the last is the client's own or nothing, with what kept it from being read."""
    for credential in credentials:
        yield {"username": credential.user, "password": credential.password}, ""
    try:
        found = resolve_authconfig(load_config(), registry)
    except DockerException as error:
        yield {}, f"the docker client's credentials for {registry} cannot be read: {error}"
    else:
        yield cast(Json, found or {}), ""


def _pull(client: docker.APIClient, ref: str, tell: OnProgress, auth: Json) -> ImageInfo:
    name = parse_name(ref)
    meter = PullMeter(ref)
    try:
        for line in client.pull(
            name.repository, tag=name.digest or name.tag, stream=True, decode=True, auth_config=auth
        ):
            if (progress := meter.read(line)) is not None:
                tell(progress)
        if meter.error:
            raise _not_had(ref, meter.error)
        return image_info(ref, cast(Json, client.inspect_image(ref)))  # type: ignore[no-untyped-call]
    except APIError as error:
        raise _not_had(ref, str(error.explanation)) from error


def _not_had(ref: str, why: str) -> ImageMissing:
    unreached = unreached_registry(ref, why)
    return ImageMissing(ref, why, missing_fix(ref, unreached), unreached)
