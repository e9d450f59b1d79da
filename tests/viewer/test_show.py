"""`otel-run show` as a command: its arguments, its streams, its exit code."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.common.v1.common_pb2 import AnyValue

from otel_run_viewer.show import main

if TYPE_CHECKING:
    from collections.abc import Callable

    from viewer.conftest import Service, Store

PROGRAM = "import sys; from otel_run_viewer.show import main; sys.exit(main(sys.argv[1:]))"
COMMAND = [sys.executable, "-c", PROGRAM]
BEGIN = 1_795_356_192_481_000_000


@pytest.fixture
def three_traces(store: Store, service: Callable[[str], Service]) -> Store:
    shop = service("shop")
    shop.span(1, "first", 0, 1, trace=1)
    shop.span(2, "second", 2, 3, trace=2, error="it broke")
    shop.span(3, "third", 4, 5, trace=3)
    store.put("run", "1.otlp", shop.file)
    return store


def environment(**variables: str) -> dict[str, str]:
    kept = {key: value for key, value in os.environ.items() if key not in ("NO_COLOR", "TERM")}
    return {**kept, "PYTHONPATH": os.pathsep.join(sys.path), "TERM": "xterm", **variables}


def run_on_terminal(**variables: str) -> str:
    """Run the command with a terminal as stdout and give what it wrote there."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(COMMAND, stdout=theirs, env=environment(**variables))
    os.close(theirs)
    written = b""
    try:
        while part := os.read(ours, 4096):
            written += part
    except OSError:  # how Linux says that the other end is closed
        pass
    os.close(ours)
    assert process.wait() == 0
    return written.decode().replace("\r\n", "\n")


def test_the_newest_traces_are_shown_and_the_others_counted(three_traces: Store) -> None:
    code, out, err = three_traces.show("--limit", "2")

    assert (code, err) == (0, "")
    assert [line for line in out.splitlines() if "trace" in line or "shop" in line] == [
        "run · 2026-11-22 · 3 traces · 3 spans",
        " 1.00 ms ━━━━━━━━━━━━━━━━━━━━  ✗ second  shop",
        " 1.00 ms ━━━━━━━━━━━━━━━━━━━━  third  shop",
        "1 older trace: --limit 3",
    ]


def test_only_traces_that_hold_an_error_are_shown_on_demand(three_traces: Store) -> None:
    assert three_traces.show("run", "--errors") == (
        0,
        "run · 2026-11-22 · 1 trace with an error\n"
        "\n"
        "14:03:12.483 · 1.00 ms · 1 span · 1 error" + " " * 27 + f"{2:032x}\n"
        " 1.00 ms ━━━━━━━━━━━━━━━━━━━━  ✗ second  shop\n" + " " * 34 + "it broke\n",
        "",
    )


def test_a_run_that_is_not_there_is_one_line_and_exit_code_1(three_traces: Store) -> None:
    assert three_traces.show("n\x1bo") == (
        1,
        "",
        "otel-run: no run 'n\\x1bo'; there are, newest last: run\n",
    )


def test_a_run_without_traces_says_so(store: Store) -> None:
    store.put("run", "1.otlp", b"OTELRUN\x01")

    assert store.show() == (0, "run · 0 traces · 0 spans\n", "")
    assert store.show("--errors") == (0, "run · 0 traces with an error\n", "")


def test_what_is_skipped_is_told_on_stderr_and_what_was_dropped_in_the_title(
    store: Store, service: Callable[[str], Service]
) -> None:
    shop = service("shop")
    shop.span(1, "kept")
    store.put("run", "1.otlp", shop.file + b"\x00\x00\x00\x00\x0cdropped 1234" + b"\x01")
    store.put("run", "bad\x1b.txt", b"hello")

    code, out, err = store.show()
    assert code == 0
    assert out.splitlines()[0] == "run · 2026-11-22 · 1 trace · 1 span · 1,234 dropped"
    assert err.splitlines() == [
        f"otel-run: 1.otlp: skipped: torn at byte {len(shop.file) + 17}: in a frame's header",
        "otel-run: bad\\x1b.txt: skipped: not a file of otel-run's",
    ]


