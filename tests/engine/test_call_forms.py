"""The wrappers: what they do with results, exceptions and contexts, and with mistakes of ours."""

from __future__ import annotations

import asyncio
import gc
import signal
import threading
from typing import TYPE_CHECKING, Any

import pytest

from contracts.http_server import answering, hello, ignoring, minimal_environ, streaming
from otel_run import guard
from otel_run.engine.asked import Asked
from otel_run.engine.call import NOTHING, Call
from otel_run.engine.forms import Recorder, asynchronous, form_of, iterable, sync
from otel_run.engine.targets import Detail, Note
from otel_run.engine.wrapt import Patched
from otel_run.signals.context import CURRENT
from otel_run.signals.metrics import METER
from otel_run_instrumentors import wsgi
from recording import Recording

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@pytest.fixture
def recording() -> Iterator[Recording]:
    """What is recorded here."""
    with Recording() as recording:
        yield recording


@pytest.fixture
def recorder() -> Iterator[Recorder]:
    """Records calls that take what WSGI applications do."""
    convention = wsgi.convention()
    convention.bind("forms", 0)
    yield Recorder(convention, "forms")
    METER.remove(convention.duration)
    METER.remove(convention.active)


def patched(recorder: Recorder, application: Callable[..., Any]) -> Callable[..., Any]:
    """An application whose calls are recorded to the last item."""
    made: Callable[..., Any] = Patched(application, wsgi.SERVE(recorder))
    return made


def broken(*_: object) -> Any:
    """What a reader with a mistake does."""
    raise ZeroDivisionError


class Circuit(BaseException):
    """No error: the program stops."""


def test_the_form_is_chosen_by_the_function() -> None:
    async def coroutine() -> None:
        """Do nothing."""

    assert form_of(coroutine) is asynchronous
    assert form_of(hello) is sync
    assert form_of(len) is sync


def test_a_reader_that_raises_leaves_result_and_context_alone(
    recording: Recording, recorder: Recorder
) -> None:
    body = iter([b"one"])
    application = Patched(answering(body), iterable(broken)(recorder))

    assert application(minimal_environ(), ignoring) is body
    assert CURRENT.get() is None
    assert len(recording.spans()) == 1
    assert [mistake.kind for mistake in guard.ERRORS] == [ZeroDivisionError]
    guard.ERRORS.clear()


@pytest.mark.parametrize("step", ["begin", "finish", "fail"])
@pytest.mark.parametrize("form", [sync, asynchronous])
def test_a_convention_that_raises_leaves_call_and_context_alone(
    monkeypatch: pytest.MonkeyPatch, recorder: Recorder, step: str, form: Any
) -> None:
    error = LookupError("the program's")

    def function(environ: dict[str, Any], _: object) -> list[bytes]:
        if environ.get("fail"):
            raise error
        return [b"result"]

    async def coroutine(environ: dict[str, Any], _: object) -> list[bytes]:
        return function(environ, _)

    monkeypatch.setattr(recorder.convention, step, broken)
    wrapped = Patched(function if form is sync else coroutine, form(recorder))

    def call(**more: Any) -> Any:
        result = wrapped({**minimal_environ(), **more}, ignoring)
        return result if form is sync else asyncio.run(result)

    assert call() == [b"result"]
    with pytest.raises(LookupError) as raised:
        call(fail=True)
    assert raised.value is error
    assert error.__context__ is None
    assert CURRENT.get() is None
    assert {mistake.kind for mistake in guard.ERRORS} == {ZeroDivisionError}
    guard.ERRORS.clear()


def test_what_is_no_error_ends_the_span_without_one(
    recording: Recording, recorder: Recorder
) -> None:
    def application(_: Any, __: Any) -> Any:
        raise Circuit

    with pytest.raises(Circuit):
        patched(recorder, application)(minimal_environ(), ignoring)

    span = recording.span()
    assert (span.status, span.events) == ("unset", [])
    assert CURRENT.get() is None


def test_a_generator_is_current_only_while_it_runs(
    recording: Recording, recorder: Recorder
) -> None:
    body = patched(recorder, streaming)(minimal_environ(), ignoring)

    assert CURRENT.get() is None
    assert next(body) == b"one"
    assert CURRENT.get() is None
    assert recording.spans() == []
    assert list(body) == [b"", b"two"]
    assert CURRENT.get() is None
    assert len(recording.spans()) == 1


def test_a_body_may_be_read_in_another_thread(recording: Recording, recorder: Recorder) -> None:
    body = patched(recorder, streaming)(minimal_environ(), ignoring)
    read: list[bytes] = []
    thread = threading.Thread(target=lambda: read.extend(body))
    thread.start()
    thread.join()
    body.close()

    assert read == [b"one", b"", b"two"]
    assert len(recording.spans()) == 1


