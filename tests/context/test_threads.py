"""A thread works under the span in which it was started, and takes nothing else along."""

from __future__ import annotations

import contextvars
import decimal
import threading
import traceback
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from otel_run import guard
from otel_run.engine.forms import Recorder
from otel_run.engine.travel import Arrival, ContextCarrier, Departure
from otel_run.engine.wrapt import Patched
from otel_run.signals.context import CURRENT, SUPPRESSED, Node
from served import ask, parents, serve

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextvars import Context

    from collector import Collector
    from programs import Programs
    from recording import Recording

TESTS = str(Path(__file__).parents[1])
OWN: contextvars.ContextVar[str] = contextvars.ContextVar("OWN", default="nothing")


def run(thread: threading.Thread) -> None:
    thread.start()
    thread.join()


class Overriding(threading.Thread):
    """Says itself what it does, as `Timer` and many a program's own."""

    def run(self) -> None:
        ask("child")


@pytest.mark.parametrize(
    "make",
    [
        lambda: threading.Thread(target=ask, args=("child",)),
        lambda: threading.Timer(0, ask, ("child",)),
        Overriding,
    ],
    ids=["Thread", "Timer", "a subclass"],
)
def test_what_a_thread_does_lands_under_what_started_it(
    recording: Recording, make: Callable[[], threading.Thread]
) -> None:
    serve("/", lambda: run(make()))
    run(make())

    spans = recording.spans()
    (request,) = (span for span in spans if span.kind == "server")
    first, second = (span for span in spans if span.kind == "client")
    assert (first.trace_id, first.parent_id) == (request.trace_id, request.span_id)
    assert second.parent_id == ""


def test_threads_started_by_threads_stay_in_the_trace(recording: Recording) -> None:
    def work() -> None:
        ask("first")
        run(threading.Thread(target=ask, args=("second",)))

    serve("/", lambda: run(threading.Thread(target=work)))

    assert parents(recording.spans()) == {"/": "", "first": "/", "second": "/"}


def test_a_request_that_has_ended_is_still_the_parent(recording: Recording) -> None:
    answered = threading.Event()

    def work() -> None:
        answered.wait()
        ask("afterwards")

    def start() -> threading.Thread:
        thread = threading.Thread(target=work)
        thread.start()
        return thread

    thread = serve("/", start)
    answered.set()
    thread.join()

    assert parents(recording.spans()) == {"/": "", "afterwards": "/"}


def test_the_thread_that_starts_another_keeps_what_it_has(recording: Recording) -> None:
    def work() -> None:
        run(threading.Thread(target=ask, args=("there",)))
        ask("here")

    serve("/", work)
    ask("later")

    assert parents(recording.spans()) == {"/": "", "there": "/", "here": "/", "later": ""}


@pytest.mark.usefixtures("recording")
def test_the_program_s_own_variables_stay_where_they_are() -> None:
    seen: list[tuple[int, str]] = []
    usual = decimal.DefaultContext.prec

    def work() -> None:
        with decimal.localcontext() as context:
            context.prec = 7
            token = OWN.set("the request's")
            run(
                threading.Thread(target=lambda: seen.append((decimal.getcontext().prec, OWN.get())))
            )
            OWN.reset(token)

    serve("/", work)

    assert seen == [(usual, "nothing")]


@pytest.mark.usefixtures("recording")
def test_nothing_of_ours_is_left_on_a_thread() -> None:
    seen: list[set[str]] = []

    class Watching(threading.Thread):
        def run(self) -> None:
            seen.append(set(vars(self)))

    def work() -> set[str]:
        thread = Watching()
        before = set(vars(thread))
        run(thread)
        return before

    before = serve("/", work)

    assert seen == [before]


def test_a_thread_that_makes_something_of_its_attributes_is_not_asked(
    recording: Recording,
) -> None:
    class Careful(threading.Thread):
        def __getattr__(self, name: str) -> object:
            asked.append(name)
            raise AttributeError(name)

        def __setattr__(self, name: str, value: object) -> None:
            asked.append(name)
            super().__setattr__(name, value)

    asked: list[str] = []
    serve("/", lambda: run(Careful(target=ask, args=("child",))))

    assert [name for name in asked if "otel" in name or name == "_context"] == []
    assert parents(recording.spans()) == {"/": "", "child": "/"}


@pytest.mark.usefixtures("recording")
def test_a_thread_that_cannot_start_fails_as_it_would() -> None:
    def work() -> None:
        thread = threading.Thread(target=ask, args=("child",))
        run(thread)
        with pytest.raises(RuntimeError, match="threads can only be started once"):
            thread.start()
        assert not any(name.startswith("_otel_run") for name in vars(thread))

    serve("/", work)


