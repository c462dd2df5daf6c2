"""The kinds of workloads and who reconciles each: what `app.py` takes from this package."""

from __future__ import annotations

from typing import Any

from emulator.control.reconciler import Reconciler
from emulator.objects.kind import Kind
from emulator.workloads.autoscalers import AUTOSCALER, AUTOSCALER_RECONCILER
from emulator.workloads.claims import CLAIM, CLAIM_RECONCILER
from emulator.workloads.configs import CONFIG_MAP, SECRET
from emulator.workloads.coreservices import CORE_SERVICE
from emulator.workloads.crds import CUSTOM_RESOURCE_DEFINITION
from emulator.workloads.cronjobs import CRON_JOB, CRON_JOB_RECONCILER
from emulator.workloads.daemonsets import DAEMON_SET, DAEMON_SET_RECONCILER
from emulator.workloads.deployments import DEPLOYMENT, DEPLOYMENT_RECONCILER
from emulator.workloads.endpoints import CORE_SERVICE_RECONCILER, ENDPOINT_SLICE, ENDPOINTS
from emulator.workloads.images import IMAGE
from emulator.workloads.jobs import JOB, JOB_RECONCILER
from emulator.workloads.kubeevents import KUBE_EVENT
from emulator.workloads.namespaces import NAMESPACE, NAMESPACE_RECONCILER
from emulator.workloads.nodes import NODE_KIND
from emulator.workloads.operators import KNATIVE_EVENTING, KNATIVE_SERVING, OPERATOR_RECONCILER
from emulator.workloads.podmetrics import NODE_METRICS, POD_METRICS
from emulator.workloads.pods import POD
from emulator.workloads.replicasets import REPLICA_SET, REPLICA_SET_RECONCILER
from emulator.workloads.statefulsets import STATEFUL_SET, STATEFUL_SET_RECONCILER
from emulator.workloads.stored import STORED

KINDS: tuple[Kind[Any], ...] = (
    NAMESPACE,
    CONFIG_MAP,
    SECRET,
    POD,
    CLAIM,
    CORE_SERVICE,
    ENDPOINTS,
    ENDPOINT_SLICE,
    NODE_KIND,
    DEPLOYMENT,
    REPLICA_SET,
    STATEFUL_SET,
    DAEMON_SET,
    JOB,
    CRON_JOB,
    KUBE_EVENT,
    IMAGE,
    KNATIVE_SERVING,
    KNATIVE_EVENTING,
    CUSTOM_RESOURCE_DEFINITION,
    AUTOSCALER,
    POD_METRICS,
    NODE_METRICS,
    *STORED,
)
RECONCILERS: dict[Kind[Any], Reconciler] = {
    NAMESPACE: NAMESPACE_RECONCILER,
    CLAIM: CLAIM_RECONCILER,
    CORE_SERVICE: CORE_SERVICE_RECONCILER,
    DEPLOYMENT: DEPLOYMENT_RECONCILER,
    REPLICA_SET: REPLICA_SET_RECONCILER,
    STATEFUL_SET: STATEFUL_SET_RECONCILER,
    DAEMON_SET: DAEMON_SET_RECONCILER,
    JOB: JOB_RECONCILER,
    CRON_JOB: CRON_JOB_RECONCILER,
    KNATIVE_SERVING: OPERATOR_RECONCILER,
    KNATIVE_EVENTING: OPERATOR_RECONCILER,
    AUTOSCALER: AUTOSCALER_RECONCILER,
}
