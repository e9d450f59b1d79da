"""The words of a complaint; loaded only where there is something to complain about."""

from __future__ import annotations

from otel_run.settings.values import NotBuiltIn, listed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

LONGEST_SHOWN = 100
# A misspelling is at most this many characters away.
CLOSE = 2


def compose(name: str, value: str, problem: ValueError, instead: str) -> str:
    """One line: the variable, its value without secrets, what is wrong, what is used instead."""
    outcome = f"{instead} is used" if instead else "it is ignored"
    return f"{name}={shown(name, value)}: {problem}{_suggestion(value, problem)}; {outcome}"


def compose_unknown(name: str, known: Iterable[str]) -> str:
    """One line if `name` looks like a misspelling of a known variable, else ""."""
    meant = closest(name, known)
    return f"{name}: no such variable; did you mean {meant}?" if meant else ""


def shown(name: str, value: str) -> str:
    """`value` quoted, on one line, and without what may be a secret."""
    if name.endswith("_HEADERS"):
        return "'***'"
    if "@" in value:
        head, _, tail = value.rpartition("@")
        scheme, separator, _ = head.partition("://")
        value = f"{scheme}{separator}***@{tail}" if separator else f"***@{tail}"
    if "ENDPOINT" in name and "?" in value:
        value = value.partition("?")[0] + "?***"
    if len(value) > LONGEST_SHOWN:
        value = value[:LONGEST_SHOWN] + "…"
    return repr(value)


def closest(word: str, words: Iterable[str]) -> str:
    """The one of `words` that `word` is likely to mean; "" without one."""
    found = min(((_distance(word, other), other) for other in words), default=(CLOSE + 1, ""))
    return found[1] if found[0] <= CLOSE else ""


def _suggestion(value: str, problem: ValueError) -> str:
    if not isinstance(problem, NotBuiltIn):
        return ""
    unknown = (part for part in listed(value.lower()) if part not in problem.names)
    meant = [name for name in (closest(part, problem.names) for part in unknown) if name]
    return f" (did you mean {', '.join(dict.fromkeys(meant))}?)" if meant else ""


def _distance(one: str, other: str) -> int:
    """How many characters to insert, delete or replace; CLOSE + 1 for anything more than CLOSE."""
    if abs(len(one) - len(other)) > CLOSE:
        return CLOSE + 1
    row = list(range(len(other) + 1))
    for place, character in enumerate(one, 1):
        above, row = row, [place]
        for column, candidate in enumerate(other):
            replaced = above[column] + (character != candidate)
            row.append(min(replaced, above[column + 1] + 1, row[column] + 1))
        if min(row) > CLOSE:
            return CLOSE + 1
    return row[-1]
