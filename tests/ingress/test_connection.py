"""`Connection` on uvicorn's HttpToolsProtocol: each of its parts that is leaned on is there and does as expected.

uvicorn's minor version is pinned because none of this is promised. Whoever raises the pin reads here what is missing
or has changed, before any request goes astray.
"""

from __future__ import annotations

import ast
import asyncio
import inspect
from collections import deque
from typing import Any

import pytest
import uvicorn
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from emulator.ingress.connection import Connection, ListenerConfig
from emulator.ingress.cycle import Cycle
from emulator.ingress.deadlines import Deadlines
from emulator.ingress.hosts import HostTable
from emulator.ingress.server import UnknownHost
from tests.ingress.conftest import HOST, World

# What Connection overrides, calls or redirects, with the parameters that it relies on.
METHODS: dict[str, list[str]] = {
    "__init__": ["config", "server_state", "app_state", "_loop"],
    "connection_made": ["transport"],
    "connection_lost": ["exc"],
    "data_received": ["data"],
    "pause_writing": [],
    "resume_writing": [],
    "on_message_begin": [],
    "on_url": ["url"],
    "on_header": ["name", "value"],
    "on_headers_complete": [],
    "on_body": ["body"],
    "on_message_complete": [],
    "on_response_complete": [],
    "_start_asgi_task": ["cycle", "app"],
    "_unset_keepalive_if_required": [],
    "_should_upgrade": [],
    "handle_websocket_upgrade": [],
    "send_400_response": ["msg"],
    "shutdown": [],
}
# What Connection reads or sets, with the type that it has on a fresh connection.
ATTRIBUTES: dict[str, type | tuple[type, ...]] = {
    "loop": asyncio.AbstractEventLoop,
    "parser": object,
    "transport": asyncio.Transport,
    "flow": FlowControl,
    "server_state": ServerState,
    "connections": set,
    "client": tuple,
    "scheme": str,
    "pipeline": deque,
    "cycle": type(None),
    "headers": type(None),
    "scope": type(None),
    "expect_100_continue": bool,
    "timeout_keep_alive_task": type(None),
}
PARSER = ("feed_data", "get_method", "get_http_version", "should_keep_alive", "should_upgrade")
# What uvicorn touches of the cycle that it holds; `Cycle` stands in for its own.
CYCLE = {"response_complete", "disconnected", "keep_alive", "message_event"}
# Of the cycle in these methods Connection never lets uvicorn see one of ours.
UNSEEN = {"on_body", "on_message_complete", "on_headers_complete", "_start_asgi_task"}


def missing(what: str) -> str:
    return (
        f"uvicorn {uvicorn.__version__} has no {what} as 0.54 had it; emulator/ingress/connection.py relies on it: "
        "read uvicorn/protocols/http/httptools_impl.py, mend Connection, then raise the pin in pyproject.toml"
    )


class Wire(asyncio.Transport):
    """A transport that keeps what is written to it."""

    def __init__(self) -> None:
        super().__init__({"peername": ("1.2.3.4", 5), "sockname": ("5.6.7.8", 80)})
        self.written = b""
        self.is_closed = self.is_paused = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.written += bytes(data)

    def close(self) -> None:
        self.is_closed = True

    def is_closing(self) -> bool:
        return self.is_closed

    def pause_reading(self) -> None:
        self.is_paused = True

    def resume_reading(self) -> None:
        self.is_paused = False


def connection(wire: Wire, hosts: HostTable | None = None) -> Connection:
    """A Connection as uvicorn's server makes one, on a transport that goes nowhere."""
    table = hosts or HostTable()
    config = ListenerConfig(UnknownHost(table), lifespan="off", log_config=None)
    config.hosts, config.deadlines, config.ingress_address = table, Deadlines(), b"5.6.7.8"
    config.load()
    made = Connection(config, ServerState(), {}, asyncio.get_running_loop())
    made.connection_made(wire)
    return made


@pytest.mark.parametrize("name", METHODS)
def test_uvicorn_has_each_method_with_its_parameters(name: str) -> None:
    method = getattr(HttpToolsProtocol, name, None)
    assert method is not None, missing(f"HttpToolsProtocol.{name}")
    found = list(inspect.signature(method).parameters)[1:]
    assert found == METHODS[name], missing(f"HttpToolsProtocol.{name}({', '.join(METHODS[name])})")


@pytest.mark.parametrize("name", ATTRIBUTES)
async def test_uvicorn_has_each_attribute_with_its_type(name: str) -> None:
    fresh = connection(Wire())
    assert hasattr(fresh, name), missing(f"HttpToolsProtocol().{name}")
    found = getattr(fresh, name)
    assert isinstance(found, ATTRIBUTES[name]), missing(f"{type(found).__name__} in HttpToolsProtocol().{name}")


