"""Files in a folder of manifests that are none: package.json, docker-compose.yaml, a chart's values.yaml, a workflow.

Pure. A file is foreign when nothing in it looks like an object: no document has an `apiVersion`, `kind`, `metadata` or
`spec`, whatever its case. JSON that cannot be read (some tools allow comments in it) is judged by its words. A file
that was named rather than found in a folder is never foreign.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from emulator.manifests.diagnostics import Diagnostic, no_object, of_source
from emulator.manifests.documents import Document, Unreadable, read_documents, split_lists
from emulator.manifests.files import Source

_SIGNS = frozenset({"apiversion", "kind", "metadata", "spec"})
_WORDS = re.compile(r'"(apiVersion|kind|metadata|spec)"\s*:', re.IGNORECASE)


def parsed(source: Source) -> list[Document | Diagnostic] | None:
    """The objects of a file and its faults; None when it is foreign."""
    if source.fault:
        return [of_source(source)]
    try:
        documents = list(split_lists(read_documents(source.text)))
    except Unreadable as unreadable:
        if source.is_found and source.name.endswith(".json") and not _WORDS.search(source.text):
            return None
        return [of_source(source, fault) for fault in unreadable.faults]
    if source.is_found and documents and not any(map(_is_like_an_object, documents)):
        return None
    return [no_object(source.name, document) or document for document in documents]


def skipped(names: Sequence[str]) -> str:
    """One note about all foreign files of a load."""
    files = f"{len(names)} file{'' if len(names) == 1 else 's'}"
    return f"skipped {files} without apiVersion and kind: {', '.join(names)}"


def _is_like_an_object(document: Document) -> bool:
    value = document.value
    return isinstance(value, dict) and any(key.lower() in _SIGNS for key in value)
