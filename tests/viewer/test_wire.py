"""The wire format, against protobuf's own writer and against bytes that nobody wrote."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.metrics.v1.metrics_pb2 import HistogramDataPoint

from otel_run_viewer.wire import Message, WireError, read_fields, to_double, to_signed

MALFORMED = {
    b"\x80": "the number at byte 0 has no end",
    b"\x08": "the number at byte 1 has no end",
    b"\x08" + b"\xff" * 10 + b"\x01": "the number at byte 1 has no end",
    b"\x00\x01": "field number 0",
    b"\xf8\xff\xff\xff\xff\x01\x00": "field number 8589934591",
    b"\x0a\x05ab": "5 bytes announced, 2 there",
    b"\x0a\xff\xff\xff\xff\xff\xff\xff\xff\x7f": "9223372036854775807 bytes announced, 0 there",
    b"\x09\x00": "8 bytes announced, 1 there",
    b"\x0d\x00": "4 bytes announced, 1 there",
    b"\x0e": "wire type 6",
    b"\x0b": "group 1 has no end",
    b"\x0c": "group 1 ends and never began",
    b"\x0b\x14": "group 2 ends and never began",
}


@pytest.mark.parametrize(("data", "reason"), MALFORMED.items())
def test_what_is_malformed_is_told_in_one_kind_of_error(data: bytes, reason: str) -> None:
    with pytest.raises(WireError) as raised:
        list(read_fields(data))

    assert str(raised.value) == reason


@given(st.binary())
def test_arbitrary_bytes_are_read_or_refused(data: bytes) -> None:
    try:
        fields = list(read_fields(data))
    except WireError:
        return

    assert len(fields) <= len(data)


def test_a_million_nested_groups_cost_no_stack() -> None:
    depth = 1_000_000

    assert list(read_fields(b"\x0b" * depth + b"\x0c" * depth + b"\x10\x07")) == [(0x10, 7)]


def test_a_field_within_a_group_is_not_one_of_the_message() -> None:
    assert list(read_fields(b"\x0b\x10\x01\x0c\x10\x02")) == [(0x10, 2)]


@given(st.integers(-(2**63), 2**63 - 1))
def test_signed_numbers_keep_their_sign(number: int) -> None:
    assert to_signed(number & (2**64 - 1)) == number


@given(st.lists(st.integers(0, 2**64 - 1)), st.lists(st.floats(allow_nan=False)))
def test_packed_and_plain_repeated_fields_read_alike(
    counts: list[int], bounds: list[float]
) -> None:
    packed = HistogramDataPoint(bucket_counts=counts, explicit_bounds=bounds).SerializeToString()
    plain = b"".join(b"\x31" + count.to_bytes(8, "little") for count in counts)

    assert Message(packed).fixed64s(6) == tuple(counts)
    assert Message(packed).doubles(7) == tuple(bounds)
    assert Message(plain).fixed64s(6) == tuple(counts)


def test_packed_values_that_are_cut_off_are_refused() -> None:
    with pytest.raises(WireError, match="3 bytes of packed 64-bit values"):
        Message(b"\x32\x03abc").fixed64s(6)


def test_a_field_of_another_wire_type_is_an_unknown_field() -> None:
    message = Message(b"\x08\x01\x11" + bytes(8) + b"\x1a\x01x")

    assert (message.blob(1), message.uint64(2), message.uint64(3)) == (b"", 0, 0)
    assert (message.uint64(1), message.fixed64(2), message.text(3)) == (1, 0, "x")


def test_absent_fields_have_protobufs_defaults() -> None:
    message = Message(b"")

    assert (message.text(1), message.uint32(1), message.flag(1)) == ("", 0, False)
    assert (message.double(1), message.doubles(1), message.blobs(1)) == (None, (), [])
    assert to_double(0) == 0.0
