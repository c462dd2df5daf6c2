"""DomainMappings and ClusterDomainClaims: a host name of the user's own that leads to something with an address.

A DomainMapping's name is the host. It needs a ClusterDomainClaim of that name for its namespace, which it makes itself
where config-network says so; kemu lets the DomainMapping own it, so that it goes along and the next may claim. Its
Ingress leads to the cluster-local name of what it refers to, whose Ingress (or core Service) answers.
Followed: knative/serving pkg/reconciler/domainmapping, pkg/apis/serving/v1beta1/domainmapping_*.go (serving §1.13).
"""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

from pydantic import Field

from emulator.control.reconciler import Note, Outcome, Reconciler, View
from emulator.control.resolver import Unresolved, resolve
from emulator.objects.conditions import Condition
from emulator.objects.kind import READY, REASON, Column, Json, Kind, Request
from emulator.objects.model import Model, approximated
from emulator.objects.names import child_name, dns1123_subdomain_faults
from emulator.objects.problems import Problem, disallowed, missing, under
from emulator.objects.refs import Destination, KReference
from emulator.objects.resource import Resource
from emulator.serving.annotations import GROUP, NAMESPACE, WEBHOOK, sign, signature_problems
from emulator.serving.ingresses import EXTERNAL, INGRESS
from emulator.serving.ingresses import GROUP as NETWORKING
from emulator.serving.networkconfig import (
    CONFIG,
    INGRESS_CLASS,
    BadProtocol,
    claims_domains,
    http_option,
    ingress_class,
)
from emulator.serving.routeingress import EXCLUDED, HTTP_PORT
from emulator.settings import CLUSTER_DOMAIN

_UID, _NAMESPACE = f"{GROUP}/domainMappingUID", f"{GROUP}/domainMappingNamespace"
_LOCAL = f".svc.{CLUSTER_DOMAIN}"
_LABEL_MAX = 63


class SecretTls(Model):
    secret_name: str


class DomainMappingSpec(Model):
    ref: KReference = Field(default_factory=KReference)
    tls: SecretTls | None = approximated("the URL says https; kemu answers to plain HTTP under that name")


class ClusterDomainClaimSpec(Model):
    namespace: str = ""


# -- defaults and rules


def _default(obj: Json, request: Request) -> None:
    ref = (obj.get("spec") or {}).get("ref")
    if isinstance(ref, dict) and not ref.get("namespace"):
        ref["namespace"] = obj["metadata"].get("namespace", "")
    sign(obj, request)


def _validate(mapping: Resource[DomainMappingSpec], request: Request) -> Iterator[Problem]:
    if mapping.metadata.get("generateName"):
        yield disallowed("metadata", "generateName")
    if fault := _name_fault(mapping.name):
        yield Problem(("metadata", "name"), f'invalid name "{mapping.name}": {fault}')
    yield from signature_problems(mapping, request)
    ref = mapping.spec.ref
    yield from under(ref.validate_at(("ref",)), "spec")
    if ref.namespace and ref.namespace != mapping.namespace:
        said = f'parent namespace: "{mapping.namespace}" does not match ref: "{ref.namespace}"'
        yield Problem(("spec", "ref", "namespace"), "mismatched namespaces", details=said)


def _name_fault(name: str) -> str:
    """What keeps a name from being a domain's (apimachinery validation.IsFullyQualifiedDomainName)."""
    if name.endswith(f".{CLUSTER_DOMAIN}"):
        return f'must not be a subdomain of cluster local domain "{CLUSTER_DOMAIN}"'
    if faults := dns1123_subdomain_faults(name):
        return f'name: Invalid value: "{name}": {faults[0]}'
    if name.count(".") < 1:
        return f'name: Invalid value: "{name}": should be a domain with at least two segments separated by dots'
    if any(len(label) > _LABEL_MAX for label in name.split(".")):
        return f'name: Invalid value: "{name}": must be no more than {_LABEL_MAX} characters'
    return ""


