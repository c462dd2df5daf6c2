"""How a value written by several writers becomes one: which lists are maps or sets, which maps are one value.

A MergeRule is a kind's model as patches and applied configurations need it, read from the marks of `objects/model.py`
(`keyed`, `set_like`, `ATOMIC_MAP` …), or from the `x-kubernetes-*` extensions of a CustomResourceDefinition's schema.
Where nothing is declared, a map is merged field by field and a list is one value. Nothing is merged here; see
`store/strategic.py` and `store/fieldsets.py`. Followed: k8s.io/kube-openapi pkg/schemaconv, and the struct tags of
k8s.io/api (1.34); status has no model here, so what Kubernetes' own kinds declare there is listed below.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel

from emulator.objects.kind import Kind
from emulator.objects.model import (
    LIST_MAP_KEYS,
    LIST_TYPE,
    MAP_TYPE,
    PATCH_MERGE_KEY,
    PATCH_STRATEGY,
    keyed,
)
from emulator.objects.refs import ObjectMeta


@dataclass(frozen=True, eq=False)
class MergeRule:
    """How one field is merged.

    `list_type` with its `keys` holds when the value is a list, `is_atomic_map` when it is a map. `strategies` and
    `patch_key` are a strategic patch's. `default` is what an absent key of a list's item counts as. `fields` are the
    known fields, `rest` is every other one, `items` a list's item; None where nothing is declared.
    """

    list_type: Literal["atomic", "set", "map"] = "atomic"
    keys: tuple[str, ...] = ()
    is_atomic_map: bool = False
    strategies: frozenset[str] = frozenset()
    patch_key: str = ""
    default: Any = None
    fields: Mapping[str, MergeRule] = field(default_factory=dict)
    rest: MergeRule | None = None
    items: MergeRule | None = None

    def of_field(self, name: str) -> MergeRule:
        """The rule of a map's field."""
        return self.fields.get(name) or self.rest or UNDECLARED

    def of_item(self) -> MergeRule:
        """The rule of a list's item."""
        return self.items or UNDECLARED


UNDECLARED = MergeRule()


def rule_of(kind: Kind[Any]) -> MergeRule:
    """The rule of a whole object."""
    if kind.shape is not None:
        return _of_definition(kind)
    own = rule_of_model(kind.model)
    fields = {**own.fields} if kind.root else {"spec": own}
    fields |= {"apiVersion": UNDECLARED, "kind": UNDECLARED, "metadata": rule_of_model(ObjectMeta)}
    fields["status"] = _STATUS if kind.is_builtin else UNDECLARED
    return MergeRule(fields=fields)


def _of_definition(kind: Kind[Any]) -> MergeRule:
    fields = {"apiVersion": UNDECLARED, "kind": UNDECLARED, "metadata": rule_of_model(ObjectMeta)}
    declared = rule_of_schema(kind.schemas.get(kind.version, {}))
    return replace(declared, fields={**declared.fields, **fields})


@cache
def rule_of_model(model: type[BaseModel]) -> MergeRule:
    """The rule of a model's values, from its fields' marks and its own."""
    fields = {}
    for name, info in model.model_fields.items():
        marks = info.json_schema_extra if isinstance(info.json_schema_extra, dict) else {}
        fields[info.alias or name] = _of_annotation(info.annotation, marks)
    own = model.model_config.get("json_schema_extra")
    return _marked(own if isinstance(own, dict) else {}, fields=fields)


def rule_of_schema(schema: Mapping[str, Any]) -> MergeRule:
    """The rule that a CustomResourceDefinition's structural schema (`openAPIV3Schema` or a part of it) declares."""
    rest, items = schema.get("additionalProperties"), schema.get("items")
    return _marked(
        schema,
        fields={name: rule_of_schema(inner) for name, inner in (schema.get("properties") or {}).items()},
        rest=rule_of_schema(rest) if isinstance(rest, dict) else None,
        items=rule_of_schema(items) if isinstance(items, dict) else None,
    )


def _of_annotation(annotation: Any, marks: Mapping[str, Any]) -> MergeRule:
    """The rule of a value of this type; what the type itself declares holds, too."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _of_annotation(arguments[0], marks)
    if origin in (Union, UnionType):
        return _of_annotation(next(a for a in arguments if a is not type(None)), marks)
    if origin is list:
        return _marked(marks, items=_of_annotation(arguments[0], {}))
    if origin is dict:
        return _marked(marks, rest=_of_annotation(arguments[1], {}))
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        inner = rule_of_model(annotation)
        atomic = {MAP_TYPE: "atomic"} if inner.is_atomic_map else {}
        return _marked({**atomic, **marks}, fields=inner.fields)
    return _marked({"default": _ZEROS[annotation], **marks}) if annotation in _ZEROS else _marked(marks)


# What a required field of Go counts as when it is not written; keys of lists are such fields.
_ZEROS: Mapping[Any, Any] = {str: "", int: 0}


def _marked(marks: Mapping[str, Any], **inner: Any) -> MergeRule:
    strategy = marks.get(PATCH_STRATEGY, "")
    return MergeRule(
        list_type=marks.get(LIST_TYPE, "atomic"),
        keys=tuple(marks.get(LIST_MAP_KEYS, ())),
        is_atomic_map=marks.get(MAP_TYPE) == "atomic",
        strategies=frozenset(strategy.split(",")) if strategy else frozenset(),
        patch_key=marks.get(PATCH_MERGE_KEY, ""),
        default=marks.get("default"),
        **inner,
    )


_STATUS = MergeRule(
    fields={
        "addresses": _marked(keyed("type")),  # Node
        "conditions": _marked(keyed("type")),
        "podIPs": _marked(keyed("ip")),
        # Atomic for applied configurations, but a strategic patch merges them.
        "hostIPs": _marked({PATCH_STRATEGY: "merge", PATCH_MERGE_KEY: "ip"}),
        "resourceClaimStatuses": _marked(keyed("name", retain_keys=True)),
    }
)
