"""How Go words things: a value of a wrong type, told from the models that stand for its structs, and a printed map.

Pure. Only the first fault is told, as Go does. Followed: Go encoding/json decode.go, UnmarshalTypeError: the innermost
struct, the path of field names without indexes and map keys, and the Go type; apimachinery's IntOrString and Quantity.
"""

from __future__ import annotations

from typing import Any, Literal, cast, get_args, get_origin

from pydantic import BaseModel, ValidationError

from emulator.objects.model import int_or_string, quantity
from emulator.objects.modelschemas import go_name, integer_format, is_model, plain_type, reads_as
from emulator.objects.problems import Path

# apimachinery pkg/api/resource/quantity.go, ErrFormatWrong.
_QUANTITY = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"
_WORDS: tuple[tuple[type, str], ...] = (
    (bool, "bool"),
    (int, "number"),
    (float, "number"),
    (str, "string"),
    (list, "array"),
    (dict, "object"),
)
_SCALARS: dict[object, str] = {str: "string", bool: "bool", float: "float64", Any: "interface {}"}


def unmarshal_fault(model: type[BaseModel], value: Any, struct: str, prefix: tuple[str, ...]) -> str:
    """What Go says of decoding `value` into the model, which is the field `prefix` of a `struct`; "" if it fits."""
    try:
        model.model_validate(value)
    except ValidationError as error:
        for item in error.errors(include_url=False):
            if item["type"] == "value_error" or item["type"].endswith("_type"):
                return _fault(model, item["loc"], item["input"], struct, prefix)
    return ""


def printed(value: Any) -> str:
    """A JSON value as Go's `%+v` prints it."""
    match value:
        case dict():
            return f"map[{' '.join(f'{key}:{printed(value[key])}' for key in sorted(value))}]"
        case list():
            return f"[{' '.join(map(printed, value))}]"
        case None:
            return "<nil>"
        case bool():
            return str(value).lower()
    return str(value)


def _fault(model: type[BaseModel], path: Path, value: Any, struct: str, prefix: tuple[str, ...]) -> str:
    """`path` leads from the model to the value that does not fit."""
    names, wanted, is_wide = list(prefix), cast(Any, model), False
    marks: list[Any] = []
    for part in path:
        if is_model(wanted):
            struct, field = go_name(wanted), str(part)
            info = next((i for name, i in wanted.model_fields.items() if field in (name, i.alias)), None)
            if info is None:
                break
            names.append(field)
            is_wide = integer_format(wanted, field) == "int64"
            wanted, marks = plain_type(info.annotation, info.metadata)
        else:
            wanted, marks = plain_type(get_args(wanted)[-1])
    if reads_as(marks, quantity):
        return _QUANTITY
    if reads_as(marks, int_or_string):
        return f"json: cannot unmarshal {_word(value)} into Go value of type int32"
    type_ = _type_name(wanted, is_wide=is_wide)
    return f"json: cannot unmarshal {_word(value)} into Go struct field {struct}.{'.'.join(names)} of type {type_}"


def _word(value: Any) -> str:
    if isinstance(value, float):
        return f"number {value}"
    return next((word for kind, word in _WORDS if isinstance(value, kind)), "null")


def _type_name(plain: Any, *, is_wide: bool) -> str:
    origin, arguments = get_origin(plain), get_args(plain)
    if plain is int:
        return "int64" if is_wide else "int32"
    if origin is Literal:
        return "string"
    if origin is list:
        return f"[]{_type_name(plain_type(arguments[0])[0], is_wide=is_wide)}"
    if origin is dict:
        return f"map[string]{_type_name(plain_type(arguments[1])[0], is_wide=is_wide)}"
    if is_model(plain):
        return f"v1.{go_name(plain)}"
    return _SCALARS.get(plain, "interface {}")
