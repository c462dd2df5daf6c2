"""The Docker SDK, loaded without what kemu never uses of it.

`requests`, on which the SDK stands, loads a library that guesses the character set of answers, and does without where
there is none. The engine answers in UTF-8; the guesser and its tables cost 2 MiB and a tenth of the start. The other
modules of the runtime take the SDK from here, so that it is loaded in one way whoever comes first.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

_GUESSERS = ("charset_normalizer", "chardet")


@contextmanager
def _hidden(names: tuple[str, ...]) -> Iterator[None]:
    """Modules of these names seem not to be installed, unless they are loaded already."""
    hidden = [name for name in names if name not in sys.modules]
    sys.modules.update(dict.fromkeys(hidden))  # type: ignore[arg-type]  # None: "there is none" (import system)
    try:
        yield
    finally:
        for name in hidden:
            del sys.modules[name]


with _hidden(_GUESSERS), warnings.catch_warnings():
    warnings.filterwarnings("ignore", "Unable to find acceptable character detection")
    import docker
    import docker.tls
    import requests
    from docker.auth import load_config, resolve_authconfig
    from docker.errors import APIError, DockerException, ImageNotFound, NotFound

__all__ = [
    "APIError",
    "DockerException",
    "ImageNotFound",
    "NotFound",
    "docker",
    "load_config",
    "requests",
    "resolve_authconfig",
]
