"""Host names of the user's own: rules, claims, targets, and the Ingress that follows (serving §1.13)."""

from __future__ import annotations

from typing import Any

import pytest

from emulator.control.addresses import Addresses
from emulator.control.controller import Controller
from emulator.control.recorder import Recorder
from emulator.objects.kind import Json
from emulator.objects.resource import Resource
from emulator.serving.annotations import NAMESPACE
from emulator.serving.domainmappings import CLUSTER_DOMAIN_CLAIM, DOMAIN_MAPPING
from emulator.serving.ingresses import INGRESS
from emulator.serving.kinds import SERVICE
from emulator.workloads.kubeevents import KUBE_EVENT
from tests.world import World, child, obj, said

TARGET = {"apiVersion": "serving.knative.dev/v1", "kind": "Service", "name": "hello"}
SPEC = {"template": {"spec": {"containers": [{"image": "app"}]}}}
AUTO = {"autocreate-cluster-domain-claims": "true"}
TAKEN = ("False", "DomainAlreadyClaimed", "The domain name is already in use by another DomainMapping")


@pytest.fixture
def world() -> World:
    made = World()
    made.config("config-network", NAMESPACE, AUTO)
    address = {"url": "http://hello.default.svc.cluster.local"}
    made.ready(made.create(obj(SERVICE, "hello", SPEC)), address=address)
    return made


def mapping(world: World, name: str = "shop.test", namespace: str = "default", **spec: Any) -> Resource[Any]:
    return world.create(obj(DOMAIN_MAPPING, name, {"ref": TARGET, **spec}, namespace=namespace))


def claim(name: str, namespace: str) -> Json:
    kind = CLUSTER_DOMAIN_CLAIM
    metadata = {"name": name}
    return {"apiVersion": kind.api_version, "kind": kind.name, "metadata": metadata, "spec": {"namespace": namespace}}


def test_a_mapping_claims_its_name_and_leads_to_the_targets_local_name(world: World) -> None:
    made = mapping(world)
    assert made.obj["spec"]["ref"]["namespace"] == "default"
    assert made.annotations["serving.knative.dev/creator"] == "me"
    outcome = world.reconcile(made)
    assert outcome.status == {"url": "http://shop.test", "address": {"url": "http://shop.test"}}
    types = ("Ready", "DomainClaimed", "ReferenceResolved", "IngressReady", "CertificateProvisioned")
    assert [said(outcome, type_)[0] for type_ in types] == ["True"] * 5
    assert said(outcome, "CertificateProvisioned")[1:] == ("TLSNotEnabled", "external-domain-tls is not enabled")
    assert child(outcome, CLUSTER_DOMAIN_CLAIM)["spec"] == {"namespace": "default"}
    ingress = child(outcome, INGRESS)
    assert ingress["metadata"]["labels"]["serving.knative.dev/domainMappingNamespace"] == "default"
    (rule,) = ingress["spec"]["rules"]
    assert (rule["hosts"], rule["visibility"]) == (["shop.test"], "ExternalIP")
    (path,) = rule["http"]["paths"]
    assert path["rewriteHost"] == "hello.default.svc.cluster.local"
    assert path["splits"][0]["serviceName"] == "hello"
    assert path["splits"][0]["appendHeaders"] == {"K-Original-Host": "shop.test"}


def test_without_leave_to_claim_the_name_must_have_been_claimed_for_the_namespace(world: World) -> None:
    world.config("config-network", NAMESPACE, {})
    made = mapping(world)
    outcome = world.reconcile(made)
    assert said(outcome, "DomainClaimed") == said(outcome) == TAKEN
    assert said(outcome, "IngressReady")[:2] == ("Unknown", "IngressNotConfigured")
    assert outcome.children == ()
    (note,) = outcome.notes
    assert note.message.startswith('no ClusterDomainClaim found for domain "shop.test"')
    assert note.message.endswith("apply one with spec.namespace: default, or set the property in config-network")
    found = world.create(claim("shop.test", "other"))
    assert said(world.reconcile(made)) == TAKEN
    world.edit(found, spec={"namespace": "default"})
    outcome = world.reconcile(made)
    assert said(outcome)[0] == "True"
    assert [made["kind"] for made in outcome.children] == ["Ingress"]


