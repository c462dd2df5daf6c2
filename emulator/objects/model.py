"""Base of all typed specs, and how faithfully each field is emulated.

Models are frozen, strict (a number is no string), refuse unknown fields and use camelCase names in YAML. As in
Kubernetes, a field that is `null` counts as not written. The Store keeps the raw JSON; models are only a typed view
of it, so nothing that a user wrote is ever lost here.

Every field is emulated unless it is declared with `approximated` or `ignored`; the compatibility page and the
warnings of a load are made from those marks.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic.alias_generators import to_camel

Fidelity = Literal["emulated", "approximated", "ignored"]


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

    @model_validator(mode="before")
    @classmethod
    def _null_is_unset(cls, value: Any) -> Any:
        if isinstance(value, dict) and None in value.values():
            return {k: v for k, v in value.items() if v is not None}
        return value


def ignored(why: str, default: Any = None, **more: Any) -> Any:
    """A field that kemu accepts and keeps but does not act on; `why` is shown to the user."""
    return Field(default=default, json_schema_extra={"fidelity": "ignored", "why": why}, **more)


def approximated(why: str, default: Any = None, **more: Any) -> Any:
    """A field whose effect on a laptop differs from a cluster's; `why` says how."""
    return Field(default=default, json_schema_extra={"fidelity": "approximated", "why": why}, **more)


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


def _int_or_string(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise ValueError("must be an integer or a string")
    return value


def _quantity(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ValueError('must be a quantity such as 1, "500m" or "128Mi"')
    return value


# Unions would put the branch's name into the path of an error; these do not.
IntOrString = Annotated[Any, BeforeValidator(_int_or_string)]
Quantity = Annotated[Any, BeforeValidator(_quantity)]


def _json_object(value: Any) -> Any:
    if not isinstance(value, dict):
        raise ValueError("must be a map")
    return value


# Any JSON object, kept as it is (`channelTemplate.spec`, CRD schemas …).
JsonObject = Annotated[dict[str, Any], AfterValidator(_json_object)]
