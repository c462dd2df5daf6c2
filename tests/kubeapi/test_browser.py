"""A page of another site, in a real browser, that knows where the API is and even its secret: it gets nothing.

It tries what pages can do: forms, fetch with and without CORS, images, WebSockets, and a name of its own that has been
rebound to loopback.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from emulator.lib.tasks import Tasks
from emulator.workloads.configs import CONFIG_MAP
from tests.kubeapi.conftest import MAPS, PREFIX, Api, config_map

CHROMIUM = next((path for name in ("chromium", "chromium-browser") if (path := shutil.which(name))), None)
FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync"
)
PAGE = """<!doctype html><title>a page of another site</title>
<iframe name=hidden id=hidden></iframe>
<form id=form method=post target=hidden enctype=text/plain action=API/MAPS>
<input name='{"metadata":{"name":"by-form"},"data":{"x":"' value='"}}'></form>
<script>
const said = {}, api = "API", maps = api + "MAPS";
const body = name => JSON.stringify({metadata: {name}});
async function attempt(name, ask) {
  try { said[name] = await ask() } catch (error) { said[name] = "blocked" }
}
const socket = path => new Promise((open, fail) => {
  const s = new WebSocket(api.replace("http", "ws") + path);
  s.onopen = () => open("open"); s.onerror = fail;
});
(async () => {
  await attempt("read", async () => (await fetch(maps)).status);
  await attempt("read without CORS", async () => (await fetch(maps, {mode: "no-cors"})).type);
  await attempt("write", async () => (await fetch(maps, {method: "POST", body: body("by-fetch")})).status);
  await attempt("write without CORS",
    async () => (await fetch(maps, {method: "POST", mode: "no-cors", body: body("by-opaque")})).type);
  await attempt("beacon", async () => navigator.sendBeacon(maps, body("by-beacon")) && "sent");
  await attempt("stop", async () => (await fetch(api + "/kemu/stop", {method: "POST", mode: "no-cors"})).type);
  await attempt("socket", () => socket("/api/v1/namespaces/default/pods/p/exec?command=sh"));
  const answered = new Promise(done => document.getElementById("hidden").onload = done);
  document.getElementById("form").submit();
  await answered;
  await fetch("/said", {method: "POST", body: JSON.stringify(said)});
})();
</script>"""

pytestmark = pytest.mark.skipif(CHROMIUM is None and os.environ.get("CI") != "true", reason="no chromium here")


@dataclass
class Site:
    """Another site: where it is, and what its page reports of its attack."""

    address: str
    said: asyncio.Future[bytes]


@pytest.fixture
async def elsewhere(running: Api) -> AsyncIterator[Site]:
    page = PAGE.replace("API", f"http://127.0.0.1:{running.port}/{PREFIX}").replace("MAPS", MAPS).encode()
    head = f"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: {len(page)}\r\nConnection: close\r\n\r\n"
    said: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError):  # a connection that the browser opens ahead
            request = await reader.readuntil(b"\r\n\r\n")
            if request.startswith(b"POST /said"):
                said.set_result(await reader.readuntil(b"}"))
            writer.write(head.encode() + page)
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with Tasks() as tasks:
        tasks.spawn(server.serve_forever(), "another site")
        yield Site(f"127.0.0.1:{server.sockets[0].getsockname()[1]}", said)


@contextlib.asynccontextmanager
async def browser(url: str, profile: Path, *flags: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """A browser that shows a page."""
    assert CHROMIUM is not None
    command = (CHROMIUM, *FLAGS.split(), f"--user-data-dir={profile}", *flags, url)
    quiet = asyncio.subprocess.DEVNULL
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE, stderr=quiet)
    yield process
    if process.returncode is None:
        process.terminate()
        await process.wait()


async def test_a_page_of_another_site_can_neither_read_nor_write(running: Api, elsewhere: Site, tmp_path: Path) -> None:
    running.store.create(config_map("secret", password="hunter2"))
    async with browser(f"http://{elsewhere.address}/", tmp_path):
        said = await asyncio.wait_for(elsewhere.said, 60)
    assert json.loads(said) == {
        "read": "blocked",
        "read without CORS": "opaque",  # an answer that the page cannot look into
        "write": "blocked",
        "write without CORS": "opaque",
        "beacon": "sent",
        "stop": "opaque",
        "socket": "blocked",
    }
    assert [found.name for found in running.store.list(CONFIG_MAP)] == ["secret"]
    assert (await running.ask("GET", "/version"))[0] == 200  # it was not stopped


async def test_a_name_that_is_rebound_to_loopback_opens_nothing(running: Api, tmp_path: Path) -> None:
    running.store.create(config_map("secret", password="hunter2"))
    rules = "--host-resolver-rules=MAP rebound.example.com 127.0.0.1"
    url = f"http://rebound.example.com:{running.port}/{PREFIX}{MAPS}"
    async with browser(url, tmp_path, rules, "--dump-dom") as process:
        page, _ = await process.communicate()
    assert b"this is kemu's API: ask it at 127.0.0.1" in page
    assert b"hunter2" not in page
