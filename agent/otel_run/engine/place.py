"""A place to patch."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    from otel_run.engine.forms import Recorder, Wrapper
    from otel_run.engine.replacement import Replacement

    # How a place is wrapped, given the function that is there; None where it stays as it is.
    Wrap = Callable[[Any], Wrapper | Replacement | None]


class Place:
    """A target of one place, `module:name` or `module:Class.name`, wrapped whatever is there."""

    def __init__(self, place: str) -> None:
        self.place = place

    def wraps(self, recorder: Recorder) -> Iterator[tuple[str, Wrap]]:
        """Give the places to patch, and how."""
        yield self.place, lambda _: self.wrapper(recorder)

    def wrapper(self, recorder: Recorder) -> Wrapper | Replacement:
        """Make what is called instead of the function that is there."""
        raise NotImplementedError
