"""Which objects a client means: `labelSelector` and `fieldSelector` of its query.

Every kind can be selected by metadata.name and metadata.namespace, some by more (`Kind.fields`); any other field is
refused, as an API server refuses it. Followed: apimachinery pkg/fields/selector.go and pkg/runtime/conversion.go.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from emulator.objects.errors import BadRequest
from emulator.objects.jsonpaths import value_at
from emulator.objects.kind import Kind
from emulator.objects.resource import Resource
from emulator.objects.selectors import Selector

_ALWAYS = ("metadata.name", "metadata.namespace")
_TERM = re.compile(r"^([^=!]*)(==|=|!=)(.*)$")
_SEPARATOR = re.compile(r"(?<!\\),")
_ESCAPED = re.compile(r"\\([\\,=])")


@dataclass(frozen=True)
class FieldTerm:
    """One field, the value it must (not) have."""

    path: str
    wanted: bool
    value: str

    def matches(self, resource: Resource[Any]) -> bool:
        return (_field(resource, self.path) == self.value) is self.wanted


@dataclass(frozen=True)
class Selection:
    """All of it must fit."""

    labels: Selector
    terms: tuple[FieldTerm, ...]

    def __call__(self, resource: Resource[Any]) -> bool:
        return self.labels.matches(resource.labels) and all(term.matches(resource) for term in self.terms)

    @property
    def is_all(self) -> bool:
        return not self.labels.requirements and not self.terms

    @property
    def name(self) -> str | None:
        """The one name that is asked for, if it is."""
        return next((t.value for t in self.terms if t.wanted and t.path == "metadata.name"), None)


def selection_of(query: Mapping[str, str], kind: Kind[Any]) -> Selection:
    """What the query selects; BadRequest names what cannot be read."""
    text = query.get("fieldSelector", "")
    terms = tuple(_term(part, text, kind) for part in _SEPARATOR.split(text) if part)
    return Selection(Selector.parse(query.get("labelSelector", "")), terms)


def _term(part: str, whole: str, kind: Kind[Any]) -> FieldTerm:
    found = _TERM.match(part)
    if found is None:
        raise BadRequest(f"invalid selector: '{whole}'; can't understand '{part}'")
    path, operator, value = found.groups()
    if path not in (*_ALWAYS, *kind.fields):
        if kind.fields:
            raise BadRequest(f"field label not supported: {path}")
        raise BadRequest(f'"{path}" is not a known field selector: only "metadata.name", "metadata.namespace"')
    return FieldTerm(path, operator != "!=", _ESCAPED.sub(r"\1", value))


def _field(resource: Resource[Any], path: str) -> str:
    found = value_at(resource.obj, path)
    if isinstance(found, bool):
        return str(found).lower()
    return "" if found is None else str(found)
