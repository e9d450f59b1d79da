"""What the environment asks of HTTP servers, in a program of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collector import Collector
    from otlp import Span
    from programs import Programs

# Asks itself for each of its arguments: a method, a path, and headers.
PROGRAM = """
import socket, sqlite3, sys, threading
from contextlib import closing
from wsgiref.simple_server import make_server

def application(environ, start_response):
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.execute("SELECT 1")
    start_response("200 OK", [("Content-Length", "0"), ("X-Answer", "1"), ("Set-Cookie", "c=1")])
    return []

server = make_server("127.0.0.1", 0, application)
server.RequestHandlerClass.log_message = lambda *_: None
for request in sys.argv[1:]:
    line, *headers = request.split("|")
    serving = threading.Thread(target=server.handle_request)
    serving.start()
    with closing(socket.create_connection(server.server_address)) as connection:
        text = "\\r\\n".join([f"{line} HTTP/1.1", "Host: shop.example", *headers, "", ""])
        connection.sendall(text.encode())
        while connection.recv(4096):
            pass
    serving.join()
server.server_close()
"""
CAPTURE = "OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS"


def served(
    programs: Programs, collector: Collector, env: dict[str, str], *requests: str
) -> list[Span]:
    """The server spans of requests to the program; there are no others, and no points."""
    programs.run(PROGRAM, *requests, env=env)
    spans = [span for span in collector.spans() if span.kind == "server"]
    children = [span for span in collector.spans() if span.kind == "client"]
    assert {span.parent_id for span in children} == {span.span_id for span in spans}
    counts = [
        point.count
        for metric in collector.metrics()
        if metric.name == "http.server.request.duration"
        for point in metric.points
    ]
    assert sum(counts) == len(spans)
    return spans


def paths(spans: list[Span]) -> list[Any]:
    """Which requests they are of."""
    return [span.attributes["url.path"] for span in spans]


@pytest.mark.parametrize(
    ("env", "expected"),
    [
        ({}, ["/", "/admin/x", "/live"]),
        ({"OTEL_RUN_EXCLUDE_HEALTH_CHECKS": "false"}, ["/", "/healthz", "/admin/x", "/live"]),
        ({"OTEL_PYTHON_EXCLUDED_URLS": "^/admin/,^/live$"}, ["/"]),
        ({"OTEL_PYTHON_FLASK_EXCLUDED_URLS": "shop.example/l"}, ["/", "/admin/x"]),
        ({"OTEL_PYTHON_REQUESTS_EXCLUDED_URLS": "/"}, ["/", "/admin/x", "/live"]),
    ],
)
def test_what_is_excluded_leaves_nothing_and_nor_does_what_it_leads_to(
    programs: Programs, collector: Collector, env: dict[str, str], expected: list[str]
) -> None:
    requests = ["GET /", "GET /healthz", "GET /admin/x", "GET /live"]

    assert paths(served(programs, collector, env, *requests)) == expected


def test_methods_that_a_setting_does_not_name_are_others(
    programs: Programs, collector: Collector
) -> None:
    env = {"OTEL_INSTRUMENTATION_HTTP_KNOWN_METHODS": "GET,HEAD"}
    spans = served(programs, collector, env, "POST /", "GET /")

    assert [span.name for span in spans] == ["HTTP", "GET"]
    assert [span.attributes["http.request.method"] for span in spans] == ["_OTHER", "GET"]
    assert spans[0].attributes["http.request.method_original"] == "POST"


@pytest.mark.parametrize(("trust", "scheme"), [("", "https"), ("false", "http")])
def test_proxies_are_believed_unless_a_setting_says_otherwise(
    programs: Programs, collector: Collector, trust: str, scheme: str
) -> None:
    request = "GET /|X-Forwarded-Proto: https|X-Forwarded-For: 203.0.113.9"
    [span] = served(programs, collector, {"OTEL_RUN_TRUST_FORWARDED": trust}, request)

    assert span.attributes["url.scheme"] == scheme
    assert span.attributes["client.address"] == ("127.0.0.1" if trust else "203.0.113.9")


def test_headers_that_settings_name_are_recorded(programs: Programs, collector: Collector) -> None:
    env = {
        f"{CAPTURE}_SERVER_REQUEST": "x-tenant-id,Cookie,x-secret-.*",
        f"{CAPTURE}_SERVER_RESPONSE": "X-Answer,set-cookie",
        f"{CAPTURE}_SANITIZE_FIELDS": "x-secret-.*",
    }
    request = "GET /|X-Tenant-Id: blue|Cookie: a=1|X-Secret-Name: b|X-Other: c"
    [span] = served(programs, collector, env, request)

    assert {key: value for key, value in span.attributes.items() if ".header." in key} == {
        "http.request.header.cookie": ["REDACTED"],
        "http.request.header.x-secret-name": ["REDACTED"],
        "http.request.header.x-tenant-id": ["blue"],
        "http.response.header.set-cookie": ["REDACTED"],
        "http.response.header.x-answer": ["1"],
    }
