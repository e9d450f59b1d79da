"""The lines at the end of a run, from whatever is in its folder."""

from __future__ import annotations

import io
import os
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from export import recorded
from otel_run.export.store_file import HEADER, StoreFile
from otel_run.export.summary import exit_lines, read_tallies
from otel_run.export.tally import COUNTS, KEPT, LONGEST_NAME, Tally, decode
from otel_run.signals.span import ERROR, Span

if TYPE_CHECKING:
    import pytest


def numbers(tally: Tally) -> tuple[object, ...]:
    """Return everything that a tally says."""
    return (*(getattr(tally, key) for key in COUNTS), tally.slowest)


@given(st.lists(recorded.spans(), max_size=8))
def test_a_tally_counts_what_it_is_shown(spans: list[Span]) -> None:
    tally = Tally()
    for span in spans:
        tally.add(span)

    roots = [span for span in spans if span.parent_id == 0]
    durations = sorted((span.end - span.start for span in roots), reverse=True)
    failed = [span for span in spans if span.outcome and span.outcome.status == ERROR]
    assert numbers(tally)[:5] == (os.getpid(), len(roots), len(spans), len(failed), 0)
    assert [duration for duration, _, _ in tally.slowest] == durations[:KEPT]


counts = st.integers(0, (1 << 64) - 1)


@given(
    st.lists(counts, min_size=5, max_size=5),
    st.lists(
        st.tuples(counts, recorded.trace_ids, st.text("abc /{}é", max_size=LONGEST_NAME)),
        max_size=KEPT,
    ),
)
def test_a_tally_is_read_as_it_was_written(
    numbered: list[int], slowest: list[tuple[int, int, str]]
) -> None:
    tally = Tally()
    for key, number in zip(COUNTS, numbered, strict=True):
        setattr(tally, key, number)
    tally.slowest = slowest

    assert numbers(decode(tally.encode())) == numbers(tally)


@given(recorded.texts)
def test_a_name_is_one_printable_line(name: str) -> None:
    tally = Tally()
    tally.slowest = [(1, 2, name)]
    (*_, line) = tally.encode().decode().split("\n")

    assert line.isprintable()
    assert len(decode(tally.encode()).slowest) == 1


@given(st.one_of(st.binary(), st.text("0123456789 \nabcdefslowtp-").map(str.encode)))
def test_any_bytes_are_a_tally(text: bytes) -> None:
    tally = decode(text)

    assert all(getattr(tally, key) >= 0 for key in COUNTS)
    assert len(tally.slowest) <= KEPT


@given(st.lists(st.one_of(st.binary(max_size=40), st.just(b"\0\0\0\0\x07spans 5")), max_size=5))
def test_any_file_is_read_without_harm(parts: list[bytes]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "1-a.otlp").write_bytes(HEADER + b"".join(parts))
        Path(folder, "2-b.otlp").write_bytes(b"".join(parts))

        assert len(read_tallies(folder)) <= 2


def write(folder: Path, *tallies: bytes) -> None:
    """Store a file with these tallies, each behind some other frame."""
    file = StoreFile(str(folder))
    for tally in tallies:
        file.append(1, b"x" * 1000)
        file.append(0, tally)
    file.append(2, b"points")
    file.close()


def test_of_every_file_the_last_tally_counts(tmp_path: Path) -> None:
    write(tmp_path, b"pid 1\nspans 1", b"pid 1\nspans 3")
    write(tmp_path, b"pid 2\nspans 5")
    write(tmp_path)
    (tmp_path / "notes.txt").write_text("spans 7")
    (tmp_path / "foreign.otlp").write_text("spans 7, as long as a header")
    (tmp_path / "folder.otlp").mkdir()
    (tmp_path / "link.otlp").symlink_to(tmp_path / "notes.txt")
    os.mkfifo(tmp_path / "pipe.otlp")

    assert sorted((tally.pid, tally.spans) for tally in read_tallies(str(tmp_path))) == [
        (1, 3),
        (2, 5),
    ]


def test_a_torn_tally_leaves_the_one_before(tmp_path: Path) -> None:
    write(tmp_path, b"pid 1\nspans 1")
    (path,) = tmp_path.iterdir()
    path.write_bytes(path.read_bytes() + b"\0\0\0\0\x09pid 1\nsp")

    assert [tally.spans for tally in read_tallies(str(tmp_path))] == [1]


def test_reading_ends_when_the_time_is_over(tmp_path: Path) -> None:
    write(tmp_path, b"pid 1\nspans 1")

    assert read_tallies(str(tmp_path), patience=0) == []


def test_without_a_folder_there_is_nothing_to_say(tmp_path: Path) -> None:
    folder = str(tmp_path / "missing")

    assert exit_lines(read_tallies(folder), folder) == []


def test_one_process_that_recorded_a_little(tmp_path: Path) -> None:
    run = tmp_path / "20261123T010203.004Z-app-1a2b"
    (tmp_path / "20261123T010202.004Z-app-ffff").mkdir()
    write(run, b"pid 1\ntraces 1\nspans 1\nslowest 1234567 07 GET /")

    assert exit_lines(read_tallies(str(run)), str(run)) == [
        "1 trace, 1 span, 0 errors",
        "  1.23 ms  GET /",
        "see more: otel-run show",
    ]


def test_several_processes_and_a_newer_run(tmp_path: Path) -> None:
    run = tmp_path / "20261123T010203.004Z-app-1a2b"
    (tmp_path / "20261123T010204.004Z-app-0000").mkdir()
    write(
        run,
        b"pid 1\ntraces 12\nspans 4000\nerrors 1\n"
        b"slowest 12345678901 07 GET /\\x1b[31m\nslowest 45600 07 GET /b\nslowest 1 07 c",
    )
    write(run, b"pid 2\ntraces 2\nspans 8\ndropped 5000\nslowest 999999999 07 " + b"x" * 99)

    assert exit_lines(read_tallies(str(run)), str(run)) == [
        "14 traces, 4,008 spans, 1 error, 5,000 dropped, from 2 processes",
        "   12.3 s  GET /\\x1b[31m",
        f"   1.00 s  {'x' * 59}…",
        "  45.6 µs  GET /b",
        "see more: otel-run show 20261123T010203.004Z-app-1a2b",
    ]


def test_a_terminal_without_a_micro_sign_gets_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, b"pid 1\nspans 1\nslowest 45600 07 GET /")
    monkeypatch.setattr(sys, "__stderr__", io.TextIOWrapper(io.BytesIO(), "ascii"))

    assert "  45.6 us  GET /" in exit_lines(read_tallies(str(tmp_path)), str(tmp_path))
