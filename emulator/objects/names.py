"""Names that Kubernetes and Knative accept or generate.

`child_name` follows knative/pkg kmeta/names.go; the DNS texts are Kubernetes' (apimachinery util/validation).
"""

from __future__ import annotations

import hashlib
import re
import secrets

LONGEST = 63
_MD5 = 32
_LONGEST_STEM = 58
_SUFFIX_LETTERS = "bcdfghjklmnpqrstvwxz2456789"

_DNS1035 = re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])?")
_DNS1123_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
_DNS1123_SUBDOMAIN = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")

_DNS1035_TEXT = (
    "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, "
    "and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is "
    "'[a-z]([-a-z0-9]*[a-z0-9])?')"
)
_SUBDOMAIN_TEXT = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and "
    "end with an alphanumeric character (e.g. 'example.com', regex used for validation is "
    "'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
)
_LABEL_TEXT = (
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with "
    "an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is "
    "'[a-z0-9]([-a-z0-9]*[a-z0-9])?')"
)
_EXAMPLE = "example.com/MyName"
_QUALIFIED = re.compile(r"([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]")
_QUALIFIED_TEXT = (
    "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character "
    "(e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is "
    "'([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"
)


def dns1035_faults(name: str) -> list[str]:
    """Kubernetes' texts for what keeps `name` from being a DNS-1035 label; empty if it is one."""
    return _faults(name, _DNS1035, _DNS1035_TEXT, LONGEST)


def dns1123_label_faults(name: str) -> list[str]:
    return _faults(name, _DNS1123_LABEL, _LABEL_TEXT, LONGEST)


def dns1123_subdomain_faults(name: str) -> list[str]:
    return _faults(name, _DNS1123_SUBDOMAIN, _SUBDOMAIN_TEXT, 253)


def qualified_name_faults(name: str) -> list[str]:
    """The same for a name with or without a DNS prefix, as keys of labels have (apimachinery content.IsLabelKey)."""
    prefix, slash, last = name.rpartition("/")
    if "/" in prefix:
        return [
            f"a valid label key {_QUALIFIED_TEXT} with an optional DNS subdomain prefix and '/' (e.g. '{_EXAMPLE}')"
        ]
    faults = [f"prefix part {fault}" for fault in dns1123_subdomain_faults(prefix)] if slash else []
    return [*faults, *(f"name part {fault}" for fault in _faults(last, _QUALIFIED, _QUALIFIED_TEXT, LONGEST))]


def path_segment_faults(name: str) -> list[str]:
    """For names that need only fit into a URL's path (apimachinery pkg/api/validation/path/name.go)."""
    if name in (".", ".."):
        return [f"may not be '{name}'"]
    return [f"may not contain '{sign}'" for sign in "/%" if sign in name]


def _faults(name: str, pattern: re.Pattern[str], text: str, longest: int) -> list[str]:
    faults = [f"must be no more than {longest} characters"] if len(name) > longest else []
    return faults if pattern.fullmatch(name) else [*faults, text]


def child_name(parent: str, suffix: str) -> str:
    """`parent + suffix`, shortened with an md5 of the parent where that is over 63 characters."""
    if len(parent) + len(suffix) <= LONGEST:
        return parent + suffix
    if len(suffix) >= LONGEST - _MD5:
        digest = hashlib.md5((parent + suffix).encode(), usedforsecurity=False).hexdigest()
        name = parent[: LONGEST - _MD5] + digest
        if len(name) < LONGEST:
            name += suffix[: LONGEST - len(name)]
        return name.rstrip("-._")
    digest = hashlib.md5(parent.encode(), usedforsecurity=False).hexdigest()
    return parent[: LONGEST - _MD5 - len(suffix)] + digest + suffix


def generated_name(stem: str) -> str:
    """`stem` and five random characters (no vowels: no words), in 63 at most (apiserver storage/names/generate.go)."""
    return stem[:_LONGEST_STEM] + "".join(secrets.choice(_SUFFIX_LETTERS) for _ in range(5))


def short_hash(text: str) -> str:
    """Ten stable characters of Kubernetes' alphabet, as in a pod-template-hash."""
    number = int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")
    letters = []
    for _ in range(10):
        number, index = divmod(number, len(_SUFFIX_LETTERS))
        letters.append(_SUFFIX_LETTERS[index])
    return "".join(letters)
