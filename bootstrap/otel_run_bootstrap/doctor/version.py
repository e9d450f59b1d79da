"""Versions, as far as comparing them with an instrumentor's range takes."""

from __future__ import annotations

import operator

COMPARISONS = {
    ">=": operator.ge,
    "<=": operator.le,
    "==": operator.eq,
    "!=": operator.ne,
    ">": operator.gt,
    "<": operator.lt,
}


def is_within(version: str, versions: str) -> bool:
    """Whether a version is in a range such as `>=2.0,<3`."""
    for clause in filter(None, map(str.strip, versions.split(","))):
        sign = next((sign for sign in COMPARISONS if clause.startswith(sign)), "==")
        bound = release(clause.removeprefix(sign))
        if not COMPARISONS[sign](release(version), bound):
            return False
    return True


def release(version: str) -> tuple[int, ...]:
    """Return (2, 1) for `2.1.0rc1`: the numbers at its beginning, without zeros at their end."""
    numbers: list[int] = []
    for part in version.strip().partition("+")[0].split("."):
        digits = part[: len(part) - len(part.lstrip("0123456789"))]
        if not digits:
            break
        numbers.append(int(digits))
        if digits != part:
            break
    while numbers and not numbers[-1]:
        numbers.pop()
    return tuple(numbers)
