"""Where a request goes: the URL as it may be recorded, and the server it names."""

from __future__ import annotations

from otel_run.engine.redaction import redact_authority, redact_query, secrets_in
from otel_run.signals.cache import Cache

TYPE_CHECKING = False
if TYPE_CHECKING:
    from otel_run.engine.exclusion import Exclusion
    from otel_run.engine.receivers import Receivers
    from otel_run.signals.description import Description
    from otel_run.signals.values import Value

DEFAULT_PORTS = {"http": 80, "https": 443, "ws": 80, "wss": 443}

# What stands in a path as it is; all else was quoted on the wire.
PLAIN = "/:@!$&'()*+,;=-._~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

# A longer URL is parsed anew each time.
LONGEST_KEPT = 2048

# A URL longer than this counts towards the bound of the record queue.
LONG_URL = 256


class Origin:
    """A scheme, host and port; `descriptions` holds what a convention described for a method."""

    __slots__ = ("_receives", "address", "descriptions", "port", "scheme")

    def __init__(self, scheme: str, address: str, port: int) -> None:
        self.scheme = scheme
        self.address = address
        self.port = port
        self.descriptions: dict[object, Description] = {}
        self._receives: bool | None = None

    def receives(self, receivers: Receivers) -> bool:
        """Tell whether it is among those who receive context."""
        if self._receives is None:
            self._receives = receivers.include(self.address, self.port)
        return self._receives


class Url:
    """A URL without its secrets, as attributes, its origin, and what no message may hold either.

    `is_excluded` tells that nothing is recorded of its requests. `weight` is what a record of one
    weighs beyond the usual.
    """

    __slots__ = ("attributes", "is_excluded", "origin", "secrets", "weight")

    def __init__(
        self,
        full: str,
        origin: Origin,
        secrets: tuple[str, ...],
        is_excluded: bool,  # noqa: FBT001  known of each URL
    ) -> None:
        self.attributes: dict[str, Value] = {"url.full": full}
        self.weight = len(full) if len(full) > LONG_URL else 0
        self.origin = origin
        self.secrets = secrets
        self.is_excluded = is_excluded


def join_url(scheme: str, host: str, port: int | None, target: object) -> str:
    """Return the URL of a request line's target, which is absolute where it goes to a proxy."""
    path = str(target or "/")
    if not path.startswith("/"):
        if "://" in path:
            return path
        path = f"/{path}"
    if ":" in host and not host.startswith("["):
        host = f"[{host}]"
    if not port or port == DEFAULT_PORTS.get(scheme):
        return f"{scheme}://{host}{path}"
    return f"{scheme}://{host}:{port}{path}"


def path_of(target: str) -> str:
    """Return the path of what a server was asked for: a whole URL, if it is taken for a proxy."""
    if target.startswith("/") or "://" not in target:
        return target
    return f"/{target.partition('://')[2].partition('/')[2]}"


def quote_path(path: str, encoding: str) -> str:
    """Return a path as it was on the wire; `encoding` is that of the bytes that were unquoted.

    One of which `strip(PLAIN)` leaves nothing needs no quoting.
    """
    from urllib.parse import quote

    return quote(path.encode(encoding, "replace"), safe=PLAIN)


def split_port(authority: str) -> tuple[str, int]:
    """Split `host:port` or `[v6]:port`; the port is 0 where there is none, or not a number."""
    host, colon, port = authority.rpartition(":")
    if not colon or authority.endswith("]"):
        host, port = authority, ""
    if host.startswith("["):
        host = host.strip("[]")
    number = int(port) if port.isascii() and port.isdigit() and len(port) < 6 else 0  # noqa: PLR2004
    return host, number


class Urls:
    """The URLs and origins seen lately, each parsed once.

    A URL is a text, or what can be hashed and is a URL as a text: making that may take longer.
    The hot path looks at `seen` by itself before it asks.
    """

    def __init__(self, exclusion: Exclusion | None = None) -> None:
        self._exclusion = exclusion
        self.seen: Cache[object, Url] = Cache(1024)
        self._origins: Cache[tuple[str, str, int], Origin] = Cache(512)

    def get(self, key: object) -> Url:
        """Return what the URL says."""
        found = self.seen.get(key)
        if found is None:
            text = str(key)
            found = self._parse(text)
            if len(text) <= LONGEST_KEPT:
                self.seen.put(key, found)
        return found

    def _parse(self, text: str) -> Url:
        scheme, separator, rest = text.partition("://")
        if not separator:
            scheme, rest = "", text
        end = _authority_end(rest)
        authority, tail = rest[:end], rest[end:]
        if "%40" in authority.rpartition("@")[2]:  # the @ of a password, quoted together with it
            authority = authority.replace("%40", "@")
        host = authority.rpartition("@")[2]
        address, port = split_port(host)
        path = tail.partition("#")[0].partition("?")[0]
        exclusion = self._exclusion
        is_excluded = exclusion is not None and exclusion.covers(path, scheme, host)
        origin = self.origin(scheme.lower(), address.lower(), port)
        full = f"{scheme}{separator}{redact_authority(authority)}{_redact_tail(tail)}"
        secrets = () if full == text else secrets_in(authority, tail)
        return Url(full, origin, secrets, is_excluded)

    def origin(self, scheme: str, address: str, port: int) -> Origin:
        """Return the one object that stands for this scheme, host and port."""
        port = port or DEFAULT_PORTS.get(scheme, 0)
        key = (scheme, address, port)
        origin = self._origins.get(key)
        if origin is None:
            origin = Origin(*key)
            self._origins.put(key, origin)
        return origin


def _authority_end(rest: str) -> int:
    """Find where path, query or fragment begin, also behind a password that holds their marks."""
    end = _first_mark(rest, 0)
    if "@" in rest[end:] and "@" not in rest[:end]:
        port = rest[:end].partition(":")[2]
        if port and not port.isdigit() and not rest.startswith("["):
            return _first_mark(rest, rest.rfind("@"))
    return end


def _first_mark(rest: str, start: int) -> int:
    end = len(rest)
    for mark in "/?#":
        found = rest.find(mark, start, end)
        if found >= 0:
            end = found
    return end


def _redact_tail(tail: str) -> str:
    if "?" not in tail and "#" not in tail:
        return tail
    before, hash_mark, fragment = tail.partition("#")
    path, question_mark, query = before.partition("?")
    place = second_mark = ""
    if fragment.startswith(("/", "!")):  # an application's own path and query
        place, second_mark, fragment = fragment.partition("?")
    query, fragment = redact_query(query), redact_query(fragment)
    return f"{path}{question_mark}{query}{hash_mark}{place}{second_mark}{fragment}"
