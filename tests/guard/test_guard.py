"""Our own mistakes: counted, remembered, told, and never the program's."""

from __future__ import annotations

import functools
import gc
import signal
import subprocess
import sys
import weakref
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import otel_run
from otel_run import guard

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

AGENT = str(Path(otel_run.__file__).parents[1])


@pytest.fixture(autouse=True)
def _clean() -> Iterator[None]:
    yield
    guard.ERRORS.clear()
    guard.counts.clear()
    guard.turn_off.clear()


def fail(message: str = "no such key") -> None:
    raise KeyError(message)


def fail_later(cause: Exception) -> None:
    raise KeyError("later") from cause


def catch(where: str, message: str = "no such key") -> None:
    try:
        fail(message)
    except KeyError as error:
        guard.caught(error, where)


def run(code: str, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", f"from otel_run import guard\n{code}"],
        env={"PYTHONPATH": AGENT} | environ,
        capture_output=True,
        text=True,
        check=True,
    )


def test_errors_are_counted_where_they_happened_and_kept() -> None:
    for _ in range(3):
        catch("requests")
    catch("export")

    assert guard.counts == {"requests": 3, "export": 1}
    assert [(error.kind, error.where, error.text) for error in guard.ERRORS] == [
        *[(KeyError, "requests", "KeyError: 'no such key'")] * 3,
        (KeyError, "export", "KeyError: 'no such key'"),
    ]


def test_only_the_last_hundred_errors_are_kept() -> None:
    for number in range(150):
        catch("requests", str(number))

    assert [error.text for error in guard.ERRORS] == [f"KeyError: '{n}'" for n in range(50, 150)]


def test_after_ten_errors_a_part_is_turned_off_once() -> None:
    calls: list[str] = []
    guard.turn_off["flask"] = lambda: calls.append("flask")
    guard.turn_off["requests"] = lambda: calls.append("requests")

    for number in range(1, 30):
        catch("requests")
        assert calls == (["requests"] if number >= guard.LIMIT else [])


def test_a_part_that_cannot_be_turned_off_harms_nobody() -> None:
    def stop() -> None:
        raise OSError

    guard.turn_off["requests"] = stop

    for _ in range(20):
        catch("requests")

    assert guard.counts == {"requests": 20}


class Thing:
    """Something of the program's."""


def test_an_error_that_is_kept_keeps_nothing_of_the_program_alive() -> None:
    def read(thing: Thing) -> None:
        fail(repr(type(thing)))

    def wrapper(thing: Thing) -> None:
        try:
            read(thing)
        except KeyError as error:
            guard.caught(error, "requests")
            guard.caught(LookupError(thing), "requests")

    thing = Thing()
    reference = weakref.ref(thing)
    wrapper(thing)
    del thing
    gc.collect()

    assert reference() is None
    assert len(guard.ERRORS) == 2


def test_an_error_of_the_program_that_passed_through_is_left_as_it_was() -> None:
    with pytest.raises(KeyError) as raised:
        fail_later(ValueError("cause"))
    error = raised.value
    before = (error.args, error.__cause__, error.__context__, error.__traceback__)

    guard.caught(error, "requests")

    assert (error.args, error.__cause__, error.__context__, error.__traceback__) == before
    assert vars(error) == {}


def test_what_is_kept_says_where_it_came_from() -> None:
    catch("requests")

    mistake = guard.ERRORS[0]
    lines = [fail.__code__.co_firstlineno + 1, catch.__code__.co_firstlineno + 2]
    assert mistake.places == [f"{__file__}:{line}" for line in reversed(lines)]
    assert mistake.place == mistake.places[-1]


class Unspeakable(Exception):  # noqa: N818
    """An exception that cannot even be printed."""

    def __str__(self) -> str:
        raise RuntimeError


def test_an_error_without_a_traceback_or_a_text_is_taken_too() -> None:
    guard.caught(Unspeakable(), "requests")

    [mistake] = guard.ERRORS
    assert (mistake.text, mistake.place) == ("Unspeakable", "an unknown place")


RAISE_ELEVEN = """
class Odd(Exception): pass
for number in range(11):
    try:
        raise Odd("with password\\x1b")
    except Odd as error:
        guard.caught(error, "requests")
"""


def test_turning_off_is_one_line_without_the_message() -> None:
    done = run(f"guard.turn_off['requests'] = lambda: print('off'){RAISE_ELEVEN}")

    assert done.stdout == "off\n"
    assert done.stderr == (
        "otel-run: 10 internal errors in requests, the last one Odd at <string>:6; it is turned "
        "off; the program is not affected\n"
    )


def test_each_error_is_told_only_when_asked_for() -> None:
    done = run(RAISE_ELEVEN, OTEL_RUN_VERBOSITY="1")

    line = "otel-run: internal error in requests: Odd: with password\\x1b (<string>:6)\n"
    assert done.stderr == (
        line * 10 + "otel-run: 10 internal errors in requests, the last one Odd at <string>:6; "
        "the program is not affected\n" + line
    )


class Late(Exception):  # noqa: N818  as programs call theirs
    """What a program's handler raises when the time is over."""


def raise_late(*_: object) -> None:
    raise Late


class Alarm:
    """Handles signals, as an object or by a method."""

    def __call__(self, *_: object) -> None:
        raise Late

    def ring(self, *_: object) -> None:
        raise Late


@pytest.mark.parametrize(
    "handler", [raise_late, functools.partial(raise_late, 1), Alarm(), Alarm().ring]
)
def test_what_a_signal_handler_raises_while_our_code_runs_is_the_program_s(
    handler: Callable[..., None],
) -> None:
    def record() -> None:
        try:
            signal.raise_signal(signal.SIGUSR1)
        except Late as error:
            guard.caught(error, "sqlite3")

    before = signal.signal(signal.SIGUSR1, handler)
    try:
        with pytest.raises(Late):
            record()
    finally:
        signal.signal(signal.SIGUSR1, before)

    assert not guard.ERRORS


def test_what_stops_the_program_is_not_taken() -> None:
    with pytest.raises(KeyboardInterrupt):
        guard.caught(KeyboardInterrupt(), "sqlite3")

    assert not guard.ERRORS
