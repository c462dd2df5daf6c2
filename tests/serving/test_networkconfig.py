"""What config-network and annotations say of routing (serving §4.8, §7)."""

from __future__ import annotations

import pytest

from emulator.serving.annotations import ROLLOUT_DURATION
from emulator.serving.networkconfig import BadProtocol, claims_domains, http_option, ingress_class, rollout_s

PROTOCOL, OLD_PROTOCOL = "networking.knative.dev/http-protocol", "networking.knative.dev/httpOption"


@pytest.mark.parametrize(
    ("annotations", "network", "option"),
    [
        pytest.param({}, {}, "Enabled", id="by default"),
        pytest.param({}, {"http-protocol": "Redirected"}, "Redirected", id="by the ConfigMap"),
        pytest.param({}, {"httpProtocol": "redirected"}, "Redirected", id="by its older spelling"),
        pytest.param({}, {"http-protocol": "Disabled"}, "", id="disabled, which is on its way out"),
        pytest.param({PROTOCOL: "redirected"}, {}, "Redirected", id="by annotation"),
        pytest.param({PROTOCOL: "Enabled"}, {"http-protocol": "Redirected"}, "Enabled", id="the annotation wins"),
        pytest.param({OLD_PROTOCOL: "Redirected"}, {}, "Redirected", id="its older name"),
    ],
)
def test_the_http_option(annotations: dict[str, str], network: dict[str, str], option: str) -> None:
    assert http_option(annotations, network) == option


def test_another_protocol_is_told() -> None:
    with pytest.raises(
        BadProtocol, match=r"incorrect http-protocol annotation: gopher; .*may be Enabled or Redirected"
    ):
        http_option({PROTOCOL: "gopher"}, {})


@pytest.mark.parametrize(
    ("annotations", "network", "seconds"),
    [
        pytest.param({}, {}, 0, id="none"),
        pytest.param({}, {"rollout-duration": "30"}, 30, id="the key is a number of seconds"),
        pytest.param({ROLLOUT_DURATION: "2m"}, {"rollout-duration": "30"}, 120, id="the annotation a duration"),
        pytest.param({ROLLOUT_DURATION: "0s"}, {"rollout-duration": "30"}, 30, id="none of its own"),
        pytest.param({}, {"rollout-duration": "soon"}, 0, id="no number"),
    ],
)
def test_the_length_of_a_rollout(annotations: dict[str, str], network: dict[str, str], seconds: int) -> None:
    assert rollout_s(annotations, network) == seconds


def test_claims_are_made_only_where_that_is_said() -> None:
    assert not claims_domains({})
    assert not claims_domains({"autocreate-cluster-domain-claims": "false"})
    assert claims_domains({"autocreate-cluster-domain-claims": "true"})


def test_the_class_of_an_ingress() -> None:
    assert ingress_class({}, {}) == "kourier.ingress.networking.knative.dev"
    assert ingress_class({}, {"ingress-class": "istio"}) == "istio"
    assert ingress_class({"networking.knative.dev/ingress-class": "mine"}, {"ingress-class": "istio"}) == "mine"
