"""A server that answers every GET with what a function makes of its path."""

import signal
import sys
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from socketserver import ThreadingTCPServer


class Server(ThreadingTCPServer):
    """Not http.server's own: that one asks DNS for the host's name before it listens."""

    allow_reuse_address = True
    daemon_threads = True


def serve(port: int, answer: Callable[[str], str]) -> None:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = answer(self.path).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Quietly."""

    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    Server(("", port), Handler).serve_forever()
