"""Where `scripts/benchmark` leaves its table."""

from __future__ import annotations

from pathlib import Path

import pytest
from benchmarks.__main__ import RESULTS, parser, target


def test_what_was_measured_in_earnest_becomes_the_results() -> None:
    assert target(parser().parse_args([])) == RESULTS


@pytest.mark.parametrize(
    "options",
    [
        ("--quick",),
        ("--rows", "sqlite3"),
        ("--systems", "otel-run"),
        ("--against", "HEAD"),
    ],
)
def test_a_smoke_test_and_a_part_leave_the_results_alone(options: tuple[str, ...]) -> None:
    assert target(parser().parse_args(options)) is None


def test_a_file_that_is_named_is_written_all_the_same() -> None:
    assert target(parser().parse_args(["--quick", "--output", "smoke.md"])) == Path("smoke.md")


def test_what_is_no_revision_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parser().parse_args(["--against", "nothing"])

    assert "no revision 'nothing'" in capsys.readouterr().err
