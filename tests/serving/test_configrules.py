"""What is refused of Knative's ConfigMaps: one row a rule. The texts were asked of Knative's own code (98e5ef9)."""

from __future__ import annotations

from typing import Any

import pytest

from emulator.objects.kind import Registry
from emulator.objects.problems import dotted
from emulator.serving.configrules import (
    CHECKSUM,
    CONFIG_WEBHOOK,
    EXAMPLE,
    RULES,
    config_problems,
    example_checksum,
    operator_problems,
)
from emulator.store.admission import Webhook
from emulator.store.store import Store
from emulator.workloads.configs import CONFIG_MAP
from emulator.workloads.operators import KNATIVE_SERVING
from tests.world import StandingClock

HOOKS = (
    Webhook(CONFIG_WEBHOOK, CONFIG_MAP, config_problems),
    Webhook(CONFIG_WEBHOOK, KNATIVE_SERVING, operator_problems),
)


def faults(name: str, **data: str) -> list[str]:
    return [said for _, said in RULES[name]({key.replace("_", "-"): value for key, value in data.items()})]


SYNTAX = 'strconv.ParseInt: parsing "x": invalid syntax'


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ({}, []),
        ({"revision_timeout_seconds": "x"}, [f'failed to parse "revision-timeout-seconds": {SYNTAX}']),
        (
            {"revision_timeout_seconds": "700"},
            ["revision-timeout-seconds (700) cannot be greater than max-revision-timeout-seconds (600)"],
        ),
        (
            {"revision_response_start_timeout_seconds": "400"},
            ["revision-response-start-timeout-seconds (400) cannot be greater than revision-timeout-seconds (300)"],
        ),
        (
            {"revision_idle_timeout_seconds": "301"},
            ["revision-idle-timeout-seconds (301) cannot be greater than revision-timeout-seconds (300)"],
        ),
        ({"container_concurrency": "1001"}, ["expected 0 <= 1001 <= 1000: container-concurrency"]),
        (
            {"container_concurrency_max_limit": "0"},
            ["expected 1 <= 0 <= 2147483647: container-concurrency-max-limit"],
        ),
        (
            {"allow_container_concurrency_zero": "maybe"},
            ['failed to parse "allow-container-concurrency-zero": strconv.ParseBool: parsing "maybe": invalid syntax'],
        ),
        (
            {"revision_cpu_request": "x"},
            [
                'failed to parse "revision-cpu-request": quantities must match the regular expression '
                "'^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"
            ],
        ),
        ({"container_name_template": "{{.Name}}-{{.UID}}"}, []),
        ({"container_name_template": "{{"}, ["template: container-template:1: unclosed action"]),
    ],
)
def test_config_defaults(data: dict[str, str], said: list[str]) -> None:
    assert faults("config-defaults", **data) == said


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ({}, []),
        ({"rollout_duration": "-1"}, ["rollout-duration must be a positive integer, but was -1"]),
        (
            {"rollout_duration": "10s"},
            ['failed to parse "rollout-duration": strconv.ParseInt: parsing "10s": invalid syntax'],
        ),
        ({"domain_template": "{{.Name}}/{{.Domain}}"}, ["domain template has url path: /baz.com"]),
        (
            {"domain_template": "{{.Name}} {{.Domain}}"},
            ['parse "https://foo baz.com": invalid character " " in host name'],
        ),
        ({"domain_template": "{{if .Name}}"}, ["template: domain-template:1: unexpected EOF"]),
        ({"tag_template": "{{.Tag}}_{{.Name}}"}, []),
        ({"http_protocol": "Redirected"}, []),
        ({"http_protocol": "no"}, ["httpProtocol no in config-network ConfigMap is not supported"]),
        (
            {"system_internal_tls": "no"},
            ['system-internal-tls with value: "no" in config-network ConfigMap is not supported'],
        ),
    ],
)
def test_config_network(data: dict[str, str], said: list[str]) -> None:
    assert faults("config-network", **data) == said


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ({"progress_deadline": "120s"}, []),
        ({"progress_deadline": "0s"}, ["progress-deadline cannot be a non-positive duration, was 0s"]),
        ({"progress_deadline": "1.5s"}, ["progress-deadline must be rounded to a whole second, was: 1.5s"]),
        (
            {"digest_resolution_timeout": "-1s"},
            ["digest-resolution-timeout cannot be a non-positive duration, was -1s"],
        ),
        ({"default_affinity_type": "x"}, ['unsupported default-affinity-type value: "x"']),
    ],
)
def test_config_deployment(data: dict[str, str], said: list[str]) -> None:
    assert faults("config-deployment", **data) == said


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ({"max_non_active_revisions": "Disabled", "retain_since_create_time": "disabled"}, []),
        ({"min_non_active_revisions": "-1"}, ["min-non-active-revisions must be non-negative, was: -1"]),
        (
            {"max_non_active_revisions": "1"},
            ["min-non-active-revisions(20) must be <= max-non-active-revisions(1)"],
        ),
        ({"retain_since_create_time": "-2h"}, ["failed to parse retain-since-create-time: must be non-negative"]),
        (
            {"max_non_active_revisions": "-1"},
            ['failed to parse max-non-active-revisions: strconv.ParseUint: parsing "-1": invalid syntax'],
        ),
    ],
)
def test_config_gc(data: dict[str, str], said: list[str]) -> None:
    assert faults("config-gc", **data) == said


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ({"metrics-protocol": "prometheus", "metrics-endpoint": "x"}, []),
        ({"metrics-protocol": "grpc"}, ['endpoint should be set when protocol is "grpc"']),
        ({"tracing-endpoint": "x"}, ["endpoint should not be set when protocol is 'none'"]),
        ({"tracing-protocol": "x"}, ['unsupported protocol "x"']),
        ({"tracing-sampling-rate": "1.5"}, ["sampling rate 1.500000 should be less than or equal to one"]),
        ({"runtime-profiling": "x"}, ['unsupported profile setting "x"']),
        (
            {"logging.enable-request-log": "true", "logging.request-log-template": ""},
            [
                '"logging.enable-request-log" was set to true, but no "logging.request-log-template" was specified',
            ],
        ),
        ({"logging.request-log-template": "{{"}, ["template: requestLog:1: unclosed action"]),
    ],
)
def test_config_observability(data: dict[str, str], said: list[str]) -> None:
    assert [text for _, text in RULES["config-observability"](data)] == said


