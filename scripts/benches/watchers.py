"""Watchers and writers of the API: python watchers.py PORT WATCHERS WRITES_PER_S SECONDS

Each watcher sees every write or the run fails. Prints the lag from before a write to each watcher's reading of it, p50
and p99 in milliseconds.
"""

import asyncio
import json
import re
import statistics
import sys
import time

import uvloop

PATH = "/bench/api/v1/namespaces/default/configmaps"
_SEEN = re.compile(rb'"type":"(?:ADDED|MODIFIED)".*?"number":"(\d+)","sent":"(\d+)"')


async def main(port: int, watchers: int, rate: int, seconds: int) -> None:
    count = rate * seconds
    lags: list[float] = []
    writer = await Writer.open(port)
    await writer.post(0)
    async with asyncio.TaskGroup() as group:
        for _ in range(watchers):
            group.create_task(watch(port, count, lags))
        await asyncio.sleep(1.0)
        begun = time.monotonic()
        for number in range(1, count + 1):
            await asyncio.sleep(max(begun + number / rate - time.monotonic(), 0))
            await writer.put(number)
    lags.sort()
    print(f"{statistics.median(lags):.2f} {lags[int(len(lags) * 0.99)]:.2f} {len(lags)}")


async def watch(port: int, count: int, lags: list[float]) -> None:
    """Read `count` changes, which must come each once and in order."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 20)
    writer.write(f"GET {PATH}?watch=true HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
    expected = 0
    while expected <= count:
        found = _SEEN.search(await reader.readline())
        if found is None:
            continue
        number, sent = int(found[1]), int(found[2])
        assert number == expected, f"change {number} came where {expected} was due"
        expected += 1
        if number:
            lags.append((time.monotonic_ns() - sent) / 1e6)
    writer.close()


class Writer:
    """One connection that writes a ConfigMap again and again."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    @classmethod
    async def open(cls, port: int) -> "Writer":
        return cls(*await asyncio.open_connection("127.0.0.1", port))

    async def post(self, number: int) -> None:
        await self._ask("POST", PATH, number)

    async def put(self, number: int) -> None:
        await self._ask("PUT", f"{PATH}/a", number)

    async def _ask(self, method: str, path: str, number: int) -> None:
        data = {"number": str(number), "sent": str(time.monotonic_ns())}
        body = json.dumps({"metadata": {"name": "a"}, "data": data})
        head = f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {len(body)}\r\n\r\n"
        self._writer.write((head + body).encode())
        answer = await self._reader.readuntil(b"\r\n\r\n")
        assert answer.startswith(b"HTTP/1.1 20"), answer
        length = re.search(rb"content-length: (\d+)", answer)
        assert length is not None
        await self._reader.readexactly(int(length[1]))


if __name__ == "__main__":
    uvloop.run(main(*(int(word) for word in sys.argv[1:5])))
