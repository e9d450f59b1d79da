"""A call: its arguments, however they were passed."""

from __future__ import annotations

import pytest

from otel_run.engine.call import Call


def call(*args: object, **kwargs: object) -> Call:
    """A call of a function of `first` and `second`."""
    return Call(print, None, args, kwargs)


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        (call(1, 2), (1, 2)),
        (call(1, second=2), (1, 2)),
        (call(first=1, second=2), (1, 2)),
        (call(1), (1, "default")),
        (call(None, second=None), (None, None)),
        (call(), (None, "default")),
    ],
)
def test_an_argument_is_found(made: Call, expected: tuple[object, object]) -> None:
    assert (made.arg(0, "first"), made.arg(1, "second", "default")) == expected


@pytest.mark.parametrize(
    ("made", "args", "kwargs"),
    [
        (call(1, 2, 3), (1, "new", 3), {}),
        (call(1, second=2, third=3), (1,), {"second": "new", "third": 3}),
        (call(1), (1,), {"second": "new"}),
        (call(), (), {"second": "new"}),
    ],
)
def test_an_argument_is_replaced_the_way_it_was_passed(
    made: Call, args: tuple[object, ...], kwargs: dict[str, object]
) -> None:
    before = dict(made.kwargs)
    passed = made.kwargs
    made.replace(1, "second", "new")

    assert (made.args, made.kwargs) == (args, kwargs)
    assert passed == before  # the mapping that the program passed is its own


@pytest.mark.parametrize(
    ("args", "kwargs"),
    [((1, 2, 3), {}), ((1,), {"b": 2, "c": 3}), ((), {"c": 3, "b": 2, "a": 1})],
)
def test_all_arguments_are_found_however_they_were_passed(
    args: tuple[object, ...], kwargs: dict[str, object]
) -> None:
    assert Call(print, None, args, kwargs).bound(("a", "b", "c")) == (1, 2, 3)


def test_an_argument_that_was_not_passed_is_none() -> None:
    assert Call(print, None, (1,), {"c": 3}).bound(("a", "b", "c")) == (1, None, 3)
