"""An exception as an event."""

from __future__ import annotations

import sqlite3
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otel_run.engine.failure import (
    CALLER_LIMIT,
    CAUSE,
    CONTEXT,
    EXCEPTION_LIMIT,
    FRAME_LIMIT,
    describe_failure,
    error_type,
)
from otel_run.engine.frames import UNSEEN, unseen


def raised(error: BaseException) -> BaseException:
    """The exception, after it was raised and caught."""
    with pytest.raises(type(error)) as info:
        raise error
    return info.value


def test_an_exception_is_type_message_and_stack_trace() -> None:
    described = dict(describe_failure(raised(ValueError("wrong"))))

    line = raised.__code__.co_firstlineno + 3
    stack = str(described.pop("exception.stacktrace"))
    assert described == {"exception.type": "ValueError", "exception.message": "wrong"}
    assert stack.startswith("Traceback (most recent call last):\n")
    assert stack.endswith(f'  File "{__file__}", line {line}, in raised\nValueError: wrong\n')


def test_who_has_called_is_told_as_well_but_none_of_our_frames() -> None:
    described = []

    def call() -> None:
        wrapped()

    def fail() -> None:
        raise ValueError("wrong")

    @unseen
    def wrapped() -> None:
        try:
            fail()
        except ValueError as error:
            described.append(describe_failure(error))

    call()

    stack = str(described[0]["exception.stacktrace"])
    lines = [line for line in stack.splitlines() if line.startswith("  File ")]
    assert [line.rpartition(".")[2].rpartition(" ")[2] for line in lines[-2:]] == ["call", "fail"]
    assert len(lines) == CALLER_LIMIT + 1
    assert UNSEEN not in stack


class GroupError(Exception):
    """As `ExceptionGroup` has it from Python 3.11 on."""

    def __init__(self, message: str, exceptions: object) -> None:
        super().__init__(message)
        self.exceptions = exceptions


def test_a_group_is_told_with_all_that_are_in_it() -> None:
    first, second = ValueError("first"), KeyError("second")
    second.__cause__ = OSError("cause")
    error = GroupError("both", (first, second))
    error.__context__ = first

    assert describe_failure(error)["exception.stacktrace"] == (
        f"ValueError: first\n{CONTEXT}{__name__}.GroupError: both\n"
        f"\nException 2 of 2 in it:\n\nOSError: cause\n{CAUSE}KeyError: 'second'\n"
    )


def test_a_group_of_very_many_ends() -> None:
    error = GroupError(
        "many", tuple(GroupError("inner", (KeyError(number),)) for number in range(99))
    )
    stack = str(describe_failure(error)["exception.stacktrace"])

    assert stack.count("KeyError") == (EXCEPTION_LIMIT - 1) // 2


@pytest.mark.parametrize("exceptions", [None, 1, [KeyError()], (1,), {KeyError(): 1}])
def test_what_only_looks_like_a_group_is_told_alone(exceptions: object) -> None:
    stack = describe_failure(GroupError("odd", exceptions))["exception.stacktrace"]

    assert stack == f"{__name__}.GroupError: odd\n"


def test_notes_follow_the_message() -> None:
    error = ValueError("wrong")
    vars(error)["__notes__"] = ["in the shop", 5, "with token=hunter2"]

    assert describe_failure(error)["exception.stacktrace"] == (
        "ValueError: wrong\nin the shop\nwith token=REDACTED\n"
    )


def test_a_long_stack_loses_its_middle() -> None:
    def dive(depth: int) -> None:
        if not depth:
            raise ValueError("deep")
        dive(depth - 1)

    try:
        dive(300)
    except ValueError as error:
        stack = str(describe_failure(error)["exception.stacktrace"])

    frames = [line for line in stack.splitlines() if line.startswith("  File")]
    assert len(frames) == FRAME_LIMIT
    assert f"  [{302 + CALLER_LIMIT - FRAME_LIMIT} frames left out]\n" in stack


class BrokenError(Exception):
    """Cannot say what it is."""

    def __str__(self) -> str:
        raise RuntimeError


def test_an_exception_that_cannot_be_printed_has_no_message() -> None:
    described = describe_failure(raised(BrokenError()))

    assert described["exception.message"] == ""
    assert str(described["exception.stacktrace"]).endswith(f"{__name__}.BrokenError\n")


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (ValueError(), "ValueError"),
        (BrokenError(), f"{__name__}.BrokenError"),
        (type("Odd", (Exception,), {"__module__": None})(), "None.Odd"),
    ],
)
def test_a_type_has_its_module_unless_it_is_a_builtin(error: Exception, expected: str) -> None:
    assert error_type(error) == expected


@given(st.text(), st.lists(st.text("xyz0", min_size=4), min_size=1))
def test_values_of_the_failed_call_are_in_no_part(text: str, values: list[str]) -> None:
    error = GroupError(text.join(values), (OSError(values[-1]), OSError(text)))
    error.__cause__ = KeyError(values[0])
    vars(error)["__notes__"] = values
    described: dict[str, Any] = dict(describe_failure(error, values))

    assert not any(value in described["exception.message"] for value in values)
    assert not any(value in described["exception.stacktrace"] for value in values)


def test_what_was_secret_in_one_of_a_group_is_so_in_the_group() -> None:
    inner = sqlite3.OperationalError('near "hunter2": syntax error')
    describe_failure(inner, {"hunter2"})
    described = describe_failure(GroupError(f"all failed: {inner}", (inner,)))

    assert "hunter2" not in "".join(map(str, described.values()))
