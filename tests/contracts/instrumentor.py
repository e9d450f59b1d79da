"""What holds for every instrumentor: it patches in place, once, and can be undone."""

from __future__ import annotations

import copy
import importlib
import inspect
import pickle
from typing import TYPE_CHECKING, Any, ClassVar

import pytest

from otel_run import guard
from recording import instrumentors

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from otel_run.engine import Instrumentor
    from otlp import Span


def found_at(place: str) -> Any:
    """What stands at `module:Class.name` itself, not what it is bound to."""
    owner, name = owner_of(place), name_of(place)
    return vars(owner).get(name) or getattr(owner, name)  # its own, or what it inherits


def name_of(place: str) -> str:
    """The function's own name."""
    return place.rpartition(":")[2].rpartition(".")[2]


def owner_of(place: str) -> Any:
    """The class or the module that holds a place."""
    module, _, path = place.partition(":")
    owner: Any = __import__(module, fromlist=("*",))
    for name in path.split(".")[:-1]:
        owner = getattr(owner, name)
    return owner


def pickled(value: Any, protocol: int = pickle.DEFAULT_PROTOCOL) -> Any:
    """What comes back of a pickle."""
    return pickle.loads(pickle.dumps(value, protocol))  # noqa: S301  it was pickled here


def check_plain(span: Span, library: str, name: str, kind: str) -> None:
    """A span of this library's alone, of which there is nothing to tell but attributes."""
    assert (span.name, span.kind, span.status, span.status_message) == (name, kind, "unset", "")
    assert span.scope == f"otel_run_instrumentors.{library}"
    assert (span.parent_id, span.trace_state, span.events, span.links) == ("", "", [], [])
    assert 0 < span.start < span.end


def import_and_patch(instrumentor: Instrumentor) -> None:
    """Import all that is patched of a library, also what it imports itself when it is used."""
    for module in instrumentor.modules:
        importlib.import_module(module)
        instrumentor.patch(module)


@pytest.mark.usefixtures("recording")
class InstrumentorContract:
    """Subclass it and name the library."""

    library: ClassVar[str]

    @property
    def instrumentor(self) -> Instrumentor:
        """The library's."""
        return instrumentors()[self.library]

    @property
    def places(self) -> tuple[str, ...]:
        """What it patches in the version that is installed."""
        self.patch()
        return self.instrumentor.patched

    def patch(self) -> None:
        """Patch as the import hook does."""
        import_and_patch(self.instrumentor)

    def test_every_place_is_patched_in_this_version(self) -> None:
        assert self.places
        assert self.instrumentor.skipped == {}

    def test_patching_twice_is_patching_once_and_unpatching_restores_the_originals(self) -> None:
        places = self.places
        self.instrumentor.unpatch()
        originals = {place: found_at(place) for place in places}
        self.patch()
        patched = {place: found_at(place) for place in places}
        self.patch()

        assert all(found_at(place) is patched[place] for place in places)
        assert all(patched[place].__wrapped__ is originals[place] for place in places)

        self.instrumentor.unpatch()

        assert all(found_at(place) is originals[place] for place in places)

    def test_a_patched_function_looks_like_the_original(self) -> None:
        for place in self.places:
            patched = found_at(place)
            original = patched.__wrapped__

            assert inspect.isfunction(patched)
            assert inspect.signature(patched) == inspect.signature(original)
            assert inspect.getfullargspec(patched) == inspect.getfullargspec(original)
            assert inspect.iscoroutinefunction(patched) == inspect.iscoroutinefunction(original)
            assert inspect.isgeneratorfunction(patched) == inspect.isgeneratorfunction(original)
            assert inspect.getsource(patched) == inspect.getsource(original)
            assert patched.__name__ == original.__name__
            assert patched.__qualname__ == original.__qualname__
            assert patched.__module__ == original.__module__
            assert patched.__doc__ == original.__doc__
            assert patched.__annotations__ == original.__annotations__

    def test_a_patched_function_pickles_and_copies(self) -> None:
        for place in self.places:
            bound = getattr(owner_of(place), name_of(place))

            for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
                again = pickled(bound, protocol)
                # What is inherited is found where it comes from, which is not patched.
                assert getattr(again, "__wrapped__", again) is bound.__wrapped__
            assert copy.copy(bound).__wrapped__ is bound.__wrapped__
            assert copy.deepcopy([bound])[0].__wrapped__ is bound.__wrapped__

    def check_turned_off(
        self,
        monkeypatch: pytest.MonkeyPatch,
        capfd: pytest.CaptureFixture[str],
        reader: str,
        call: Callable[[], object],
    ) -> None:
        """Make a reader raise: the calls go on, and after ten mistakes nothing is patched."""
        instrumentor = self.instrumentor
        places = self.places
        expected = call()
        for _ in faults(monkeypatch, instrumentor, reader):
            assert call() == expected

        assert instrumentor.patched == ()
        self.patch()
        assert instrumentor.patched == ()
        assert not any(hasattr(found_at(place), "__wrapped__") for place in places)
        assert call() == expected
        lines = capfd.readouterr().err.splitlines()
        told = [line for line in lines if line.startswith("otel-run: ")]
        assert len(told) == 1
        assert told[0].startswith(
            f"otel-run: 10 internal errors in {self.library}, the last one ZeroDivisionError at "
        )
        assert told[0].endswith("; it is turned off; the program is not affected")
        guard.ERRORS.clear()


def faults(
    monkeypatch: pytest.MonkeyPatch, instrumentor: Instrumentor, reader: str
) -> Iterator[int]:
    """Make a reader raise, and go on until ten of its mistakes were swallowed."""

    def fail(*arguments: object) -> object:
        return len(arguments) / 0

    monkeypatch.setattr(instrumentor.convention, reader, fail)
    # What turning off takes away for good is given back after the test.
    monkeypatch.setattr(instrumentor, "_wraps", list(instrumentor._wraps))
    monkeypatch.setattr(guard, "counts", {})
    monkeypatch.setitem(guard.turn_off, instrumentor.library, instrumentor.turn_off)
    for attempt in range(guard.LIMIT):
        yield attempt
        assert guard.counts == {instrumentor.library: attempt + 1}
