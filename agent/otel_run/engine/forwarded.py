"""What proxies say of a request; hostile until it has been parsed.

RFC 7239 `Forwarded`, and the `X-Forwarded-*` headers that came before it. Only the first element
counts: the proxy nearest to the client.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

SCHEMES = frozenset(("http", "https", "ws", "wss"))
ADDRESS_LIMIT = 255
HEADER_LIMIT = 1024

_ADDRESS_CHARACTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_:"
_HOST_CHARACTERS = _ADDRESS_CHARACTERS + "[]"


class Forwarded:
    """Scheme, client address and host as the proxies tell them; "" for what they do not."""

    __slots__ = ("client", "host", "scheme")

    def __init__(self, scheme: str, client: str, host: str) -> None:
        self.scheme = scheme
        self.client = client
        self.host = host


def read_forwarded(header: Callable[[str], str | None]) -> Forwarded | None:
    """Read the headers that are there; None where no proxy said anything."""
    standard = header("forwarded")
    if standard:
        return _parse(standard)
    scheme, client, host = (
        header("x-forwarded-proto"),
        header("x-forwarded-for"),
        header("x-forwarded-host"),
    )
    if not (scheme or client or host):
        return None
    return Forwarded(_scheme(_first(scheme)), _address(_first(client)), known_host(_first(host)))


def _first(value: str | None) -> str:
    return (value or "")[:HEADER_LIMIT].partition(",")[0].strip()


def _parse(value: str) -> Forwarded:
    fields: dict[str, str] = {}
    for pair in _first(value).split(";"):
        name, _, text = pair.partition("=")
        fields.setdefault(name.strip().lower(), text.strip().strip('"'))
    return Forwarded(
        _scheme(fields.get("proto", "")),
        _address(fields.get("for", "")),
        known_host(fields.get("host", "")),
    )


def _scheme(text: str) -> str:
    text = text.lower()
    return text if text in SCHEMES else ""


def known_host(text: str) -> str:
    """Return `host` or `host:port`; "" for what cannot be one."""
    return "" if len(text) > ADDRESS_LIMIT or text.strip(_HOST_CHARACTERS) else text


def _address(text: str) -> str:
    """Return the address without its port, brackets or quotes; "" unless it could be one."""
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    if len(text) > ADDRESS_LIMIT or text.strip(_ADDRESS_CHARACTERS):
        return ""
    return "" if text.lower() == "unknown" or text.startswith("_") else text
