"""What holds for every asynchronous HTTP client."""

from __future__ import annotations

import asyncio
import inspect
from typing import TYPE_CHECKING, TypeVar

import pytest

from contracts.http_client import HttpClientContract
from contracts.instrumentor import found_at
from otel_run.signals.context import CURRENT

if TYPE_CHECKING:
    from collections.abc import Coroutine, Mapping
    from typing import Any

    from contracts.origin import Origin
    from recording import Recording

Result = TypeVar("Result")


class AsyncHttpClientContract(HttpClientContract):
    """Subclass it, and give the call as a coroutine."""

    async def send(
        self, method: str, url: str, headers: Mapping[str, str] | None = None, timeout: float = 20
    ) -> tuple[int, bytes]:
        """Send a request, and return status and body of the response."""
        raise NotImplementedError

    def request(
        self, method: str, url: str, headers: Mapping[str, str] | None = None, timeout: float = 20
    ) -> tuple[int, bytes]:
        return run(self.send(method, url, headers, timeout))

    def test_a_task_that_the_program_cancels_is_no_error(
        self, recording: Recording, origin: Origin
    ) -> None:
        async def main() -> None:
            task = asyncio.ensure_future(self.send("GET", origin.url("/hang")))
            await asyncio.to_thread(origin.arrived.wait, 20)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

        run(main())

        span = recording.span()
        assert (span.status, span.events) == ("unset", [])
        assert "error.type" not in span.attributes
        assert span.attributes["url.full"] == origin.url("/hang")

    def test_requests_at_the_same_time_are_spans_of_their_own(
        self, recording: Recording, origin: Origin
    ) -> None:
        async def main() -> list[tuple[int, bytes]]:
            calls = (self.send("GET", origin.url(f"/{number}")) for number in range(5))
            return await asyncio.gather(*calls)

        answers = run(main())

        spans = recording.spans()
        assert answers == [(200, b"ok")] * 5
        assert len({span.trace_id for span in spans}) == 5
        assert {span.parent_id for span in spans} == {""}
        sent = {
            origin.url(received.target): received.headers["traceparent"]
            for received in origin.received
        }
        assert sent == {
            span.attributes["url.full"]: [f"00-{span.trace_id}-{span.span_id}-01"] for span in spans
        }

    def test_a_patched_coroutine_function_gives_coroutines_of_its_own_name(self) -> None:
        for place in self.places:
            patched = found_at(place)
            if not inspect.iscoroutinefunction(patched):
                continue
            parts = inspect.signature(patched).parameters.values()
            needed = [object() for part in parts if part.default is part.empty and part.kind < 2]
            named = {part.name: None for part in parts if part.kind == part.KEYWORD_ONLY}
            coroutine = patched(*needed, **named)
            coroutine.close()

            assert inspect.iscoroutine(coroutine)
            assert coroutine.__name__ == patched.__name__
            assert coroutine.__qualname__ == patched.__qualname__

    def test_nothing_is_current_afterwards(self, origin: Origin) -> None:
        async def main() -> object:
            await self.send("GET", origin.url())
            return CURRENT.get()

        assert run(main()) is None


def run(coroutine: Coroutine[Any, Any, Result]) -> Result:
    """Run it in a loop of its own."""
    return asyncio.run(coroutine)
