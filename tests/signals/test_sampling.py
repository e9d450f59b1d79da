"""Samplers decide as the specification says, and as others that follow it."""

from __future__ import annotations

from _random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otel_run.signals.sampling import sampler

TRACE_IDS = st.integers(1, (1 << 128) - 1)
RATIOS = st.floats(0, 1)
HIGHEST = (1 << 128) - 1
LOWEST = 1 << 127


@pytest.mark.parametrize(
    ("name", "ratio", "root", "sampled_child", "unsampled_child"),
    [
        ("always_on", 0.0, True, True, True),
        ("always_off", 1.0, False, False, False),
        ("traceidratio", 1.0, True, True, True),
        ("traceidratio", 0.0, False, False, False),
        ("parentbased_always_on", 0.0, True, True, False),
        ("parentbased_always_off", 1.0, False, True, False),
        ("parentbased_traceidratio", 1.0, True, True, False),
        ("parentbased_traceidratio", 0.0, False, True, False),
    ],
)
@pytest.mark.parametrize("trace_id", [1, LOWEST, HIGHEST, 0x4BF92F3577B34DA6A3CE929D0E0E4736])
def test_a_sampler_decides_as_its_name_says(
    name: str,
    ratio: float,
    root: bool,  # noqa: FBT001
    sampled_child: bool,  # noqa: FBT001
    unsampled_child: bool,  # noqa: FBT001
    trace_id: int,
) -> None:
    chosen = sampler(name, ratio)

    assert chosen.root(trace_id) is root
    assert chosen.child(True, trace_id) is sampled_child  # noqa: FBT003
    assert chosen.child(False, trace_id) is unsampled_child  # noqa: FBT003


@given(TRACE_IDS, RATIOS, RATIOS)
def test_who_samples_more_has_all_that_others_have(trace_id: int, one: float, two: float) -> None:
    less, more = sorted((one, two))

    if sampler("traceidratio", less).root(trace_id):
        assert sampler("traceidratio", more).root(trace_id)


@given(TRACE_IDS, RATIOS)
def test_a_service_in_the_middle_decides_as_the_root_did(trace_id: int, ratio: float) -> None:
    chosen = sampler("traceidratio", ratio)

    assert chosen.child(True, trace_id) is chosen.root(trace_id)  # noqa: FBT003


# 6e6d1a75832a2f, the example of trace/tracestate-handling.md, is 43.14 % of the way to 2^56: from
# a ratio of 56.86 % on, the threshold is below it.
@pytest.mark.parametrize(("ratio", "sampled"), [(0.568, False), (0.57, True), (0.5, False)])
def test_the_56_lowest_bits_are_held_against_the_rejection_threshold(
    ratio: float,
    sampled: bool,  # noqa: FBT001
) -> None:
    trace_id = 0xFFFFFFFFFFFFFFFFFF << 56 | 0x6E6D1A75832A2F

    assert sampler("traceidratio", ratio).root(trace_id) is sampled


@pytest.mark.parametrize("ratio", [0.01, 0.1, 0.25, 0.5, 0.9])
def test_the_share_of_traces_is_about_the_ratio(ratio: float) -> None:
    draw = Random(7).getrandbits
    chosen = sampler("traceidratio", ratio)

    taken = sum(chosen.root(draw(128)) for _ in range(20_000))

    assert taken / 20_000 == pytest.approx(ratio, abs=0.01)
