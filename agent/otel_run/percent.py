"""Percent-encoding (RFC 3986, section 2.1), without the weight of `urllib.parse`."""

from __future__ import annotations

HEX = "0123456789abcdefABCDEF"


def decode(text: str, errors: str = "replace") -> str:
    """`text` with each %XX replaced, as UTF-8.

    A % that begins no %XX stays, and bytes that are no UTF-8 become U+FFFD; where `errors` is
    "strict" both raise ValueError.
    """
    if "%" not in text:
        return text
    first, *others = text.split("%")
    octets = (_decode_part(part, errors) for part in others)
    return (first.encode("utf-8", "surrogatepass") + b"".join(octets)).decode("utf-8", errors)


def _decode_part(part: str, errors: str) -> bytes:
    digits = part[:2]
    if len(digits) == 2 and not digits.strip(HEX):  # noqa: PLR2004  two digits an octet
        return bytes.fromhex(digits) + part[2:].encode("utf-8", "surrogatepass")
    if errors == "strict":
        raise ValueError(f"{'%' + digits!a} is no percent-encoded octet")
    return b"%" + part.encode("utf-8", "surrogatepass")


def encode(text: str, safe: str) -> str:
    """`text` with every character that `safe` lacks as the %XX of its UTF-8."""
    if not text.strip(safe):
        return text
    kept = safe.encode()
    octets = text.encode("utf-8", "replace")
    return "".join(chr(octet) if octet in kept else f"%{octet:02X}" for octet in octets)
