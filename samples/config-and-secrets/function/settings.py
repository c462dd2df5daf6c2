"""Answers with what its environment and its files say; of the password with its length only."""

import os
import signal
import sys
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from socketserver import ThreadingTCPServer


def report() -> str:
    lines = [(name, os.environ[name]) for name in ("GREETING", "WELCOME", "ACCOUNT_user")]
    lines.append(("/etc/greeting/motto.txt", Path("/etc/greeting/motto.txt").read_text()))
    lines.append(("/etc/account/password", f"{len(Path('/etc/account/password').read_text())} characters"))
    lines.append(("/etc/pod/labels", Path("/etc/pod/labels").read_text().splitlines()[0]))
    return "".join(f"{name:<26}{value}\n" for name, value in lines)


class Settings(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = report().encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class Server(ThreadingTCPServer):
    """Not http.server's own: that one asks DNS for the host's name before it listens."""

    allow_reuse_address = True
    daemon_threads = True


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    Server(("", int(os.environ.get("PORT", "8080"))), Settings).serve_forever()
