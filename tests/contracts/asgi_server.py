"""What holds for every server and framework that speaks ASGI."""

from __future__ import annotations

import asyncio
import contextlib
import sys
import threading
from contextvars import copy_context
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from contracts.http_server import ServerContract, Unhandled, active, hello
from contracts.http_server import streaming as streaming_from_wsgi
from contracts.wire import Wire, answer_to, request_bytes, without_date
from otel_run.signals.context import CURRENT

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
    from contextlib import AbstractContextManager

    from otlp import Span
    from recording import Recording

    Scope = dict[str, Any]
    Message = dict[str, Any]
    Receive = Callable[[], Awaitable[Message]]
    Send = Callable[[Message], Awaitable[None]]
    AsgiApplication = Callable[[Scope, Receive, Send], Awaitable[None]]

PLAIN = (b"content-type", b"text/plain")


class AsgiServerContract(ServerContract):
    """Subclass it, name the library, and serve an ASGI application."""

    knows_peer_port = True

    def serve_asgi(self, application: AsgiApplication) -> AbstractContextManager[tuple[str, int]]:
        """Serve it; no request is left at the end."""
        raise NotImplementedError

    def serve(
        self,
        application: Any,
        *,
        threaded: bool = True,  # noqa: ARG002  tasks take turns in either case
    ) -> AbstractContextManager[tuple[str, int]]:
        return self.serve_asgi(adapted(application))

    def ask_asgi(self, application: AsgiApplication, request: bytes) -> bytes:
        """Serve one request."""
        with self.serve_asgi(application) as address, Wire(address) as wire:
            wire.send(request)
            return wire.rest()

    @property
    def kinds(self) -> Sequence[AsgiApplication]:
        return APPLICATIONS

    def answers(self, application: Any, requests: list[bytes]) -> list[bytes]:
        """What one server answers."""
        with self.serve_asgi(application) as address:
            return [without_date(answer_to(address, request)) for request in requests]

    @pytest.mark.parametrize("reader", ["read_request", "observe"])
    def test_a_mistake_of_ours_does_not_reach_the_client(
        self, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], reader: str
    ) -> None:
        self.patch()
        with self.serve(streaming_from_wsgi) as address:  # lifespan is over
            self.check_turned_off(
                monkeypatch,
                capfd,
                reader,
                lambda: without_date(answer_to(address, request_bytes())),
            )
        assert CURRENT.get() is None

    def test_what_an_application_does_after_the_last_byte_is_not_in_the_span(
        self, recording: Recording
    ) -> None:
        go_on = threading.Event()
        current: list[Any] = []

        async def application(scope: Scope, receive: Receive, send: Send) -> None:
            await plain(scope, receive, send)
            await in_thread(go_on.wait, 20)
            current.append(CURRENT.get())

        with self.serve_asgi(application) as address, Wire(address) as wire:
            wire.send(request_bytes())
            wire.until(b"hello")
            span = first_span(recording)
            [point] = active(recording).points
            go_on.set()

        [node] = current
        assert f"{node.span_id:016x}" == span.span_id
        assert point.value == 0
        assert len(recording.spans()) == 1

    def test_an_exception_that_is_answered_with_a_500_is_recorded_with_it(
        self, recording: Recording
    ) -> None:
        async def application(scope: Scope, receive: Receive, send: Send) -> None:
            try:
                await raising(scope, receive, send)
            except Unhandled:
                await respond(send, 503)

        self.ask_asgi(application, request_bytes())

        span = recording.span()
        [event] = span.events
        assert span.attributes["http.response.status_code"] == 503
        assert span.attributes["error.type"] == f"{Unhandled.__module__}.Unhandled"
        assert event.attributes["exception.type"] == f"{Unhandled.__module__}.Unhandled"

    def test_an_exception_that_is_answered_with_less_is_none(self, recording: Recording) -> None:
        async def application(scope: Scope, receive: Receive, send: Send) -> None:
            try:
                await raising(scope, receive, send)
            except Unhandled:
                await respond(send, 422)

        self.ask_asgi(application, request_bytes())

        span = recording.span()
        assert (span.status, span.events) == ("unset", [])
        assert span.attributes["http.response.status_code"] == 422

    def test_an_exception_after_the_last_byte_is_not_the_response_s(
        self, recording: Recording
    ) -> None:
        async def application(scope: Scope, receive: Receive, send: Send) -> None:
            await plain(scope, receive, send)
            raise Unhandled

        self.ask_asgi(application, request_bytes())

        assert (recording.span().status, recording.span().events) == ("unset", [])

    def test_an_endless_stream_ends_with_the_disconnect(self, recording: Recording) -> None:
        async def application(_: Scope, receive: Receive, send: Send) -> None:
            await start(send, 200)
            await send({"type": "http.response.body", "body": b"event", "more_body": True})
            while (await receive())["type"] != "http.disconnect":
                pass

        with self.serve_asgi(application) as address, Wire(address) as wire:
            wire.send(request_bytes())
            wire.until(b"event")
            assert recording.spans() == []

        span = recording.span()
        assert (span.status, span.events) == ("unset", [])
        assert span.attributes["http.response.status_code"] == 200

    @pytest.mark.parametrize("name", ["ClientDisconnect", "ClientDisconnected"])
    def test_an_exception_that_says_so_is_no_error(self, recording: Recording, name: str) -> None:
        kind = type(name, (OSError,), {})

        async def application(_: Scope, __: Receive, send: Send) -> None:
            try:
                raise kind
            except OSError:
                await respond(send, 500)
                raise

        self.ask_asgi(application, request_bytes())

        span = recording.span()
        assert (span.status, span.events) == ("unset", [])
        assert "http.response.status_code" not in span.attributes

    def test_lifespan_is_no_request(self, recording: Recording) -> None:
        async def application(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] == "lifespan":
                await live(receive, send)
            else:
                await plain(scope, receive, send)

        assert self.ask_asgi(application, request_bytes()).endswith(b"hello")
        assert recording.span().name == "GET"

    def test_header_lines_of_one_name_are_read_together(self, recording: Recording) -> None:
        request = request_bytes(traceparent=f"00-{'1' * 32}-{'2' * 16}-01").replace(
            b"\r\n\r\n", b"\r\ntracestate: a=1\r\ntracestate: b=2\r\n\r\n"
        )
        self.ask(hello, request)

        assert recording.span().trace_state == "a=1,b=2"


