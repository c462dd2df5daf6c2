"""Where this kemu listens, as URLs in status tell it. Made once by `app.py`; reconcilers find it in their View."""

from __future__ import annotations

from dataclasses import dataclass

_PLAIN_PORT = 80


@dataclass(frozen=True)
class Addresses:
    """`domain` and `port` are the public listener's. `cluster_port` is that of the listener for containers.

    On a cluster every cluster-local URL has port 80. Where kemu may not bind that, the URLs carry the port they have,
    so that a function which reads them still gets through.
    """

    domain: str = "localhost"
    port: int = _PLAIN_PORT
    cluster_port: int = _PLAIN_PORT

    def public_url(self, scheme: str, host: str) -> str:
        """For users and browsers."""
        return f"{scheme}://{host}{_suffix(self.port)}"

    def cluster_url(self, host: str, path: str = "") -> str:
        """For containers, and for kemu's own deliveries; `host` is a cluster-local name."""
        return f"http://{host}{_suffix(self.cluster_port)}{path}"


def _suffix(port: int) -> str:
    return "" if port == _PLAIN_PORT else f":{port}"