def _validate_claim(claim: Resource[ClusterDomainClaimSpec], request: Request) -> Iterator[Problem]:
    if not claim.spec.namespace:
        yield missing("spec", "namespace")


DOMAIN_MAPPING = Kind(
    group=GROUP,
    version="v1beta1",
    name="DomainMapping",
    plural="domainmappings",
    spec=DomainMappingSpec,
    short_names=("dm",),
    categories=("all", "knative", "serving"),
    webhook=WEBHOOK,
    default=_default,
    validate=_validate,
    columns=(
        Column("URL", lambda r: r.status.get("url", "")),
        READY,
        REASON,
    ),
)
CLUSTER_DOMAIN_CLAIM = Kind(
    group=NETWORKING,
    version="v1alpha1",
    name="ClusterDomainClaim",
    plural="clusterdomainclaims",
    spec=ClusterDomainClaimSpec,
    short_names=("cdc",),
    categories=("knative-internal", "networking"),
    namespaced=False,
    validate=_validate_claim,
)


# -- reconciling


def reconcile(mapping: Resource[DomainMappingSpec], view: View) -> Outcome:
    """Reads the DomainMapping, its claim and what it refers to; writes claim, Ingress, url and address."""
    network = view.config(CONFIG, NAMESPACE)
    scheme = "https" if mapping.spec.tls is not None else network.get("default-external-scheme") or "http"
    url = f"https://{mapping.name}" if scheme == "https" else view.addresses.public_url(scheme, mapping.name)
    status: Json = {"url": url, "address": {"url": url}}
    claimed, children = _claim(mapping, view)
    certificate = _certificate(mapping)
    if claimed.status != "True":
        rest = (Condition.unknown(type_) for type_ in ("CertificateProvisioned", "ReferenceResolved"))
        return Outcome([claimed, *rest, _NOT_CONFIGURED], status, notes=_unclaimed(mapping, view))
    try:
        host = _target(mapping, view)
    except Unresolved as fault:
        resolved = Condition.false("ReferenceResolved", "ResolveFailed", str(fault))
        return Outcome([claimed, certificate, resolved, _NOT_CONFIGURED], status, children)
    conditions = [claimed, certificate, Condition.true("ReferenceResolved")]
    try:
        ingress = _ingress_of(mapping, host, view)
    except BadProtocol as bad:
        notes = [Note("InternalError", str(bad), "Warning")]
        return Outcome([*conditions, _NOT_CONFIGURED], status, children, notes=notes)
    return Outcome(
        [*conditions, Condition.true("IngressReady")],
        status,
        [*children, ingress],
        notes=_notes(mapping, view, ingress),
    )


DOMAIN_MAPPING_RECONCILER = Reconciler(reconcile)
_NOT_CONFIGURED = Condition.unknown("IngressReady", "IngressNotConfigured", "Ingress has not yet been reconciled.")


def _claim(mapping: Resource[DomainMappingSpec], view: View) -> tuple[Condition, list[Json]]:
    """DomainClaimed, and the claim where it is the DomainMapping's to make."""
    claim = view.find(CLUSTER_DOMAIN_CLAIM, mapping.name)
    is_free = claim is None and claims_domains(view.config(CONFIG, NAMESPACE))
    if not is_free and (claim is None or claim.spec.namespace != mapping.namespace):
        said = "The domain name is already in use by another DomainMapping"
        return Condition.false("DomainClaimed", "DomainAlreadyClaimed", said), []
    wanted: Json = {
        "apiVersion": CLUSTER_DOMAIN_CLAIM.api_version,
        "kind": CLUSTER_DOMAIN_CLAIM.name,
        "metadata": {"name": mapping.name},
        "spec": {"namespace": mapping.namespace},
    }
    is_own = claim is None or claim.is_controlled_by(mapping)
    return Condition.true("DomainClaimed"), [wanted] if is_own else []


