"""What holds for every HTTP client that follows redirects."""

from __future__ import annotations

from contextlib import suppress
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from contracts.http_client import HttpClientContract, hops, raised_by, resends
from contracts.origin import Origin
from recording import unpatch_all

if TYPE_CHECKING:
    from recording import Recording


class FollowerContract(HttpClientContract):
    """Subclass it, and give the call that follows."""

    def follow(self, method: str, url: str, body: bytes | None = None) -> tuple[int, bytes]:
        """Send a request, follow redirects, and return status and body of the last response."""
        raise NotImplementedError

    def test_each_redirect_is_a_span_beside_the_first(
        self, recording: Recording, origin: Origin
    ) -> None:
        assert self.follow("GET", origin.url("/redirect/2")) == (200, b"ok")

        spans = recording.spans()
        assert hops(spans) == [("redirect/2", 302, ""), ("redirect/1", 302, ""), ("ok", 200, "")]
        sent = [received.headers["traceparent"] for received in origin.received]
        assert sent == [[f"00-{span.trace_id}-{span.span_id}-01"] for span in spans]
        assert all(before.end <= after.start for before, after in pairwise(spans))
        assert {span.status for span in spans} == {"unset"}

    def test_what_a_redirect_leads_to_says_how_many_requests_went_before(
        self, recording: Recording, origin: Origin
    ) -> None:
        for _ in range(2):
            self.follow("GET", origin.url("/redirect/2"))

        assert resends(recording.spans()) == [None, 1, 2] * 2

    def test_too_many_redirects_are_not_the_last_response_s_error(
        self, recording: Recording, origin: Origin
    ) -> None:
        with suppress(Exception):  # some return the last response
            self.follow("GET", origin.url("/redirect/99"))

        spans = recording.spans()
        assert 2 < len(spans) == len(origin.received) < 99
        assert {span.attributes["http.response.status_code"] for span in spans} == {302}
        assert [(span.status, span.events) for span in spans] == [("unset", [])] * len(spans)
        assert resends(spans) == [None, *range(1, len(spans))]

    def test_a_redirect_to_nobody_is_the_last_request_s_error(
        self, recording: Recording, origin: Origin
    ) -> None:
        raised_by(lambda: self.follow("GET", origin.url("/redirect/drop")))

        first, second, *_ = recording.spans()  # some try again
        assert first.attributes == self.expected(
            origin, origin.url("/redirect/drop"), http__response__status_code=302
        )
        assert (first.status, second.status) == ("unset", "error")
        assert second.attributes["url.full"] == origin.url("/drop")
        assert second.attributes["http.request.resend_count"] == 1
        assert "http.response.status_code" not in second.attributes

    @pytest.mark.usefixtures("incoming")
    def test_a_redirect_takes_context_to_nobody_who_is_not_to_receive_it(
        self, recording: Recording, origin: Origin, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with Origin() as elsewhere:
            self.propagate_to(monkeypatch, f"{origin.address}:{origin.port}")
            answer = self.follow("GET", origin.url(f"/redirect/to/{elsewhere.port}"))

        [first], [second] = origin.received, elsewhere.received
        added = {"traceparent", "tracestate", "baggage"}
        assert answer == (200, b"ok")
        assert added <= set(first.headers)
        assert not added & set(second.headers)
        assert len(recording.spans()) == 2

    def test_a_redirect_takes_the_body_along_as_it_would_without_us(
        self, recording: Recording, origin: Origin
    ) -> None:
        answer = self.follow("POST", origin.url("/moved/ok"), b"12")
        hops = len(recording.spans())
        unpatch_all()

        assert answer == self.follow("POST", origin.url("/moved/ok"), b"12")
        seen = [(received.method, received.body) for received in origin.received]
        assert seen[:hops] == seen[hops:]
