"""Where in a file the fields stand that the API refused: `service.yaml:12:11 spec.template…: unknown field`.

Pure. The API names fields in one of three ways: causes of a Status (validation of Kubernetes' kinds and of the shape of
all), a Knative webhook's text (`message: field, field`, one a line, details below), and strict decoding
(`unknown field "spec.x"`). What names none stands at the beginning of its document.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from emulator.objects.problems import dotted

if TYPE_CHECKING:
    from emulator.manifests.documents import Document, Position

_WEBHOOK = "validation failed: "
_STRICT = re.compile(r'(unknown|duplicate) field "([^"]+)"')
_TOP = re.compile(r"(spec|metadata|data|binaryData|stringData|status|type|apiVersion|kind|immutable)\b")


def placed(status: Mapping[str, Any], file: str, document: Document) -> list[str]:
    """A line for each fault in a Status that refused `document`, in the order of the file."""
    found = sorted((position_of(fields, document), text) for fields, text in _faults(status))
    return [f"{file}:{at.line}:{at.column} {text}" for at, text in found]


def position_of(fields: str, document: Document) -> Position:
    """Where the first of `fields` (`a.b[0].c, d`) stands, or what is nearest around it."""
    field = fields.split(", ")[0]
    inside = [path for path in document.positions if _is_within(field, dotted(path))]
    return document.position(max(inside, key=lambda path: len(dotted(path)), default=()))


def _is_within(field: str, around: str) -> bool:
    """Keys may have dots and slashes of their own (`metadata.annotations.serving.knative.dev/creator`)."""
    return field == around or field.startswith((f"{around}.", f"{around}[")) or not around


def _faults(status: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """(fields, text to show) of each fault."""
    message = str(status.get("message", ""))
    causes = [cause for cause in (status.get("details") or {}).get("causes", ()) if cause.get("field")]
    if causes:
        for cause in causes:
            yield cause["field"], f"{cause['field']}: {cause['message']}"
    elif _WEBHOOK in message:
        yield from _of_webhook(message.partition(_WEBHOOK)[2])
    elif named := _STRICT.findall(message):
        for word, field in named:
            yield field, f"{field}: {word} field"
    else:
        yield "", message


def _of_webhook(text: str) -> Iterator[tuple[str, str]]:
    """Lines that end with fields are faults; the others explain the one before."""
    found: list[tuple[str, str]] = []
    for line in text.splitlines():
        message, _, fields = line.rpartition(": ")
        if message and _TOP.match(fields):
            found.append((fields, f"{fields}: {message}"))
        elif found:
            fields, said = found[-1]
            found[-1] = (fields, f"{said} ({line.strip()})")
        else:
            found.append(("", line))
    yield from found
