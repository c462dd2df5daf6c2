"""Prints each CloudEvent that it receives, in the layout of Knative's own event_display; answers without an event.

Only Python's standard library. The event may come in binary or structured mode.
"""

import json
import os
import signal
import sys
import threading
from http.server import BaseHTTPRequestHandler
from socketserver import ThreadingTCPServer

ATTRIBUTES = ("specversion", "type", "source", "subject", "id", "time", "dataschema", "datacontenttype")
ONE_AT_A_TIME = threading.Lock()


class Display(BaseHTTPRequestHandler):
    """One request is one event."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1  # headers and body leave together

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        text = shown(*self.event(body))
        with ONE_AT_A_TIME:
            print(text, flush=True)
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def event(self, body: bytes) -> tuple[dict[str, str], str]:
        """Attributes and data as text, indented when they are JSON."""
        if self.headers.get_content_type() == "application/cloudevents+json":
            members = json.loads(body)
            data = members.pop("data", members.pop("data_base64", None))
            return members, json.dumps(data, indent=2, ensure_ascii=False)
        names = ((name.lower(), value) for name, value in self.headers.items())
        attributes = {name[3:]: value for name, value in names if name.startswith("ce-")}
        attributes["datacontenttype"] = content_type = self.headers.get("Content-Type", "")
        text = body.decode(errors="replace")
        if content_type.split(";")[0] == "application/json":
            text = json.dumps(json.loads(text or "null"), indent=2, ensure_ascii=False)
        return attributes, text

    def log_message(self, format: str, *args: object) -> None:
        """The event itself is printed, not its request."""


def shown(attributes: dict[str, str], data: str) -> str:
    lines = ["☁️  cloudevents.Event", "Context Attributes,"]
    lines += [f"  {name}: {attributes[name]}" for name in ATTRIBUTES if attributes.get(name)]
    extensions = sorted(set(attributes) - set(ATTRIBUTES))
    if extensions:
        lines += ["Extensions,", *(f"  {name}: {attributes[name]}" for name in extensions)]
    if data:
        lines += ["Data,", *(f"  {line}" for line in data.splitlines())]
    return "\n".join(lines)


class Server(ThreadingTCPServer):
    """Not http.server's own: that one asks DNS for the host's name before it listens."""

    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 128


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    Server(("", int(os.environ.get("PORT", "8080"))), Display).serve_forever()
