"""What stands in the place of a function is of its kind."""

from __future__ import annotations

import asyncio
import inspect
from functools import partial, partialmethod
from typing import TYPE_CHECKING, Any

import pytest

from otel_run.engine.asgi import application
from otel_run.engine.forms import Recorder
from otel_run.engine.frames import unseen
from otel_run.engine.place import Replacement
from otel_run.engine.stand_in import stand_in, stands_in
from otel_run.engine.wrapt import Patched
from otel_run_instrumentors import asgi

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator


class Original:
    def plain(self, number: int) -> int:
        return number

    async def coroutine(self, number: int) -> int:
        await asyncio.sleep(0)
        return number

    def generator(self, number: Any) -> Iterator[Any]:
        received = yield number
        yield received
        return

    async def async_generator(self, number: int) -> AsyncIterator[int]:
        yield number


class Application:
    async def __call__(self, scope: object, receive: object, send: object) -> None:
        """Answer nothing."""


def patched(name: str) -> Any:
    owner = type("Original", (), dict(vars(Original)))
    original = vars(owner)[name]
    setattr(owner, name, stand_in(owner, original, lambda w, _, a, k: w(*a, **k)))
    return owner


@pytest.mark.parametrize("name", ["plain", "coroutine", "generator", "async_generator"])
def test_inspection_finds_a_function_of_the_same_kind_and_name(name: str) -> None:
    original, found = vars(Original)[name], getattr(patched(name), name)

    for kind in (
        inspect.iscoroutinefunction,
        inspect.isgeneratorfunction,
        inspect.isasyncgenfunction,
    ):
        assert kind(found) == kind(original)
    assert inspect.signature(found) == inspect.signature(original)
    assert inspect.getfullargspec(found) == inspect.getfullargspec(original)
    assert found.__qualname__ == original.__qualname__
    assert stands_in(vars(patched(name))[name])


@pytest.mark.parametrize("name", ["plain", "coroutine", "generator"])
def test_no_object_is_made_to_look_a_method_up(name: str) -> None:
    assert not isinstance(vars(patched(name))[name], Patched)


def test_a_coroutine_returns_what_the_original_returns_and_is_named_after_it() -> None:
    coroutine = patched("coroutine")().coroutine(number=3)

    assert coroutine.__qualname__ == "Original.coroutine"
    assert asyncio.run(coroutine) == 3


def test_a_generator_passes_on_what_is_sent_and_thrown() -> None:
    generator = patched("generator")().generator(3)

    assert next(generator) == 3
    assert generator.send("sent") == "sent"
    with pytest.raises(LookupError):
        generator.throw(LookupError())


def test_an_application_called_without_its_arguments_fails_at_once() -> None:
    original = vars(Application)["__call__"]
    owner: Any = type("Application", (), {"__call__": original})
    owner.__call__ = stand_in(owner, original, application(Recorder(asgi.convention(), "test")))

    assert inspect.iscoroutinefunction(vars(owner)["__call__"])
    with pytest.raises(TypeError, match="scope"):
        owner()()


def one_more(original: Any) -> Any:
    async def method(*args: Any, **kwargs: Any) -> Any:
        return await original(*args, **kwargs) + 1

    return unseen(method)


def replaced(function: Any) -> Any:
    owner = type("Owner", (), {"coroutine": function})
    setattr(owner, "coroutine", stand_in(owner, function, Replacement(one_more)))  # noqa: B010
    return owner


def test_a_replacement_takes_the_place_of_a_method_of_its_kind() -> None:
    owner = replaced(vars(Original)["coroutine"])

    assert not isinstance(vars(owner)["coroutine"], Patched)
    assert inspect.iscoroutinefunction(owner.coroutine)
    assert inspect.signature(owner.coroutine) == inspect.signature(Original.coroutine)
    assert stands_in(vars(owner)["coroutine"])


async def another_name(_: object, number: int) -> int:
    return number


@pytest.mark.parametrize(
    "function",
    [
        vars(Original)["coroutine"],
        # No function of the class's own, by its name.
        another_name,
        partialmethod(Original.coroutine),
        # It returns what is awaited, and is no coroutine function.
        lambda _, number: another_name(None, number),
        # It is handed no object.
        staticmethod(partial(another_name, None)),
    ],
)
def test_a_replacement_does_the_same_for_whatever_it_stands_for(function: Any) -> None:
    assert asyncio.run(replaced(function)().coroutine(number=3)) == 4


@pytest.mark.parametrize("function", [vars(Original)["coroutine"], another_name])
def test_the_coroutine_of_a_replacement_is_named_after_the_original(function: Any) -> None:
    coroutine = replaced(function)().coroutine(3)
    names = coroutine.__name__, coroutine.__qualname__
    coroutine.close()

    assert names == (function.__name__, function.__qualname__)
