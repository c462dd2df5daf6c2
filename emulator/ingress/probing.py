"""What probes of Knative's own parts and of the kubelet are answered; none of them reaches the function.

kemu is activator and queue-proxy in one, so a probe that one of the two knows is answered as that one does it; what
neither knows, as the one does it that stands first in the path. Pure. Followed: knative/serving
pkg/activator/handler/{healthz,probe}_handler.go, pkg/queue/health/handler.go, knative/networking
pkg/http/probe/handler.go, knative/pkg network/handlers/drain.go (serving §4.5).
"""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from emulator.ingress.forwarding import Special

if TYPE_CHECKING:
    from emulator.ingress.handler import Backend

_NO_HASH = b'a probe request must contain a non-empty "K-Network-Hash" header\n'


def probe_answer(said: Special, backend: Backend) -> tuple[int, bytes, list[tuple[bytes, bytes]]]:
    """(status, body, further headers) for a request whose headers mark it as a probe."""
    if said.is_kubelet and backend.in_path:
        return 200, b"", []
    if said.probe == b"queue":
        return (200, b"queue", []) if backend.is_ready else (503, b"", [])
    if said.is_kubelet:
        return 400, _unexpected(said.probe or b""), []
    if said.probe == b"activator":
        return 200, b"activator", []
    if said.probe == b"probe":
        if not said.probe_hash:
            return 400, _NO_HASH, []
        return 200, b"", [(b"K-Network-Hash", said.probe_hash)]
    value = said.probe or b""
    return 400, _unexpected(_quoted(value) if backend.in_path else value), []


def _unexpected(value: bytes) -> bytes:
    return b"unexpected probe header value: %b\n" % value


def _quoted(value: bytes) -> bytes:
    """As the activator shows it: escaped for HTML as Go does that, and in quotes."""
    text = escape(value.decode("latin-1"), quote=False).replace('"', "&#34;").replace("'", "&#39;")
    return b'"%b"' % text.replace("\\", "\\\\").encode("latin-1")
