"""Writes docs/compatibility.md from the kinds' models: which fields work as on a cluster, which otherwise, which not.

`--check` writes nothing and exits 1 when the page is not what the models say. Called by scripts/compatibility.
"""

from __future__ import annotations

import sys
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from emulator.app import KINDS
from emulator.objects.kind import Kind
from emulator.objects.modelschemas import description
from emulator.objects.podspec import PodSpec

PAGE = Path(__file__).parents[2] / "docs" / "compatibility.md"
HEAD = """# Compatibility

What each field of an object does here, made of kemu's own models by `scripts/compatibility`. *Emulated* is as on a
cluster; *approximated* has an effect that differs, *ignored* is accepted and kept and has none, each with the reason.
What a field must not be is refused as on a cluster. `[]` stands for each item of a list, `*` for each key of a map.
Fields of `initContainers[]` are as those of `containers[]`.
Kinds that kemu only keeps (RBAC, webhooks, quotas, …) are not listed: nothing of them has an effect.
"""
Row = tuple[str, str, str]


def rows(model: type[BaseModel], path: str, parents: tuple[type[BaseModel], ...] = ()) -> Iterator[Row]:
    """(field, fidelity, why) for the leaves below a model; a model inside itself is not followed again."""
    for name, info in model.model_fields.items():
        here = f"{path}.{info.alias or name}"
        extra: dict[str, Any] = info.json_schema_extra if isinstance(info.json_schema_extra, dict) else {}
        if "fidelity" in extra:
            yield here, str(extra["fidelity"]), str(extra["why"])
            continue
        inner = list(_models(info, here))
        for other, place in inner:
            if other not in (*parents, model):
                yield from rows(other, place, (*parents, model))
        if not inner:
            yield here, "emulated", ""


def _models(info: FieldInfo, path: str) -> Iterator[tuple[type[BaseModel], str]]:
    """The models that a field's type holds, with their places."""
    waiting: list[tuple[Any, str]] = [(info.annotation, path)]
    while waiting:
        annotation, place = waiting.pop()
        origin, inside = typing.get_origin(annotation), typing.get_args(annotation)
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            yield annotation, place
        elif origin is list:
            waiting.append((inside[0], f"{place}[]"))
        elif origin is dict:
            waiting.append((inside[1], f"{place}.*"))
        else:
            waiting += [(part, place) for part in inside]


def section(kind: Kind[Any], pods: dict[str, str]) -> Iterator[str]:
    """A kind's part of the page. `pods` notes the first place of each PodSpec, which is told in full there only."""
    yield f"\n## {kind.name} ({kind.api_version})\n"
    yield description(kind.qualified).rstrip(".") + ".\n"
    top = "" if kind.root else "spec"
    found = [(field.lstrip("."), fidelity, why) for field, fidelity, why in rows(kind.model, top)]
    found = list(_without_repeats(found))
    differing = [(field, fidelity, why) for field, fidelity, why in found if fidelity != "emulated"]
    same = [field for field, fidelity, _ in found if fidelity == "emulated"]
    base = next((field.rpartition("containers[]")[0] for field in same if "containers[].image" in field), None)
    if base is not None and pods.setdefault("pod", kind.name) != kind.name:
        yield f"`{base}…` is a PodSpec: see {pods['pod']}.\n"
        names = {f"{base}{info.alias or name}" for name, info in PodSpec.model_fields.items()}
        differing = [row for row in differing if not _below(row[0], names)]
        same = [field for field in same if not _below(field, names)]
    if differing:
        yield "| field | here | why |\n|---|---|---|"
        yield from (f"| `{field}` | {fidelity} | {why} |" for field, fidelity, why in differing)
        yield ""
    if same:
        yield f"Emulated: {', '.join(f'`{field}`' for field in same)}."


def _without_repeats(found: list[Row]) -> Iterator[Row]:
    """Fields of init containers that are as those of containers are told once."""
    told = set(found)
    for row in found:
        twin = (row[0].replace("initContainers[]", "containers[]"), *row[1:])
        if twin == row or twin not in told:
            yield row


def _below(field: str, names: set[str]) -> bool:
    return any(field == name or field.startswith((f"{name}.", f"{name}[")) for name in names)


def page() -> str:
    pods: dict[str, str] = {}
    shown = [kind for kind in KINDS if kind.model.model_config.get("extra") != "allow" and not kind.ephemeral]
    return HEAD + "\n".join(line for kind in shown for line in section(kind, pods)) + "\n"


def main() -> int:
    made = page()
    if "--check" not in sys.argv:
        PAGE.write_text(made)
        return 0
    if PAGE.exists() and PAGE.read_text() == made:
        return 0
    print(f"{PAGE.name} is not what the models say; run scripts/compatibility")
    return 1


if __name__ == "__main__":
    sys.exit(main())
