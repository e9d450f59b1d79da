"""What the environment asks of HTTP clients, in a program of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from contracts.origin import Origin

if TYPE_CHECKING:
    from collections.abc import Iterator

    from collector import Collector
    from programs import Programs

PROGRAM = """
import sys, urllib.request
opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
for host in sys.argv[1:]:
    request = urllib.request.Request(f"http://{host}/", headers={"X-Tenant": "blue", "Cookie": "c"})
    opener.open(request).read()
"""
CAPTURE = "OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS"


@pytest.fixture
def origin() -> Iterator[Origin]:
    """The server that is asked."""
    with Origin() as origin:
        yield origin


def test_context_goes_to_the_hosts_of_the_setting(
    programs: Programs, collector: Collector, origin: Origin
) -> None:
    hosts = [f"localhost:{origin.port}", f"127.0.0.1:{origin.port}"]
    programs.run(PROGRAM, *hosts, env={"OTEL_RUN_PROPAGATE_TO": "*.example.com,LOCALHOST"})

    received = [("traceparent" in one.headers) for one in origin.received]
    assert received == [True, False]
    assert len(collector.spans()) == 2


def test_headers_of_the_settings_are_recorded(
    programs: Programs, collector: Collector, origin: Origin
) -> None:
    env = {
        f"{CAPTURE}_CLIENT_REQUEST": "x-.*,cookie",
        f"{CAPTURE}_CLIENT_RESPONSE": "content-length,server",
        f"{CAPTURE}_SANITIZE_FIELDS": "Server",
    }
    programs.run(PROGRAM, f"127.0.0.1:{origin.port}", env=env)

    [span] = collector.spans()
    assert {key: value for key, value in span.attributes.items() if ".header." in key} == {
        "http.request.header.cookie": ["REDACTED"],
        "http.request.header.x-tenant": ["blue"],
        "http.response.header.content-length": ["2"],
        "http.response.header.server": ["REDACTED"],
    }


@pytest.mark.parametrize("library", ["httpx", "requests"])
@pytest.mark.parametrize("left_alone", ["httpcore", "urllib3", "http.client"])
def test_context_goes_out_where_a_library_below_is_left_alone(
    programs: Programs, collector: Collector, origin: Origin, library: str, left_alone: str
) -> None:
    programs.run(
        f"import sys, {library}; {library}.get(sys.argv[1])",
        origin.url(),
        env={"OTEL_PYTHON_DISABLED_INSTRUMENTATIONS": left_alone, "no_proxy": "*"},
    )

    [span] = collector.spans()
    [received] = origin.received
    assert received.headers["traceparent"] == [f"00-{span.trace_id}-{span.span_id}-01"]
