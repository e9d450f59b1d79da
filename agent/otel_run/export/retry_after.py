"""The Retry-After header, in seconds or as a date (RFC 9110, sections 10.2.3 and 5.6.7).

The export thread reads it, and must not import what the program might import at the same time.
"""

from __future__ import annotations

from otel_run.native import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

MONTHS: Final = (
    *(b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug"),
    *(b"Sep", b"Oct", b"Nov", b"Dec", b"Jan", b"Feb"),
)
# Days from the first of March of the year 0 to the first of January of 1970.
EPOCH = 719_468
# Digits of a number that is believed.
LONGEST = 9


def read_retry_after(value: bytes | None) -> float | None:
    """Return seconds from now; None where it says nothing that can be used."""
    if value is None:
        return None
    if value.isdigit():
        return float(value[:LONGEST])
    try:
        return max(0.0, _seconds_since_epoch(value) - time.time())
    except ValueError:
        return None


def _seconds_since_epoch(date: bytes) -> int:
    """Read a date as servers must write it: `Sun, 06 Nov 1994 08:49:37 GMT`."""
    _, day, month, year, clock, zone = date.split(b" ")
    hours, minutes, seconds = clock.split(b":")
    if zone != b"GMT":
        raise ValueError("another form of date")
    days = _days(_number(year, 4), MONTHS.index(month), _number(day, 2))
    return 60 * (60 * (24 * days + _number(hours, 2)) + _number(minutes, 2)) + _number(seconds, 2)


def _days(year: int, month: int, day: int) -> int:
    """Days since 1970-01-01; months from March on, so that a leap day is the last of its year."""
    year -= month >= 10  # noqa: PLR2004  January and February
    leap_days = year // 4 - year // 100 + year // 400
    return 365 * year + leap_days + (153 * month + 2) // 5 + day - 1 - EPOCH


def _number(digits: bytes, length: int) -> int:
    if not digits.isdigit() or len(digits) > length:
        raise ValueError("not a number")
    return int(digits)
