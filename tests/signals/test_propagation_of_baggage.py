"""W3C Baggage: what goes out is what came in."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otel_run.signals.baggage import format_baggage, parse_baggage


@pytest.mark.parametrize(
    ("header", "baggage"),
    [
        ("", {}),
        ("userId=alice", {"userId": ("alice", "")}),
        (
            "key1=value1;property1;property2, key2 = value2, key3=value3; property=value",
            {
                "key1": ("value1", "property1;property2"),
                "key2": ("value2", ""),
                "key3": ("value3", "property=value"),
            },
        ),
        ("serverNode=DF%2028,n=%C3%A9", {"serverNode": ("DF 28", ""), "n": ("é", "")}),
        ("a=b=c==", {"a": ("b=c==", "")}),
        ("a=,b=1", {"a": ("", ""), "b": ("1", "")}),
        ("a=1,a=2", {"a": ("2", "")}),
        ("a=100%,b=%zz", {"a": ("100%", ""), "b": ("%zz", "")}),
        ("a=%FF", {"a": ("\ufffd", "")}),
        ("a=1,b,=2,c d=3,e=4 5,f=\\,g=6", {"a": ("1", ""), "g": ("6", "")}),
        ('a="1",b=é,c=1\r\nx: y,d=1;\x00', {}),
        (",,a=1,", {"a": ("1", "")}),
    ],
)
def test_what_is_well_formed_is_read_and_the_rest_left_out(
    header: str, baggage: dict[str, tuple[str, str]]
) -> None:
    assert parse_baggage(header) == baggage


@pytest.mark.parametrize(
    ("baggage", "header"),
    [
        ({}, ""),
        ({"a": ("1", "")}, "a=1"),
        ({"a": ('b c,d;e"\\%', "")}, "a=b%20c%2Cd%3Be%22%5C%25"),
        ({"a": ("é€", "k=v;p"), "b": ("1", "")}, "a=%C3%A9%E2%82%AC;k=v;p,b=1"),
        ({"": ("1", ""), "a b": ("1", ""), "é": ("1", ""), "c": ("1", "")}, "c=1"),
        ({"a": ("1\r\nx: y", "p\r\nx: y")}, "a=1%0D%0Ax:%20y"),
        ({"a": ("1", "p,q")}, "a=1"),
        ({"a": ("\udc80", "")}, "a=?"),
    ],
)
def test_what_a_header_cannot_hold_is_encoded_or_left_out(
    baggage: dict[str, tuple[str, str]], header: str
) -> None:
    assert format_baggage(baggage) == header


NAMES = st.from_regex(r"[!#$%&'*+\-.^_`|~0-9a-zA-Z]{1,8}", fullmatch=True)
VALUES = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
METADATA = st.just("") | st.from_regex(
    r"[a-z]{1,5}(=[a-z]{1,5})?(;[a-z]{1,5}){0,2}", fullmatch=True
)


@given(st.dictionaries(NAMES, st.tuples(VALUES, METADATA), max_size=20))
def test_any_value_survives_the_journey(baggage: dict[str, tuple[str, str]]) -> None:
    assert parse_baggage(format_baggage(baggage)) == baggage


@given(st.dictionaries(NAMES, st.tuples(VALUES, METADATA), max_size=20))
def test_what_was_sent_on_once_is_sent_on_the_same(baggage: dict[str, tuple[str, str]]) -> None:
    header = format_baggage(baggage)

    assert format_baggage(parse_baggage(header)) == header


@given(st.text() | st.text(st.sampled_from('a=;,% \t1F\r\n\\"')))
def test_any_header_is_read_and_what_is_sent_on_is_well_formed(header: str) -> None:
    sent = format_baggage(parse_baggage(header))

    assert sent.isascii()
    assert sent.isprintable()
    assert parse_baggage(sent) == parse_baggage(header)


def test_a_header_that_is_too_long_loses_its_last_members_whole() -> None:
    members = [f"k{number}=".ljust(99, "v") for number in range(100)]

    # 81 members of 99 and a comma are 8,100 octets; a part of the 82nd would fit.
    assert list(parse_baggage(",".join(members))) == [f"k{number}" for number in range(81)]
    assert parse_baggage("k=" + "v" * 9000) == {}


def test_no_more_than_180_members_come_in_or_go_out() -> None:
    header = ",".join(f"k{number}=" for number in range(200))
    baggage = {f"k{number}": ("", "") for number in range(200)}

    assert parse_baggage(header) == {f"k{number}": ("", "") for number in range(180)}
    assert format_baggage(baggage).count(",") == 179


def test_what_goes_out_is_no_longer_than_8192_octets() -> None:
    baggage = {"a": ("x" * 8000, ""), "b": ("y" * 500, ""), "c": ("z" * 100, "")}

    assert format_baggage(baggage) == f"a={'x' * 8000},c={'z' * 100}"
    assert len(format_baggage({"a": ("x" * 8190, "")})) == 8192
    assert format_baggage({"a": ("x" * 8191, "")}) == ""
