"""W3C Trace Context: what comes in as the specification has it, and whatever else comes in."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from otel_run.signals.propagation import (
    extract,
    format_traceparent,
    inject,
    parse_traceparent,
    parse_tracestate,
)

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
TRACE_ID, SPAN_ID = int(TRACE, 16), int(SPAN, 16)
BOTH = ("tracecontext", "baggage")


@pytest.mark.parametrize(
    ("header", "flags"),
    [
        (f"00-{TRACE}-{SPAN}-01", 1),
        (f"00-{TRACE}-{SPAN}-00", 0),
        (f"00-{TRACE}-{SPAN}-ff", 255),
        (f" 00-{TRACE}-{SPAN}-03\t", 3),
        (f"01-{TRACE}-{SPAN}-01", 1),
        (f"fe-{TRACE}-{SPAN}-01-what-the-future-will-be-like", 1),
        (f"cc-{TRACE}-{SPAN}-01-", 1),
    ],
)
def test_a_traceparent_of_this_and_of_later_versions_is_read(header: str, flags: int) -> None:
    assert parse_traceparent(header) == (TRACE_ID, SPAN_ID, flags)


@pytest.mark.parametrize(
    "header",
    [
        "",
        "00",
        f"ff-{TRACE}-{SPAN}-01",
        f"00-{TRACE}-{SPAN}-01-more",
        f"00-{TRACE}-{SPAN}-01-",
        f"01-{TRACE}-{SPAN}-01.more",
        f"01-{TRACE}-{SPAN}-01,01-{TRACE}-{SPAN}-01",
        f"00-{TRACE}-{SPAN}-01,00-{TRACE}-{SPAN}-01",
        f"00-{TRACE}-{SPAN}-1",
        f"0-{TRACE}-{SPAN}-011",
        f"00-{'0' * 32}-{SPAN}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE.upper()}-{SPAN}-01",
        f"00-{TRACE}-{SPAN.upper()}-01",
        f"00-{TRACE}-{SPAN}-0A",
        f"00-{TRACE[:-1]}-0{SPAN}-01",
        f"00-{TRACE[:-2]}_1-{SPAN}-01",
        f"00-+{TRACE[1:]}-{SPAN}-01",
        f"00-{TRACE[:-1]}٣-{SPAN}-01",
        f"00_{TRACE}_{SPAN}_01",
        f".0-{TRACE}-{SPAN}-01",
        "-" * 55,
    ],
)
def test_a_malformed_traceparent_is_none(header: str) -> None:
    assert parse_traceparent(header) is None


@given(st.integers(1, (1 << 128) - 1), st.integers(1, (1 << 64) - 1), st.booleans())
def test_what_is_sent_is_what_is_read(trace_id: int, span_id: int, sampled: bool) -> None:  # noqa: FBT001
    header = format_traceparent(trace_id, span_id, sampled)

    assert parse_traceparent(header) == (trace_id, span_id, int(sampled))
    assert len(header) == 55


@pytest.mark.parametrize(
    ("header", "state"),
    [
        ("", ""),
        ("rojo=00f067aa0ba902b7", "rojo=00f067aa0ba902b7"),
        ("rojo=1 ,\tcongo=t61rcWkgMzE", "rojo=1,congo=t61rcWkgMzE"),
        ("a=1,,  ,b=2,", "a=1,b=2"),
        ("tenant@system=1,0a_-*/=2", "tenant@system=1,0a_-*/=2"),
        ("a= 1 ", "a= 1"),
        ("a=1,b=2,a=3", "a=1,b=2"),
        ("a=1,B=2", ""),
        ("a=1,_b=2", ""),
        ("a=1,=2", ""),
        ("a=1,b", ""),
        ("a=1,b=", ""),
        ("a=1,b=2=3", ""),
        ("a =1", ""),
        ("a=é", ""),
        ("a=1\t2", ""),
        ("a=1\r\nx: y", ""),
        (f"{'k' * 256}=1", ""),
        (f"{'k' * 257}=1", ""),
        ("a=1," * 129, ""),
        ("," * 127, ""),
        ("," * 100_000, ""),
    ],
)
def test_a_tracestate_is_kept_whole_or_not_at_all(header: str, state: str) -> None:
    # 258 characters of one member are within the grammar, and within what is sent on.
    expected = header if header == f"{'k' * 256}=1" else state

    assert parse_tracestate(header) == expected


def members(count: int, length: int = 8) -> list[str]:
    return [f"k{number}=".ljust(length, "v") for number in range(count)]


def test_thirty_two_members_are_the_most() -> None:
    assert parse_tracestate(",".join(members(32))) == ",".join(members(32))
    assert parse_tracestate(",".join(members(33))) == ""


def test_a_tracestate_that_is_too_long_loses_long_members_then_the_last_ones() -> None:
    short = members(10, 60)
    long = "long=".ljust(129, "v")

    assert parse_tracestate(",".join([*short[:3], long, *short[3:]])) == ",".join(short[:8])
    assert parse_tracestate(",".join([*short[:3], long])) == ",".join([*short[:3], long])


KEYS = st.from_regex(r"[a-z0-9][a-z0-9_\-*/@]{0,20}", fullmatch=True)
STATE_VALUES = st.from_regex(r"[!-+\--<>-~]{1,10}", fullmatch=True)


@given(st.dictionaries(KEYS, STATE_VALUES, max_size=12))
def test_a_tracestate_comes_out_as_it_came_in(entries: dict[str, str]) -> None:
    header = ",".join(f"{key}={value}" for key, value in entries.items())

    assert parse_tracestate(header) == header


HEADERS: dict[str, str] = {
    "traceparent": f"00-{TRACE}-{SPAN}-01",
    "tracestate": "congo=1, rojo=2",
    "baggage": "user=ada;ttl=1, cart=a%20b",
}


def extracted(headers: dict[str, str], propagators: tuple[str, ...]) -> dict[str, Any] | None:
    remote = extract(headers.get, propagators)
    if remote is None:
        return None
    return {name: getattr(remote, name) for name in remote.__slots__}


@pytest.mark.parametrize("propagators", [BOTH, ("baggage", "tracecontext")])
def test_everything_that_came_in_is_told(propagators: tuple[str, ...]) -> None:
    assert extracted(HEADERS, propagators) == {
        "trace_id": TRACE_ID,
        "span_id": SPAN_ID,
        "sampled": True,
        "trace_state": "congo=1,rojo=2",
        "baggage": {"user": ("ada", "ttl=1"), "cart": ("a b", "")},
    }


def test_only_what_the_propagators_cover_is_told() -> None:
    context = {
        "trace_id": TRACE_ID,
        "span_id": SPAN_ID,
        "sampled": True,
        "trace_state": "congo=1,rojo=2",
        "baggage": None,
    }
    nothing = {"trace_id": 0, "span_id": 0, "sampled": False, "trace_state": ""}

    assert extracted(HEADERS, ("tracecontext",)) == context
    assert extracted(HEADERS, ("baggage",)) == {
        **nothing,
        "baggage": {"user": ("ada", "ttl=1"), "cart": ("a b", "")},
    }
    assert extracted(HEADERS, ()) is None


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"traceparent": "", "tracestate": "", "baggage": ""},
        {"traceparent": "rubbish", "tracestate": "a=1", "baggage": "rubbish"},
        {"tracestate": "a=1"},
    ],
)
def test_without_a_usable_header_there_is_no_remote(headers: dict[str, str]) -> None:
    assert extracted(headers, BOTH) is None


def test_a_bad_tracestate_or_baggage_does_not_lose_the_trace() -> None:
    headers = HEADERS | {"traceparent": f"00-{TRACE}-{SPAN}-02", "tracestate": "?", "baggage": "?"}

    assert extracted(headers, BOTH) == {
        "trace_id": TRACE_ID,
        "span_id": SPAN_ID,
        "sampled": False,
        "trace_state": "",
        "baggage": None,
    }


def test_a_tracestate_is_not_asked_for_without_a_traceparent() -> None:
    asked: list[str] = []
    extract(asked.append, BOTH)

    assert asked == ["traceparent", "baggage"]


def test_what_is_current_is_sent() -> None:
    baggage = {"user": ("ada", "ttl=1"), "cart": ("a b", "")}

    assert inject(TRACE_ID, SPAN_ID, True, "congo=1,rojo=2", baggage, BOTH) == {  # noqa: FBT003
        "traceparent": f"00-{TRACE}-{SPAN}-01",
        "tracestate": "congo=1,rojo=2",
        "baggage": "user=ada;ttl=1,cart=a%20b",
    }


@pytest.mark.parametrize(
    ("trace_id", "baggage", "propagators", "headers"),
    [
        (TRACE_ID, None, BOTH, {"traceparent": f"00-{TRACE}-{SPAN}-00"}),
        (0, {"user": ("ada", "")}, BOTH, {"baggage": "user=ada"}),
        (0, None, BOTH, {}),
        (TRACE_ID, {"user": ("ada", "")}, (), {}),
        (TRACE_ID, {"user": ("ada", "")}, ("baggage",), {"baggage": "user=ada"}),
        (0, {"a b": ("ada", "")}, BOTH, {}),
    ],
)
def test_nothing_else_is_sent(
    trace_id: int,
    baggage: dict[str, tuple[str, str]] | None,
    propagators: tuple[str, ...],
    headers: dict[str, str],
) -> None:
    assert inject(trace_id, SPAN_ID, False, "", baggage, propagators) == headers  # noqa: FBT003


HOSTILE = st.text() | st.lists(
    st.sampled_from([*"0-f,;=% \t\r\n\0", "00-", TRACE, SPAN, "-01", "%C3", "a=1", "\udc80"])
).map("".join)


@given(st.dictionaries(st.sampled_from(sorted(HEADERS)), HOSTILE))
@example({"baggage": "a=b," * 100_000})
@example({"traceparent": f"00-{TRACE}-{SPAN}-01", "tracestate": "a" * 1_000_000})
def test_whatever_comes_in_nothing_is_raised_and_little_is_sent_on(headers: dict[str, str]) -> None:
    remote = extract(headers.get, BOTH)
    if remote is None:
        return
    sent = inject(
        remote.trace_id, remote.span_id, remote.sampled, remote.trace_state, remote.baggage, BOTH
    )

    assert remote.trace_id or remote.baggage
    assert len(remote.trace_state) <= 512
    for value in sent.values():
        assert value.isascii()
        assert value.isprintable()
        assert len(value) <= 8192
