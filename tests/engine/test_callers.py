"""What is known of callers is theirs alone, and stays within its bound."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from otel_run.engine.call import Call
from otel_run.engine.http_server import CALLER_LIMIT
from otel_run_instrumentors import asgi

if TYPE_CHECKING:
    from otel_run.engine.http_server import HttpServer

HOST = (b"host", b"shop.example:8080")


def convention() -> HttpServer:
    made = asgi.convention()
    made.bind("asgi", 0)
    return made


def attributes(server: HttpServer, *headers: tuple[bytes, bytes], **more: object) -> dict[str, Any]:
    """What a span of a request with these headers has from its beginning."""
    scope = {
        "type": "http",
        "method": "GET",
        "path": "/",
        "headers": [HOST, *headers],
        "client": ("192.0.2.1", 4711),
        **more,
    }
    call = Call(print, None, (scope, None, None), {})
    operation: Any = server.begin(call)
    told = {
        **operation.description.attributes,
        **operation.peer.attributes,
        **operation.attributes,
    }
    server.finish(operation, call, None)
    return told


def test_a_caller_is_told_of_as_when_it_was_met() -> None:
    server = convention()
    first = attributes(server, (b"user-agent", b"browser/1"))

    assert attributes(server, (b"user-agent", b"browser/1")) == first
    assert first == {
        "client.address": "192.0.2.1",
        "http.request.method": "GET",
        "network.peer.address": "192.0.2.1",
        "network.peer.port": 4711,
        "server.address": "shop.example",
        "server.port": 8080,
        "url.path": "/",
        "url.scheme": "http",
        "user_agent.original": "browser/1",
    }


def test_whom_a_proxy_tells_of_is_not_taken_for_the_proxy_nor_for_another() -> None:
    server = convention()
    direct = attributes(server)
    for client in ("198.51.100.7", "198.51.100.8"):
        told = attributes(server, (b"x-forwarded-for", client.encode()))
        assert told == {**direct, "client.address": client}

    assert attributes(server) == direct


def test_each_part_of_what_a_caller_sends_tells_it_apart() -> None:
    server = convention()
    before = attributes(server)

    assert attributes(server, method="PUT")["http.request.method"] == "PUT"
    assert attributes(server, scheme="https")["url.scheme"] == "https"
    assert attributes(server, http_version="2")["network.protocol.version"] == "2"
    assert attributes(server, client=["192.0.2.2", 1])["client.address"] == "192.0.2.2"
    assert attributes(server, (b"user-agent", b"x"))["user_agent.original"] == "x"
    assert attributes(server) == before


def test_hostile_callers_are_not_kept() -> None:
    server = convention()
    long = b"x" * 10_000
    for number in range(3 * CALLER_LIMIT):
        attributes(server, (b"user-agent", b"%s%d" % (long, number)))
        attributes(server, headers=[(b"host", b"%s%d" % (long, number))])
        attributes(server, method=f"{long.decode()}{number}")
        attributes(server, client=("192.0.2.1", number))

    callers = server._callers
    kept = [part for keys in (callers.young, callers._old) for key in keys for part in key if part]
    assert len(callers) <= 2 * CALLER_LIMIT
    assert sum(map(sys.getsizeof, kept)) < 1 << 20
