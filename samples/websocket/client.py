"""Talks to the sample: python3 client.py [ADDRESS]."""

import socket
import sys

from websockets.sync.client import connect

host, _, port = (sys.argv[1] if len(sys.argv) > 1 else "localhost:8080").partition(":")
url = f"ws://chat.default.example.com:{port}/"
with connect(url, sock=socket.create_connection((host, int(port))), open_timeout=30) as line:
    for word in ("hello", "still there", "bye"):
        line.send(word)
        print(line.recv())
