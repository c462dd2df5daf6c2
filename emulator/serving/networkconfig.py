"""What config-network and the annotations that overrule it say of routing, beside the templates (hostnames.py).

Pure. Older spellings of the keys count, too. Followed: knative/networking pkg/config/config.go,
pkg/apis/networking/register.go; knative/serving pkg/networking/util.go (serving §4.8, §7).
"""

from __future__ import annotations

from collections.abc import Mapping

from emulator.lib.durations import SECOND, parse_go
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
    text = network.get("http-protocol") or network.get("httpProtocol") or "enabled"
    return "" if text.lower() == "disabled" else _OPTIONS.get(text.lower(), "Enabled")


def rollout_s(annotations: Mapping[str, str], network: Mapping[str, str]) -> int:
    """How long a gradual rollout takes in seconds; 0 for none. The annotation is a Go duration, the key a number."""
    try:
        if (
            seconds := parse_go(next((annotations[key] for key in ROLLOUT_DURATIONS if key in annotations), "0s"))
            // SECOND
        ):
            return int(seconds)
        return max(0, int(network.get("rollout-duration") or network.get("rolloutDuration") or 0))
    except ValueError:
        return 0


def claims_domains(network: Mapping[str, str]) -> bool:
    """Whether a DomainMapping makes the ClusterDomainClaim that it needs."""
    text = network.get("autocreate-cluster-domain-claims") or network.get("autocreateClusterDomainClaims") or ""
    return text.lower() in ("true", "t", "1")


def ingress_class(annotations: Mapping[str, str], network: Mapping[str, str]) -> str:
    """Who is to carry an Ingress out; kemu carries out all."""
    asked = next((annotations[key] for key in _INGRESS_CLASSES if annotations.get(key)), "")
    return asked or network.get("ingress-class") or network.get("ingress.class") or _DEFAULT_CLASS
