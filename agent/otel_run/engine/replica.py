"""Copies of what a program has made, for otel-run to write into."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeVar

    Object = TypeVar("Object")


class Slotted:
    """A class with a slot, of which this needs the type."""

    __slots__ = ("slot",)


SLOT = type(vars(Slotted)["slot"])


def replica(original: Object) -> Object:
    """Return an object with the same attributes, in a fraction of the time that `copy` takes.

    Nor is its class asked how its objects are copied: httpx's would lose a stream.
    """
    kind = type(original)
    made = object.__new__(kind)
    made.__dict__.update(original.__dict__)
    if hasattr(kind, "__slots__"):  # a subclass of the program's own
        fill_slots(made, original)
    return made


def fill_slots(made: object, original: object) -> None:
    """Copy what slots hold; their descriptors know them by their real names."""
    for base in type(original).__mro__:
        for slot in vars(base).values():
            if type(slot) is SLOT:
                try:
                    slot.__set__(made, slot.__get__(original))
                except AttributeError:  # there is nothing in it
                    pass
