"""Calls of the Docker SDK that make and end containers, with the engine's refusals as `runtime/errors.py`.

Each blocks, so `docker.py` runs it in a thread; whose container it is has been asked by then.
"""

from __future__ import annotations

import http.client
from dataclasses import replace
from time import perf_counter
from typing import Any, cast

from emulator.runtime.base import ContainerSpec, ExecResult, ImageInfo, Timings
from emulator.runtime.docker_sdk import APIError, ImageNotFound, NotFound, docker
from emulator.runtime.docker_specs import Placement, addresses_of, container_ip, create_body
from emulator.runtime.docker_volumes import ensure_volume, inside
from emulator.runtime.errors import ContainerFailed, ContainerGone, ImageMissing, NameTaken
from emulator.runtime.images import image_info, parse_name

Json = dict[str, Any]

OUTPUT_KEPT = 10 * 1024


def start_container(client: docker.APIClient, spec: ContainerSpec, place: Placement) -> tuple[Json, Timings]:
    begun = perf_counter()
    id = _create(client, spec, place)
    created = perf_counter()
    try:
        client.start(id)
    except APIError as error:
        client.remove_container(id, v=True, force=True)
        raise ContainerFailed(spec.name, "start", str(error.explanation)) from error
    started = perf_counter()
    host = "127.0.0.1" if place.publish_on in (None, "127.0.0.1") else ""
    shared = spec.share_network_of
    described = client.inspect_container(id) if shared is None else None
    addresses = addresses_of(described, spec.ports, place, host) if described else {}
    # One that has ended already has no address either; what it said and its exit code are told as any other's.
    is_unreachable = bool(described and spec.ports and not addresses and described["State"]["Running"])
    own = container_ip(described, place.network.name) if described and place.publish_on is None else ""
    timings = Timings((created - begun) * 1000, (started - created) * 1000)
    return {"id": id, "addresses": addresses, "host": own, "is_unreachable": is_unreachable}, timings


def _create(client: docker.APIClient, spec: ContainerSpec, place: Placement) -> str:
    try:
        for mount in spec.mounts:
            if mount.kind == "volume":
                ensure_volume(client, mount, _known(client, spec.image), place.instance)
        spec = replace(spec, mounts=tuple(inside(client, mount) for mount in spec.mounts))
        return _created(client, spec, create_body(spec, place))
    except (ImageNotFound, NotFound) as error:
        raise ImageMissing(spec.image, str(error.explanation)) from error
    except APIError as error:
        said = str(error.explanation)
        if error.status_code == http.client.CONFLICT and "already in use" in said:
            raise NameTaken(spec.name, _holder(said)) from error
        raise ContainerFailed(spec.name, "create", said) from error


def _known(client: docker.APIClient, ref: str) -> str:
    """A present image as the engine knows it: by its id where `ref` has that for a digest (see `find_image`)."""
    found = find_image(client, ref) if parse_name(ref).digest else None
    return ref if found is None else found.id


def _created(client: docker.APIClient, spec: ContainerSpec, body: Json) -> str:
    try:
        answer = client.create_container_from_config(body, spec.name)  # type: ignore[no-untyped-call]
    except (ImageNotFound, NotFound):
        id = parse_name(spec.image).digest
        if not id:
            raise
        answer = client.create_container_from_config({**body, "Image": id}, spec.name)  # type: ignore[no-untyped-call]
    return cast(str, answer["Id"])


def find_image(client: docker.APIClient, ref: str) -> ImageInfo | None:
    """The image of a reference; a digest may also be the id of one that was never in a registry."""
    for name in dict.fromkeys((ref, parse_name(ref).digest or ref)):
        try:
            return image_info(ref, cast(Json, client.inspect_image(name)))  # type: ignore[no-untyped-call]
        except (ImageNotFound, NotFound):
            continue
    return None


def _holder(text: str) -> str:
    """`… is already in use by container "abc…". You have to …`"""
    return text.partition('by container "')[2].partition('"')[0]


def stop_container(client: docker.APIClient, id: str, grace_s: int) -> None:
    try:
        client.stop(id, timeout=grace_s)
    except NotFound:
        return
    except APIError as error:
        if error.status_code != http.client.NOT_MODIFIED:
            raise


def remove_container(client: docker.APIClient, id: str, force: bool) -> None:
    try:
        client.remove_container(id, v=True, force=force)
    except NotFound:
        return
    except APIError as error:
        if error.status_code != http.client.CONFLICT:
            raise
        if "already in progress" not in str(error):
            raise ContainerFailed(id[:12], "remove", str(error.explanation)) from error


def container_stats(client: docker.APIClient, id: str) -> Json:
    """Empty for one that is gone."""
    try:
        return cast(Json, client.stats(id, stream=False, one_shot=True))
    except NotFound:
        return {}


def change_container(client: docker.APIClient, id: str, verb: str, done: str) -> None:
    """`pause` or `unpause`; `done` is what the engine says where that is so already."""
    try:
        getattr(client, verb)(id)
    except NotFound:
        raise ContainerGone(id) from None
    except APIError as error:
        if done not in str(error.explanation):
            raise ContainerFailed(id[:12], verb, str(error.explanation)) from error


def exec_container(client: docker.APIClient, id: str, argv: tuple[str, ...]) -> ExecResult:
    try:
        made = client.exec_create(id, list(argv))
        output = client.exec_start(made["Id"])
        code = client.exec_inspect(made["Id"])["ExitCode"]
    except NotFound:
        raise ContainerGone(id) from None
    except APIError as error:
        if error.status_code == http.client.CONFLICT:
            raise ContainerFailed(id[:12], "run a command in", str(error.explanation)) from error
        return ExecResult(126, str(error.explanation))
    return ExecResult(code if code is not None else 126, output[:OUTPUT_KEPT].decode("utf-8", "replace"))
