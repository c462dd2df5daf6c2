"""The Scaler: the loop around the Autoscaler's decisions.

Reads PodAutoscalers, their Deployments and the Throttlers' load; writes each PodAutoscaler's status and its
Deployment's `spec.replicas`, as Knative's KPA reconciler does. It takes a sample a second and decides each two seconds,
and at once when a request finds no replica (`poke`) or the number of ready replicas changes. A Revision at zero costs
nothing: the loop only looks at those that are awake, and sleeps when all are asleep.

Knative waits at scale to zero until its activator has taken over the requests; here the Throttler always stands in the
path, so that wait is over at once (`ScaleState.fresh`). It is told, though, when a cluster would have the activator
there, since that can be seen. Where a Revision asks for it the last replica is frozen before it is stopped
(`freezing.py`): by an annotation on its Pod, which the Throttler's table and the Pod's worker follow.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, Protocol

from emulator.lib.clock import rfc3339
from emulator.lib.durations import human
from emulator.lib.report import report
from emulator.objects.conditions import Condition, summarize
from emulator.objects.kind import Kind
from emulator.objects.podmarks import FROZEN, REVISION_LABEL, takes_requests
from emulator.objects.resource import Key, Resource
from emulator.serving.autoscaler import TICK_S, DeciderState, Decision, Load, decide
from emulator.serving.autoscalerconfig import AutoscalerConfig, InvalidConfig
from emulator.serving.deploymentconfig import progress_deadline_s
from emulator.serving.freezing import Idle, frozen_plan, surplus, with_idle
from emulator.serving.metrics import LoadWindows, Sample
from emulator.serving.podautoscalers import HORIZONTAL, POD_AUTOSCALER, PodAutoscalerSpec
from emulator.serving.scalebounds import Plan, ScaleState, fixed_plan, plan
from emulator.serving.scalespec import ScaleSpec
from emulator.serving.serverlessservices import SERVERLESS_SERVICE
from emulator.store.store import Store
from emulator.store.watch import Change

logger = logging.getLogger(__name__)

START = "kemu.dev/start"
"""`asleep` on what `up` found at its start: rolled out already, and at zero."""
SAMPLE_S = 1.0
_TOLD_LATER_S = 0.05
_LONG_AGO = float("-inf")


class LoadSource(Protocol):
    """Whoever knows a Revision's requests: its Throttler."""

    @property
    def in_flight(self) -> int: ...

    def take(self, now: float) -> Sample: ...

    def set_mode(self, *, is_proxied: bool) -> None: ...


class _Decider:
    """All that is known of one PodAutoscaler between two decisions."""

    def __init__(self, spec: ScaleSpec, now: float) -> None:
        self.spec = spec
        self.windows = LoadWindows(spec)
        self.state = DeciderState.fresh(spec, 0, now)
        self.scale = ScaleState.fresh(spec, now)
        self.decided_at = now

    def respec(self, spec: ScaleSpec) -> None:
        self.spec = spec
        if not self.windows.fits(spec):
            self.windows = LoadWindows(spec)

    @property
    def is_asleep(self) -> bool:
        """Nothing runs, and nothing will unless somebody pokes."""
        return self.scale.replicas == 0 and self.scale.active.status == "False"


@dataclass(frozen=True)
class Figures:
    """What is known of one Revision, for those who look on; `wanted` are the replicas that its Deployment was given."""

    spec: ScaleSpec
    load: Load
    decision: Decision
    wanted: int


@dataclass(frozen=True)
class FrozenTier:
    """What becomes of an idle replica where its Revision does not say it, and how many are kept frozen at most."""

    idle: Idle = "stop"
    most: int = 8


