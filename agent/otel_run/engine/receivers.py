"""Who is sent the context of a request: all, or the hosts that a setting names."""

from __future__ import annotations

from otel_run.engine.url import split_port


class Receivers:
    """Patterns of hosts in lower case: `*.example.com`, `localhost:8080`, `::1`, `[::1]:80`, `*`.

    A pattern without a port means any port. Without patterns all are meant.
    """

    __slots__ = ("_patterns", "are_all")

    def __init__(self, patterns: tuple[str, ...]) -> None:
        self._patterns = [
            (pattern, 0) if pattern.count(":") > 1 and "[" not in pattern else split_port(pattern)
            for pattern in patterns
        ]
        self.are_all = not patterns

    def include(self, address: str, port: int) -> bool:
        """Tell whether the server at this address, in lower case, receives context."""
        if not self._patterns:
            return True
        address = address.rstrip(".")
        return any(
            wanted in {0, port} and matches(host, address) for host, wanted in self._patterns
        )


def matches(pattern: str, text: str) -> bool:
    """Tell whether the text is the pattern, in which `*` stands for any characters."""
    first, *rest = pattern.split("*")
    if not rest:
        return text == pattern
    *middle, last = rest
    if not text.startswith(first) or len(text) < len(first) + len(last):
        return False
    if not text.endswith(last):
        return False
    place, end = len(first), len(text) - len(last)
    for part in middle:
        found = text.find(part, place, end)
        if found < 0:
            return False
        place = found + len(part)
    return True
