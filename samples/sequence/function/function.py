"""A step of a Sequence: takes a CloudEvent, adds MESSAGE to its message, answers with a new CloudEvent of type TYPE.

Only Python's standard library. The event may come in binary or structured mode; the answer is in binary mode.
"""

import json
import os
import signal
import sys
import uuid
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler
from socketserver import ThreadingTCPServer

MESSAGE = os.environ.get("MESSAGE", "")
TYPE = os.environ.get("TYPE", "samples.sequence.step")
SOURCE = "/samples/sequence/" + os.environ.get("K_SERVICE", "step")


class Step(BaseHTTPRequestHandler):
    """One request is one event."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1  # headers and body leave together

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.headers.get_content_type() == "application/cloudevents+json":
            data = json.loads(body).get("data") or {}
        else:
            data = json.loads(body or b"{}")
        answer = json.dumps({**data, "message": data.get("message", "") + MESSAGE}).encode()
        # With its line end in one piece: several threads print.
        print(f"{data.get('message', '')!r} becomes {data.get('message', '') + MESSAGE!r}\n", end="", flush=True)
        self.send_response(200)
        self.send_header("Ce-Specversion", "1.0")
        self.send_header("Ce-Id", str(uuid.uuid4()))
        self.send_header("Ce-Source", SOURCE)
        self.send_header("Ce-Type", TYPE)
        self.send_header("Ce-Time", datetime.now(UTC).isoformat().replace("+00:00", "Z"))
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, format: str, *args: object) -> None:
        """The line about the message is enough."""


class Server(ThreadingTCPServer):
    """Not http.server's own: that one asks DNS for the host's name before it listens."""

    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 128


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    Server(("", int(os.environ.get("PORT", "8080"))), Step).serve_forever()
