"""The wire format, read as anyone may have sent it."""

from __future__ import annotations

import contextlib

from hypothesis import example, given
from hypothesis import strategies as st
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse
from opentelemetry.proto.metrics.v1.metrics_pb2 import HistogramDataPoint

from otel_run.export.protobuf import read_fields, varint
from otel_run.export.replies import LONGEST, read_reason, read_rejection

words = st.text(st.characters(categories=["L", "N", "P", "Zs"]), max_size=300)


@given(st.integers(0, (1 << 64) - 1))
@example(2047)
@example(2048)
def test_a_varint_is_read_as_it_was_written(number: int) -> None:
    assert list(read_fields(b"\x08" + varint(number))) == [(1, number)]


@given(st.integers(1, 99), st.floats(allow_nan=False), st.integers(0, (1 << 32) - 1))
def test_every_kind_of_field_is_read(count: int, total: float, flags: int) -> None:
    point = HistogramDataPoint(count=count, sum=total, flags=flags, bucket_counts=[1, 2])
    message = point.SerializeToString() + b"\x9d\x06\x01\x02\x03\x04"  # and a fixed32

    assert {number for number, _ in read_fields(message)} >= {4, 5, 6, 99}
    assert dict(read_fields(message))[4] == count
    assert dict(read_fields(message))[99] == 0x04030201


@given(st.binary(max_size=60))
@example(b"\xff" * 60)
@example(b"\x0a\xff\xff\xff\xff\x0f")
@example(b"\x0b\x0c")
def test_rubbish_is_a_value_error_at_most(message: bytes) -> None:
    with contextlib.suppress(ValueError):
        fields = list(read_fields(message))

        assert len(fields) <= len(message)


@given(st.integers(-(1 << 63), (1 << 63) - 1), words, st.integers(0, 1000))
def test_a_partial_success_says_how_many_records_were_rejected(
    rejected: int, message: str, count: int
) -> None:
    traces, metrics = ExportTraceServiceResponse(), ExportMetricsServiceResponse()
    traces.partial_success.rejected_spans = rejected
    metrics.partial_success.rejected_data_points = rejected
    for response in (traces, metrics):
        response.partial_success.error_message = message
        rejection = read_rejection(response.SerializeToString(), count)

        assert rejection.count == max(0, min(rejected, count))
        assert message.strip().startswith(rejection.message)
        assert len(rejection.message) <= LONGEST


@given(st.binary(max_size=200))
@example(b"\x0a\x02\x08\xff")
@example(b"\x08\x01")
def test_rubbish_rejects_no_more_than_there_was(body: bytes) -> None:
    rejection = read_rejection(body, 5)

    assert 0 <= rejection.count <= 5
    for text in (rejection.message, read_reason(body)):
        assert text.isprintable()
        assert len(text) <= LONGEST


def test_the_reason_of_a_failure_is_found_where_there_is_one() -> None:
    status = b"\x08\x03\x12\x0cbad encoding"  # google.rpc.Status: code 3, message

    assert read_reason(status) == "bad encoding"
    assert read_reason(b"no such tenant\n") == "no such tenant"
    assert read_reason(b"<html>...</html>") == ""
    assert read_reason(b"\x1b[31m") == ""
    assert read_reason(b"") == ""