@pytest.mark.parametrize(
    ("text", "is_fine"),
    [("", True), ("selector:\n  tier: front", True), ("selector:\n  a: 1", True), ("x", False), ("a: : b", False)],
)
def test_config_domain(text: str, is_fine: bool) -> None:
    assert (not list(RULES["config-domain"]({"example.com": text}))) == is_fine


def test_all_faults_of_a_map_are_told_each_at_its_key() -> None:
    data = {"revision-timeout-seconds": "x", "container-concurrency": "-1"}
    config = store_of().registry.of("v1", "ConfigMap")
    assert config is CONFIG_MAP
    found = {key for key, _ in RULES["config-defaults"](data)}
    assert found == {"revision-timeout-seconds", "container-concurrency"}


# -- through the Store


def store_of() -> Store:
    return Store(Registry((CONFIG_MAP, KNATIVE_SERVING)), StandingClock(), CONFIG_MAP, HOOKS)


def config_map(name: str, data: dict[str, str], **metadata: Any) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, "namespace": "knative-serving", **metadata},
        "data": data,
    }


def test_a_refused_edit_leaves_the_last_good_value() -> None:
    store = store_of()
    made = store.create(config_map("config-gc", {"min-non-active-revisions": "3"}))
    with pytest.raises(Exception) as refused:
        store.update({**made.obj, "data": {"min-non-active-revisions": "-3"}})
    assert str(refused.value) == (
        'admission webhook "config.webhook.serving.knative.dev" denied the request: validation failed: '
        "min-non-active-revisions must be non-negative, was: -3"
    )
    assert store.config("config-gc", "knative-serving") == {"min-non-active-revisions": "3"}


def test_only_knatives_own_maps_are_judged() -> None:
    store = store_of()
    store.create(config_map("mine", {"min-non-active-revisions": "-3"}))
    store.create(config_map("config-gc", {"min-non-active-revisions": "-3"}, namespace="default"))


def test_settings_written_into_the_example_are_refused() -> None:
    data = {EXAMPLE: "a: 1\n\nb: 2\n"}
    store = store_of()
    store.create(config_map("config-gc", data, annotations={CHECKSUM: example_checksum("a: 1\r\nb: 2")}))
    with pytest.raises(Exception, match='the update modifies a key in "_example" which is probably not what you want'):
        store.create(config_map("config-features", data, annotations={CHECKSUM: "5b64ff5c"}))


def test_the_operators_object_is_judged_by_the_maps_that_it_makes() -> None:
    obj = {
        "apiVersion": "operator.knative.dev/v1beta1",
        "kind": "KnativeServing",
        "metadata": {"name": "knative-serving", "namespace": "knative-serving"},
        "spec": {"config": {"gc": {"min-non-active-revisions": "-3"}, "other": {"a": "b"}}},
    }
    with pytest.raises(Exception) as refused:
        store_of().create(obj)
    [problem] = refused.value.problems  # type: ignore[attr-defined]
    assert dotted(problem.path) == "spec.config.gc.min-non-active-revisions"
