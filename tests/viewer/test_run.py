"""Finding a run, and reading all of it that can be read."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from otel_run_viewer.run import RunNotFoundError, find_run, read_run

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from viewer.conftest import Service, Store

HEADER = b"OTELRUN\x01"
FOREIGN = {
    b"": "empty",
    b"OTEL": "torn in its header",
    b"OTELRUN": "torn in its header",
    b"SQLite format 3\0": "not a file of otel-run's",
    b"OTELRUN\x02": "format version 2, of another otel-run",
    HEADER + b"\x01\x00": "torn at byte 8: in a frame's header",
    HEADER + b"\x01\x00\x00\x00\x05ab": "torn at byte 8: 2 of the last 5 bytes are there",
    HEADER + b"\x01\xff\xff\xff\xff": "damaged at byte 8: a frame of 4294967295 bytes",
    HEADER + b"\x01\x00\x00\x00\x01\x0f": "damaged at byte 8: wire type 7",
    HEADER + b"\x09\x00\x00\x00\x00": "unknown signal 9 at byte 8",
    HEADER + b"\x09\x00\x00\x00\x00" * 3: "unknown signal 9 at byte 8 (and 2 more)",
}


@pytest.mark.parametrize(("content", "reason"), FOREIGN.items())
def test_a_file_that_cannot_be_read_is_skipped_with_a_word_and_the_rest_is_read(
    store: Store, service: Callable[[str], Service], content: bytes, reason: str
) -> None:
    shop = service("shop")
    shop.span(1, "kept")
    store.put("one", "1-good.otlp", shop.file)
    folder = store.put("one", "0-bad.otlp", content).parent

    run = read_run(folder)

    assert [span.name for span in run.spans] == ["kept"]
    assert run.complaints == [f"0-bad.otlp: skipped: {reason}"]


def test_pipes_folders_and_files_without_permission_are_skipped_with_a_word(store: Store) -> None:
    folder = store.put("one", "c.otlp", HEADER).parent
    (folder / "a").mkdir()
    os.mkfifo(folder / "b")
    (folder / "d").symlink_to(folder / "nowhere")

    assert read_run(folder).complaints == [
        "a: skipped: not a file",
        "b: skipped: not a file",
        "d: skipped: No such file or directory",
    ]


def test_a_file_torn_at_any_byte_gives_every_whole_frame(
    store: Store, service: Callable[[str], Service]
) -> None:
    shop = service("shop")
    shop.span(1, "a")
    one = shop.file
    whole = one + one[len(HEADER) :]

    for length in range(len(whole) + 1):
        run = read_run(store.put("one", "1.otlp", whole[:length]))
        frames = (length >= len(one)) + (length == len(whole))
        assert len(run.spans) == frames
        assert len(run.complaints) == (length not in (len(HEADER), len(one), len(whole)))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.binary(), framed=st.lists(st.tuples(st.integers(0, 255), st.binary())))
def test_no_content_of_a_file_raises(
    tmp_path: Path, content: bytes, framed: list[tuple[int, bytes]]
) -> None:
    frames = b"".join(
        bytes([signal]) + len(payload).to_bytes(4, "big") + payload for signal, payload in framed
    )
    file = tmp_path / "any.otlp"
    file.write_bytes(HEADER + frames + content)
    read_run(file)
    file.write_bytes(content)
    read_run(file)


def test_the_last_tally_of_each_process_tells_how_many_records_were_dropped(store: Store) -> None:
    def tally(text: str) -> bytes:
        payload = text.encode()
        return b"\x00" + len(payload).to_bytes(4, "big") + payload

    first, second = tally("pid 12\ndropped 3\nspans 4"), tally("dropped 5")
    store.put("one", "12.otlp", HEADER + first + second)
    folder = store.put("one", "13.otlp", HEADER + tally("dropped 2\nslowest 7 x GET")).parent
    store.put("one", "14.otlp", HEADER + tally("dropped -1\ndropped²\ndropped " + "9" * 5000))

    run = read_run(folder)

    assert (run.dropped, run.complaints) == (7, [])


def test_a_run_is_found_by_name_by_prefix_or_by_path(store: Store, tmp_path: Path) -> None:
    file = store.put("20261122T10-shop", "1.otlp", HEADER)
    store.put("20261123T11-shop", "1.otlp", HEADER)
    store.put("20261123T11-shop-2", "1.otlp", HEADER)
    runs = tmp_path / "runs"

    found = [
        find_run(tmp_path, wanted)
        for wanted in (None, "20261123T11-shop", "20261122", str(file), str(file.parent))
    ]

    assert found == [
        runs / "20261123T11-shop-2",
        runs / "20261123T11-shop",
        runs / "20261122T10-shop",
        file,
        file.parent,
    ]


@pytest.mark.parametrize(
    ("wanted", "answer"),
    [
        ("2026", "'2026' begins 7 runs: 2 older, 20263, 20264, 20265, 20266, 20267"),
        ("x", "no run 'x'; there are, newest last: 2 older, 20263, 20264, 20265, 20266, 20267"),
        ("", "no run ''; there are, newest last: 2 older, 20263, 20264, 20265, 20266, 20267"),
        (
            "\0",
            r"no run '\x00'; there are, newest last: 2 older, 20263, 20264, 20265, 20266, 20267",
        ),
    ],
)
def test_a_run_that_is_not_there_is_answered_with_those_that_are(
    store: Store, wanted: str, answer: str
) -> None:
    for number in range(1, 8):
        store.put(f"2026{number}", "1.otlp", HEADER)

    with pytest.raises(RunNotFoundError) as raised:
        find_run(store.folder, wanted)
    assert str(raised.value) == answer


def test_a_store_without_runs_says_how_to_make_one(tmp_path: Path) -> None:
    for wanted, answer in {
        None: f"no runs in {tmp_path} yet; make one with: otel-run python app.py",
        "x": "no run 'x', and no other yet; make one with: otel-run python app.py",
    }.items():
        with pytest.raises(RunNotFoundError) as raised:
            find_run(tmp_path, wanted)
        assert str(raised.value) == answer


def test_a_store_that_cannot_be_read_is_not_taken_for_an_empty_one(tmp_path: Path) -> None:
    (tmp_path / "runs").symlink_to("runs")

    with pytest.raises(RunNotFoundError) as raised:
        find_run(tmp_path, None)
    assert str(raised.value) == (f"cannot read {tmp_path}/runs: Too many levels of symbolic links")
