"""One API kind as a constant, and the registry of them.

A Kind says everything that is fixed about a kind: names, scope, the model of its spec, how an object is completed
(`default`) and judged (`validate`), and the columns of its table. What happens to its objects is its reconciler's
business. `Kind[S]` carries the type of the spec, so `store.get(SERVICE, …)` is a `Resource[ServiceSpec]`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Generic, Protocol, TypeVar

from pydantic import BaseModel

from emulator.objects.names import dns1123_subdomain_faults
from emulator.objects.problems import Problem
from emulator.objects.resource import Resource

S = TypeVar("S")
Json = dict[str, Any]


class Request(Protocol):
    """What admission may look at besides the object itself."""

    @property
    def old(self) -> Resource[Any] | None:
        """The stored object on update; None on create."""

    @property
    def user(self) -> str:
        """Who writes: `kemu:manifests`, `system:serviceaccount:…:eventing-controller`, a client's name."""

    @property
    def uid(self) -> str:
        """The object's uid, which one that is being made has already; "" where none is made in earnest."""

    def config(self, name: str, namespace: str) -> Mapping[str, str]:
        """`data` of a ConfigMap; empty when there is none."""


Default = Callable[[Json, Request], None]
Validate = Callable[[Resource[Any], Request], Iterable[Problem]]
Shape = Callable[[Json, str, bool], Iterable[Problem]]


@dataclass(frozen=True)
class Column:
    """One column of `kubectl get`: header, how to read the cell, whether only `-o wide` shows it.

    Cells are strings or numbers; `type` "date" is an RFC 3339 time that clients show as an age.
    """

    name: str
    cell: Callable[[Resource[Any]], object]
    wide: bool = False
    type: str = "string"
    format: str = ""
    description: str = ""


AGE = Column("Age", lambda resource: resource.metadata["creationTimestamp"], type="date")
# Of kinds with conditions, as Knative shows them.
READY = Column("Ready", lambda resource: resource.condition("Ready")["status"])
REASON = Column("Reason", lambda resource: resource.condition("Ready").get("reason", ""))


@dataclass(frozen=True)
class Scale:
    """Where the `/scale` subresource of a kind finds its numbers: paths such as `spec.replicas`.

    `selector` leads to a LabelSelector or to its text form; "" where there is none.
    """

    replicas: str = "spec.replicas"
    current: str = "status.replicas"
    selector: str = "spec.selector"


@dataclass(frozen=True, eq=False)
class Kind(Generic[S]):
    """The constant describing one API kind.

    `spec` decodes the object's `spec`; with `root` set, everything besides apiVersion, kind, metadata and status
    (ConfigMap, Secret). `default` completes a private copy in place, before decoding. `webhook` names the Knative
    admission webhook whose words a refusal comes in; without one, refusals read as Kubernetes' own (422). `fields` are
    the paths that a fieldSelector may name besides metadata.name and metadata.namespace. A kind that a
    CustomResourceDefinition brings has `schemas` for its versions, and `shape`, which completes and judges an object
    (with True its status alone) by the schema of the version that it is written in.

    What is `ephemeral` is made anew at each start and not kept on disk; with `keeps_bare` only what something controls
    or a file states. `ephemeral_children` says that of all that one of the kind controls.

    `names` says what keeps a text from being the name of such an object, where no webhook does.

    `has_observed`: whether its status says which generation it speaks of.

    What deletion waits for beside finalizers: `finalizer` is put on an object when its deletion begins; one that
    `holds` stays although it has none.
    """

    group: str
    version: str
    name: str
    plural: str
    spec: type[S]
    short_names: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    namespaced: bool = True
    root: bool = False
    webhook: str = ""
    default: Default = lambda obj, request: None
    validate: Validate = lambda resource, request: ()
    columns: tuple[Column, ...] = ()
    also_served: tuple[str, ...] = field(default=())
    ephemeral: bool = False
    keeps_bare: bool = False
    ephemeral_children: bool = False
    fields: tuple[str, ...] = ()
    has_status: bool = True
    has_observed: bool = True
    scale: Scale | None = None
    schemas: Mapping[str, Json] = field(default_factory=dict)
    shape: Shape | None = None
    names: Callable[[str], list[str]] = dns1123_subdomain_faults
    finalizer: str = ""
    holds: Callable[[Resource[Any]], bool] = lambda resource: False
    verbs: tuple[str, ...] = ("create", "delete", "deletecollection", "get", "list", "patch", "update", "watch")

    @property
    def api_version(self) -> str:
        return written_version(self.group, self.version)

    @property
    def resource(self) -> str:
        """The plural with its group, as error texts name it: `services.serving.knative.dev`, `pods`."""
        return f"{self.plural}.{self.group}" if self.group else self.plural

    @property
    def qualified(self) -> str:
        return f"{self.name}.{self.group}" if self.group else self.name

    @property
    def versions(self) -> tuple[str, ...]:
        return (self.version, *self.also_served)

    @property
    def drops_status(self) -> bool:
        """Whether writing an object leaves its status alone: not where a definition has no part of that name."""
        return self.has_status or self.shape is None

    @property
    def is_builtin(self) -> bool:
        """Whether a Kubernetes API server has this kind itself; all others come from a CustomResourceDefinition."""
        return self.shape is None and ("." not in self.group or self.group.endswith(".k8s.io"))

    @property
    def has_generation(self) -> bool:
        """Whether clients see `metadata.generation`: Kubernetes' older kinds have none."""
        return bool(self.group) or self.name == "Pod"

    @property
    def model(self) -> type[BaseModel]:
        """`spec` as the pydantic model that it is."""
        assert issubclass(self.spec, BaseModel)
        return self.spec

    def __repr__(self) -> str:
        return f"<Kind {self.api_version} {self.name}>"


