"""The Python function of the tests: answers GREETING and the path, and prints a line for each request."""

import os
import signal
import sys
from http.server import BaseHTTPRequestHandler
from socketserver import ThreadingTCPServer

GREETING = os.environ.get("GREETING", "hello")


class Function(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # headers and body leave together

    def do_GET(self) -> None:
        body = f"{GREETING} from python at {self.path}\n".encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        print(self.command, self.path, flush=True)


class Server(ThreadingTCPServer):
    """Not http.server's own: that one asks DNS for the host's name before it listens."""

    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 128


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    Server(("", int(os.environ.get("PORT", "8080"))), Function).serve_forever()
