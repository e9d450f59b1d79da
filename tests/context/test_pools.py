"""A pool's task works under the span in which it was handed over; the pool serves whoever comes."""

from __future__ import annotations

import contextvars
import decimal
import multiprocessing
import threading
import traceback
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing.pool import ThreadPool
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
import requests
from flask import Flask

from contracts.wsgi_servers import serve_werkzeug
from otel_run.signals.context import CURRENT
from served import ask, name_of, parents, serve

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Future

    from recording import Recording

OWN: contextvars.ContextVar[str] = contextvars.ContextVar("OWN", default="nothing")


def current_trace(_: object = None) -> int:
    """The trace in which this runs; 0 for none."""
    node = CURRENT.get()
    return 0 if node is None else node.trace_id


def test_what_is_submitted_lands_under_what_submitted_it(recording: Recording) -> None:
    with ThreadPoolExecutor(1) as pool:
        serve("/one", lambda: pool.submit(ask, "first").result())
        serve("/two", lambda: pool.submit(ask, "second").result())
        serve("/three", lambda: list(pool.map(ask, ["third", "fourth"])))
        pool.submit(ask, "fifth").result()

    assert parents(recording.spans()) == {
        "/one": "",
        "/two": "",
        "/three": "",
        "first": "/one",
        "second": "/two",
        "third": "/three",
        "fourth": "/three",
        "fifth": "",
    }


def test_what_is_submitted_by_what_was_submitted_stays_in_the_trace(recording: Recording) -> None:
    with ThreadPoolExecutor(2) as pool:
        serve("/", lambda: pool.submit(lambda: pool.submit(ask, "child").result()).result())

    assert parents(recording.spans()) == {"/": "", "child": "/"}


@pytest.mark.usefixtures("recording")
def test_a_worker_has_nothing_of_the_request_that_happened_to_start_it() -> None:
    workers: list[contextvars.Context] = []
    started: list[int] = []

    def initialise() -> None:
        started.append(current_trace())

    # What a task leaves in its thread's context, the next one finds there.
    with ThreadPoolExecutor(1, initializer=initialise) as pool:
        first = serve("/one", lambda: pool.submit(current_trace).result())
        second = serve("/two", lambda: pool.submit(current_trace).result())
        workers.append(pool.submit(contextvars.copy_context).result())

    assert started == [0]
    assert 0 != first != second != 0
    assert workers[0].get(CURRENT) is None


@pytest.mark.usefixtures("recording")
def test_the_worker_keeps_the_program_s_variables_and_gets_none_of_the_submitter_s() -> None:
    def initialise() -> None:
        decimal.getcontext().prec = 11
        OWN.set("the worker's")

    def seen() -> tuple[int, str]:
        return decimal.getcontext().prec, OWN.get()

    def work() -> tuple[int, str]:
        with decimal.localcontext() as context:
            context.prec = 7
            token = OWN.set("the request's")
            try:
                return pool.submit(seen).result()
            finally:
                OWN.reset(token)

    with ThreadPoolExecutor(1, initializer=initialise) as pool:
        assert serve("/", work) == (11, "the worker's")


def test_a_future_s_callback_lands_where_its_task_does(recording: Recording) -> None:
    release = threading.Event()

    def work() -> None:
        future = pool.submit(release.wait)
        future.add_done_callback(lambda _: ask("callback") and None)

    with ThreadPoolExecutor(1) as pool:
        serve("/", work)
        release.set()

    assert parents(recording.spans()) == {"/": "", "callback": "/"}


def test_a_future_s_callback_lands_where_it_was_given(recording: Recording) -> None:
    release = threading.Event()

    def listen(future: Future[Any]) -> None:
        future.add_done_callback(lambda _: ask("callback") and None)

    with ThreadPoolExecutor(1) as pool:
        future = serve("/task", lambda: pool.submit(release.wait))
        serve("/callback", lambda: listen(future))
        release.set()

    assert parents(recording.spans()) == {"/task": "", "/callback": "", "callback": "/callback"}


def test_so_does_that_of_a_future_of_a_process_s(recording: Recording) -> None:
    def work() -> None:
        pool.submit(int, "1").add_done_callback(lambda _: ask("callback") and None)

    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        serve("/", work)

    assert parents(recording.spans()) == {"/": "", "callback": "/"}


