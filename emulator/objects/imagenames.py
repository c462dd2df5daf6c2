"""Which texts name an image.

Followed: google/go-containerregistry pkg/name (ParseReference with WeakValidation), which Knative's webhook asks.
"""

from __future__ import annotations

import re

_TAG = re.compile(r"[\w.-]{1,128}", re.ASCII)
_REPOSITORY = re.compile(r"[a-z0-9_./-]{2,255}")
_REGISTRY = re.compile(r"(?:\[[0-9a-fA-F:.]+\]|[^\s/?#@:\[\]\\<>\"^`{|}%]*)(?::[0-9]*)?")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


def is_reference(text: str) -> bool:
    """Whether this is an image's name, with a tag or a digest or without: `app`, `gcr.io/x/app:1`, `app@sha256:…`."""
    base, mark, digest = text.partition("@")
    return (not mark or _DIGEST.fullmatch(digest) is not None) and _is_tagged(base)


def _is_tagged(text: str) -> bool:
    base, mark, tag = text.rpartition(":")
    if not mark or "/" in tag:  # that was a port
        base, tag = text, ""
    return (not tag or _TAG.fullmatch(tag) is not None) and _is_repository(base)


def _is_repository(text: str) -> bool:
    """A first part with a dot or a colon is the registry."""
    first, slash, rest = text.partition("/")
    if not slash or not {".", ":"} & set(first):
        return _REPOSITORY.fullmatch(text) is not None
    return _REGISTRY.fullmatch(first) is not None and _REPOSITORY.fullmatch(rest) is not None