@pytest.mark.looptime
async def test_the_first_namespace_has_the_name_and_the_next_when_it_goes(world: World) -> None:
    address = {"url": "http://hello.late.svc.cluster.local"}
    world.ready(world.create(obj(SERVICE, "hello", SPEC, namespace="late")), address=address)
    reconcilers = {kind: world.reconcilers[kind] for kind in (DOMAIN_MAPPING, INGRESS)}
    controller = Controller(world.store, reconcilers, Recorder(world.store, KUBE_EVENT), Addresses())
    first = mapping(world)
    controller.settle()
    late = mapping(world, namespace="late")
    controller.settle()
    assert world.store.get(DOMAIN_MAPPING, "shop.test", "default").is_ready
    assert world.store.get(DOMAIN_MAPPING, "shop.test", "late").condition("Ready")["reason"] == TAKEN[1]
    world.store.delete(DOMAIN_MAPPING, first.name, "default")
    controller.settle()
    assert world.store.get(DOMAIN_MAPPING, late.name, "late").is_ready
    assert world.store.get(CLUSTER_DOMAIN_CLAIM, "shop.test", "").spec.namespace == "late"
    assert [ingress.namespace for ingress in world.store.list(INGRESS)] == ["late"]


@pytest.mark.parametrize(
    ("url", "text"),
    [
        ("http://h.default.svc.cluster.local/a", 'resolved URI "http://h.default.svc.cluster.local/a" contains a path'),
        (
            "http://h.example.com",
            'resolved URI "http://h.example.com" must be of the form {name}.{namespace}.svc.cluster.local',
        ),
        (
            "http://h.other.svc.cluster.local",
            'resolved URI "http://h.other.svc.cluster.local" must be in same namespace as DomainMapping',
        ),
    ],
)
def test_not_every_address_will_do(world: World, url: str, text: str) -> None:
    world.ready(world.store.get(SERVICE, "hello", "default"), address={"url": url})
    assert said(world.reconcile(mapping(world)), "ReferenceResolved") == ("False", "ResolveFailed", text)


def test_what_is_not_there_is_told_and_the_ingress_of_before_stays(world: World) -> None:
    ref = {**TARGET, "name": "gone"}
    outcome = world.reconcile(mapping(world, ref=ref))
    text = 'failed to get object default/gone: services.serving.knative.dev "gone" not found'
    assert said(outcome, "ReferenceResolved") == ("False", "ResolveFailed", text)
    assert [made["kind"] for made in outcome.children] == ["ClusterDomainClaim"]


def test_a_core_service_will_do_and_so_does_a_port_in_the_address(world: World) -> None:
    made = mapping(world, ref={"apiVersion": "v1", "kind": "Service", "name": "web"})
    (rule,) = child(world.reconcile(made), INGRESS)["spec"]["rules"]
    assert rule["http"]["paths"][0]["rewriteHost"] == "web.default.svc.cluster.local"
    world.ready(
        world.store.get(SERVICE, "hello", "default"), address={"url": "http://hello.default.svc.cluster.local:81"}
    )
    assert said(world.reconcile(mapping(world, "other.test")))[0] == "True"


def test_with_a_certificate_the_url_is_https_and_what_kemu_does_is_told(world: World) -> None:
    outcome = world.reconcile(mapping(world, tls={"secretName": "cert"}))
    assert outcome.status["url"] == "https://shop.test"
    assert said(outcome, "CertificateProvisioned")[1] == "CertificateExternallyProvided"
    assert child(outcome, INGRESS)["spec"]["tls"][0]["secretName"] == "cert"
    assert "ask http://shop.test instead of https://shop.test" in outcome.notes[-1].message


def test_another_protocol_is_no_protocol(world: World) -> None:
    made = mapping(world)
    world.store.patch_metadata(made.key, annotations={"networking.knative.dev/http-protocol": "gopher"})
    assert said(world.reconcile(made), "IngressReady")[1] == "IngressNotConfigured"


@pytest.mark.parametrize(
    ("name", "more", "text"),
    [
        ("shop", {}, "should be a domain with at least two segments separated by dots: metadata.name"),
        (
            "a.cluster.local",
            {},
            'invalid name "a.cluster.local": must not be a subdomain of cluster local domain "cluster.local": metadata',
        ),
        ("Shop.test", {}, 'invalid name "Shop.test": name: Invalid value: "Shop.test": '),
        ("a.b", {"ref": {**TARGET, "namespace": "other"}}, "mismatched namespaces: spec.ref.namespace"),
        ("a.b", {"ref": {}}, "missing field(s): spec.ref.apiVersion, spec.ref.kind, spec.ref.name"),
        ("a.b", {"ref": {**TARGET, "name": ""}}, "missing field(s): spec.ref.name"),
    ],
)
def test_what_is_refused(world: World, name: str, more: Json, text: str) -> None:
    assert text in world.refusal(obj(DOMAIN_MAPPING, name, {"ref": TARGET, **more}))


def test_who_made_it_stays(world: World) -> None:
    made = mapping(world)
    annotations = {**made.annotations, "serving.knative.dev/creator": "you"}
    changed = {**made.obj, "metadata": {**made.obj["metadata"], "annotations": annotations}}
    assert "annotation value is immutable: metadata.annotations.serving.knative.dev/creator" in world.refusal(changed)


def test_a_claim_names_its_namespace(world: World) -> None:
    assert "spec.namespace" in world.refusal(claim("a.b", ""))
