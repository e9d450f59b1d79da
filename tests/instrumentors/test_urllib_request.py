"""urllib.request, over http.client."""

from __future__ import annotations

import urllib.error
from contextlib import suppress
from typing import TYPE_CHECKING, Any
from urllib.request import (
    BaseHandler,
    HTTPBasicAuthHandler,
    HTTPDigestAuthHandler,
    HTTPPasswordMgrWithDefaultRealm,
    Request,
    build_opener,
)

import pytest

from contracts.http_client import resends
from contracts.http_follower import FollowerContract
from contracts.http_streamer import StreamerContract

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from contracts.origin import Origin
    from otel_run.signals.context import Node
    from recording import Recording


OPENER = build_opener()


class TestUrllibRequest(FollowerContract, StreamerContract):
    """One span per `do_open`."""

    library = "urllib.request"
    refusal = "urllib.error.URLError"
    knows_peer_early = True

    def request(
        self, method: str, url: str, headers: Mapping[str, str] | None = None, timeout: float = 20
    ) -> tuple[int, bytes]:
        request = Request(url, headers=dict(headers or {}), method=method)  # noqa: S310  the test's own
        try:
            with OPENER.open(request, timeout=timeout) as response:
                return response.status, response.read()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read()

    def follow(self, method: str, url: str, body: bytes | None = None) -> tuple[int, bytes]:
        try:
            with OPENER.open(Request(url, body, method=method), timeout=20) as response:  # noqa: S310
                return response.status, response.read()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read()

    def stream(self, url: str, between: Callable[[], None]) -> list[bytes]:
        with OPENER.open(url, timeout=20) as response:
            first = response.read(3)
            between()
            return [first, response.read()]

    def test_a_request_stays_as_it_is_and_can_be_sent_again(
        self, origin: Origin, incoming: Node
    ) -> None:
        request = Request(origin.url(), b"12", {"X-Mine": "1"})  # noqa: S310  the test's own
        for _ in range(2):
            with OPENER.open(request, timeout=20) as response:
                assert response.read() == b"ok"
            incoming.values, incoming.trace_state = None, ""

        first, second = origin.received
        assert not {name for name, _ in request.header_items()} & {
            "Traceparent",
            "Tracestate",
            "Baggage",
        }
        assert (first.body, second.body) == (b"12", b"12")
        assert first.headers["traceparent"] != second.headers["traceparent"]
        assert first.headers["baggage"] == ["tenant=blue"]
        assert "baggage" not in second.headers

    def test_an_http_error_is_the_program_s_and_no_event(
        self, recording: Recording, origin: Origin
    ) -> None:
        with pytest.raises(urllib.error.HTTPError) as raised:
            OPENER.open(origin.url("/status/404"), timeout=20)
        with raised.value as error:
            assert error.read() == b"ok"

        span = recording.span()
        assert (span.status, span.events) == ("error", [])

    def test_files_are_no_requests(self, recording: Recording, tmp_path: Path) -> None:
        (tmp_path / "file").write_bytes(b"content")
        with OPENER.open(f"file://{tmp_path}/file") as response:
            assert response.read() == b"content"

        assert recording.spans() == []

    @pytest.mark.parametrize("handler", [HTTPBasicAuthHandler, HTTPDigestAuthHandler])
    def test_the_answer_to_a_challenge_is_a_resend(
        self, recording: Recording, origin: Origin, handler: Any
    ) -> None:
        path = "/basic" if handler is HTTPBasicAuthHandler else "/digest"
        opener = build_opener(handler(passwords(origin)))
        request = Request(origin.url(path))  # noqa: S310  the test's own
        for _ in range(2):
            request.unredirected_hdrs.clear()
            with opener.open(request, timeout=20) as response:
                assert response.read() == b"ok"

        assert resends(recording.spans()) == [None, 1, None, 1]

    def test_a_challenge_behind_a_redirect_counts_on(
        self, recording: Recording, origin: Origin
    ) -> None:
        opener = build_opener(HTTPBasicAuthHandler(passwords(origin)))
        opener.open(origin.url("/redirect/basic"), timeout=20).close()

        assert [received.target for received in origin.received] == [
            "/redirect/basic",
            "/basic",
            "/basic",
        ]
        assert resends(recording.spans()) == [None, 1, 2]

    def test_a_request_that_a_handler_makes_meanwhile_is_none(
        self, recording: Recording, origin: Origin
    ) -> None:
        class Token(BaseHandler):
            def http_error_401(self, request: Request, *_: object) -> Any:
                with self.parent.open(origin.url("/token"), timeout=20) as response:
                    request.add_unredirected_header("Authorization", response.read().decode())
                return self.parent.open(request, timeout=20)

        request = Request(origin.url("/basic"))  # noqa: S310  the test's own
        build_opener(Token()).open(request, timeout=20).close()

        assert [received.target for received in origin.received] == ["/basic", "/token", "/basic"]
        assert resends(recording.spans()) == [None, None, 1]

    def test_a_password_that_is_refused_leaves_no_trace_on_the_request(
        self, recording: Recording, origin: Origin
    ) -> None:
        opener = build_opener(HTTPBasicAuthHandler(passwords(origin)))
        request = Request(origin.url("/refused"))  # noqa: S310  the test's own
        for _ in range(2):
            request.unredirected_hdrs.clear()
            with suppress(urllib.error.HTTPError):  # what it holds goes with it, in this order
                opener.open(request, timeout=20)

        assert resends(recording.spans()) == [None, 1, None, 1]


def passwords(origin: Origin) -> HTTPPasswordMgrWithDefaultRealm:
    """The password for all that the server has."""
    manager = HTTPPasswordMgrWithDefaultRealm()
    manager.add_password(None, origin.url("/"), "me", "secret")
    return manager
