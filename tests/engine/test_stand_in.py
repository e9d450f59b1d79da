"""What stands in the place of a function is of its kind."""

from __future__ import annotations

import asyncio
import inspect
from typing import TYPE_CHECKING, Any

import pytest

from otel_run.engine.stand_in import stand_in, stands_in
from otel_run.engine.wrapt import Patched

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

    async def __call__(self, scope: object) -> None:
        """Be an application."""


def patched(name: str) -> Any:
    owner = type("Original", (), dict(vars(Original)))
    original = vars(owner)[name]
    setattr(owner, name, stand_in(owner, original, lambda w, _, a, k: w(*a, **k)))
    return owner


@pytest.mark.parametrize("name", ["plain", "coroutine", "generator", "async_generator", "__call__"])
def test_inspection_finds_a_function_of_the_same_kind_and_name(name: str) -> None:
    original, found = vars(Original)[name], getattr(patched(name), name)

    for kind in (
        inspect.iscoroutinefunction,
        inspect.isgeneratorfunction,
        inspect.isasyncgenfunction,
    ):
        assert kind(found) == kind(original)
    assert inspect.signature(found) == inspect.signature(original)
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
    application = patched("__call__")()

    with pytest.raises(TypeError, match="scope"):
        application()
