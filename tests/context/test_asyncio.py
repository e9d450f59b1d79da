"""Tasks, executors and threads of asyncio, and of anyio on top of it."""

from __future__ import annotations

import asyncio
import contextvars
import gc
import logging
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from io import BytesIO, StringIO
from typing import TYPE_CHECKING, Any
from wsgiref.handlers import SimpleHandler
from wsgiref.util import setup_testing_defaults

import anyio
import anyio.from_thread
import anyio.to_thread
import pytest

from otel_run.engine.database import DatabaseClient, same_database
from otel_run.engine.forms import Recorder, asynchronous, sync
from otel_run.engine.sql import GENERIC
from otel_run.engine.wrapt import Patched
from otel_run.signals.context import CURRENT
from otel_run.signals.metrics import METER
from served import ask, parents, serve

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator

    from otel_run.engine import Call
    from otel_run.engine.database import Statement
    from recording import Recording

    Program = Callable[[], Coroutine[Any, Any, object]]

OWN: contextvars.ContextVar[str] = contextvars.ContextVar("OWN", default="nothing")


async def ask_here(name: str) -> None:
    """Give way first, so that others run in between."""
    await asyncio.sleep(0)
    ask(name)


async def to_thread() -> None:
    await asyncio.to_thread(ask, "child")


async def run_in_executor() -> None:
    await asyncio.get_running_loop().run_in_executor(None, ask, "child")


async def run_in_a_pool() -> None:
    with ThreadPoolExecutor(1) as pool:
        await asyncio.get_running_loop().run_in_executor(pool, partial(ask, "child"))


async def create_task() -> None:
    await asyncio.create_task(ask_here("child"))


async def gather() -> None:
    await asyncio.gather(ask_here("child"), asyncio.sleep(0))


async def wait_for() -> None:
    await asyncio.wait_for(ask_here("child"), 30)


async def call_soon() -> None:
    done = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.call_soon(ask, "child")
    loop.call_soon(done.set)
    await done.wait()


async def anyio_to_thread() -> None:
    await anyio.to_thread.run_sync(ask, "child")


async def anyio_from_thread() -> None:
    await anyio.to_thread.run_sync(anyio.from_thread.run, ask_here, "child")


async def anyio_task_group() -> None:
    async with anyio.create_task_group() as group:
        group.start_soon(ask_here, "child")


PROGRAMS: list[Program] = [
    *(to_thread, run_in_executor, run_in_a_pool, create_task, gather, wait_for, call_soon),
    *(anyio_to_thread, anyio_from_thread, anyio_task_group),
]


@pytest.mark.parametrize("program", PROGRAMS)
def test_what_is_awaited_lands_under_what_awaits_it(recording: Recording, program: Program) -> None:
    serve("/", lambda: asyncio.run(program()))
    asyncio.run(program())

    spans = recording.spans()
    (request,) = (span for span in spans if span.kind == "server")
    first, second = (span for span in spans if span.kind == "client")
    assert (first.trace_id, first.parent_id) == (request.trace_id, request.span_id)
    assert second.parent_id == ""


@pytest.mark.usefixtures("recording")
def test_an_executor_s_task_sees_none_of_the_program_s_variables_that_it_would_not() -> None:
    async def program() -> tuple[str, str]:
        OWN.set("the request's")
        loop = asyncio.get_running_loop()
        # Python carries them to the one, and not to the other.
        return await asyncio.to_thread(OWN.get), await loop.run_in_executor(None, OWN.get)

    assert serve("/", lambda: asyncio.run(program())) == ("the request's", "nothing")


def test_requests_at_the_same_time_keep_apart(recording: Recording) -> None:
    async def program(number: int) -> None:
        for turn in range(3):
            await ask_here(f"here_{number}_{turn}")
            await asyncio.to_thread(ask, f"there_{number}_{turn}")

    async def main() -> None:
        def one(number: int) -> asyncio.Task[None]:
            return serve(f"/{number}", lambda: asyncio.create_task(program(number)))

        await asyncio.gather(*(one(number) for number in range(4)))

    asyncio.run(main())

    landed = parents(recording.spans())
    assert len(landed) == 4 * 7
    for name, parent in landed.items():
        assert parent == ("" if name.startswith("/") else f"/{name.split('_')[1]}")


# Layers: what is part of a call that is recorded already.


class Layers:
    """Two clients, of which the outer one's calls may be made of the inner one's."""

    def __init__(self) -> None:
        self.conventions: list[DatabaseClient] = []
        self.outer = self.client("outer", 1, asynchronous)
        self.outer_sync = self.client("outer_sync", 1, sync)
        self.inner = self.client("inner", 0, asynchronous)

    def client(self, name: str, layer: int, form: Any) -> Callable[..., Any]:
        database = same_database("postgresql", name, "127.0.0.1", 5432, GENERIC)

        def read_statement(_: Call) -> Statement:
            return f"SELECT 1 AS {name}", None, database, 1

        convention = DatabaseClient(read_statement, str)
        convention.bind(name, layer)
        self.conventions.append(convention)

        async def coroutine(work: Callable[[], Awaitable[object]] | None = None) -> object:
            await asyncio.sleep(0)
            return work and await work()

        def function(work: Callable[[], object]) -> object:
            return work()

        chosen: Any = function if form is sync else coroutine
        chosen.__name__ = name
        made: Callable[..., Any] = Patched(chosen, form(Recorder(convention, name)))
        return made


@pytest.fixture
def layers() -> Iterator[Layers]:
    """They count no more afterwards."""
    layers = Layers()
    yield layers
    for convention in layers.conventions:
        METER.remove(convention.duration)


