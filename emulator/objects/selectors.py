"""Label selectors: the text form of `?labelSelector=` and the map form of specs.

Follows Kubernetes' apimachinery labels/selector.go: `a=b`, `a==b`, `a!=b`, `a in (x,y)`, `a notin (x,y)`, `a`, `!a`,
joined by commas.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from pydantic import ConfigDict, Field

from emulator.objects.errors import BadRequest
from emulator.objects.model import ATOMIC_MAP, Model

_SET = re.compile(r"^\s*([^\s!=,()]+)\s+(in|notin)\s*\(([^)]*)\)\s*$")
_EQUALITY = re.compile(r"^\s*([^\s!=,()]+)\s*(==|=|!=)\s*([^\s!=,()]*)\s*$")
_EXISTS = re.compile(r"^\s*(!?)\s*([^\s!=,()]+)\s*$")


@dataclass(frozen=True)
class Requirement:
    """One term: label `key`, whether its value must be (not) among `values`; `values` None asks for the key alone."""

    key: str
    wanted: bool
    values: frozenset[str] | None

    def matches(self, labels: Mapping[str, str]) -> bool:
        value = labels.get(self.key)
        if self.values is None:
            return (value is not None) is self.wanted
        return (value in self.values) is self.wanted

    def __str__(self) -> str:
        if self.values is None:
            return self.key if self.wanted else f"!{self.key}"
        if self.wanted and len(self.values) == 1:
            return f"{self.key}={next(iter(self.values))}"
        return f"{self.key} {'in' if self.wanted else 'notin'} ({','.join(sorted(self.values))})"


@dataclass(frozen=True)
class Selector:
    """All of its requirements must hold; an empty one matches everything."""

    requirements: tuple[Requirement, ...] = ()

    def matches(self, labels: Mapping[str, str]) -> bool:
        return all(requirement.matches(labels) for requirement in self.requirements)

    def __str__(self) -> str:
        """The text that `parse` reads."""
        return ",".join(map(str, self.requirements))

    @classmethod
    def of_labels(cls, labels: Mapping[str, str]) -> Selector:
        """The selector that `matchLabels: labels` stands for."""
        return cls(tuple(Requirement(k, True, frozenset((v,))) for k, v in sorted(labels.items())))

    @classmethod
    def parse(cls, text: str) -> Selector:
        """The selector written as `text`; BadRequest names the term that cannot be read."""
        terms = [t for t in re.split(r",(?![^(]*\))", text) if t.strip()]
        return cls(tuple(_requirement(term) for term in terms))


def _requirement(term: str) -> Requirement:
    if found := _SET.match(term):
        values = frozenset(v.strip() for v in found[3].split(","))
        return Requirement(found[1], found[2] == "in", values)
    if found := _EQUALITY.match(term):
        return Requirement(found[1], found[2] != "!=", frozenset((found[3],)))
    if found := _EXISTS.match(term):
        return Requirement(found[2], not found[1], None)
    raise BadRequest(
        f"unable to parse requirement: {term.strip()!r} in the label selector; write a=b, a!=b, a in (b,c), a or !a"
    )


class LabelSelectorRequirement(Model):
    key: str
    operator: Literal["In", "NotIn", "Exists", "DoesNotExist"]
    values: list[str] = Field(default_factory=list)


class LabelSelector(Model):
    """The map form; an empty one selects everything (apimachinery meta/v1 helpers.go, LabelSelectorAsSelector)."""

    model_config = ConfigDict(json_schema_extra=ATOMIC_MAP)

    match_labels: dict[str, str] = Field(default_factory=dict)
    match_expressions: list[LabelSelectorRequirement] = Field(default_factory=list)

    @property
    def is_empty(self) -> bool:
        return not self.match_labels and not self.match_expressions

    def selector(self) -> Selector:
        """What it stands for."""
        of_labels = Selector.of_labels(self.match_labels).requirements
        return Selector((*of_labels, *(_of_expression(each) for each in self.match_expressions)))


def _of_expression(each: LabelSelectorRequirement) -> Requirement:
    if each.operator in ("Exists", "DoesNotExist"):
        return Requirement(each.key, each.operator == "Exists", None)
    return Requirement(each.key, each.operator == "In", frozenset(each.values))