@pytest.mark.parametrize("name", PARSER)
async def test_the_parser_has_each_method(name: str) -> None:
    assert callable(getattr(connection(Wire()).parser, name, None)), missing(f"parser.{name}")


async def test_every_part_of_the_base_that_connection_uses_is_named_in_this_file() -> None:
    config = uvicorn.Config(UnknownHost(HostTable()), log_config=None)
    base = {*dir(HttpToolsProtocol), *vars(HttpToolsProtocol(config, ServerState(), {}))}
    uses = {
        node.attr
        for node in ast.walk(ast.parse(inspect.getsource(Connection)))
        if isinstance(node, ast.Attribute) and ast.unparse(node.value) in ("self", "super()")
    }
    assert uses & base - METHODS.keys() - ATTRIBUTES.keys() == set()


def test_uvicorn_touches_of_a_cycle_only_what_ours_has() -> None:
    found: set[str] = set()
    for name, method in inspect.getmembers(HttpToolsProtocol, inspect.isfunction):
        if name not in UNSEEN:
            found |= set(_after("self.cycle.", inspect.getsource(method)))
    assert found <= CYCLE, missing(f"cycle that does without {sorted(found - CYCLE)}")
    assert all(name in Cycle.__annotations__ or hasattr(Cycle, name) for name in CYCLE)


def _after(prefix: str, source: str) -> list[str]:
    words = [part.split("(")[0].split(" ")[0].split(".")[0] for part in source.split(prefix)[1:]]
    return [word.strip().rstrip(":)\n") for word in words]


def test_the_pin_allows_one_minor_version_only() -> None:
    assert uvicorn.__version__.startswith("0.54."), missing("promise that its internals stay")


async def test_the_url_is_there_once_the_head_is_read() -> None:
    made = connection(Wire())
    made.data_received(b"GET /path?x=1 HTTP/1.1\r\n")
    assert made.url == b"/path?x=1", missing("HttpToolsProtocol().url")


async def test_a_request_that_cannot_be_read_is_answered_400_and_closed() -> None:
    wire = Wire()
    connection(wire).data_received(b"SPAM\r\n\r\n")
    assert wire.written.startswith(b"HTTP/1.1 400 Bad Request\r\n")
    assert wire.is_closed


async def test_hops_are_known_from_the_transport() -> None:
    hops = connection(Wire()).hops
    assert (hops.client, hops.ingress, hops.scheme) == (b"1.2.3.4", b"5.6.7.8", b"http")


async def test_a_connection_is_counted_while_it_is_there() -> None:
    made = connection(Wire())
    assert made in made.connections
    made.connection_lost(None)
    assert made not in made.connections


async def test_a_request_to_kemu_as_a_proxy_is_for_the_host_in_its_target(world: World) -> None:
    line = await world.connect()
    line.writer.write(b"GET http://hello.example.com/echo?x=1 HTTP/1.1\r\nHost: proxy.test\r\n\r\n")
    assert (await line.answer())[0] == 200
    head = world.backend.heads[-1]
    assert head.startswith(b"GET /echo?x=1 HTTP/1.1\r\n")
    assert b"Host: hello.example.com\r\n" in head


@pytest.mark.parametrize("body", [b"12345", b""], ids=["with a body", "without one"])
async def test_a_post_that_offers_h2c_is_an_ordinary_post_with_its_body(world: World, body: bytes) -> None:
    line = await world.connect()
    offer = "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: x\r\n"
    line.send("/echo", "POST", f"{offer}Content-Length: {len(body)}\r\n", body)
    if body:
        line.send("/echo", "POST", "Content-Length: 4\r\n", b"next")
    assert (await line.answer())[2] == (body or b"ok")
    if body:
        assert (await line.answer())[2] == b"next"


async def test_bytes_right_behind_an_upgrade_request_reach_the_replica(world: World) -> None:
    line = await world.connect()
    line.send("/upgrade", extra="Connection: Upgrade\r\nUpgrade: echo\r\n", body=b"early")
    assert b" 101 " in await line.until(b"hi!")
    assert await line.until(b"early") == b"early"


async def test_known_and_UnknownHosts_take_turns_on_one_connection(world: World) -> None:
    line = await world.connect()
    for host, status in ((HOST, 200), (b"nobody.test", 404), (HOST, 200), (b"nobody.test", 404)):
        line.send("/echo", host=host)
        assert (await line.answer())[0] == status


async def test_no_timer_closes_a_connection_that_was_used_for_a_known_host(world: World) -> None:
    line = await world.connect()
    line.send("/echo", host=b"nobody.test")
    await line.answer()
    line.send("/echo")
    await line.answer()
    assert [found.timeout_keep_alive_task for found in _connections(world)] == [None]


def _connections(world: World) -> list[Any]:
    return [found for found in world.connections() if isinstance(found, Connection)]
