"""What a variable's text may be: each function returns its value or raises ValueError.

Types and their ranges are those of the specification's configuration/sdk-environment-variables.md.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

LARGEST = 2**31 - 1
NO_LIMIT = "no limit"


class NotBuiltIn(ValueError):  # noqa: N818  it says what is wrong, in the words of the line
    """The name is none of `names`."""

    def __init__(self, names: tuple[str, ...]) -> None:
        super().__init__(f"built in {'is' if len(names) == 1 else 'are'} {', '.join(names)}")
        self.names = names


def count(text: str, least: int = 0) -> int:
    """A whole number from `least` to 2^31 - 1."""
    # No more than ten digits: int() itself refuses thousands of them in another way.
    if text.isascii() and text.isdigit() and len(text.lstrip("0")) <= len(str(LARGEST)):
        number = int(text)
        if least <= number <= LARGEST:
            return number
    raise ValueError(f"not a whole number from {least} to {LARGEST}")


def size(text: str) -> int:
    """A whole number above 0."""
    return count(text, 1)


def limit(text: str) -> int | None:
    """The greatest length allowed; None without one."""
    return None if text == NO_LIMIT else count(text)


def duration(text: str, least: int = 0) -> float:
    """Seconds, of a whole number of milliseconds."""
    try:
        return count(text, least) / 1000
    except ValueError:
        raise ValueError(f"not a whole number of milliseconds from {least} to {LARGEST}") from None


def interval(text: str) -> float:
    """Seconds above 0, of a whole number of milliseconds."""
    return duration(text, 1)


def timeout(text: str) -> float | None:
    """Seconds, of a whole number of milliseconds; None for 0, which means no limit."""
    return duration(text) or None


def ratio(text: str) -> float:
    """A number from 0 to 1."""
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if 0 <= number <= 1:
        return number
    raise ValueError("not a number from 0 to 1")


def verbosity(text: str) -> int:
    """-1 (quiet), 0 or 1 (verbose)."""
    if text in {"-1", "0", "1"}:
        return int(text)
    raise ValueError("not -1, 0 or 1")


def one_of(*names: str) -> Callable[[str], str]:
    """A parser of a name among `names`, in any case."""

    def parse(text: str) -> str:
        name = text.lower()
        if name not in names:
            raise NotBuiltIn(names)
        return name

    return parse


def listed(text: str) -> list[str]:
    """The parts between commas: stripped, none empty, each once, in order."""
    return list(dict.fromkeys(part for part in map(str.strip, text.split(",")) if part))


def hosts(text: str) -> tuple[str, ...]:
    """Hosts in lower case; of a URL its host, "" where it has none."""
    origins = (part.rpartition("://")[2] for part in listed(text.lower()))
    return tuple(origin.partition("/")[0] for origin in origins)


def is_plain(text: str) -> bool:
    """Whether a regular expression would stand for itself alone: a name."""
    return text.replace("-", "").replace("_", "").isalnum()


def is_pattern(text: str) -> bool:
    """Whether it is a name, or else a regular expression."""
    if is_plain(text):
        return True
    import re
    import warnings

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            re.compile(text)
    except Exception:  # what Python warns of, or finds too large, is as bad
        return False
    return True


def pairs(text: str) -> dict[str, str]:
    """`k=v,…`, percent-decoded; one bad pair makes all of it bad (resource/sdk.md)."""
    from otel_run import percent

    found = {}
    for pair in listed(text):
        key, equals, value = pair.partition("=")
        if not (key.strip() and equals):
            raise ValueError("not key=value pairs with commas between")
        found[percent.decode(key.strip(), "strict")] = percent.decode(value.strip(), "strict")
    return found
