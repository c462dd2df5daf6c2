"""URLs in status."""

from __future__ import annotations

import pytest

from emulator.control.addresses import Addresses


@pytest.mark.parametrize(
    ("addresses", "public", "local"),
    [
        (Addresses(), "http://a.localhost", "http://b.svc/x"),
        (Addresses(port=8080), "http://a.localhost:8080", "http://b.svc/x"),
        (Addresses(cluster_port=4000), "http://a.localhost", "http://b.svc:4000/x"),
    ],
    ids=["plain", "public port", "cluster port"],
)
def test_a_url_carries_a_port_that_is_not_80(addresses: Addresses, public: str, local: str) -> None:
    assert addresses.public_url("http", "a.localhost") == public
    assert addresses.cluster_url("b.svc", "/x") == local
