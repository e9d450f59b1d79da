"""Headers as they are on the wire: fields of names and values, in Latin-1."""

from __future__ import annotations

from operator import itemgetter

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

NAME = itemgetter(0)


def fields_as_text(fields: Iterable[tuple[bytes, bytes]]) -> Iterator[tuple[str, str]]:
    """Give names and values as text."""
    for name, value in fields:
        yield name.decode("latin-1"), value.decode("latin-1")


def write_fields(given: list[tuple[bytes, bytes]], headers: Mapping[str, str]) -> None:
    """Put the headers into the list of fields.

    What the program passed on from elsewhere would stand beside ours, and spoil both.
    """
    names = b"\n".join(map(NAME, given)).lower()
    for name, value in headers.items():
        field = name.encode()
        # Most often it is not there, and one look at all of them tells. `in` would take it for a
        # number first, and make an exception of that: four times as long.
        if names.find(field) >= 0:
            given[:] = [one for one in given if one[0].lower() != field]
        given.append((field, value.encode()))


def with_fields(
    given: Iterable[tuple[bytes, bytes]], headers: Mapping[str, str]
) -> list[tuple[bytes, bytes]]:
    """Return a list of the fields and of the headers."""
    fields = list(given)
    write_fields(fields, headers)
    return fields
