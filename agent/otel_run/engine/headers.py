"""Headers that the settings ask to record (semantic conventions 1.44, http.*.header.<key>)."""

from __future__ import annotations

from otel_run.engine.redaction import PLAIN_ENDS, REDACTED, redact_authority, redact_text
from otel_run.settings.values import is_plain
from otel_run.signals.cache import Cache

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from re import Pattern

    from otel_run.engine.operation import Operation

# A longer name is none that a setting means.
LONGEST_NAME = 128

# Whatever is set, what stands in these is not recorded: names that have such a word, or that end
# like a secret key.
SECRET_WORDS = frozenset(
    ("auth", "authorization", "cookie", "cookie2", "credential", "credentials", "jwt", "password")
)


class CapturedHeaders:
    """The headers to record of one kind of message, "request" or "response".

    `names` and `sanitized` are names, or regular expressions for whole names, in any case. The
    value of a sanitized header, or of one that gives access, is REDACTED. Where nothing is
    `wanted`, nobody needs to look for headers.
    """

    __slots__ = ("_keys", "_names", "_prefix", "_sanitized", "wanted")

    def __init__(self, names: tuple[str, ...], sanitized: tuple[str, ...], kind: str) -> None:
        self.wanted = bool(names)
        self._names = Names(names)
        self._sanitized = Names(sanitized)
        self._prefix = f"http.{kind}.header."
        # By name: the attribute, "" for none, and whether the value may be seen.
        self._keys: Cache[str, tuple[str, bool]] = Cache(512)

    def capture(self, operation: Operation, items: Iterable[tuple[str, str]]) -> None:
        """Record those of the headers that are asked for."""
        found = self.attributes(items)
        if found and operation.attributes is not None:
            operation.attributes = {**operation.attributes, **found}  # they may be shared
            operation.add_weight(sum(len(value) for values in found.values() for value in values))

    def attributes(self, items: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
        """Return the attributes for pairs of name and value; a name may come several times."""
        found: dict[str, list[str]] = {}
        for name, value in items:
            key, is_clear = self._keys.get(name) or self._decide(name)
            if key:
                found.setdefault(key, []).append(_presentable(key, value) if is_clear else REDACTED)
        return found

    def _decide(self, name: str) -> tuple[str, bool]:
        key = _text(name).strip().lower()
        if len(key) > LONGEST_NAME or key not in self._names:
            decision = ("", False)
        else:
            is_clear = not is_secret(key) and key not in self._sanitized
            decision = (self._prefix + key, is_clear)
        if len(key) <= LONGEST_NAME:
            self._keys.put(name, decision)
        return decision


class Names:
    """Names in any case; what has more than letters, digits and dashes is a pattern."""

    __slots__ = ("_patterns", "_plain")

    def __init__(self, names: tuple[str, ...]) -> None:
        self._plain = frozenset(name.lower() for name in names)
        self._patterns = _compiled([name for name in names if not is_plain(name)])

    def __contains__(self, name: str) -> bool:
        return name in self._plain or any(one.fullmatch(name) for one in self._patterns)


def is_secret(name: str) -> bool:
    """Tell whether a header, by its name in lower case, holds what gives access."""
    words = name.replace("_", "-")
    return not SECRET_WORDS.isdisjoint(words.split("-")) or words.replace("-", "").endswith(
        PLAIN_ENDS
    )


def _compiled(patterns: list[str]) -> list[Pattern[str]]:
    if not patterns:
        return []
    import re

    return [re.compile(pattern, re.IGNORECASE) for pattern in patterns]


def _presentable(key: str, value: str) -> str:
    """Return the value, without the secrets of a URL in it (Location, Referer, Host)."""
    value = _text(value)
    if key.endswith(".host"):
        return _presentable_host(value)
    return redact_text(value) if "?" in value or "://" in value else value


def _presentable_host(value: str) -> str:
    """Return a host without name and password, which urllib.request leaves there."""
    value = redact_authority(value)
    name, colon, port = value.rpartition(":")
    # Where the password has a slash, what comes before that is taken for the port.
    is_port = not colon or port.isdigit() or port.endswith("]")
    return value if is_port else f"{name}:{REDACTED}"


def _text(value: str | bytes) -> str:
    """Return a header's part as text, which some libraries have as bytes (RFC 9110: Latin-1)."""
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)
