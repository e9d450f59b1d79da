"""Counts and durations as readers are told them."""

from __future__ import annotations

MICROSECOND = 1_000  # nanoseconds
UNITS = {"ms": 10**6, "s": 10**9, "min": 60 * 10**9, "h": 3600 * 10**9}
DAY = 24 * UNITS["h"]
LARGEST_ROUNDED = 999.5  # from there on it is the next unit's 1.00


def tell_count(number: int, noun: str) -> str:
    """Write how many there are of something: 1 span, 4,008 spans."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def tell_duration(nanoseconds: int, micro: str) -> str:
    """Write a duration in three figures: 843 µs, 1.21 ms, 12.3 ms, 182 ms, 2.05 s, 16.7 min.

    `micro` is the unit that not every encoding has.
    """
    if nanoseconds < MICROSECOND:
        return f"{nanoseconds} ns"
    for unit, size in {micro: MICROSECOND, **UNITS}.items():
        if nanoseconds < LARGEST_ROUNDED * size:
            return f"{_round(nanoseconds / size)} {unit}"
    return f"{nanoseconds / DAY:.0f} d"


def _round(amount: float) -> str:
    decimals = 2 if amount < 9.995 else 1 if amount < 99.95 else 0  # noqa: PLR2004  3 figures
    return f"{amount:.{decimals}f}"
