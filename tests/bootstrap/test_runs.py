from __future__ import annotations

import fcntl
import os
import re
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from otel_run.run_name import is_run_name, new_run_name
from otel_run_bootstrap import runs

if TYPE_CHECKING:
    from pathlib import Path


def make_run(folder: Path, day: int, *files: str) -> Path:
    run = folder / f"202611{day:02}T010203.004Z-shop-1a2b"
    run.mkdir()
    for file in files or ("12-deadbeef.otlp",):
        (run / file).write_bytes(b"OTELRUN\x01")
    return run


def days(folder: Path) -> list[int]:
    return sorted(int(path.name[6:8]) for path in folder.iterdir())


def test_runs_are_below_the_store() -> None:
    assert runs.runs_folder({"OTEL_RUN_STORE": "/store"}) == "/store/runs"


@given(st.text())
def test_any_service_makes_a_name_for_a_folder(service: str) -> None:
    name = new_run_name(service)

    assert re.fullmatch(r"[0-9]{8}T[0-9]{6}\.[0-9]{3}Z-[A-Za-z0-9._-]{0,40}-[0-9a-f]{4}", name)
    assert is_run_name(name)


def test_five_runs_stay(tmp_path: Path) -> None:
    for day in range(1, 9):
        make_run(tmp_path, day, "1-00000000.otlp", "2-00000000.otlp")
    runs.prune(str(tmp_path))

    assert days(tmp_path) == [4, 5, 6, 7, 8]


def test_a_run_that_is_written_to_stays(tmp_path: Path) -> None:
    """It does not count among the five, either."""
    live, *_, newest = [make_run(tmp_path, day) for day in range(1, 9)]
    with (live / "12-deadbeef.otlp").open() as one, (newest / "12-deadbeef.otlp").open() as other:
        fcntl.flock(one, fcntl.LOCK_SH)
        fcntl.flock(other, fcntl.LOCK_SH)
        runs.prune(str(tmp_path))

        assert days(tmp_path) == [1, 3, 4, 5, 6, 7, 8]
    runs.prune(str(tmp_path))
    assert days(tmp_path) == [4, 5, 6, 7, 8]


def test_what_is_not_a_run_stays(tmp_path: Path) -> None:
    for day in range(3, 9):
        make_run(tmp_path, day)
    make_run(tmp_path, 1, "1-00000000.otlp", "notes.txt")
    (make_run(tmp_path, 2) / "folder.otlp").mkdir()
    for name in ("backup", "20261101", "99991101T010203-x"):
        (tmp_path / name).mkdir()
    (tmp_path / "20261101T010203.004Z-file-1a2b").touch()
    before = {path.name for path in tmp_path.iterdir()}
    runs.prune(str(tmp_path))

    assert before - {path.name for path in tmp_path.iterdir()} == {"20261103T010203.004Z-shop-1a2b"}
    assert len(list((tmp_path / "20261101T010203.004Z-shop-1a2b").iterdir())) == 2


def test_links_are_not_followed(tmp_path: Path) -> None:
    folder = tmp_path / "runs"
    folder.mkdir()
    for day in range(3, 9):
        make_run(folder, day)
    elsewhere = make_run(tmp_path, 1)
    (folder / "20261101T010203.004Z-link-1a2b").symlink_to(elsewhere)
    (make_run(folder, 2) / "1-00000000.otlp").symlink_to(elsewhere / "12-deadbeef.otlp")
    os.mkfifo(make_run(folder, 1) / "1-00000000.otlp")
    runs.prune(str(folder))

    assert days(folder) == [1, 1, 2, 4, 5, 6, 7, 8]
    assert (elsewhere / "12-deadbeef.otlp").exists()


def test_a_folder_that_cannot_be_read_is_left_alone(tmp_path: Path) -> None:
    runs.prune(str(tmp_path / "missing"))
    (tmp_path / "file").touch()
    runs.prune(str(tmp_path / "file"))
