"""An instrumentor: a library, its convention, and the places to patch. All of it is data."""

from __future__ import annotations

import sys

from otel_run import guard
from otel_run.engine.forms import Recorder
from otel_run.engine.stand_in import stand_in, stands_in
from otel_run.engine.targets import Function
from otel_run.engine.unfinished import record_open
from otel_run.export.pipeline import PIPELINE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any, Protocol

    from otel_run.engine.convention import Convention
    from otel_run.engine.place import Wrap

    class Target(Protocol):
        """Places to patch, and how."""

        def wraps(self, recorder: Recorder) -> Iterator[tuple[str, Wrap]]:
            """Give each place with what makes the wrapper for the function found there."""


PIPELINE.record_open = record_open


class Instrumentor:
    """What otel-run does for one library.

    `versions` is the range that is tested; newer versions are patched as well, as far as the
    places are there. A target that is a string is a function of which each call is an operation.
    `skipped` tells, place by place, why something could not be patched.
    """

    def __init__(
        self,
        *,
        library: str,
        versions: str,
        convention: Convention,
        layer: int,
        targets: tuple[str | Target, ...],
    ) -> None:
        self.library = library
        self.versions = versions
        self.convention = convention
        self.layer = layer
        self.skipped: dict[str, str] = {}
        self._originals: dict[str, tuple[Any, str, Any]] = {}
        self._recorder = Recorder(convention, library)
        self._recorder.off = True  # until something is patched: it may be left alone
        convention.bind(library, layer)
        guard.turn_off[library] = self.turn_off
        self._optional = {place for target in targets for place in getattr(target, "optional", ())}
        self._wraps: list[tuple[str, Wrap]] = []
        for target in targets:
            chosen = Function(target) if isinstance(target, str) else target
            self._wraps.extend(chosen.wraps(self._recorder))

    @property
    def modules(self) -> tuple[str, ...]:
        """The modules that hold a place to patch."""
        return tuple(dict.fromkeys(place.partition(":")[0] for place, _ in self._wraps))

    @property
    def patched(self) -> tuple[str, ...]:
        """The places that are patched now."""
        return tuple(self._originals)

    @property
    def is_patched(self) -> bool:
        """Whether what is there is patched, be it nothing because this version needs none of it."""
        return bool(self._originals) or not (self._recorder.off or self.skipped)

    def patch(self, module: str) -> None:
        """Patch what lives in this module, which has just been executed; never raises."""
        self._recorder.off = False
        for place, wrap in self._wraps:
            if place.partition(":")[0] == module:
                try:
                    self._patch_place(place, wrap)
                except Exception as error:
                    self.skipped[place] = f"{type(error).__name__}: {error}"
                    guard.caught(error, self.library)

    def _patch_place(self, place: str, wrap: Wrap) -> None:
        module, _, path = place.partition(":")
        *parents, name = path.split(".")
        owner: Any = sys.modules[module]
        for parent in parents:
            owner = getattr(owner, parent, None)
        own = getattr(owner, "__dict__", {}).get(name)
        original = own or getattr(owner, name, None)
        if original is None:
            if place not in self._optional:
                self.skipped[place] = "this version has no such function"
            return
        if stands_in(own):
            return
        wrapper = wrap(original)
        if wrapper is not None:
            inherited = name not in owner.__dict__
            setattr(owner, name, stand_in(owner, original, wrapper))
            self._originals[place] = (owner, name, None if inherited else original)

    def unpatch(self) -> None:
        """Put the originals back; what was bound elsewhere meanwhile runs untouched."""
        self._recorder.off = True
        for owner, name, original in self._originals.values():
            if original is None:
                delattr(owner, name)
            else:
                setattr(owner, name, original)
        self._originals.clear()

    def turn_off(self) -> None:
        """Stop for good after too many mistakes of ours."""
        self.unpatch()
        self._wraps.clear()
