"""Which objects are parts of the platform itself: of what Knative's and its helpers' release files install.

kemu is what they would bring, so nothing in these namespaces is started, and what files say there has no effect that
could fall short. What something in kemu controls (the Deployment of a Revision) is not meant. Followed: the namespaces
in the releases of knative/{serving,eventing,operator,net-*}, istio, contour and cert-manager.
"""

from __future__ import annotations

from typing import Any

from emulator.objects.resource import Resource

NAMESPACES = frozenset(
    {
        "cert-manager",
        "contour-external",
        "contour-internal",
        "istio-system",
        "knative-eventing",
        "knative-operator",
        "knative-serving",
        "knative-sources",
        "kourier-system",
        "kube-system",
        "projectcontour",
    }
)


def is_platform(resource: Resource[Any]) -> bool:
    """Whether the object is a part of the platform, for which kemu stands."""
    return resource.namespace in NAMESPACES and resource.controller is None