@pytest.mark.parametrize("argument", ["--limit=0", "--limit=-1", "--limit=x", "--limit=²", "--no"])
def test_a_wrong_argument_is_exit_code_2(argument: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main([argument])

    assert stopped.value.code == 2
    assert capsys.readouterr().out == ""


@pytest.mark.usefixtures("three_traces")
def test_a_terminal_has_colours() -> None:
    assert run_on_terminal(COLUMNS="60").splitlines()[-2:] == [
        "\x1b[1m14:03:12.485\x1b[0m\x1b[2m · \x1b[0m\x1b[1m1.00 ms\x1b[0m\x1b[2m · \x1b[0m1 span",
        " 1.00 ms  \x1b[1mthird\x1b[0m  \x1b[36mshop\x1b[0m",
    ]


@pytest.mark.parametrize("variable", [{"NO_COLOR": "1"}, {"TERM": "dumb"}])
@pytest.mark.usefixtures("three_traces")
def test_a_terminal_has_no_colours_where_they_are_not_wanted(variable: dict[str, str]) -> None:
    assert "\x1b" not in run_on_terminal(**variable)


@pytest.mark.usefixtures("three_traces")
def test_an_encoding_without_box_characters_gets_ascii() -> None:
    written = subprocess.run(
        COMMAND, env=environment(PYTHONIOENCODING="ascii"), check=True, capture_output=True
    ).stdout.decode("ascii")

    assert written.splitlines()[0] == "run - 2026-11-22 - 3 traces - 3 spans"
    assert written.splitlines()[6] == " 1.00 ms ====================  x second  shop"


def test_data_that_the_encoding_lacks_is_written_out(
    store: Store, service: Callable[[str], Service]
) -> None:
    shop = service("shop")
    shop.span(1, "crème 漢")
    store.put("run", "1.otlp", shop.file)

    written = subprocess.run(
        COMMAND, env=environment(PYTHONIOENCODING="latin-1"), check=True, capture_output=True
    ).stdout.decode("latin-1")
    assert r"crème \u6f22" in written


@pytest.mark.parametrize("arguments", [[], ["--json"]])
def test_a_reader_that_leaves_early_is_no_error(
    store: Store, service: Callable[[str], Service], arguments: list[str]
) -> None:
    shop = service("shop")
    for number in range(1, 5000):
        shop.span(number, f"span {number}", number, number + 1)
    store.put("run", "1.otlp", shop.file)

    process = subprocess.Popen(
        [*COMMAND, *arguments],
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout
    assert process.stderr
    process.stdout.readline()
    process.stdout.close()
    assert process.stderr.read() == b""
    process.stderr.close()
    assert process.wait() == 0


def test_the_document_holds_all_that_was_recorded(
    store: Store, service: Callable[[str], Service]
) -> None:
    shop = service("shop")
    shop.span(1, "parent", 0, 9)
    span = shop.span(2, "child\x1b", 1, 2.5, parent=1, kind=3, error="no", exception=("E", "m"))
    span.trace_state = "a=b"
    span.flags = 257
    for key, value in {
        "bytes": AnyValue(bytes_value=b"\xff"),
        "nan": AnyValue(double_value=float("nan")),
        "low": AnyValue(double_value=float("-inf")),
        "none": AnyValue(),
    }.items():
        span.attributes.add(key=key).value.CopyFrom(value)
    pair = span.attributes.add(key="map").value.kvlist_value.values.add(key="a")
    pair.value.array_value.values.add(int_value=2**62)
    span.links.add(trace_id=b"\x01" * 16, span_id=b"\x02" * 8)
    store.put("run", "1.otlp", shop.file)

    document, (_, described) = read_document(store)

    assert described == {
        "trace_id": "00000000000000000000000000000001",
        "span_id": "0000000000000002",
        "parent_span_id": "0000000000000001",
        "trace_state": "a=b",
        "flags": 257,
        "name": "child\x1b",
        "kind": "client",
        "start_time_unix_nano": BEGIN + 1_000_000,
        "end_time_unix_nano": BEGIN + 2_500_000,
        "duration_nano": 1_500_000,
        "attributes": {
            "bytes": "/w==",
            "nan": "NaN",
            "low": "-Infinity",
            "none": None,
            "map": {"a": [2**62]},
        },
        "dropped_attributes_count": 0,
        "events": [
            {
                "time_unix_nano": 0,
                "name": "exception",
                "attributes": {"exception.type": "E", "exception.message": "m"},
                "dropped_attributes_count": 0,
            }
        ],
        "dropped_events_count": 0,
        "links": [
            {
                "trace_id": "01" * 16,
                "span_id": "02" * 8,
                "trace_state": "",
                "flags": 0,
                "attributes": {},
                "dropped_attributes_count": 0,
            }
        ],
        "dropped_links_count": 0,
        "status": {"code": "error", "message": "no"},
        "resource": {"service.name": "shop"},
        "scope": {"name": "otel-run", "version": "", "attributes": {}},
    }
    (trace,) = document.pop("traces")
    del trace["spans"]
    assert trace == {
        "trace_id": "00000000000000000000000000000001",
        "start_time_unix_nano": BEGIN,
        "duration_nano": 9_000_000,
        "services": ["shop"],
        "errors": 1,
    }
    assert document == {"run": "run", "dropped": 0, "metrics": []}


def test_the_document_holds_all_traces_unless_told_otherwise(three_traces: Store) -> None:
    def names(*arguments: str) -> list[str]:
        document, _ = read_document(three_traces, *arguments)
        return [span["name"] for trace in document["traces"] for span in trace["spans"]]

    assert names() == ["first", "second", "third"]
    assert names("--errors") == ["second"]
    assert names("--limit", "1") == ["third"]


def test_the_document_holds_the_last_point_of_each_series(store: Store) -> None:
    request = ExportMetricsServiceRequest()
    group = request.resource_metrics.add()
    for time, count in ((10, 1), (30, 7), (20, 4)):
        metric = group.scope_metrics.add().metrics.add(name="duration", unit="s")
        metric.histogram.aggregation_temporality = 2  # type: ignore[assignment] # CUMULATIVE
        metric.histogram.data_points.add(
            start_time_unix_nano=5,
            time_unix_nano=time,
            count=count,
            sum=0.5,
            bucket_counts=[count, 0],
            explicit_bounds=[1.0],
        )
    deltas = group.scope_metrics.add().metrics.add(name="calls").sum
    deltas.data_points.add(as_int=1, time_unix_nano=10)
    deltas.data_points.add(as_int=2, time_unix_nano=20)
    payload = request.SerializeToString()
    frame = b"\x02" + len(payload).to_bytes(4, "big") + payload
    store.put("run", "1.otlp", b"OTELRUN\x01" + frame)

    document, _ = read_document(store)
    assert [(m["name"], m["time_unix_nano"], m.get("value")) for m in document["metrics"][:2]] == [
        ("calls", 10, 1),
        ("calls", 20, 2),
    ]
    assert document["metrics"][2:] == [
        {
            "name": "duration",
            "description": "",
            "unit": "s",
            "kind": "histogram",
            "temporality": "cumulative",
            "monotonic": False,
            "attributes": {},
            "start_time_unix_nano": 5,
            "time_unix_nano": 30,
            "count": 7,
            "sum": 0.5,
            "min": None,
            "max": None,
            "bucket_counts": [7, 0],
            "explicit_bounds": [1.0],
            "resource": {},
            "scope": {"name": "", "version": "", "attributes": {}},
        }
    ]


def read_document(store: Store, *arguments: str) -> tuple[Any, list[Any]]:
    """Give the document, and the spans of its first trace."""
    code, out, err = store.show("--json", *arguments)
    assert (code, err, out.isascii()) == (0, "", True)
    document = json.loads(out)
    return document, document["traces"][0]["spans"] if document["traces"] else []