@pytest.mark.usefixtures("recording")
def test_the_traceback_of_a_thread_that_dies_is_the_program_s(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    died: list[list[str]] = []

    def fail() -> None:
        raise LookupError

    def note(arguments: threading.ExceptHookArgs) -> None:
        frames = traceback.extract_tb(arguments.exc_traceback)
        died.append([frame.name for frame in frames])

    monkeypatch.setattr(threading, "excepthook", note)
    serve("/", lambda: run(threading.Thread(target=fail)))

    assert died == [["_bootstrap_inner", "run", "fail"]]


def test_where_nothing_may_be_recorded_a_thread_may_not_either(recording: Recording) -> None:
    def work() -> None:
        token = CURRENT.set(SUPPRESSED)
        run(threading.Thread(target=ask, args=("hidden",)))
        CURRENT.reset(token)
        run(threading.Thread(target=ask, args=("seen",)))

    work()

    assert parents(recording.spans()) == {"seen": ""}


def test_a_mistake_of_ours_does_not_keep_a_thread_from_running(
    monkeypatch: pytest.MonkeyPatch, recording: Recording
) -> None:
    def fail(*_: object) -> None:
        raise KeyError

    monkeypatch.setattr("otel_run.engine.travel.write", fail)
    serve("/", lambda: run(threading.Thread(target=ask, args=("child",))))

    assert parents(recording.spans()) == {"/": "", "child": ""}
    assert [mistake.kind for mistake in guard.ERRORS] == [KeyError]
    guard.ERRORS.clear()


class Started:
    """Runs in a context of its own, as threads do from Python 3.14 on."""

    inherits = False

    def __init__(self, context: Context | None = None) -> None:
        self.context = context
        self.seen: list[tuple[Node | None, str]] = []

    def start(self) -> None:
        if self.context is None:
            inherited = contextvars.copy_context() if self.inherits else None
            self.context = inherited or contextvars.Context()
        contextvars.Context().run(self.bootstrap)

    def bootstrap(self) -> None:
        assert self.context is not None
        self.context.run(lambda: self.seen.append((CURRENT.get(), OWN.get())))


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> type[Started]:
    """Its starts are carried along."""
    recorder = Recorder(ContextCarrier(), "started")
    for target, name in (
        (Departure("test_threads:Started.start", context="context"), "start"),
        (Arrival("test_threads:Started.bootstrap"), "bootstrap"),
    ):
        ((_, wrap),) = target.wraps(recorder)
        original = getattr(Started, name)
        wrapper = wrap(original)
        assert wrapper is not None
        monkeypatch.setattr(Started, name, Patched(original, wrapper))
    return Started


def test_what_has_a_context_of_its_own_gets_our_variable_alone(started: type[Started]) -> None:
    node = Node(1, 2)
    tokens = CURRENT.set(node), OWN.set("the request's")
    thread = started()
    thread.start()
    CURRENT.reset(tokens[0])
    OWN.reset(tokens[1])

    assert thread.seen == [(node, "nothing")]


def test_a_context_that_the_program_gives_stays_as_it_is(started: type[Started]) -> None:
    given = contextvars.copy_context()
    token = CURRENT.set(Node(1, 2))
    thread = started(given)
    thread.start()
    CURRENT.reset(token)

    assert thread.context is given
    assert thread.seen == [(None, "nothing")]
    assert given.get(CURRENT) is None


def test_where_threads_inherit_the_whole_context_python_sees_to_it(
    monkeypatch: pytest.MonkeyPatch, started: type[Started]
) -> None:
    monkeypatch.setattr("otel_run.engine.travel.THREADS_INHERIT", True)
    monkeypatch.setattr(Started, "inherits", True)
    token = OWN.set("the program's")
    thread = started()
    thread.start()
    OWN.reset(token)

    assert thread.seen == [(None, "the program's")]


PROGRAM = """
import sqlite3, threading
from served import ask, serve

def work():
    thread = threading.Thread(target=ask, args=("child",))
    thread.start()
    thread.join()
    waiting = threading.Thread(target=threading.Event().wait, daemon=True)
    waiting.start()

serve("/", work)
"""


@pytest.mark.parametrize(("disabled", "parent"), [("", "/"), ("threading", ""), ("flask", "/")])
def test_threads_can_be_left_alone_and_daemons_do_not_disturb_the_exit(
    programs: Programs, collector: Collector, disabled: str, parent: str
) -> None:
    env = {"PYTHONPATH": TESTS, "PYTHONWARNINGS": "error"}
    result = programs.run(PROGRAM, env={**env, "OTEL_PYTHON_DISABLED_INSTRUMENTATIONS": disabled})

    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")
    assert parents(collector.spans()) == {"/": "", "child": parent}
