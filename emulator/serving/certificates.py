"""The kind Certificate of Knative's networking layer, for clients that list it: kemu makes none."""

from __future__ import annotations

from emulator.objects.kind import READY, REASON, Kind
from emulator.objects.model import Model, ignored
from emulator.serving.ingresses import GROUP

_WHY = "kemu speaks plain HTTP"


class CertificateSpec(Model):
    dns_names: list[str] = ignored(_WHY, [])
    domain: str = ignored(_WHY, "")
    secret_name: str = ignored(_WHY, "")


CERTIFICATE = Kind(
    group=GROUP,
    version="v1alpha1",
    name="Certificate",
    plural="certificates",
    spec=CertificateSpec,
    short_names=("kcert",),
    categories=("knative-internal", "networking"),
    columns=(READY, REASON),
)
