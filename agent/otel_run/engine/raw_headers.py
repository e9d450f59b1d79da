"""Headers as they are on the wire, in Latin-1: fields of names and values, or lines."""

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


def lines_as_text(lines: Iterable[bytes]) -> Iterator[tuple[str, str]]:
    """Give names and values as text."""
    for line in lines:
        name, _, value = line.decode("latin-1").partition(":")
        yield name, value.strip()


# What the program passed on from elsewhere would stand beside ours, and spoil both: it is replaced.


def write_fields(given: list[tuple[bytes, bytes]], headers: Mapping[str, str]) -> None:
    """Put the headers into the list of fields."""
    for name, value in headers.items():
        field = name.encode()
        # Most often it is not there, and one look at all of them tells.
        if field in b"\n".join(map(NAME, given)).lower():
            given[:] = [one for one in given if one[0].lower() != field]
        given.append((field, value.encode()))


def with_fields(
    given: Iterable[tuple[bytes, bytes]], headers: Mapping[str, str]
) -> list[tuple[bytes, bytes]]:
    """Return a list of the fields and of the headers."""
    fields = list(given)
    write_fields(fields, headers)
    return fields


def write_lines(lines: list[bytes], headers: Mapping[str, str]) -> None:
    """Put the headers into the lines of a request, of which the first is none."""
    for name, value in headers.items():
        start = f"{name}:".encode()
        if start in b"\n".join(lines).lower():  # as above
            lines[1:] = [one for one in lines[1:] if one[: len(start)].lower() != start]
        lines.append(f"{name}: {value}".encode("latin-1"))
