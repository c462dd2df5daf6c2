"""A registry of images over HTTP, with one tiny image: enough of the distribution protocol for an engine to pull it.

`Registry` serves from a thread on a free port of loopback, which engines take for a registry that needs no TLS. With
`users` it asks for one of them (Basic), and notes in `shown` who came.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import io
import json
import tarfile
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"


class Registry:
    """Use it as a context manager. `ref(name)` is the image's name on it."""

    def __init__(self, **users: str) -> None:
        self.users = users
        self.shown: list[str] = []
        self._blobs: dict[str, bytes] = {}
        self._manifest = self._image()
        self.digest = _digest(self._manifest)
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.host = f"127.0.0.1:{self._server.server_port}"

    def ref(self, name: str) -> str:
        return f"{self.host}/{name}:1"

    def __enter__(self) -> Registry:
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def answer(self, path: str, authorization: str) -> tuple[int, dict[str, str], bytes]:
        """Status, headers and body of one request."""
        if self.users and not self._knows(authorization):
            body = json.dumps({"errors": [{"code": "UNAUTHORIZED", "message": "authentication required"}]}).encode()
            return 401, {"Www-Authenticate": 'Basic realm="test"', "Content-Type": "application/json"}, body
        digest = path.rpartition("/")[2]
        if path == "/v2/":
            return 200, {}, b"{}"
        if "/manifests/" in path:
            return 200, {"Content-Type": _MANIFEST, "Docker-Content-Digest": self.digest}, self._manifest
        if digest in self._blobs:
            return 200, {"Content-Type": "application/octet-stream"}, self._blobs[digest]
        return 404, {}, b""

    def _knows(self, authorization: str) -> bool:
        user, _, password = base64.b64decode(authorization.partition(" ")[2]).decode().partition(":")
        if user:
            self.shown.append(user)
        return self.users.get(user) == password if user in self.users else False

    def _image(self) -> bytes:
        """The manifest of an image with one file, whose content is new each time."""
        layer = io.BytesIO()
        with tarfile.open(fileobj=layer, mode="w") as archive:
            text = id(self).to_bytes(8, "big") + hashlib.sha256(str(threading.get_ident()).encode()).digest()
            entry = tarfile.TarInfo("file")
            entry.size = len(text)
            archive.addfile(entry, io.BytesIO(text))
        config = {
            "architecture": "amd64",
            "os": "linux",
            "config": {},
            "rootfs": {"type": "layers", "diff_ids": [_digest(layer.getvalue())]},
        }
        manifest = {
            "schemaVersion": 2,
            "mediaType": _MANIFEST,
            "config": self._blob("application/vnd.docker.container.image.v1+json", json.dumps(config).encode()),
            "layers": [
                self._blob("application/vnd.docker.image.rootfs.diff.tar.gzip", gzip.compress(layer.getvalue()))
            ],
        }
        return json.dumps(manifest).encode()

    def _blob(self, media_type: str, content: bytes) -> dict[str, Any]:
        digest = _digest(content)
        self._blobs[digest] = content
        return {"mediaType": media_type, "size": len(content), "digest": digest}

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        registry = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                status, headers, body = registry.answer(self.path, self.headers.get("Authorization") or "Basic Og==")
                self.send_response(status)
                for name, value in {**headers, "Content-Length": str(len(body))}.items():
                    self.send_header(name, value)
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(body)

            do_HEAD = do_GET

            def log_message(self, format: str, *args: Any) -> None:
                """Quietly."""

        return Handler


def _digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"
