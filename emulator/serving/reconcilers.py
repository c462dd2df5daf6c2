"""The kinds of serving and who reconciles each: what `app.py` takes from this package."""

from __future__ import annotations

from typing import Any

from emulator.control.reconciler import Reconciler
from emulator.objects.kind import Kind
from emulator.serving.certificates import CERTIFICATE
from emulator.serving.configurations import CONFIGURATION_RECONCILER
from emulator.serving.domainmappings import CLUSTER_DOMAIN_CLAIM, DOMAIN_MAPPING, DOMAIN_MAPPING_RECONCILER
from emulator.serving.ingresses import INGRESS, INGRESS_RECONCILER
from emulator.serving.kinds import CONFIGURATION, REVISION, ROUTE, SERVICE
from emulator.serving.podautoscalers import POD_AUTOSCALER, POD_AUTOSCALER_RECONCILER
from emulator.serving.revisions import REVISION_RECONCILER
from emulator.serving.routes import ROUTE_RECONCILER
from emulator.serving.scalechildren import METRIC, METRIC_RECONCILER
from emulator.serving.serverlessservices import SERVERLESS_SERVICE, SERVERLESS_SERVICE_RECONCILER
from emulator.serving.services import SERVICE_RECONCILER

KINDS: tuple[Kind[Any], ...] = (
    SERVICE,
    CONFIGURATION,
    REVISION,
    ROUTE,
    DOMAIN_MAPPING,
    POD_AUTOSCALER,
    INGRESS,
    SERVERLESS_SERVICE,
    METRIC,
    CERTIFICATE,
    CLUSTER_DOMAIN_CLAIM,
)

RECONCILERS: dict[Kind[Any], Reconciler] = {
    SERVICE: SERVICE_RECONCILER,
    CONFIGURATION: CONFIGURATION_RECONCILER,
    REVISION: REVISION_RECONCILER,
    ROUTE: ROUTE_RECONCILER,
    POD_AUTOSCALER: POD_AUTOSCALER_RECONCILER,
    DOMAIN_MAPPING: DOMAIN_MAPPING_RECONCILER,
    INGRESS: INGRESS_RECONCILER,
    SERVERLESS_SERVICE: SERVERLESS_SERVICE_RECONCILER,
    METRIC: METRIC_RECONCILER,
}