def _unclaimed(mapping: Resource[DomainMappingSpec], view: View) -> list[Note]:
    """What the condition's text, which is Knative's, does not tell: that nobody has claimed the name."""
    if view.find(CLUSTER_DOMAIN_CLAIM, mapping.name) is not None:
        return []
    said = (
        f'no ClusterDomainClaim found for domain "{mapping.name}" (and autocreate-cluster-domain-claims property is '
        f"not true): apply one with spec.namespace: {mapping.namespace}, or set the property in config-network"
    )
    is_news = mapping.condition("DomainClaimed")["status"] != "False"
    return [Note("InternalError", said, "Warning", is_told=True)] if is_news else []


def _certificate(mapping: Resource[DomainMappingSpec]) -> Condition:
    type_ = "CertificateProvisioned"
    if mapping.spec.tls is not None:
        return Condition.true(type_, "CertificateExternallyProvided", "TLS certificate was provided externally")
    return Condition.true(type_, "TLSNotEnabled", "external-domain-tls is not enabled")


def _target(mapping: Resource[DomainMappingSpec], view: View) -> str:
    """The cluster-local name of what the DomainMapping refers to; Unresolved if it has none that will do."""
    url = resolve(Destination(ref=mapping.spec.ref), mapping.namespace, view)
    parts = urlsplit(url)
    host = parts.hostname or ""
    labels = host.removesuffix(_LOCAL).split(".")
    if parts.path.rstrip("/"):
        raise Unresolved("ResolveFailed", f'resolved URI "{url}" contains a path')
    if not host.endswith(_LOCAL) or len(labels) != 2:
        raise Unresolved("ResolveFailed", f'resolved URI "{url}" must be of the form {{name}}.{{namespace}}{_LOCAL}')
    if labels[1] != mapping.namespace:
        raise Unresolved("ResolveFailed", f'resolved URI "{url}" must be in same namespace as DomainMapping')
    return host


def _ingress_of(mapping: Resource[DomainMappingSpec], host: str, view: View) -> Json:
    network = view.config(CONFIG, NAMESPACE)
    backend = {"serviceName": host.split(".")[0], "serviceNamespace": mapping.namespace, "servicePort": HTTP_PORT}
    split = {**backend, "percent": 100, "appendHeaders": {"K-Original-Host": mapping.name}}
    path = {"rewriteHost": host, "splits": [split]}
    spec: Json = {"rules": [{"hosts": [mapping.name], "visibility": EXTERNAL, "http": {"paths": [path]}}]}
    if option := http_option(mapping.annotations, network):
        spec["httpOption"] = option
    if mapping.spec.tls is not None:
        secret = {"secretName": mapping.spec.tls.secret_name, "secretNamespace": mapping.namespace}
        spec["tls"] = [{"hosts": [mapping.name], **secret}]
    kept = {key: value for key, value in mapping.annotations.items() if key not in EXCLUDED}
    return {
        "apiVersion": INGRESS.api_version,
        "kind": INGRESS.name,
        "metadata": {
            "name": child_name(mapping.name, ""),
            "namespace": mapping.namespace,
            "labels": {**mapping.labels, _UID: mapping.uid, _NAMESPACE: mapping.namespace},
            "annotations": {INGRESS_CLASS: ingress_class(mapping.annotations, network), **kept},
        },
        "spec": spec,
    }


def _notes(mapping: Resource[DomainMappingSpec], view: View, ingress: Json) -> list[Note]:
    """What is told when the Ingress is made."""
    name = ingress["metadata"]["name"]
    if view.find(INGRESS, name, mapping.namespace) is not None:
        return []
    notes = [Note("Created", f'Created Ingress "{name}"')]
    if mapping.spec.tls is not None:
        plain = view.addresses.public_url("http", mapping.name)
        said = f"spec.tls: kemu does not speak https; ask {plain} instead of https://{mapping.name}"
        notes.append(Note("TLSNotEmulated", said, "Warning", is_told=True))
    return notes
