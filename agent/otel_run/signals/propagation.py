"""W3C Trace Context and Baggage, in and out. Whatever comes in, nothing here raises."""

from __future__ import annotations

from otel_run.signals.baggage import BLANK, format_baggage, parse_baggage

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from otel_run.signals.baggage import Baggage

# The header for a trace and a span that are not sampled, or are; for ids as hexadecimal digits,
# which bytes give in less time than formatting a number takes.
TRACEPARENT = ("00-%s-%s-00", "00-%s-%s-01")
TRACEPARENT_LENGTH = 55
HEX_AND_DASHES = "-0123456789abcdef"

MOST_MEMBERS = 32
# How much of a tracestate is sent on (section 3.3.1.5): entries above LONG_MEMBER go first.
MOST_CHARACTERS = 512
LONG_MEMBER = 128
# With this many commas there is no list of 32 in it, however many of its members are empty.
HOSTILE = 128
KEY_START = "0123456789abcdefghijklmnopqrstuvwxyz"
KEY = KEY_START + "_-*/@"
LONGEST_PART = 256


class Remote:
    """What came with a request; `trace_id` is 0 where only baggage did."""

    __slots__ = ("baggage", "sampled", "span_id", "trace_id", "trace_state")

    def __init__(
        self,
        trace_id: int,
        span_id: int,
        sampled: bool,  # noqa: FBT001  on the path of every request
        trace_state: str,
        baggage: Baggage | None,
    ) -> None:
        self.trace_id = trace_id
        self.span_id = span_id
        self.sampled = sampled
        self.trace_state = trace_state
        self.baggage = baggage


def extract(get: Callable[[str], str | None], propagators: tuple[str, ...]) -> Remote | None:
    """The remote parent and baggage that headers tell of; `get` takes a lower-case name.

    Where a header was sent more than once, `get` gives the values with commas between.
    """
    parent = baggage = None
    trace_state = ""
    if "tracecontext" in propagators:
        header = get("traceparent")
        if header:
            parent = parse_traceparent(header)
            state = get("tracestate") if parent else None
            if state:
                trace_state = parse_tracestate(state)
    if "baggage" in propagators:
        header = get("baggage")
        if header:
            baggage = parse_baggage(header) or None
    if parent:
        return Remote(parent[0], parent[1], bool(parent[2] & 1), trace_state, baggage)
    return Remote(0, 0, False, "", baggage) if baggage else None  # noqa: FBT003


def inject(
    trace_id: int,
    span_id: int,
    sampled: bool,  # noqa: FBT001
    trace_state: str,
    baggage: Baggage | None,
    propagators: tuple[str, ...],
) -> dict[str, str]:
    """The headers to send, by lower-case name; no traceparent where `trace_id` is 0."""
    headers = {}
    if trace_id and "tracecontext" in propagators:
        headers["traceparent"] = format_traceparent(trace_id, span_id, sampled)
        if trace_state:
            headers["tracestate"] = trace_state
    if baggage and "baggage" in propagators:
        header = format_baggage(baggage)
        if header:
            headers["baggage"] = header
    return headers


def parse_traceparent(text: str) -> tuple[int, int, int] | None:
    """Trace id, span id and flags (section 3.2); None for what is malformed."""
    text = text.strip(BLANK)
    known = text[:TRACEPARENT_LENGTH]
    if len(known) < TRACEPARENT_LENGTH or known.strip(HEX_AND_DASHES) or known.count("-") != 3:  # noqa: PLR2004
        return None
    version, trace_id, span_id, flags = known.split("-")
    if [len(version), len(trace_id), len(span_id)] != [2, 32, 16] or version == "ff":
        return None
    # A later version may say more, behind another dash.
    rest = text[TRACEPARENT_LENGTH:]
    if rest and (version == "00" or rest[0] != "-"):
        return None
    ids = int(trace_id, 16), int(span_id, 16), int(flags, 16)
    return ids if ids[0] and ids[1] else None


def format_traceparent(trace_id: int, span_id: int, sampled: bool) -> str:  # noqa: FBT001
    """The header for ids of 128 and 64 bits."""
    ids = trace_id.to_bytes(16, "big").hex(), span_id.to_bytes(8, "big").hex()
    return TRACEPARENT[sampled] % ids


def parse_tracestate(text: str) -> str:
    """The list to send on, without blanks (section 3.3); "" for what is malformed."""
    members: dict[str, str] = {}
    parts = text.split(",", HOSTILE)
    if len(parts) > HOSTILE:
        return ""
    for part in parts:
        member = part.strip(BLANK)
        if not member:
            continue
        key = _tracestate_key(member)
        if not key or len(members) == MOST_MEMBERS:
            return ""
        # The leftmost is the latest: an older one of the same key says nothing.
        members.setdefault(key, member)
    return _shortened(list(members.values()))


def _tracestate_key(member: str) -> str:
    """The key of a list member; "" where the member is malformed."""
    key, _, value = member.partition("=")
    if not key or key.strip(KEY) or key[0] not in KEY_START or len(key) > LONGEST_PART:
        return ""
    if not (value.isascii() and value.isprintable()) or "=" in value:
        return ""
    return key if 0 < len(value) <= LONGEST_PART else ""


def _shortened(members: list[str]) -> str:
    text = ",".join(members)
    if len(text) <= MOST_CHARACTERS:
        return text
    members = [member for member in members if len(member) <= LONG_MEMBER]
    while len(text := ",".join(members)) > MOST_CHARACTERS:
        members.pop()
    return text
