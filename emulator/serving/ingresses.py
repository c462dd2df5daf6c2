"""The kind Ingress of Knative's networking layer: host rules with splits, made of Routes and DomainMappings.

It is what routes: ingresstable.py puts its rules into the host tables at the moment that it is written, so its status,
which the reconciler here writes, is never ahead of the truth. Users write none; one that they write is followed like
any other. Followed: knative/networking pkg/apis/networking/v1alpha1/ingress_{types,lifecycle}.go.
"""

from __future__ import annotations

from pydantic import Field

from emulator.control.reconciler import Outcome, Reconciler, View
from emulator.objects.conditions import Condition
from emulator.objects.kind import READY, REASON, Kind
from emulator.objects.model import IntOrString, Model, ignored
from emulator.objects.resource import Resource
from emulator.settings import CLUSTER_DOMAIN

GROUP = "networking.internal.knative.dev"
EXTERNAL, LOCAL = "ExternalIP", "ClusterLocal"
REDIRECTED = "Redirected"
INTERNAL_GATEWAY = f"kourier-internal.kourier-system.svc.{CLUSTER_DOMAIN}"
_PUBLIC_GATEWAY = f"kourier.kourier-system.svc.{CLUSTER_DOMAIN}"


class HeaderMatch(Model):
    exact: str = ""


class Split(Model):
    service_name: str
    service_namespace: str
    service_port: IntOrString
    percent: int = 0
    append_headers: dict[str, str] = Field(default_factory=dict)


class RulePath(Model):
    path: str = ignored("Knative writes none but for certificates; kemu takes every path", "")
    rewrite_host: str = ""
    headers: dict[str, HeaderMatch] = Field(default_factory=dict)
    splits: list[Split]
    append_headers: dict[str, str] = Field(default_factory=dict)


class RuleValue(Model):
    paths: list[RulePath]


class IngressRule(Model):
    hosts: list[str] = Field(default_factory=list)
    visibility: str = EXTERNAL
    http: RuleValue | None = None


class IngressTls(Model):
    hosts: list[str] = Field(default_factory=list)
    secret_name: str = ""
    secret_namespace: str = ""


class IngressSpec(Model):
    rules: list[IngressRule] = Field(default_factory=list)
    tls: list[IngressTls] | None = ignored("kemu serves plain HTTP")
    http_option: str = ""


INGRESS = Kind(
    group=GROUP,
    version="v1alpha1",
    name="Ingress",
    plural="ingresses",
    spec=IngressSpec,
    short_names=("kingress", "king"),
    categories=("knative-internal", "networking"),
    columns=(READY, REASON),
)


def reconcile(ingress: Resource[IngressSpec], view: View) -> Outcome:
    """Reads nothing but the Ingress, whose rules are in the host tables already; writes its status."""
    status = {
        "publicLoadBalancer": {"ingress": [{"domainInternal": _PUBLIC_GATEWAY}]},
        "privateLoadBalancer": {"ingress": [{"domainInternal": INTERNAL_GATEWAY}]},
    }
    return Outcome([Condition.true("LoadBalancerReady"), Condition.true("NetworkConfigured")], status)


INGRESS_RECONCILER = Reconciler(reconcile)
