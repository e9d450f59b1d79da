"""W3C Baggage: what a program sends along with its requests."""

from __future__ import annotations

from otel_run import percent

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    # Name to value (decoded) and metadata (as it came: `property;key=value`).
    Baggage = Mapping[str, tuple[str, str]]

# The limits that the first edition stated; the second asks for no less than 64 and 8,192.
MOST_MEMBERS = 180
MOST_OCTETS = 8192

_ALPHANUMERIC = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
# `token` of RFC 9110, section 5.6.2.
TOKEN = "!#$%&'*+-.^_`|~" + _ALPHANUMERIC
# `baggage-octet`: no control character, white space, double quote, comma, semicolon, backslash.
OCTETS = "!#$%&'()*+-./:<=>?@[]^_`{|}~" + _ALPHANUMERIC
SAFE = OCTETS.replace("%", "")
BLANK = " \t"


def parse_baggage(text: str) -> dict[str, tuple[str, str]]:
    """The members of a header, without those that are malformed or beyond the limits."""
    if len(text) > MOST_OCTETS:
        # Only whole members: the last one may be cut.
        text = text[: MOST_OCTETS + 1].rpartition(",")[0]
    found: dict[str, tuple[str, str]] = {}
    for member in text.split(",", MOST_MEMBERS)[:MOST_MEMBERS]:
        pair, semicolon, metadata = member.partition(";")
        name, equals, value = pair.partition("=")
        name, value, metadata = name.strip(BLANK), value.strip(BLANK), metadata.strip(BLANK)
        if not (name and equals) or name.strip(TOKEN) or value.strip(OCTETS):
            continue
        if semicolon and not _is_metadata(metadata):
            continue
        found[name] = (percent.decode(value), metadata)
    return found


def format_baggage(baggage: Baggage) -> str:
    """The header for what `parse_baggage` gives, within the same limits; "" for nothing."""
    members: list[str] = []
    room = MOST_OCTETS + 1
    for name, (value, metadata) in baggage.items():
        if not name or name.strip(TOKEN):
            continue
        member = f"{name}={percent.encode(value, SAFE)}"
        if metadata and _is_metadata(metadata):
            member += f";{metadata}"
        if len(member) < room and len(members) < MOST_MEMBERS:
            members.append(member)
            room -= len(member) + 1
    return ",".join(members)


def _is_metadata(text: str) -> bool:
    return text.isascii() and text.isprintable() and "," not in text
