"""Requests that are left out of everything: health checks, and what a setting names."""

from __future__ import annotations

from otel_run.signals.cache import Cache

TYPE_CHECKING = False
if TYPE_CHECKING:
    from re import Pattern

# A longer path is searched anew each time.
LONGEST_KEPT = 1024


class Exclusion:
    """What is excluded: whole paths, and URLs in which one of the regular expressions is found.

    The expressions look at the path, and at the whole URL without its query.
    """

    def __init__(self, patterns: tuple[str, ...], paths: frozenset[str]) -> None:
        self.patterns: list[Pattern[str]] = []
        self.paths = paths
        self._seen: Cache[tuple[str, str, str], bool] = Cache(1024)
        if patterns:
            import re

            self.patterns = [re.compile(pattern) for pattern in patterns]

    def covers(self, path: str, scheme: str, host: str) -> bool:
        """Tell whether a request is excluded."""
        return path in self.paths or (bool(self.patterns) and self._is_found(path, scheme, host))

    def _is_found(self, path: str, scheme: str, host: str) -> bool:
        key = (path, scheme, host)
        found = self._seen.get(key)
        if found is None:
            url = f"{scheme}://{host}{path}"
            found = any(one.search(path) or one.search(url) for one in self.patterns)
            if len(path) <= LONGEST_KEPT:
                self._seen.put(key, found)
        return found
