"""What config-network and the annotations that overrule it say of routing, beside the templates (hostnames.py).

Pure, of what configrules.py let in. Older spellings of the keys count, too. Followed: knative/networking
pkg/config/config.go, pkg/apis/networking/register.go; knative/serving pkg/networking/util.go (serving §4.8, §7).
"""

from __future__ import annotations

from collections.abc import Mapping

from emulator.lib.durations import SECOND, parse_go
from emulator.lib.gonumbers import parse_bool
from emulator.serving.annotations import ROLLOUT_DURATIONS

CONFIG = "config-network"
INGRESS_CLASS = "networking.knative.dev/ingress.class"
_INGRESS_CLASSES = (INGRESS_CLASS, "networking.knative.dev/ingress-class")
_PROTOCOLS = ("networking.knative.dev/httpOption", "networking.knative.dev/http-protocol")
_OPTIONS = {"enabled": "Enabled", "redirected": "Redirected"}
_DEFAULT_CLASS = "kourier.ingress.networking.knative.dev"
"""Whose words kemu's Ingresses speak; on a cluster it is what was installed."""


class BadProtocol(Exception):
    """An annotation asks for a protocol that there is not."""


def http_option(annotations: Mapping[str, str], network: Mapping[str, str]) -> str:
    """`Enabled`, or `Redirected`: plain HTTP is sent to https; "" where the ConfigMap says Disabled. BadProtocol."""
    for key in _PROTOCOLS:
        if text := annotations.get(key):
            if text.lower() not in _OPTIONS:
                raise BadProtocol(f"incorrect http-protocol annotation: {text}; {key} may be Enabled or Redirected")
            return _OPTIONS[text.lower()]
    text = _written(network, "http-protocol", "httpProtocol") or "enabled"
    return "" if text.lower() == "disabled" else _OPTIONS.get(text.lower(), "Enabled")


def rollout_s(annotations: Mapping[str, str], network: Mapping[str, str]) -> int:
    """How long a gradual rollout takes in seconds; 0 for none. The annotation is a Go duration, the key a number."""
    asked = next((annotations[key] for key in ROLLOUT_DURATIONS if key in annotations), "0s")
    try:
        return parse_go(asked) // SECOND or max(0, int(_written(network, "rollout-duration", "rolloutDuration") or 0))
    except ValueError:
        return 0


def claims_domains(network: Mapping[str, str]) -> bool:
    """Whether a DomainMapping makes the ClusterDomainClaim that it needs."""
    try:
        return parse_bool(_written(network, "autocreate-cluster-domain-claims", "autocreateClusterDomainClaims"))
    except ValueError:
        return False


def ingress_class(annotations: Mapping[str, str], network: Mapping[str, str]) -> str:
    """Who is to carry an Ingress out; kemu carries out all."""
    asked = _written(annotations, *_INGRESS_CLASSES)
    return asked or _written(network, "ingress-class", "ingress.class") or _DEFAULT_CLASS


def _written(data: Mapping[str, str], *keys: str) -> str:
    """The value of the first of these keys that has one, newer names first; "" if none has."""
    return next((data[key] for key in keys if data.get(key)), "")