def first_span(recording: Recording) -> Span:
    """The first span there is, which another thread is about to record."""
    while not (spans := recording.spans()):
        pass
    return spans[0]


async def start(send: Send, status: int, *headers: tuple[bytes, bytes]) -> None:
    """Begin a response."""
    await send(
        {"type": "http.response.start", "status": status, "headers": [PLAIN, *headers]},
    )


async def respond(send: Send, status: int) -> None:
    """Send a whole response."""
    await start(send, status, (b"content-length", b"5"))
    await send({"type": "http.response.body", "body": b"hello"})


async def plain(_: Scope, __: Receive, send: Send) -> None:
    """The plainest application."""
    await respond(send, 200)


async def streaming(_: Scope, __: Receive, send: Send) -> None:
    """An application that sends piece by piece."""
    await start(send, 200)
    for piece in (b"one", b"", b"two"):
        await send({"type": "http.response.body", "body": piece, "more_body": True})
    await send({"type": "http.response.body"})


async def echoing(scope: Scope, receive: Receive, send: Send) -> None:
    """An application that reads its request."""
    body, more = b"", True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    told = {key: value for key, value in scope.items() if key not in CHANCE}
    await start(send, 200)
    await send({"type": "http.response.body", "body": repr(told).encode() + body})


# What differs from one run to the next.
CHANCE = {"app", "client", "server", "state"}


async def raising(_: Scope, __: Receive, ___: Send) -> None:
    """An application that fails."""
    raise Unhandled


async def failing_late(_: Scope, __: Receive, send: Send) -> None:
    """An application that fails in the middle."""
    await start(send, 200)
    await send({"type": "http.response.body", "body": b"one", "more_body": True})
    raise Unhandled


async def silent(scope: Scope, receive: Receive, send: Send) -> None:
    """An application that sends nothing to its clients."""
    if scope["type"] == "lifespan":
        await live(receive, send)


async def malformed(_: Scope, __: Receive, send: Send) -> None:
    """An application that sends what is no message."""
    await send({"type": "http.response.body", "body": b"too early"})


class Waiting:
    """An application that tells when it is asked, and waits for its client to leave."""

    def __init__(self) -> None:
        self.is_asked = threading.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await live(receive, send)
            return
        self.is_asked.set()
        while (await receive())["type"] != "http.disconnect":
            pass


class AsObject:
    """An application that is an object."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await streaming(scope, receive, send)

    async def method(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Be one as a method."""
        await plain(scope, receive, send)


APPLICATIONS: list[AsgiApplication] = [
    plain,
    streaming,
    echoing,
    raising,
    failing_late,
    silent,
    malformed,
    AsObject(),
    AsObject().method,
]


async def live(receive: Receive, send: Send) -> None:
    """Start and stop with the server."""
    await receive()
    await send({"type": "lifespan.startup.complete"})
    await receive()
    await send({"type": "lifespan.shutdown.complete"})


async def in_thread(function: Callable[..., Any], *arguments: Any) -> Any:
    """Call it in another thread, with this task's context; under trio, in this one."""
    call = partial(copy_context().run, function, *arguments)
    if "trio" in sys.modules:
        import trio

        with contextlib.suppress(RuntimeError):
            trio.lowlevel.current_task()
            return await trio.to_thread.run_sync(call)
    return await asyncio.get_running_loop().run_in_executor(None, call)


def adapted(application: Any) -> AsgiApplication:
    """An ASGI application that answers as one of WSGI does, each step of it in a thread."""

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await live(receive, send)
            return
        started: list[Any] = []
        body = iter(await in_thread(application, environ_of(scope), partial(keep, started)))
        with contextlib.closing(body) if hasattr(body, "close") else contextlib.nullcontext():
            async for chunk in chunks(body):
                await flush(started, send)
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
        await flush(started, send)
        await send({"type": "http.response.body"})

    return serve


async def chunks(body: Any) -> AsyncIterator[bytes]:
    """Everything in the body."""
    while (chunk := await in_thread(next, body, None)) is not None:
        yield chunk


def keep(started: list[Any], status: str, headers: list[tuple[str, str]], *_: Any) -> None:
    """Be the start_response of WSGI."""
    fields = [(name.lower().encode(), value.encode()) for name, value in headers]
    started[:] = [{"type": "http.response.start", "status": int(status[:3]), "headers": fields}]


async def flush(started: list[Any], send: Send) -> None:
    """Send the start of the response, once."""
    while started:
        await send(started.pop())


def environ_of(scope: Scope) -> dict[str, Any]:
    """As much of WSGI's environment as the tests' applications look at."""
    return {"REQUEST_METHOD": scope["method"], "PATH_INFO": scope["path"]}