@pytest.mark.parametrize("kind", [ThreadPool, multiprocessing.get_context("spawn").Pool])
@pytest.mark.parametrize("method", ["apply_async", "map_async", "starmap_async"])
def test_a_pool_s_callback_lands_where_its_task_was_given(
    recording: Recording, kind: Callable[[int], ThreadPool], method: str
) -> None:
    def work() -> None:
        give = getattr(pool, method)
        give(int, "1", callback=lambda _: ask("callback")).wait()
        give(int, "x", error_callback=lambda _: ask("error_callback")).wait()

    with kind(1) as pool:
        serve("/", work)

    assert parents(recording.spans()) == {"/": "", "callback": "/", "error_callback": "/"}


@pytest.mark.usefixtures("recording")
def test_an_exception_s_traceback_is_the_program_s() -> None:
    def fail() -> None:
        raise LookupError

    with ThreadPoolExecutor(1) as pool:
        error = serve("/", lambda: pool.submit(fail).exception())

    assert error is not None
    names = [frame.name for frame in traceback.extract_tb(error.__traceback__)]
    assert names == ["run", "fail"]


@pytest.mark.usefixtures("recording")
def test_what_cannot_be_submitted_fails_as_it_would() -> None:
    pool = ThreadPoolExecutor(1)
    pool.shutdown()

    def work() -> None:
        with pytest.raises(RuntimeError, match="cannot schedule new futures after shutdown"):
            pool.submit(ask, "child")
        with pytest.raises(TypeError, match="'fn'"):
            pool.submit()  # type: ignore[call-arg]

    serve("/", work)


def test_requests_served_at_the_same_time_keep_apart(recording: Recording) -> None:
    application = Flask("shop")

    @application.get("/inner/<name>")
    def inner(name: str) -> str:
        return ask(f"asked_by_{name}")

    @application.get("/outer/<name>")
    def outer(name: str) -> str:
        urls = [f"http://{host}:{port}/inner/{name}_{number}" for number in range(3)]
        return ",".join(answer.text for answer in pool.map(requests.get, urls))

    with (
        ThreadPoolExecutor(4) as pool,
        serve_werkzeug(application) as (host, port),
        ThreadPoolExecutor(4) as clients,
    ):
        urls = [f"http://{host}:{port}/outer/{name}" for name in "abcd"]
        assert all(answer.ok for answer in clients.map(requests.get, urls))

    spans = recording.spans()
    assert len(spans) == 4 * (2 + 3 * 3)
    by_id = {span.span_id: span for span in spans}
    for span in spans:
        if "db.query.text" in span.attributes:
            line = [name_of(span)]
            while span.parent_id:
                span = by_id[span.parent_id]  # noqa: PLW2901  up to the root
                line.append(urlsplit(span.attributes.get("url.full", name_of(span))).path)
            name = line[0].removeprefix("asked_by_")
            inner_path, outer_path = f"/inner/{name}", f"/outer/{name[0]}"
            assert line[1:] == [inner_path, inner_path, outer_path, outer_path]


MAPS: dict[str, Callable[[ThreadPool, Callable[[str], str], list[str]], object]] = {
    "apply": lambda pool, function, names: [pool.apply(function, (name,)) for name in names],
    "apply_async": lambda pool, function, names: [
        pool.apply_async(func=function, args=(name,)).get() for name in names
    ],
    "map": lambda pool, function, names: pool.map(function, names),
    "map_async": lambda pool, function, names: pool.map_async(function, names).get(),
    "starmap": lambda pool, function, names: pool.starmap(function, [(name,) for name in names]),
    "imap": lambda pool, function, names: list(pool.imap(function, names)),
    "imap_unordered": lambda pool, function, names: sorted(pool.imap_unordered(function, names)),
}


@pytest.mark.parametrize("method", MAPS)
def test_a_thread_pool_of_multiprocessing_does_the_same(recording: Recording, method: str) -> None:
    with ThreadPool(1) as pool:
        one = serve("/one", lambda: MAPS[method](pool, ask, ["a", "b"]))
        two = serve("/two", lambda: MAPS[method](pool, ask, ["c"]))
        three = MAPS[method](pool, ask, ["d"])
        pool.close()
        pool.join()

    assert (one, two, three) == (["a", "b"], ["c"], ["d"])
    assert parents(recording.spans()) == {
        "/one": "",
        "/two": "",
        "a": "/one",
        "b": "/one",
        "c": "/two",
        "d": "",
    }


@pytest.mark.usefixtures("recording")
def test_a_thread_pool_made_in_a_request_serves_others_too() -> None:
    pool = serve("/one", lambda: ThreadPool(1))
    trace = pool.apply(current_trace)
    pool.close()
    pool.join()

    assert trace == 0
