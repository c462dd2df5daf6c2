"""Credentials for a registry, from the Secrets that a Pod or its ServiceAccount names as `imagePullSecrets`.

Pure look-ups in the Store. What the docker client keeps itself (`docker login`, credential helpers) is the Runtime's
affair and comes after these. Followed: kubernetes pkg/credentialprovider (config.go, keyring.go): an entry is for a
registry's host, in which `*` stands for one label, or for what lies below one of its paths; the longest comes first.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase
from typing import Any

from emulator.objects.configrefs import not_found
from emulator.objects.resource import Resource
from emulator.runtime.base import Credential
from emulator.runtime.images import DEFAULT_REGISTRY, parse_name
from emulator.store.store import Store
from emulator.workloads.configs import SECRET
from emulator.workloads.environment import secret_text

_HUB = ("index.docker.io", "registry-1.docker.io", "registry.hub.docker.com")
_KEYS = (".dockerconfigjson", ".dockercfg")


def pull_credentials(
    store: Store, namespace: str, names: Iterable[str], account: str | None, ref: str
) -> tuple[Credential, ...]:
    """What the Secrets of these names have for the image `ref`; where none is named, those of the ServiceAccount."""
    wanted = list(names) or _names_of_account(store, namespace, account or "default")
    secrets = [store.find(SECRET, name, namespace) for name in wanted]
    found = [entry for secret in secrets if secret is not None for entry in _entries(secret) if _fits(entry[0], ref)]
    found.sort(key=lambda entry: len(entry[0]), reverse=True)
    return tuple(dict.fromkeys(credential for _, credential in found))


def lacking_secrets(store: Store, namespace: str, names: Iterable[str]) -> tuple[str, ...]:
    """Which of these Secrets are not there, each as a fault."""
    absent = [name for name in names if store.find(SECRET, name, namespace) is None]
    return tuple(f"imagePullSecrets: {not_found('Secret', name, namespace)}" for name in absent)


def _names_of_account(store: Store, namespace: str, name: str) -> list[str]:
    kind = store.registry.of("v1", "ServiceAccount")
    account = store.find(kind, name, namespace) if kind is not None else None
    secrets = account.obj.get("imagePullSecrets") or () if account is not None else ()
    return [str(secret.get("name", "")) for secret in secrets]


def _entries(secret: Resource[Any]) -> Iterator[tuple[str, Credential]]:
    """(registry, credential) of each usable entry; what is no JSON has none."""
    data = secret.obj.get("data") or {}
    for key in _KEYS:
        try:
            config = json.loads(secret_text(data[key])) if key in data else {}
        except ValueError:
            continue
        auths = config.get("auths", {}) if key == _KEYS[0] else config
        for registry, entry in auths.items() if isinstance(auths, dict) else ():
            if isinstance(entry, dict) and (credential := _credential(entry)) is not None:
                yield _place(str(registry)), credential


def _credential(entry: dict[str, Any]) -> Credential | None:
    if entry.get("auth"):
        try:
            user, colon, password = base64.b64decode(str(entry["auth"])).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return None
        return Credential(user, password) if colon else None
    if "username" in entry and "password" in entry:
        return Credential(str(entry["username"]), str(entry["password"]))
    return None


def _place(registry: str) -> str:
    """Host and path of an entry, as images name them: `https://index.docker.io/v1/` → docker.io."""
    bare = registry.partition("://")[2] or registry
    host, _, path = bare.strip("/").partition("/")
    if path in ("v1", "v2"):
        path = ""
    host = DEFAULT_REGISTRY if host in _HUB else host
    return f"{host}/{path}" if path else host


def _fits(place: str, ref: str) -> bool:
    name = parse_name(ref)
    host, _, path = place.partition("/")
    labels, own = host.split("."), name.registry.split(".")
    fits_host = len(labels) == len(own) and all(fnmatchcase(a, b) for a, b in zip(own, labels, strict=True))
    return fits_host and (not path or f"{name.path}/".startswith(f"{path}/") or name.path.startswith(path))
