"""Where `scripts/benchmark` leaves its table."""

from __future__ import annotations

from pathlib import Path

from benchmarks.__main__ import RESULTS, parser, target


def test_what_was_measured_in_earnest_becomes_the_results() -> None:
    assert target(parser().parse_args([])) == RESULTS


def test_a_smoke_test_leaves_the_results_alone() -> None:
    assert target(parser().parse_args(["--quick"])) is None


def test_a_file_that_is_named_is_written_all_the_same() -> None:
    assert target(parser().parse_args(["--quick", "--output", "smoke.md"])) == Path("smoke.md")