def written_version(group: str, version: str) -> str:
    """As an object's `apiVersion` has them: the core group is not named."""
    return f"{group}/{version}" if group else version


class Registry:
    """All kinds of a running kemu, by what clients call them.

    kemu's own kinds are there from the start; those of users' CustomResourceDefinitions come, change and go while it
    runs. `version` rises with each of these, for whoever keeps something that was made from the kinds.
    """

    def __init__(self, kinds: Iterable[Kind[Any]]) -> None:
        self._kinds = tuple(kinds)
        self.version = 1
        self._index()

    def add(self, kind: Kind[Any]) -> None:
        """Serve one more kind, after the others. ValueError if its name or its plural is taken in its group."""
        for other in self._kinds:
            if kind.group == other.group and (kind.name == other.name or kind.plural == other.plural):
                raise ValueError(f"{kind!r} would stand in for {other!r}")
        self._changed((*self._kinds, kind))

    def remove(self, kind: Kind[Any]) -> None:
        """Serve a kind no longer; its objects must be gone. ValueError if it is not served."""
        if kind not in self._kinds:
            raise ValueError(f"{kind!r} is not served")
        self._changed(tuple(other for other in self._kinds if other is not kind))

    def redefine(self, kind: Kind[Any], new: Kind[Any]) -> None:
        """Let a served kind be as `new` says: other versions, schemas, columns, short names.

        It stays the same constant for all who hold it (keys, tables, watches); so its names and scope stay, too:
        ValueError if `new` has others.
        """
        for fixed in ("group", "name", "plural", "namespaced"):
            if getattr(kind, fixed) != getattr(new, fixed):
                raise ValueError(f"{kind!r} cannot get another {fixed}: {getattr(new, fixed)}")
        for each in fields(kind):
            object.__setattr__(kind, each.name, getattr(new, each.name))
        self._changed(self._kinds)

    def _changed(self, kinds: tuple[Kind[Any], ...]) -> None:
        self._kinds = kinds
        self.version += 1
        self._index()

    def _index(self) -> None:
        self._by_type = {(k.group, v, k.name): k for k in self._kinds for v in k.versions}
        self._by_plural = {(k.group, v, k.plural): k for k in self._kinds for v in k.versions}

    def __iter__(self) -> Iterator[Kind[Any]]:
        return iter(self._kinds)

    def of(self, api_version: str, kind: str) -> Kind[Any] | None:
        """The kind of an object's `apiVersion` and `kind`."""
        group, _, version = api_version.rpartition("/")
        return self._by_type.get((group, version, kind))

    def of_group(self, group: str, kind: str) -> Kind[Any] | None:
        """The kind of that name in a group, whatever the version."""
        return next((k for k in self._kinds if k.group == group and k.name == kind), None)

    def of_plural(self, group: str, version: str, plural: str) -> Kind[Any] | None:
        """The kind behind a URL's group, version and resource."""
        return self._by_plural.get((group, version, plural))

    def named(self, word: str) -> list[Kind[Any]]:
        """The kinds that a user may mean by `ksvc`, `services.serving.knative.dev`, `Service`, `sources` …

        As with kubectl the first match wins; a category gives all of its kinds.
        """
        bare, _, group = word.lower().partition(".")
        fits = [k for k in self._kinds if not group or k.group == group or f"{k.version}.{k.group}" == group]
        for kind in fits:
            if bare in (kind.plural, kind.name.lower(), *kind.short_names):
                return [kind]
        return [k for k in fits if bare in k.categories]
