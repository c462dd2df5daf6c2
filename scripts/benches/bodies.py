"""Large bodies through a proxy on 127.0.0.1, with a backend of its own on port 9001, or one for HTTP/2."""

import socket
import subprocess
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path

GIB = 1 << 30
PIECE = b"0" * (1 << 20)


def growth_mib(port: int, pid: int) -> tuple[float, float]:
    """How much the process `pid` grew at most while 1 GiB came down, and while 1 GiB went up."""
    with socket.create_server(("127.0.0.1", 9001)) as listener:
        threading.Thread(target=_serve, args=(listener,), daemon=True).start()
        grown = _grown(pid, lambda size: _transfer(port, b"GET", size), lambda size: _transfer(port, b"POST", size))
        listener.shutdown(socket.SHUT_RDWR)  # closing alone leaves the port to the thread that waits in accept
    return grown


def stream_growth_mib(port: int, pid: int, host: str) -> tuple[float, float]:
    """The same with a client that speaks HTTP/2 (curl), to `host`; a backend must be there."""
    url = f"http://127.0.0.1:{port}"
    command = ["curl", "-sSf", "--http2-prior-knowledge", "-H", f"Host: {host}", "-o", "/dev/null"]
    with tempfile.NamedTemporaryFile() as body:

        def down(size: int) -> None:
            subprocess.run([*command, f"{url}/bytes?n={size}"], check=True)

        def up(size: int) -> None:
            body.truncate(size)
            subprocess.run([*command, "-T", body.name, f"{url}/count"], check=True)

        return _grown(pid, down, up)


def _grown(pid: int, *transfers: Callable[[int], None]) -> tuple[float, float]:
    for transfer in transfers:
        transfer(1 << 20)  # what every first request needs
    grown = []
    for transfer in transfers:
        before = _rss_mib(pid)
        most = [before]
        done = threading.Event()
        watcher = threading.Thread(target=_watch, args=(pid, most, done))
        watcher.start()
        transfer(GIB)
        done.set()
        watcher.join()
        grown.append(most[0] - before)
    return grown[0], grown[1]


def _transfer(port: int, method: bytes, size: int) -> None:
    with socket.create_connection(("127.0.0.1", port)) as client:
        length = b"Content-Length: %d\r\n" % size if method == b"POST" else b""
        client.sendall(
            b"%b /%d HTTP/1.1\r\nHost: hello.example.com\r\n%bConnection: close\r\n\r\n" % (method, size, length)
        )
        if method == b"POST":
            for _ in range(size // len(PIECE)):
                client.sendall(PIECE)
        received = 0
        while data := client.recv(1 << 20):
            received += len(data)
    assert received >= (size if method == b"GET" else 10), received


def _serve(listener: socket.socket) -> None:
    while True:
        try:
            client, _ = listener.accept()
        except OSError:
            return
        threading.Thread(target=_answer, args=(client,), daemon=True).start()


def _answer(client: socket.socket) -> None:
    with client:
        head = b""
        while b"\r\n\r\n" not in head:
            head += client.recv(65536)
        head, _, rest = head.partition(b"\r\n\r\n")
        method, path = head.split(b" ")[:2]
        size = int(path[1:] or 0)
        if method == b"POST":
            left = size - len(rest)
            while left > 0:
                left -= len(client.recv(1 << 20))
            client.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
            return
        client.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size)
        for _ in range(size // len(PIECE)):
            client.sendall(PIECE)


def _watch(pid: int, most: list[float], done: threading.Event) -> None:
    while not done.wait(0.02):
        most[0] = max(most[0], _rss_mib(pid))


def _rss_mib(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("VmRSS"))
    return int(line.split()[1]) / 1024