def scopes(recording: Recording) -> list[str]:
    """The layers of which there are spans."""
    return sorted(span.scope.rpartition(".")[2] for span in recording.spans())


def test_a_layer_within_the_task_is_part_of_the_call(recording: Recording, layers: Layers) -> None:
    asyncio.run(layers.outer(layers.inner))

    assert scopes(recording) == ["outer"]


def test_a_layer_in_another_task_is_a_call_of_its_own(recording: Recording, layers: Layers) -> None:
    asyncio.run(layers.outer(lambda: asyncio.create_task(layers.inner())))

    outer, inner = recording.spans()
    assert scopes(recording) == ["inner", "outer"]
    assert inner.parent_id == outer.span_id


def test_a_layer_in_another_thread_is_a_call_of_its_own(
    recording: Recording, layers: Layers
) -> None:
    def work() -> None:
        asyncio.run(layers.inner())

    layers.outer_sync(lambda: ThreadPoolExecutor(1).submit(work).result())
    asyncio.run(layers.outer(lambda: asyncio.to_thread(work)))

    assert scopes(recording) == ["inner", "inner", "outer", "outer_sync"]


def test_a_task_that_outlives_the_call_that_started_it_is_recorded(
    recording: Recording, layers: Layers
) -> None:
    async def program() -> None:
        ended = asyncio.Event()

        async def later() -> None:
            await ended.wait()
            await layers.inner()

        async def start() -> asyncio.Task[None]:
            return asyncio.create_task(later())

        task = await layers.outer(start)
        ended.set()
        await task

    asyncio.run(program())

    outer, inner = recording.spans()
    assert scopes(recording) == ["inner", "outer"]
    assert inner.parent_id == outer.span_id
    assert inner.start >= outer.end


def test_asking_whether_a_layer_is_part_of_the_call_changes_nothing(
    recording: Recording, layers: Layers
) -> None:
    async def twice() -> None:
        outer = CURRENT.get()
        await layers.inner()
        await layers.inner()
        assert CURRENT.get() is outer
        await asyncio.to_thread(ask, "child")

    asyncio.run(layers.outer(twice))
    assert CURRENT.get() is None

    outer, child = recording.spans()
    assert child.parent_id == outer.span_id


# What is closed before its end.


def test_a_call_that_is_closed_in_another_context_ends_in_silence(
    recording: Recording, layers: Layers, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    call: Any = layers.outer(layers.inner)
    contextvars.Context().run(call.send, None)
    contextvars.Context().run(call.close)

    span = recording.span()
    assert (span.status, span.events) == ("unset", [])
    assert caplog.records == []
    assert CURRENT.get() is None


def test_a_call_that_nobody_awaits_to_its_end_ends_in_silence(
    recording: Recording, layers: Layers, caplog: pytest.LogCaptureFixture
) -> None:
    call: Any = layers.outer(layers.inner)
    contextvars.Context().run(call.send, None)
    del call
    gc.collect()

    span = recording.span()
    assert (span.status, span.events) == ("unset", [])
    assert caplog.records == []


def test_a_cancelled_call_ends_without_an_error(recording: Recording, layers: Layers) -> None:
    async def program() -> None:
        begun = asyncio.Event()

        async def work() -> None:
            begun.set()
            await asyncio.Event().wait()

        task = asyncio.create_task(layers.outer(work))
        await begun.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(program())

    assert recording.span().status == "unset"


def test_generators_of_the_program_may_be_left_in_the_middle(
    recording: Recording, layers: Layers, capfd: pytest.CaptureFixture[str]
) -> None:
    async def pages() -> AsyncIterator[int]:
        try:
            for number in range(3):
                await layers.outer(layers.inner)
                yield number
        finally:
            await layers.outer(layers.inner)

    async def program() -> None:
        left: Any = pages()
        await left.asend(None)
        await asyncio.create_task(left.aclose())
        async for _ in pages():
            break  # the loop closes what is left, in a task of its own

    asyncio.run(program())
    gc.collect()

    assert scopes(recording) == ["outer"] * 4
    assert {span.status for span in recording.spans()} == {"unset"}
    assert capfd.readouterr().err == ""
    assert CURRENT.get() is None


def streaming_body() -> Any:
    """The body of an answer, of which the server has not asked for anything yet."""

    def application(_: Any, start_response: Any) -> Iterator[bytes]:
        start_response("200 OK", [])
        try:
            yield ask("item").encode()
            yield b"never asked for"
        finally:
            ask("closing")

    class Keeping(SimpleHandler):
        result: Any

        def finish_response(self) -> None:
            kept.append(self.result)

    kept: list[Any] = []
    environ: dict[str, Any] = {"PATH_INFO": "/stream", "REMOTE_ADDR": "127.0.0.1"}
    setup_testing_defaults(environ)
    Keeping(BytesIO(), BytesIO(), StringIO(), environ).run(application)
    return kept[0]


def test_a_body_closed_in_another_context_ends_the_request_in_silence(
    recording: Recording, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG, "otel_run")
    body = streaming_body()
    next(body)
    asyncio.run(asyncio.to_thread(body.close))

    assert parents(recording.spans()) == {"/stream": "", "item": "/stream", "closing": "/stream"}
    assert caplog.records == []
    assert capfd.readouterr().err == ""
    assert CURRENT.get() is None


def test_a_body_forgotten_in_another_context_ends_the_request_in_silence(
    recording: Recording, capfd: pytest.CaptureFixture[str]
) -> None:
    body = streaming_body()
    contextvars.Context().run(next, body)
    del body
    gc.collect()

    assert parents(recording.spans())["/stream"] == ""
    assert capfd.readouterr().err == ""
    assert CURRENT.get() is None
