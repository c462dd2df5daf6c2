"""What a reconciler is: a function from what is to what should be.

`Reconcile` takes one object and a `View` and returns an `Outcome`: its status and the children it wants. It is called
again whenever something that it read through the View changes, so it never asks what has happened, only what is
there. It does no I/O and writes nothing; the Controller does, skips what is already so, and prunes what is no longer
wanted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, NamedTuple, Protocol, TypeVar

from emulator.control.addresses import Addresses
from emulator.objects.conditions import Condition
from emulator.objects.kind import Json, Kind, Registry
from emulator.objects.resource import Key, Resource
from emulator.objects.selectors import Selector
from emulator.store.store import Store

S = TypeVar("S")


class Listed(NamedTuple):
    """A reader saw all objects of a kind in a namespace ("" for all)."""

    kind: Kind[Any]
    namespace: str


class Owned(NamedTuple):
    """A reader saw the objects of a kind that the object with this uid controls."""

    kind: Kind[Any]
    uid: str


class Referring(NamedTuple):
    """A reader saw the objects of a kind whose spec or status names `target`."""

    kind: Kind[Any]
    target: Key


Read = Key | Listed | Owned | Referring

# For a kind: the keys that one of its objects names; what `View.referring` is answered from.
References = Callable[[Resource[Any]], Iterable[Key]]


class Relations(Protocol):
    """Indexed look-ups that the Controller keeps for its Views."""

    def owned(self, kind: Kind[S], uid: str) -> list[Resource[S]]: ...

    def referring(self, kind: Kind[S], target: Key) -> list[Resource[S]]: ...

    def age_s(self, resource: Resource[Any]) -> float: ...


class View:
    """Read access to the Store that notes what was read."""

    def __init__(self, store: Store, relations: Relations, addresses: Addresses) -> None:
        self._store = store
        self._relations = relations
        self.addresses = addresses
        self.reads: set[Read] = set()

    @property
    def registry(self) -> Registry:
        return self._store.registry

    @property
    def now(self) -> datetime:
        return self._store.clock.now()

    def find(self, kind: Kind[S], name: str, namespace: str = "") -> Resource[S] | None:
        """The object, or None; an object that is being deleted counts as there."""
        self.reads.add(Key(kind, namespace, name))
        return self._store.find(kind, name, namespace)

    def children(self, kind: Kind[S], owner: Resource[Any]) -> list[Resource[S]]:
        """The objects of a kind that `owner` controls, by name."""
        self.reads.add(Owned(kind, owner.uid))
        return self._relations.owned(kind, owner.uid)

    def referring(self, kind: Kind[S], target: Key) -> list[Resource[S]]:
        """The objects of a kind that name `target`, by name; the kind must have a `references` function.

        Unlike a `list` of the kind, this is news to the reader only when an object that names `target` changes.
        """
        self.reads.add(Referring(kind, target))
        return self._relations.referring(kind, target)

    def list(self, kind: Kind[S], namespace: str = "", selector: Selector | None = None) -> list[Resource[S]]:
        """Objects of a kind in a namespace (all when "" is given), by name."""
        self.reads.add(Listed(kind, namespace))
        return self._store.list(kind, namespace or None, selector)

    def age_s(self, resource: Resource[Any]) -> float:
        """Seconds since the object's present generation was written, or taken over at kemu's start.

        Time alone is no news to the reader: whoever waits for an age says so by `Outcome.requeue_s`.
        """
        return self._relations.age_s(resource)

    def config(self, name: str, namespace: str) -> Mapping[str, str]:
        """`data` of a ConfigMap; empty when there is none."""
        self.reads.add(Key(self._store.config_maps, namespace, name))
        return self._store.config(name, namespace)


@dataclass(frozen=True)
class Note:
    """A Kubernetes event about the reconciled object, posted once for each new (reason, message).

    With `is_told` the user's log has it, too, each time: such a Note belongs to a change.
    """

    reason: str
    message: str
    type: Literal["Normal", "Warning"] = "Normal"
    is_told: bool = False


@dataclass(frozen=True)
class Outcome:
    """What should be.

    `status` is everything in status but conditions and observedGeneration, which the Controller writes: `conditions`
    are the dependents from which Ready (or `happy`) follows; with None there are no conditions at all. `children` are
    whole JSON objects without ownerReferences; `keeps` are children that stay as they are. `annotations` and `labels`
    are put on the object itself (None removes one). With `is_over` the object has had its time: it is deleted, and
    nothing else of the Outcome counts.
    """

    conditions: Sequence[Condition] | None = ()
    status: Mapping[str, Any] = field(default_factory=dict)
    children: Sequence[Json] = ()
    annotations: Mapping[str, str | None] = field(default_factory=dict)
    labels: Mapping[str, str | None] = field(default_factory=dict)
    notes: Sequence[Note] = ()
    requeue_s: float | None = None
    happy: str = "Ready"
    keeps: Sequence[Key] = ()
    is_over: bool = False


Reconcile = Callable[[Resource[Any], View], Outcome]


@dataclass(frozen=True)
class Reconciler:
    """How objects of one kind are reconciled.

    Children of the kinds in `prunes` that `reconcile` no longer wants go (a kind of a sibling package is named by group
    and name); what nobody controls of the kinds in `adopts`
    becomes its child when it wants one of that name. `references` gives the keys that an object
    of this kind names, for other reconcilers' `View.referring`. `component` is who Kubernetes events are from.
    A kind that `can_wait` makes what is only looked at: it is reconciled when nothing else is to be done.
    """

    reconcile: Reconcile
    prunes: tuple[Kind[Any] | tuple[str, str], ...] = ()
    adopts: tuple[Kind[Any], ...] = ()
    references: References | None = None
    component: str = "kemu"
    can_wait: bool = False
