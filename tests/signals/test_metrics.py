"""Histograms and their series: exact, bounded, and the same whoever adds the points."""

from __future__ import annotations

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otel_run.signals.description import Scope
from otel_run.signals.metrics import (
    CARDINALITY_LIMIT,
    METER,
    OVERFLOW,
    Distribution,
    Histogram,
    Late,
)

BOUNDARIES = (0.5, 1.0, 2.0)

# Points on a boundary are what buckets get wrong.
points = st.lists(st.one_of(st.sampled_from(BOUNDARIES), st.floats(0, 4)), max_size=600)


def make() -> Histogram:
    """An instrument that no export will meet."""
    histogram = Histogram(Scope("test", "1"), "test.duration", "s", "", BOUNDARIES)
    METER.remove(histogram)
    return histogram


@pytest.fixture
def histogram() -> Histogram:
    """An instrument of the test's own."""
    return make()


def numbers(series: Distribution) -> tuple[object, ...]:
    """All that a series says."""
    series.settle()
    total = pytest.approx(series.sum)
    return series.counts, series.count, total, series.minimum, series.maximum


def expected(values: list[float]) -> tuple[object, ...]:
    """The same of these points, counted one by one; a boundary belongs to the bucket below it."""
    ends = (*BOUNDARIES, float("inf"))
    starts = (float("-inf"), *BOUNDARIES)
    counts = [
        sum(start < value <= end for value in values)
        for start, end in zip(starts, ends, strict=True)
    ]
    return counts, len(values), sum(values), min(values, default=0.0), max(values, default=0.0)


@given(points)
def test_every_point_is_in_its_bucket(values: list[float]) -> None:
    series = make().series_of({"key": 1})
    for value in values:
        series.add(value)

    assert numbers(series) == expected(values)


@given(points, points)
def test_points_that_were_late_count_as_the_others_do(
    early: list[float], late: list[float]
) -> None:
    series, folded = make().series_of({"key": 1}), Late()
    for value in early:
        series.add(value)
    series.settle()
    for value in late:
        folded.add(series, value)
    folded.merge()
    folded.merge()

    assert numbers(series) == expected(early + late)


def test_the_order_of_attributes_makes_no_other_series(histogram: Histogram) -> None:
    one = histogram.series_of({"a": 1, "b": "x"})

    assert histogram.series_of({"b": "x", "a": 1}) is one
    assert histogram.series_of({"b": "x"}) is not one


def test_beyond_the_limit_all_points_are_in_one_series(histogram: Histogram) -> None:
    for number in range(3 * CARDINALITY_LIMIT):
        histogram.series_of({"key": number}).add(1.0)

    settled = histogram.settled()
    assert len(settled) == CARDINALITY_LIMIT
    assert [series.count for series in settled] == [1] * 1999 + [4001]
    assert settled[-1].attributes == OVERFLOW
    assert histogram.series_of({"key": 0}) is settled[0]


def test_threads_that_ask_for_one_series_get_the_same(histogram: Histogram) -> None:
    barrier = threading.Barrier(8)
    found: set[Distribution] = set()

    def ask() -> None:
        barrier.wait()
        found.update(histogram.series_of({"key": number}) for number in range(500))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(found) == len(histogram.series) == 500


def test_a_series_without_a_point_is_not_exported(histogram: Histogram) -> None:
    histogram.series_of({"key": 1})

    assert histogram.settled() == []


def test_a_forked_child_begins_from_zero(histogram: Histogram) -> None:
    series = histogram.series_of({"key": 1})
    series.add(1.0)
    before = histogram.start
    histogram.restart()

    assert histogram.settled() == []
    assert histogram.start >= before
    series.add(2.0)
    assert numbers(series) == expected([2.0])


class Asking(str):
    """A value that asks for a series while the instrument compares it."""

    __slots__ = ("histogram",)

    histogram: Histogram

    def __hash__(self) -> int:
        self.histogram.series_of({"key": "another"})
        return super().__hash__()

    __eq__ = str.__eq__


def test_asking_for_a_series_within_asking_for_one_does_not_hang(histogram: Histogram) -> None:
    asking = Asking("key")
    asking.histogram = histogram

    assert histogram.series_of({"key": asking}) is histogram.series_of({"key": "key"})
