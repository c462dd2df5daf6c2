"""Every namespace has the ServiceAccount `default` for as long as it is there, as on a cluster.

Accounts carry no rights here; clients read them for pull secrets, and test helpers wait for them. `app.py` starts this.
Followed: kubernetes pkg/controller/serviceaccount/serviceaccounts_controller.go.
"""

from __future__ import annotations

from emulator.store.store import Store
from emulator.store.watch import Change
from emulator.workloads.namespaces import NAMESPACE

_DEFAULT = "default"


def keep_default_accounts(store: Store) -> None:
    """From now on each namespace gets its account, also when somebody deletes it."""
    kind = store.registry.of("v1", "ServiceAccount")
    assert kind is not None

    def ensure(namespace: str) -> None:
        space = store.find(NAMESPACE, namespace)
        if space is not None and not space.is_deleting and store.find(kind, _DEFAULT, namespace) is None:
            metadata = {"name": _DEFAULT, "namespace": namespace}
            store.create({"apiVersion": kind.api_version, "kind": kind.name, "metadata": metadata})

    def changed(change: Change) -> None:
        resource = change.resource
        if resource.kind is NAMESPACE:
            ensure(resource.name)
        elif resource.kind is kind and resource.name == _DEFAULT and change.type == "DELETED":
            ensure(resource.namespace)

    store.observe(changed)