class Scaler:
    """`load_of` gives the LoadSource of a Revision by (namespace, name); `thawing` is told when a request thaws one."""

    def __init__(
        self,
        store: Store,
        load_of: Callable[[str, str], LoadSource | None],
        namespace: str,
        tier: FrozenTier = FrozenTier(),
        thawing: Callable[[], None] = lambda: None,
    ) -> None:
        self._store = store
        self._load_of = load_of
        self._namespace = namespace
        self._tier = tier
        self._thawing = thawing
        deployment = store.registry.of("apps/v1", "Deployment")
        pod = store.registry.of("v1", "Pod")
        assert deployment is not None
        assert pod is not None
        self._deployment: Kind[Any] = deployment
        self._pod: Kind[Any] = pod
        self._horizontal = store.registry.of_group(*HORIZONTAL)
        self._deciders: dict[Key, _Decider] = {}
        self._awake: set[Key] = set()
        self._visitors: Counter[Key] = Counter()
        self._wake = asyncio.Event()
        store.observe(self._changed)
        store.observe(self._shown)

    async def run(self) -> None:
        """Sample and decide until cancelled."""
        loop = asyncio.get_running_loop()
        due = loop.time()
        while True:
            if not self._awake:
                self._wake.clear()
                await self._wake.wait()
                due = loop.time()
            due = max(due + SAMPLE_S, loop.time())
            await asyncio.sleep(due - loop.time())
            for key in list(self._awake):
                self._tick(key, loop.time())

    def poke(self, namespace: str, revision: str) -> None:
        """A request waits for this Revision: when it is at zero, want one replica before this returns; thaw a frozen
        one.
        """
        key = Key(POD_AUTOSCALER, namespace, revision)
        decider = self._deciders.get(key)
        if decider is None:
            return
        if decider.scale.replicas == 0:
            self._activate(key)
        elif self._thaw(key, decider):
            # Decided now, but told when the request is on its way: what follows from it would stand in that one's.
            self._thawing()
            self._activate(key, is_told=False)
            asyncio.get_running_loop().call_later(_TOLD_LATER_S, self._replan, key)

    def _activate(self, key: Key, *, is_told: bool = True) -> None:
        if (decider := self._deciders.get(key)) is None:
            return
        now = asyncio.get_running_loop().time()
        decider.windows.record(now, max(1, self._in_flight(key)))
        self._decide(key, decider, now, is_told=is_told)

    def _replan(self, key: Key) -> None:
        if decider := self._deciders.get(key):
            self._plan(key, decider, asyncio.get_running_loop().time())

    def _in_flight(self, key: Key) -> int:
        """Requests inside, and whoever else keeps a replica from being frozen."""
        source = self._load_of(key.namespace, key.name)
        return self._visitors[key] + (source.in_flight if source else 0)

    @contextmanager
    def visited(self, namespace: str, revision: str) -> Iterator[None]:
        """While this lasts no replica of the Revision is frozen."""
        key = Key(POD_AUTOSCALER, namespace, revision)
        self._visitors[key] += 1
        try:
            yield
        finally:
            self._visitors[key] -= 1
            if not self._visitors[key]:
                del self._visitors[key]

    def figures(self) -> dict[Key, Figures]:
        """What is known of each Revision at this moment, for those who look on."""
        now = asyncio.get_running_loop().time()
        return {
            key: Figures(
                decider.spec,
                Load.of(decider.spec, decider.windows, self._ready(key), now),
                decider.state.last,
                decider.scale.replicas,
            )
            for key, decider in self._deciders.items()
        }

    # -- what changes

    def _changed(self, change: Change) -> None:
        kind = change.resource.kind
        if kind is POD_AUTOSCALER:
            if change.type == "DELETED":
                self._deciders.pop(change.resource.key, None)
                self._awake.discard(change.resource.key)
            elif change.before is None or change.before.spec is not change.resource.spec or _annotated(change):
                self._consider(change.resource)
        elif kind is self._deployment and change.type != "DELETED":
            self._deployment_changed(change.resource)
        elif kind is self._horizontal and change.type == "MODIFIED":
            key = Key(POD_AUTOSCALER, change.resource.namespace, change.resource.name)
            if decider := self._deciders.get(key):
                self._plan(key, decider, asyncio.get_running_loop().time())
        elif kind.name == "ConfigMap" and change.resource.name in ("config-autoscaler", "config-deployment"):
            for autoscaler in self._store.list(POD_AUTOSCALER):
                self._consider(autoscaler)

    def _shown(self, change: Change) -> None:
        """A ServerlessService that has just come is told its mode."""
        if change.resource.kind is SERVERLESS_SERVICE and change.type == "ADDED":
            key = Key(POD_AUTOSCALER, change.resource.namespace, change.resource.name)
            if decider := self._deciders.get(key):
                self._set_mode(key, decider)

    def _consider(self, autoscaler: Resource[PodAutoscalerSpec]) -> None:
        now = asyncio.get_running_loop().time()
        spec = self._spec(autoscaler)
        decider = self._deciders.get(autoscaler.key)
        if decider is None:
            decider = self._deciders[autoscaler.key] = _Decider(spec, now)
            if first := decider.scale.replicas:
                report(logger, autoscaler.name, "rolling out: scaled 0 → %d", first, replicas=first)
        else:
            decider.respec(spec)
        self._decide(autoscaler.key, decider, now)
        if decider.scale.replicas == 0 and self._in_flight(autoscaler.key):
            self._activate(autoscaler.key)  # a request was here before there was anybody to poke

    def _spec(self, autoscaler: Resource[PodAutoscalerSpec]) -> ScaleSpec:
        try:
            config = AutoscalerConfig.of(self._store.config("config-autoscaler", self._namespace))
        except InvalidConfig as fault:
            logger.warning("config-autoscaler: %s; the defaults hold", fault, extra={"about": "config-autoscaler"})
            config = AutoscalerConfig()
        reachable = autoscaler.spec.reachability != "Unreachable"
        concurrency = autoscaler.spec.container_concurrency
        deployment = self._store.config("config-deployment", self._namespace)
        spec = ScaleSpec.of(
            autoscaler.annotations,
            concurrency,
            config,
            is_reachable=reachable,
            progress_deadline_s=progress_deadline_s(autoscaler.annotations, deployment),
        )
        spec = with_idle(spec, autoscaler.annotations, self._tier.idle)
        return replace(spec, initial_scale=0) if autoscaler.annotations.get(START) == "asleep" else spec

    def _deployment_changed(self, deployment: Resource[Any]) -> None:
        owner = deployment.controller
        if owner is None or owner["kind"] != "Revision":
            return
        key = Key(POD_AUTOSCALER, deployment.namespace, owner["name"])
        if decider := self._deciders.get(key):
            self._scale(key, decider.scale.replicas)
            self._plan(key, decider, asyncio.get_running_loop().time())

    # -- deciding

    def _tick(self, key: Key, now: float) -> None:
        decider = self._deciders.get(key)
        if decider is None:
            return
        if (source := self._load_of(key.namespace, key.name)) is not None:
            sample = source.take(now)
            decider.windows.record(now, sample.requests if decider.spec.metric == "rps" else sample.concurrency)
        if now - decider.decided_at >= TICK_S:
            self._decide(key, decider, now)

    def _decide(self, key: Key, decider: _Decider, now: float, *, is_told: bool = True) -> None:
        decider.decided_at = now
        load = Load.of(decider.spec, decider.windows, self._ready(key), now)
        _, decider.state = decide(decider.spec, load, decider.state, now)
        self._plan(key, decider, now, is_told=is_told)

    def _plan(self, key: Key, decider: _Decider, now: float, *, is_told: bool = True) -> None:
        before, ready = decider.scale, self._ready(key)
        if decider.spec.is_kpa:
            made, after = plan(decider.spec, decider.state.last, ready, before, now)
            busy = self._in_flight(key)
            made, decider.scale = frozen_plan(decider.spec, made, before, after, now, ready=ready, in_flight=busy)
        else:
            made, decider.scale = fixed_plan(decider.spec, self._decided(key), ready, before, now)
        if made.replicas != before.replicas:
            said = "scaled %d → %d" if made.replicas else "idle: scaled %d → %d"
            report(logger, key.name, said, before.replicas, made.replicas, replicas=made.replicas)
        if (source := self._load_of(key.namespace, key.name)) is not None:
            source.set_mode(is_proxied=decider.scale.mode == "Proxy")
        if is_told:
            self._tell(key, decider, made, ready)
            self._set_mode(key, decider)
        self._scale(key, made.replicas)
        if decider.scale.frozen_since is not None:
            self._freeze(key, decider, is_new=before.frozen_since is None)
        elif before.frozen_since is not None and made.replicas:
            self._thaw(key, decider)
        if decider.is_asleep:
            self._awake.discard(key)
        else:
            self._awake.add(key)
            self._wake.set()

    # -- freezing

    def _freeze(self, key: Key, decider: _Decider, *, is_new: bool) -> None:
        """Have what is ready of a Revision paused; then stop those that are too many."""
        for pod in self._pods(key):
            if takes_requests(pod):
                self._store.patch_metadata(pod.key, annotations={FROZEN: rfc3339(self._store.clock.now())})
        if not is_new:
            return
        kept = human(decider.spec.frozen_s)
        report(logger, key.name, "idle: frozen; thawed by a request, stopped after %s", kept, frozen=1)
        since = {k: d.scale.frozen_since for k, d in self._deciders.items() if d.scale.frozen_since is not None}
        for other in surplus(since, self._tier.most):
            report(logger, other.name, "more than %d are frozen: the oldest is stopped", self._tier.most)
            crowded = self._deciders[other]
            crowded.scale = replace(crowded.scale, frozen_since=_LONG_AGO)
            self._plan(other, crowded, asyncio.get_running_loop().time())

    def _thaw(self, key: Key, decider: _Decider) -> bool:
        """Whether anything was frozen; it is being thawed from here on."""
        frozen = [pod for pod in self._pods(key) if FROZEN in pod.annotations]
        was_frozen = bool(frozen) or decider.scale.frozen_since is not None
        decider.scale = replace(decider.scale, frozen_since=None)
        for pod in frozen:
            self._store.patch_metadata(pod.key, annotations={FROZEN: None})
        return was_frozen

    def _pods(self, key: Key) -> list[Resource[Any]]:
        return [p for p in self._store.scan(self._pod, key.namespace) if p.labels.get(REVISION_LABEL) == key.name]

    # -- the Store

    def _ready(self, key: Key) -> int:
        deployment = self._target(key)
        return int(deployment.status.get("readyReplicas", 0)) if deployment is not None else 0

    def _target(self, key: Key) -> Resource[Any] | None:
        autoscaler = self._store.find(POD_AUTOSCALER, key.name, key.namespace)
        if autoscaler is None:
            return None
        return self._store.find(self._deployment, autoscaler.spec.scale_target_ref.name, key.namespace)

    def _decided(self, key: Key) -> int | None:
        """What the HorizontalPodAutoscaler of a PodAutoscaler has decided on, if it has one and that has decided."""
        autoscaler = self._store.find(POD_AUTOSCALER, key.name, key.namespace)
        found = self._store.find(self._horizontal, key.name, key.namespace) if self._horizontal is not None else None
        if autoscaler is None or found is None or not found.is_controlled_by(autoscaler):
            return None
        return found.status.get("desiredReplicas")

    def _scale(self, key: Key, replicas: int) -> None:
        deployment = self._target(key)
        if deployment is None or deployment.obj["spec"].get("replicas") == replicas:
            return
        body = {k: v for k, v in deployment.obj.items() if k != "status"}
        self._store.update({**body, "spec": {**body["spec"], "replicas": replicas}})

    def _set_mode(self, key: Key, decider: _Decider) -> None:
        """Show in the ServerlessService what the Throttler was told."""
        sks = self._store.find(SERVERLESS_SERVICE, key.name, key.namespace)
        if sks is not None and sks.spec.mode != decider.scale.mode:
            body = {k: v for k, v in sks.obj.items() if k != "status"}
            self._store.update({**body, "spec": {**body["spec"], "mode": decider.scale.mode}})

    def _tell(self, key: Key, decider: _Decider, made: Plan, ready: int) -> None:
        autoscaler = self._store.find(POD_AUTOSCALER, key.name, key.namespace)
        if autoscaler is None:
            return
        initialized = Condition.true("ScaleTargetInitialized")
        if not decider.scale.is_initialized:
            initialized = Condition.unknown("ScaleTargetInitialized")
        # SKSReady: requests are always taken, by the Throttler if by nobody else.
        conditions = [decider.scale.active, initialized, Condition.true("SKSReady")]
        before = autoscaler.status.get("conditions", ())
        status = {
            "serviceName": key.name,
            "metricsServiceName": f"{key.name}-private",
            "desiredScale": made.desired,
            "actualScale": ready,
            "observedGeneration": autoscaler.generation,
            "conditions": summarize(conditions, before, self._store.now()),
        }
        self._store.update_status(key, status)


def _annotated(change: Change) -> bool:
    return change.before is not None and change.before.annotations != change.resource.annotations
