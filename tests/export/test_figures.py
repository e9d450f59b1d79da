"""Durations are told in three figures, and counts with what is counted."""

from __future__ import annotations

import pytest

from otel_run.figures import tell_count, tell_duration


@pytest.mark.parametrize(
    ("nanoseconds", "told"),
    [
        (0, "0 ns"),
        (999, "999 ns"),
        (1000, "1.00 µs"),
        (9_995, "10.0 µs"),
        (99_950, "100 µs"),
        (999_499, "999 µs"),
        (999_500, "1.00 ms"),
        (12_345_678, "12.3 ms"),
        (2_050_000_000, "2.05 s"),
        (999_499_000_000, "999 s"),
        (999_500_000_000, "16.7 min"),
        (7_200_000_000_000, "120 min"),
        (360_000_000_000_000, "100 h"),
        (2**64, "213504 d"),
    ],
)
def test_durations_have_three_figures(nanoseconds: int, told: str) -> None:
    assert tell_duration(nanoseconds, "µs") == told


@pytest.mark.parametrize(
    ("number", "told"), [(0, "0 spans"), (1, "1 span"), (2, "2 spans"), (4008, "4,008 spans")]
)
def test_one_is_no_plural(number: int, told: str) -> None:
    assert tell_count(number, "span") == told
