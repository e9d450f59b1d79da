"""What holds for every HTTP client that hands its requests on to a library that writes headers."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import pytest

from contracts.http_client import HttpClientContract, unchecked
from contracts.instrumentor import import_and_patch
from otel_run.signals.context import CURRENT
from recording import instrumentors

if TYPE_CHECKING:
    from contracts.origin import Origin
    from recording import Recording


class SenderContract(HttpClientContract):
    """Subclass it, and name the library below."""

    sender: ClassVar[str]

    @pytest.fixture(autouse=True)
    def _with_sender(self, recording: Recording) -> None:  # noqa: ARG002 (that patches before)
        import_and_patch(instrumentors()[self.sender])

    def test_the_sender_writes_the_headers(
        self, recording: Recording, origin: Origin, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(self.instrumentor.convention, "write_headers", None)
        self.request("GET", origin.url())

        span = recording.span()
        [received] = origin.received
        assert received.headers["traceparent"] == [f"00-{span.trace_id}-{span.span_id}-01"]

    def test_where_the_sender_is_not_recorded_the_headers_arrive_all_the_same(
        self, recording: Recording, origin: Origin
    ) -> None:
        instrumentors()[self.sender].unpatch()
        self.request("GET", origin.url())

        [span] = unchecked(recording)
        [received] = origin.received
        assert received.headers["traceparent"] == [f"00-{span.trace_id}-{span.span_id}-01"]

    def test_a_mistake_about_the_sender_does_not_reach_the_caller(
        self, origin: Origin, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
    ) -> None:
        self.check_turned_off(
            monkeypatch, capfd, "read_sender", lambda: self.request("GET", origin.url())
        )
        assert CURRENT.get() is None
