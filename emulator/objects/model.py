"""Base of all typed specs, and how faithfully each field is emulated.

Models are frozen, strict (a number is no string), refuse unknown fields and use camelCase names in YAML. As in
Kubernetes, a field that is `null` counts as not written. The Store keeps the raw JSON; models are only a typed view
of it, so nothing that a user wrote is ever lost here.

Every field is emulated unless it is declared with `approximated` or `ignored`; the compatibility page and the
warnings of a load are made from those marks.

Marks of the second sort say how a field's values from several writers become one: `keyed`, `set_like`, `atomic_list`,
`ATOMIC_MAP`, `RETAIN_KEYS`. They are OpenAPI extensions under Kubernetes' own names, which stand in the field's
`json_schema_extra` (or the model's, where every field of that type is meant), so `model_json_schema()` has them, too.
A list without a mark is atomic, a map without one is merged field by field, as in Kubernetes. `objects/mergerules.py`
reads them for patches and applied configurations.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, JsonValue, model_validator
from pydantic.alias_generators import to_camel

from emulator.lib import quantities

Fidelity = Literal["emulated", "approximated", "ignored"]


# A set of its own would be more than the rest of a small instance; as these are frozen, nobody adds to one.
_written: dict[frozenset[str], set[str]] = {}


class Model(BaseModel):
    """A strict, frozen piece of a spec."""

    model_config = ConfigDict(
        frozen=True,
        strict=True,
        extra="forbid",
        alias_generator=to_camel,
        populate_by_name=False,
        validate_default=False,
    )

    def model_post_init(self, _context: Any, /) -> None:
        """The names of the fields that were written are kept once for all instances that have the same."""
        written = self.__pydantic_fields_set__
        object.__setattr__(self, "__pydantic_fields_set__", _written.setdefault(frozenset(written), written))

    @model_validator(mode="before")
    @classmethod
    def _null_is_unset(cls, value: Any) -> Any:
        if isinstance(value, dict) and None in value.values():
            return {k: v for k, v in value.items() if v is not None}
        return value


Marks = dict[str, JsonValue]

LIST_TYPE = "x-kubernetes-list-type"
LIST_MAP_KEYS = "x-kubernetes-list-map-keys"
MAP_TYPE = "x-kubernetes-map-type"
PATCH_STRATEGY = "x-kubernetes-patch-strategy"
PATCH_MERGE_KEY = "x-kubernetes-patch-merge-key"

# A map or struct that is one value: whoever writes a part of it owns all of it.
ATOMIC_MAP: Marks = {MAP_TYPE: "atomic"}
# A union: a strategic patch says with `$retainKeys` which of its fields stay.
RETAIN_KEYS: Marks = {PATCH_STRATEGY: "retainKeys"}


def ignored(why: str, default: Any = None, *, marks: Marks | None = None, **more: Any) -> Any:
    """A field that kemu accepts and keeps but does not act on; `why` is shown to the user."""
    return Field(default=default, json_schema_extra={"fidelity": "ignored", "why": why, **(marks or {})}, **more)


def approximated(why: str, default: Any = None, *, marks: Marks | None = None, **more: Any) -> Any:
    """A field whose effect on a laptop differs from a cluster's; `why` says how."""
    return Field(default=default, json_schema_extra={"fidelity": "approximated", "why": why, **(marks or {})}, **more)


def keyed(*keys: str, strategic: bool = True, retain_keys: bool = False) -> Marks:
    """A list that is a map: items with equal `keys` are the same item, and are merged.

    Applied configurations tell items apart by all `keys` (`listMapKey`), strategic patches by the first of them
    (`patchMergeKey`), as in Kubernetes' types; with `strategic` False these replace the list. A key that may be left
    out has its default as `default` in its own field's `json_schema_extra`. `retain_keys`: items are unions.
    """
    marks: Marks = {LIST_TYPE: "map", LIST_MAP_KEYS: [*keys]}
    if strategic:
        marks |= {PATCH_STRATEGY: "merge,retainKeys" if retain_keys else "merge", PATCH_MERGE_KEY: keys[0]}
    return marks


def set_like(*, strategic: bool = True) -> Marks:
    """A list of scalars in which each occurs once; with `strategic` True a strategic patch adds to it."""
    return {LIST_TYPE: "set", PATCH_STRATEGY: "merge"} if strategic else {LIST_TYPE: "set"}


def atomic_list() -> Marks:
    """A list that is one value. Said only where a field of the same name in a parent model is another's."""
    return {LIST_TYPE: "atomic"}


def written_fidelity(
    model: BaseModel, path: tuple[str | int, ...] = ()
) -> Iterator[tuple[tuple[str | int, ...], Fidelity, str]]:
    """(path, fidelity, why) for each field that the user wrote and that is not plainly emulated."""
    for name in model.model_fields_set:
        info = type(model).model_fields.get(name)
        if info is None:
            continue
        here = (*path, info.alias or name)
        extra = info.json_schema_extra
        if isinstance(extra, dict) and "fidelity" in extra:
            yield here, extra["fidelity"], str(extra["why"])  # type: ignore[misc]
        yield from _inside(getattr(model, name), here)


def _inside(value: Any, path: tuple[str | int, ...]) -> Iterator[tuple[tuple[str | int, ...], Fidelity, str]]:
    if isinstance(value, BaseModel):
        yield from written_fidelity(value, path)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _inside(item, (*path, index))


def int_or_string(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise ValueError("must be an integer or a string")
    return value


def quantity(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ValueError('must be a quantity such as 1, "500m" or "128Mi"')
    _parse_quantity(str(value))
    return value


@lru_cache(maxsize=256)
def _parse_quantity(text: str) -> None:
    """Refuse what is none, in Kubernetes' words and some that help."""
    try:
        quantities.Quantity.parse(text)
    except ValueError as error:
        raise ValueError(f'{error}, such as "500m" or "128Mi"') from None


# Unions would put the branch's name into the path of an error; these do not.
IntOrString = Annotated[Any, BeforeValidator(int_or_string)]
Quantity = Annotated[Any, BeforeValidator(quantity)]


def _json_object(value: Any) -> Any:
    if not isinstance(value, dict):
        raise ValueError("must be a map")
    return value


# Any JSON object, kept as it is (`channelTemplate.spec`, CRD schemas …).
JsonObject = Annotated[dict[str, Any], AfterValidator(_json_object)]
