"""What holds for every HTTP client whose responses the program reads piece by piece."""

from __future__ import annotations

from typing import TYPE_CHECKING

from contracts.http_client import HttpClientContract

if TYPE_CHECKING:
    from collections.abc import Callable

    from contracts.origin import Origin
    from otlp import Span
    from recording import Recording


class StreamerContract(HttpClientContract):
    """Subclass it, and give the call that streams."""

    def stream(self, url: str, between: Callable[[], None]) -> list[bytes]:
        """Read three bytes of a response, call `between`, and read on until its end."""
        raise NotImplementedError

    def test_a_streamed_response_is_the_program_s_to_read(
        self, recording: Recording, origin: Origin
    ) -> None:
        seen: list[Span] = []

        def between() -> None:
            seen.append(recording.span())
            origin.release.set()

        assert self.stream(origin.url("/stream"), between) == [b"one", b"two"]
        [span] = seen
        assert span.attributes == self.expected(origin, origin.url("/stream"))
        assert recording.span().end == span.end
