"""A function that tells all it sees of its container: the program of `tests/contract/test_runtime.py`.

It is run by `python3 -c` in a container and has no imports of ours. Paths: `/` tells everything as JSON;
`/start-failing` makes `/healthz` answer 500 from then on.
"""

import json
import os
import signal
import sys
import time
from http.server import BaseHTTPRequestHandler, HTTPServer

# upstream: test/types/runtime.go, MustFiles and ShouldFiles
FILES = (
    *("/dev/fd", "/dev/full", "/dev/null", "/dev/ptmx", "/dev/random", "/dev/stdin", "/dev/stdout", "/dev/stderr"),
    *("/dev/tty", "/dev/urandom", "/dev/zero", "/proc/self/fd/0", "/proc/self/fd/1", "/proc/self/fd/2", "/tmp"),
    *("/etc/resolv.conf", "/dev/console", "/var/log", "/dev/log"),
)
CGROUPS = ("memory.max", "cpu.max", "cpu.weight")
OLD_CGROUPS = (
    *("memory/memory.limit_in_bytes", "cpu/cpu.shares"),
    *("cpu/cpu.cfs_quota_us", "cpu/cpu.cfs_period_us"),
)
failing = False


def file(path: str) -> dict[str, object]:
    try:
        found = os.lstat(path)
    except OSError as error:
        return {"error": error.strerror}
    link = os.readlink(path) if os.path.islink(path) else ""
    return {"mode": oct(found.st_mode), "link": link, "writable": os.access(path, os.W_OK)}


def cgroup(path: str) -> dict[str, object]:
    full = f"/sys/fs/cgroup/{path}"
    try:
        with open(full) as opened:
            return {"value": opened.read().strip(), "writable": os.access(full, os.W_OK)}
    except OSError as error:
        return {"error": error.strerror}


def mounts() -> dict[str, list[str]]:
    with open("/proc/mounts") as opened:
        return {line.split()[1]: [line.split()[2], line.split()[3]] for line in opened}


time.sleep(float(os.environ.get("START_DELAY_S", "0")))
STDIN_EOF = sys.stdin.read() == ""


class Witness(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        global failing
        if self.path == "/start-failing":
            failing = True
        with open("/proc/self/cmdline") as opened:
            arguments = opened.read().split("\0")[:-1]
        body = json.dumps(
            {
                "args": arguments[3:],
                "cwd": os.getcwd(),
                "uid": os.getuid(),
                "gid": os.getgid(),
                "env": dict(os.environ),
                "stdin_eof": STDIN_EOF,
                "files": {path: file(path) for path in FILES},
                "cgroups": {path: cgroup(path) for path in (*CGROUPS, *OLD_CGROUPS)},
                "mounts": mounts(),
                "headers": self.headers.items(),
                "protocol": self.request_version,
            }
        ).encode()
        is_probed = self.path == "/healthz"
        self.send_response(500 if failing and is_probed else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        pass


class Server(HTTPServer):
    def server_bind(self) -> None:  # HTTPServer's own asks DNS
        super(HTTPServer, self).server_bind()


signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
Server(("", int(os.environ.get("PORT", "8080"))), Witness).serve_forever()
