"""Patched functions: everything but their calls is the original's."""

from __future__ import annotations

import copy
import functools
import inspect
import pickle
import subprocess
import sys
from typing import Any

import pytest

from otel_run.engine.wrapt import Patched


def double(number: int, *, twice: bool = False) -> int:
    """Twice the number."""
    return number * (4 if twice else 2)


class Shelf:
    """Has methods of every kind."""

    def __init__(self, size: int = 1) -> None:
        self.size = size

    def grow(self, by: int = 1) -> int:
        """Add to the size."""
        return self.size + by

    @classmethod
    def make(cls, size: int) -> int:
        """A class method."""
        return cls(size).size

    @staticmethod
    def add(one: int, two: int) -> int:
        """A static method."""
        return one + two

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Shelf) and other.size == self.size

    __hash__ = None  # type: ignore[assignment]


def through(wrapped: Any, _: Any, args: Any, kwargs: Any) -> Any:
    """Only call."""
    return wrapped(*args, **kwargs)


@pytest.fixture
def shelf(monkeypatch: pytest.MonkeyPatch) -> Shelf:
    """An instance of the class, all of whose methods are patched."""
    for name in ("grow", "make", "add"):
        monkeypatch.setattr(Shelf, name, Patched(vars(Shelf)[name], through))
    monkeypatch.setattr(sys.modules[__name__], "double", Patched(double, through))
    return Shelf(3)


def pickled(value: Any, protocol: int) -> Any:
    """What comes back of a pickle."""
    return pickle.loads(pickle.dumps(value, protocol))  # noqa: S301  it was pickled here


def test_calls_go_through(shelf: Shelf) -> None:
    assert (shelf.grow(2), Shelf.grow(shelf), Shelf.make(4), Shelf.add(1, 2)) == (5, 4, 4, 3)
    assert (shelf.make(5), shelf.add(1, 1), double(2, twice=True)) == (5, 2, 8)


@pytest.mark.usefixtures("shelf")
def test_a_patched_function_looks_like_the_original() -> None:
    assert inspect.isfunction(double)
    assert str(inspect.signature(double)) == "(number: 'int', *, twice: 'bool' = False) -> 'int'"
    assert (double.__name__, double.__qualname__, double.__module__) == (
        "double",
        "double",
        __name__,
    )
    assert double.__doc__ == "Twice the number."
    assert double.__defaults__ is None
    assert functools.wraps(double)(lambda: None).__wrapped__ is double


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_functions_and_methods_pickle(shelf: Shelf, protocol: int) -> None:
    assert pickled(double, protocol) is double
    assert pickled(Shelf.grow, protocol)(shelf) == 4
    assert pickled(shelf.grow, protocol)() == 4
    assert pickled(Shelf.make, protocol)(7) == 7
    assert pickled(shelf.add, protocol)(1, 2) == 3


def test_functions_and_methods_copy(shelf: Shelf) -> None:
    deep = copy.deepcopy({"method": shelf.grow, "shelf": shelf})

    assert copy.copy(double) is copy.deepcopy(double) is double
    assert copy.copy(shelf.grow)() == 4
    assert deep["method"].__self__ is deep["shelf"]  # type: ignore[attr-defined]
    assert deep["method"].__self__ is not shelf  # type: ignore[attr-defined]
    assert copy.deepcopy(Shelf.grow)(shelf) == 4
    assert copy.deepcopy(Shelf.make)(7) == 7


def test_neither_wrapt_nor_what_it_imports_is_loaded() -> None:
    path = [entry for entry in sys.path if entry]
    code = (
        f"import sys; sys.path[:] = {path!r}; before = set(sys.modules)\n"
        "import otel_run.engine.wrapt\n"
        "print(*sorted(set(sys.modules) - before))"
    )
    found = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        check=True,
        text=True,
    )

    loaded = set(found.stdout.split())
    assert "otel_run.engine._wrapt._wrappers" in loaded
    assert not loaded & {"asyncio", "ssl", "socket", "logging", "inspect", "importlib.metadata"}
    assert not any(name.partition(".")[0] == "wrapt" for name in loaded)