def test_closing_early_ends_the_span_and_what_comes_later_changes_nothing(
    recording: Recording, recorder: Recorder
) -> None:
    closed: list[str] = []

    class Body:
        def __iter__(self) -> Iterator[bytes]:
            return iter([b"one", b"two"])

        def close(self) -> None:
            closed.append("closed")
            if len(closed) > 1:
                raise LookupError("again")

    body = patched(recorder, answering(Body()))(minimal_environ(), ignoring)
    assert next(body) == b"one"
    body.close()
    before = recording.span()
    with pytest.raises(LookupError, match="again"):
        body.close()
    assert next(body) == b"two"

    assert closed == ["closed"] * 2
    assert recording.span() == before
    assert (before.status, before.events) == ("unset", [])
    assert CURRENT.get() is None


def test_a_close_that_raises_is_the_span_s_error(recording: Recording, recorder: Recorder) -> None:
    class Body:
        def __iter__(self) -> Iterator[bytes]:
            return iter([b"one"])

        def close(self) -> None:
            raise LookupError("closing")

    body = patched(recorder, answering(Body()))(minimal_environ(), ignoring)
    with pytest.raises(LookupError, match="closing"):
        body.close()

    span = recording.span()
    assert span.attributes["error.type"] == "LookupError"
    assert span.status_message == "closing"


def test_a_body_that_nobody_reads_ends_with_its_object(
    recording: Recording, recorder: Recorder
) -> None:
    body = patched(recorder, streaming)(minimal_environ(), ignoring)
    del body
    gc.collect()

    assert len(recording.spans()) == 1


def test_what_cannot_be_iterated_over_fails_as_it_would(
    recording: Recording, recorder: Recorder
) -> None:
    body = patched(recorder, answering(None))(minimal_environ(), ignoring)
    with pytest.raises(TypeError, match="'NoneType' object is not iterable"):
        next(body)

    assert recording.span().attributes["error.type"] == "TypeError"


@pytest.mark.parametrize(
    "target",
    [
        Detail("shop:Shop.open", before=lambda _: None),
        Note("shop:Shop.open", lambda *_: None),
        Asked("shop:Shop.open", lambda *_: None),
    ],
)
def test_a_method_called_without_its_object_fails_as_it_would(
    recording: Recording, recorder: Recorder, target: Detail | Note | Asked
) -> None:
    def method(self: object) -> None:
        """Do nothing."""

    replaced: Any = target.wrapper(recorder).make(method)
    operation = recorder.begin(Call(hello, None, (minimal_environ(), ignoring), {}))
    assert operation is not None
    try:
        with pytest.raises(TypeError, match="self"):
            replaced()
    finally:
        recorder.finish(operation, NOTHING, None)
    assert len(recording.spans()) == 1


def test_a_status_that_is_none_is_the_server_s_to_refuse(
    recording: Recording, recorder: Recorder
) -> None:
    def application(_: Any, start_response: Any) -> list[bytes]:
        for status in (None, b"200 OK", "²00 Odd", "", 7):
            start_response(status, [])
        return []

    assert patched(recorder, application)(minimal_environ(), ignoring) == []
    assert "http.response.status_code" not in recording.span().attributes


class Late(Exception):  # noqa: N818  as programs call theirs
    """What a program's handler raises when the time is over."""


def interrupted(step: Callable[..., Any]) -> Callable[..., Any]:
    """A step at whose end a signal comes, of which the program's handler raises."""

    def interrupt(*arguments: Any) -> None:
        step(*arguments)
        signal.raise_signal(signal.SIGUSR1)

    return interrupt


def is_late(*_: object) -> None:
    raise Late


def stop(*_: object) -> None:
    raise Circuit


@pytest.mark.parametrize(("handler", "kind"), [(is_late, Late), (stop, Circuit)])
@pytest.mark.parametrize("step", ["begin", "finish", "fail"])
@pytest.mark.parametrize("form", [sync, iterable(lambda *_: True), asynchronous])
def test_a_time_out_that_comes_while_our_code_runs_is_the_program_s(
    recorder: Recorder,
    monkeypatch: pytest.MonkeyPatch,
    form: Callable[[Recorder], Any],
    step: str,
    handler: Callable[..., None],
    kind: type[BaseException],
) -> None:
    def application(*_: object) -> list[bytes]:
        return [b"one"] if step != "fail" else broken()

    async def coroutine(*_: object) -> list[bytes]:
        return application()

    def serve() -> None:
        if form is asynchronous:
            asyncio.run(Patched(coroutine, form(recorder))(minimal_environ(), ignoring))
        else:
            Patched(application, form(recorder))(minimal_environ(), ignoring)

    convention = recorder.convention
    monkeypatch.setattr(convention, step, interrupted(getattr(convention, step)))
    before = signal.signal(signal.SIGUSR1, handler)
    try:
        with pytest.raises(kind):
            serve()
    finally:
        signal.signal(signal.SIGUSR1, before)

    assert CURRENT.get() is None
    assert not guard.ERRORS
