"""Clients of gRPC, WebSocket and HTTP/2 for a Service by its Host header: real ones, and curl."""

from __future__ import annotations

import socket
import subprocess
from typing import Any

import grpc
from websockets.sync.client import ClientConnection, connect

PROTOCOLS = "kemu.test/protocols"
H2C = {"ports": [{"name": "h2c", "containerPort": 8080}]}
ONLY_HTTP2 = {"ONLY_HTTP2": "1"}


def host_of(name: str) -> str:
    return name if "." in name else f"{name}.default.example.com"


def channel(port: int, name: str) -> grpc.Channel:
    authority = ("grpc.default_authority", host_of(name))
    return grpc.insecure_channel(f"127.0.0.1:{port}", options=[authority])


def method(calls: grpc.Channel, kind: str, name: str) -> Any:
    """One that takes and gives plain bytes."""
    return getattr(calls, kind)(f"/echo.Echo/{name}")


def curl(port: int, name: str, path: str, *options: str) -> str:
    command = ["curl", "-sS", "-m", "30", "-H", f"Host: {host_of(name)}", *options]
    return subprocess.run(
        [*command, f"http://127.0.0.1:{port}{path}"], capture_output=True, text=True, check=True
    ).stdout


def websocket(port: int, name: str) -> ClientConnection:
    line = socket.create_connection(("127.0.0.1", port))
    return connect(f"ws://{host_of(name)}:{port}/ws", sock=line, open_timeout=30, max_size=None)
