"""Copies of what a program has made, for otel-run to write into."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeVar

    Object = TypeVar("Object")


def replica(original: Object) -> Object:
    """Return an object with the same attributes, in a fraction of the time that `copy` takes.

    Its class has no slots; nor is it asked how its objects are copied: httpx's would lose a stream.
    """
    made = object.__new__(type(original))
    made.__dict__.update(original.__dict__)
    return made
