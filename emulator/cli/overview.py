"""What `kemu up` shows at its start: what answers where, in which state, what else there is, and where to go on."""

from __future__ import annotations

from typing import Any

from emulator.cli.printing import columns

_OTHERS = 'From another terminal: `kemu ps`, `kemu get`, `kemu logs`; and kubectl, kn, func after `eval "$(kemu env)"`.'
_SERVING = "serving.knative.dev"
_ANSWERING = {"SERVICE": "Service", "ROUTE": "Route", "DOMAIN": "DomainMapping"}
_COUNTED = ("eventing", "messaging", "flows", "sources")


def overview(store: Any, url: str, *, is_empty: bool, is_rollout: bool) -> str:
    """The text. `is_empty` where the manifests hold nothing."""
    tables = {title: _rows(_own(store, store.registry.of_group(_SERVING, kind))) for title, kind in _ANSWERING.items()}
    services = tables["SERVICE"]
    others = _others(store)
    lines = [f"kemu listens on {url}", ""]
    for title, rows in tables.items():
        if rows:
            lines += [columns([[title, "URL", "STATE"], *rows]), ""]
    if not any(tables.values()):
        lines += ["no objects in these manifests" if is_empty else "no Services in these manifests", ""]
    if others:
        counts = (f"{len(items)} {kind.name}{'' if len(items) == 1 else 's'}" for kind, items in others.items())
        lines += [f"and {', '.join(counts)}", ""]
    lines += [f"{_said_of_states(services, is_rollout)}Ctrl-C stops.", _OTHERS, ""]
    return "\n".join(lines)


def talkers(store: Any) -> list[str]:
    """The names of what the log will speak of most."""
    revisions = store.registry.of_plural("serving.knative.dev", "v1", "revisions")
    return [item.name for kind in (revisions, *_others(store)) for item in store.list(kind)]


def local_name(item: Any) -> str:
    """Without the namespace where it is the one that nobody names."""
    return str(item.name if item.namespace == "default" else f"{item.namespace}/{item.name}")


def _own(store: Any, kind: Any) -> list[Any]:
    return [item for item in store.list(kind) if item.controller is None]


def _others(store: Any) -> dict[Any, list[Any]]:
    """What has to do with events, by kind."""
    kinds = (kind for kind in store.registry if kind.group.split(".")[0] in _COUNTED)
    return {kind: items for kind in kinds if (items := _own(store, kind))}


def _rows(items: list[Any]) -> list[list[str]]:
    return [[local_name(item), str(item.status.get("url", "")), _state(item)] for item in items]


def _said_of_states(rows: list[list[str]], is_rollout: bool) -> str:
    if is_rollout and rows:
        return "Each Service is started once, as a cluster does; then it sleeps until a request comes. "
    return "Asleep until a request comes. " if any(row[2] == "asleep" for row in rows) else ""


def _state(item: Any) -> str:
    ready = item.condition("Ready")
    if ready["status"] == "True":
        return "asleep" if item.annotations.get("kemu.dev/start") == "asleep" else "ready"
    if ready["status"] == "False":
        return str(ready.get("reason"))
    # What is rolled out passes through these, and none of them is news.
    is_on_its_way = ready.get("reason") in (None, "", "OutOfDate", "RevisionMissing", "IngressNotConfigured")
    return "starting" if is_on_its_way else str(ready["reason"]).lower()
