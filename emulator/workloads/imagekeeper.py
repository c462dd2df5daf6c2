"""Keeps the images that are wanted present in the engine: looks, pulls what is missing once, and tells how it went.

Reads Image objects (one for each container image of a Revision), writes their status: Ready True with id, digest and
exposed ports, Unknown while pulling, False with the engine's reason when there is none to be had. An image that is
present is used as it is, whatever registry its name speaks of. Pods ask `have` before they start a container. A missing
image is looked for again with growing pauses, and found soon once somebody has built it.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from emulator.lib.backoff import doubling_s
from emulator.lib.report import report, trouble
from emulator.lib.tasks import Tasks
from emulator.objects.conditions import Condition, summarize
from emulator.objects.platform import is_platform
from emulator.objects.resource import Key, Resource
from emulator.runtime.base import Credential, ImageInfo, PullProgress
from emulator.runtime.errors import ImageForbidden, ImageMissing
from emulator.store.store import Store
from emulator.store.watch import Change
from emulator.workloads.enginelink import EngineLink
from emulator.workloads.images import IMAGE, NEVER, PULL_POLICY
from emulator.workloads.pullsecrets import lacking_secrets, pull_credentials

logger = logging.getLogger(__name__)

_LOOK_FIRST_S, _LOOK_MAX_S = 1.0, 10.0
_PULL_EVERY = 30  # of so many looks one asks the registry again; the others only look into the engine


@dataclass(frozen=True)
class Pull:
    """How an image that is not present may be had. `lacks` are faults to tell of when it could not be."""

    credentials: tuple[Credential, ...] = ()
    is_forbidden: bool = False
    lacks: tuple[str, ...] = ()


class ImageKeeper:
    """Present images by reference, and who is after the missing ones."""

    def __init__(self, store: Store, link: EngineLink) -> None:
        self._store = store
        self._link = link
        self._present: dict[str, ImageInfo] = {}
        self._seekers: dict[str, asyncio.Event] = {}
        """By reference, set when one more wants it: whoever asks anew is not told what was found minutes ago."""
        self._tasks = Tasks()
        self._news = asyncio.Event()

    async def run(self) -> None:
        """Seek the image of every Image object, now and as they come; ends by cancellation."""
        async with self._tasks:
            for image in self._images():
                self._want(image)
            self._store.observe(self._changed)
            await asyncio.Event().wait()

    async def looked(self, timeout_s: float) -> None:
        """Returns when something is known of every image that is wanted now (also: that it is being pulled)."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                while any("conditions" not in image.status for image in self._images()):
                    self._news.clear()
                    await self._news.wait()

    async def have(self, ref: str, pull: Pull | None = None, pulling: Callable[[], None] = lambda: None) -> ImageInfo:
        """The image, from the engine or else pulled; ImageMissing. Concurrent callers share one transfer.

        `pulling` is called when it is not there yet.
        """
        return self._present.get(ref) or await self._fetch(ref, pull or Pull(), pulling)

    def forget(self, ref: str) -> None:
        """The engine no longer has it: look again next time."""
        self._present.pop(ref, None)

    def _changed(self, change: Change) -> None:
        if change.resource.kind is IMAGE and change.type == "ADDED" and not is_platform(change.resource):
            self._want(change.resource)

    def _want(self, image: Resource[Any]) -> None:
        ref = image.spec.image
        if ref in self._present:
            self._tell(image.key, self._present[ref])
        elif ref in self._seekers:
            self._seekers[ref].set()
        else:
            self._seekers[ref] = asyncio.Event()
            self._tasks.spawn(self._seek(ref, self._seekers[ref]), f"image {ref}")

    async def _seek(self, ref: str, wanted: asyncio.Event) -> None:
        """Until the image is there or nobody wants it: tell every Image object of it how it stands."""
        looks = 0
        try:
            while self._wanting(ref):
                is_due = looks % _PULL_EVERY == 0 or wanted.is_set()
                wanted.clear()
                try:
                    found = await self._fetch(ref, self._pull(ref)) if is_due else await self._look(ref)
                except ImageMissing as missing:
                    trouble(logger, _short(ref), "%s", missing, image=ref)
                    self._tell_all(ref, missing)
                    found = None
                if found is not None:
                    self._tell_all(ref, found)
                    return
                looks += 1
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(doubling_s(looks, _LOOK_FIRST_S, _LOOK_MAX_S)):
                        await wanted.wait()
        finally:
            self._seekers.pop(ref, None)

    async def _look(self, ref: str) -> ImageInfo | None:
        found = await self._link.call(lambda: self._link.runtime.image(ref))
        if found is not None:
            self._present[ref] = found
        return found

    async def _fetch(self, ref: str, pull: Pull, pulling: Callable[[], None] = lambda: None) -> ImageInfo:
        found = await self._look(ref)
        if found is None:
            if pull.is_forbidden:
                raise ImageForbidden(ref)
            pulling()
            self._tell_all(ref, None)
            report(logger, _short(ref), "pulling image %s", ref, image=ref)
            try:
                found = await self._link.call(lambda: self._link.runtime.pull(ref, _progress, pull.credentials))
            except ImageMissing as missing:
                if not pull.lacks:
                    raise
                raise ImageMissing(ref, f"{missing.why} ({'; '.join(pull.lacks)})", missing.fix) from missing
            report(logger, _short(ref), "pulled image %s", ref, image=ref)
            self._present[ref] = found
        return found

    def _pull(self, ref: str) -> Pull:
        """How those that want the image allow it to be pulled."""
        images = self._wanting(ref)
        credentials = [
            credential
            for i in images
            for credential in pull_credentials(
                self._store, i.namespace, [s.name for s in i.spec.image_pull_secrets], i.spec.service_account_name, ref
            )
        ]
        is_forbidden = all(image.annotations.get(PULL_POLICY) == NEVER for image in images)
        named = ((i.namespace, [s.name for s in i.spec.image_pull_secrets]) for i in images)
        lacks = [fault for namespace, names in named for fault in lacking_secrets(self._store, namespace, names)]
        return Pull(tuple(dict.fromkeys(credentials)), is_forbidden, tuple(dict.fromkeys(lacks)))

    def _tell_all(self, ref: str, verdict: ImageInfo | ImageMissing | None) -> None:
        for image in self._wanting(ref):
            self._tell(image.key, verdict)

    def _images(self) -> list[Resource[Any]]:
        """Those that something is started from."""
        return [image for image in self._store.list(IMAGE) if not is_platform(image)]

    def _wanting(self, ref: str) -> list[Resource[Any]]:
        return [image for image in self._images() if image.spec.image == ref]

    def _tell(self, key: Key, verdict: ImageInfo | ImageMissing | None) -> None:
        image = self._store.get(key.kind, key.name, key.namespace)
        status: dict[str, Any] = {"observedGeneration": image.generation}
        if isinstance(verdict, ImageInfo):
            condition = Condition.true("Present")
            status |= {"imageID": verdict.id, "exposedPorts": list(verdict.exposed_ports)}
            # An image that was never in a registry has no digest; its id names it as exactly, and is found again.
            status["imageDigest"] = f"{key_repository(image.spec.image)}@{verdict.digest or verdict.id}"
        elif verdict is None:
            condition = Condition.unknown("Present", "Pulling", f'Pulling image "{image.spec.image}".')
        else:
            condition = Condition.false("Present", "ImageMissing", verdict.why)
        before = image.status.get("conditions", ())
        status["conditions"] = summarize([condition], before, self._store.now())
        self._store.update_status(key, status)
        self._news.set()


def key_repository(ref: str) -> str:
    """The reference without tag and digest."""
    bare = ref.partition("@")[0]
    head, slash, last = bare.rpartition("/")
    return head + slash + last.partition(":")[0]


def _short(ref: str) -> str:
    return key_repository(ref).rpartition("/")[2]


def _progress(progress: PullProgress) -> None:
    """For a terminal that draws it: a record that is shown in place and then forgotten."""
    fields = {"image": progress.ref, "current": progress.current, "total": progress.total}
    extra = {"about": _short(progress.ref), "fields": fields, "transient": True}
    logger.info("pulling %s", progress.status, extra=extra)
