"""Calls the sample: python3 client.py [ADDRESS]. Messages are plain bytes here; a real service has its own types."""

import sys

import grpc

address = sys.argv[1] if len(sys.argv) > 1 else "localhost:8080"
options = [("grpc.default_authority", "ping.default.example.com")]
with grpc.insecure_channel(address, options=options) as channel:
    print(channel.unary_unary("/ping.Ping/Say")(b"hello", timeout=30).decode(), "is answered")
    for message in channel.stream_stream("/ping.Ping/Stream")(iter([b"one", b"two", b"three"]), timeout=30):
        print(message.decode(), "is streamed")
