"""The queue and its thread: bounded, whole, and never in the program's way."""

from __future__ import annotations

import sqlite3
import threading
from time import sleep
from typing import TYPE_CHECKING, Any

import pytest

from otel_run.export import pipeline as module
from otel_run.export.pipeline import QUEUE_BYTES
from pipeline.records import LONG, Watched, make_span, swallowed
from recording import Memory, Recording, patch_imported, unpatch_all

if TYPE_CHECKING:
    from collections.abc import Callable

    from otel_run.export.pipeline import Pipeline
    from otel_run.signals.metrics import Histogram

    MakePipeline = Callable[..., Pipeline]

MIB = 1 << 20


@pytest.fixture
def no_thread(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Let no thread be started, as at the end of an interpreter; return what allows it again."""

    def refuse(*_: object) -> None:
        raise RuntimeError("can't create new thread at interpreter shutdown")

    monkeypatch.setattr(module, "start_new_thread", refuse)
    return monkeypatch.undo


def test_a_queue_holds_exactly_what_was_asked_for_and_no_point_is_lost(
    pipeline_to: MakePipeline, histogram: Histogram, no_thread: Callable[[], None]
) -> None:
    destination = Watched()
    pipeline = pipeline_to(destination, OTEL_BSP_MAX_QUEUE_SIZE="10")
    series = [histogram.series_of({"key": key}) for key in ("a", "b")]
    spans = [make_span(series[number % 2]) for number in range(25)]
    for span in spans:
        pipeline.record(span)
    for _ in range(5):
        pipeline.measure(series[0], 0.1)

    assert (len(pipeline.queue), pipeline.late.dropped) == (10, 15)
    no_thread()
    pipeline.shutdown()
    assert destination.span_ids() == [span.span_id for span in spans[:10]]
    assert (destination.noted, destination.lost) == (10, 15)
    assert destination.points() == {"a": 13 + 5, "b": 12}


def test_where_nobody_says_how_many_65536_records_wait(
    pipeline_to: MakePipeline, no_thread: Callable[[], None]
) -> None:
    destination = Watched()
    pipeline = pipeline_to(destination)
    span = make_span()
    for _ in range(65_537):
        pipeline.record(span)

    assert (len(pipeline.queue), pipeline.late.dropped) == (65_536, 1)
    no_thread()
    pipeline.shutdown()
    assert (sum(destination.counts()), destination.lost) == (65_536, 1)


def test_a_queue_smaller_than_a_batch_is_emptied_when_it_is_full(
    pipeline_to: MakePipeline,
) -> None:
    destination = Watched()
    pipeline = pipeline_to(destination, OTEL_BSP_MAX_QUEUE_SIZE="1")
    for number in range(1, 5):
        pipeline.record(make_span())
        destination.wait_for_spans(number)


def test_heavy_records_have_16_mib_among_them(
    pipeline_to: MakePipeline, no_thread: Callable[[], None]
) -> None:
    destination = Watched()
    pipeline = pipeline_to(destination)
    for _ in range(QUEUE_BYTES // MIB + 4):
        pipeline.record(make_span(weight=MIB))
        pipeline.record(make_span())

    assert (len(pipeline.queue), pipeline.late.dropped) == (2 * 16 + 4, 4)
    no_thread()
    pipeline.shutdown()
    assert destination.lost == 4


def test_heavy_records_make_room_as_they_leave_and_not_only_when_the_queue_is_empty(
    pipeline_to: MakePipeline,
) -> None:
    destination = Watched()
    pipeline = pipeline_to(destination, OTEL_BSP_MAX_EXPORT_BATCH_SIZE="4")
    sent = 0
    for _ in range(20):
        for _ in range(4):
            pipeline.record(make_span(weight=MIB))
        sent += 4
        pipeline.record(make_span(weight=MIB))  # waits for the next batch: never an empty queue
        sent += 1
        destination.wait_for_spans(sent - 4)

    assert pipeline.late.dropped == 0
    pipeline.shutdown()
    assert sum(destination.counts()) == 100


def test_a_span_that_cannot_be_encoded_is_dropped_alone(
    pipeline_to: MakePipeline, histogram: Histogram
) -> None:
    destination = Watched()
    pipeline = pipeline_to(destination)
    spans = [make_span(histogram.series_of({"key": "a"})) for _ in range(5)]
    broken: Any = spans[2]
    broken.trace_id = "no number"
    for span in spans:
        pipeline.record(span)
    pipeline.shutdown()

    assert destination.span_ids() == [span.span_id for span in spans if span is not broken]
    assert (destination.noted, destination.lost) == (4, 1)
    assert destination.points() == {"a": 5}
    assert swallowed() == ["encode: AttributeError"]


def test_a_full_batch_leaves_without_waiting_for_the_timer(pipeline_to: MakePipeline) -> None:
    destination = Watched()
    pipeline = pipeline_to(destination)
    for _ in range(511):
        pipeline.record(make_span())
    assert destination.requests == []
    pipeline.record(make_span())

    destination.wait_for(lambda: destination.counts() == [512])


def test_a_part_of_a_batch_leaves_after_the_delay(pipeline_to: MakePipeline) -> None:
    destination = Watched()
    pipeline = pipeline_to(destination, OTEL_BSP_SCHEDULE_DELAY="20")
    for number in range(1, 4):
        pipeline.record(make_span())
        destination.wait_for_spans(number)


def test_metrics_leave_at_their_interval(pipeline_to: MakePipeline, histogram: Histogram) -> None:
    destination = Watched()
    pipeline = pipeline_to(
        destination, OTEL_BSP_SCHEDULE_DELAY="10", OTEL_METRIC_EXPORT_INTERVAL="20"
    )
    series = histogram.series_of({"key": "a"})
    pipeline.measure(series, 1.0)
    destination.wait_for(lambda: destination.points() == {"a": 1})
    pipeline.measure(series, 1.0)
    destination.wait_for(lambda: destination.points() == {"a": 2})


def test_metrics_are_exported_again_though_nothing_has_changed(
    pipeline_to: MakePipeline, histogram: Histogram
) -> None:
    destination = Watched()
    pipeline = pipeline_to(destination, OTEL_METRIC_EXPORT_INTERVAL="10")
    pipeline.measure(histogram.series_of({"key": "a"}), 1.0)

    destination.wait_for(lambda: len(destination.requests) >= 3)


def test_shutting_down_sends_everything_and_a_later_record_starts_anew(
    pipeline_to: MakePipeline, histogram: Histogram
) -> None:
    destination = Watched()
    pipeline = pipeline_to(destination)
    pipeline.shutdown()  # with nothing to do
    series = histogram.series_of({"key": "a"})
    for number in range(1, 4):
        pipeline.record(make_span(series))
        pipeline.shutdown()
        pipeline.shutdown()

        assert destination.counts() == [1] * number
        assert destination.points() == {"a": number}
    last = [deadline for deadline in destination.deadlines if deadline is not None]
    assert len(last) == 3


def test_a_thread_that_is_done_before_its_starter_goes_on_is_followed_by_another(
    pipeline_to: MakePipeline, no_thread: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    def start(function: Callable[[], None], _: object) -> None:
        thread = threading.Thread(target=function)
        thread.start()
        thread.join()

    destination = Watched()
    pipeline = pipeline_to(destination)
    pipeline.record(make_span())
    no_thread()
    with monkeypatch.context() as patched:
        patched.setattr(module, "start_new_thread", start)
        pipeline.shutdown()
    pipeline.record(make_span())
    pipeline.shutdown()

    assert destination.counts() == [1, 1]


def test_threads_that_record_at_the_same_time_lose_nothing(
    pipeline_to: MakePipeline, histogram: Histogram
) -> None:
    destination = Watched()
    pipeline = pipeline_to(destination)
    barrier = threading.Barrier(8)
    spans = [[make_span() for _ in range(2000)] for _ in range(8)]

    def record(place: int) -> None:
        barrier.wait()
        for number, span in enumerate(spans[place]):
            span.outcome.series = histogram.series_of({"key": number % 50})  # type: ignore[union-attr]
            pipeline.record(span)
            pipeline.measure(histogram.series_of({"key": "all"}), 1.0)

    threads = [threading.Thread(target=record, args=(place,)) for place in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    pipeline.shutdown()

    assert (pipeline.late.dropped, destination.lost) == (0, 0)
    assert sorted(destination.span_ids()) == [span.span_id for one in spans for span in one]
    assert destination.points() == {**{str(key): 320 for key in range(50)}, "all": 16_000}


def test_threads_that_find_the_queue_full_lose_no_point(
    pipeline_to: MakePipeline, histogram: Histogram
) -> None:
    destination = Watched()
    pipeline = pipeline_to(destination, OTEL_BSP_MAX_QUEUE_SIZE="4")
    barrier = threading.Barrier(8)

    def record(place: int) -> None:
        barrier.wait()
        for _ in range(1000):
            pipeline.record(make_span(histogram.series_of({"key": place})))

    threads = [threading.Thread(target=record, args=(place,)) for place in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    pipeline.shutdown()

    assert destination.points() == {str(place): 1000 for place in range(8)}
    assert sum(destination.counts()) + pipeline.late.dropped == 8000
    assert destination.lost == pipeline.late.dropped > 0


def test_a_burst_of_20000_is_kept_whole(pipeline_to: MakePipeline) -> None:
    destination = Watched()
    pipeline = pipeline_to(destination)
    spans = [make_span() for _ in range(20_000)]
    for span in spans:
        pipeline.record(span)
    pipeline.shutdown()

    assert pipeline.late.dropped == 0
    assert destination.span_ids() == [span.span_id for span in spans]


@pytest.mark.parametrize("method", ["load", "note", "offer", "pump", "lose"])
def test_a_destination_that_fails_costs_the_others_nothing(
    pipeline_to: MakePipeline, histogram: Histogram, method: str
) -> None:
    def fail(*_: object) -> None:
        raise OSError(method)

    failing, whole = Watched(), Watched()
    setattr(failing, method, fail)
    pipeline = pipeline_to(failing, whole)
    for _ in range(3):
        pipeline.record(make_span(histogram.series_of({"key": "a"})))
        pipeline.shutdown()

    assert whole.points() == {"a": 3}
    # Whoever counts spans has to see each: one that could not be counted counts as lost.
    assert sum(whole.counts()) + whole.lost == 3
    assert whole.lost == (3 if method == "note" else 0)
    assert set(swallowed()) <= {"export: OSError", "encode: OSError"}


@pytest.mark.parametrize("method", ["offer", "pump"])
def test_a_destination_that_hangs_holds_up_neither_the_program_nor_its_end(
    pipeline_to: MakePipeline, method: str
) -> None:
    released, hanging = threading.Event(), threading.Event()
    destination = Watched()
    original = getattr(destination, method)

    def hang(*arguments: Any) -> Any:
        # The thread may wake a moment before the span is due, and finds nothing to do.
        if not pipeline.queue:
            hanging.set()
            released.wait()
        return original(*arguments)

    setattr(destination, method, hang)
    pipeline = pipeline_to(destination, OTEL_BSP_MAX_QUEUE_SIZE="10", OTEL_BSP_SCHEDULE_DELAY="10")
    pipeline.record(make_span())
    assert hanging.wait(LONG)
    for _ in range(15):
        pipeline.record(make_span())
    pipeline.shutdown(0.1)
    pipeline.before_fork()
    pipeline.after_fork_in_parent()

    assert (len(pipeline.queue), pipeline.late.dropped) == (10, 5)
    released.set()
    pipeline.shutdown()
    assert (sum(destination.counts()), destination.lost) == (11, 5)


def test_without_a_thread_no_name_is_looked_up(
    pipeline_to: MakePipeline, histogram: Histogram, no_thread: Callable[[], None]
) -> None:
    local, remote = Watched(), Watched()
    remote.is_local = False
    allowed: list[bool] = []
    remote.pump = lambda now, deadline: allowed.append(remote.may_look_up)  # type: ignore[method-assign]  # noqa: ARG005 (the protocol's)
    pipeline = pipeline_to(local, remote)
    pipeline.record(make_span(histogram.series_of({"key": "a"})))
    pipeline.shutdown()

    assert (local.counts(), local.points()) == ([1], {"a": 1})
    assert set(allowed) == {False}
    no_thread()
    pipeline.record(make_span())
    pipeline.shutdown()
    assert local.counts() == [1, 1]
    assert allowed[-1] is True


def test_what_recording_locks_a_signal_handler_may_lock_again(
    pipeline_to: MakePipeline, histogram: Histogram, no_thread: Callable[[], None]
) -> None:
    destination = Watched()
    pipeline = pipeline_to(destination, OTEL_BSP_MAX_QUEUE_SIZE="1")
    series = histogram.series_of({"key": "a"})
    with histogram._lock, pipeline.late._lock, pipeline._heavy_lock, pipeline._life:
        pipeline.record(make_span(histogram.series_of({"key": "b"}), weight=1))
        pipeline.record(make_span(series, weight=1))
        pipeline.shutdown(0.01)
    no_thread()
    pipeline.shutdown()

    assert destination.points() == {"a": 1, "b": 1}
    assert (sum(destination.counts()), destination.lost) == (1, 1)


class Querying(Memory):
    """A destination that itself uses a library that is instrumented."""

    def pump(self, now: float, deadline: float | None) -> None:  # noqa: ARG002
        """Query."""
        connection = sqlite3.connect(":memory:")
        connection.execute("SELECT 2")
        connection.close()


def test_nothing_that_the_export_thread_does_is_recorded() -> None:
    patch_imported()
    recording = Recording()
    recording.memory = Querying()
    try:
        with recording:
            connection = sqlite3.connect(":memory:")
            connection.execute("SELECT 1")
            connection.close()

            assert [span.attributes["db.query.text"] for span in recording.spans()] == ["SELECT ?"]
            assert [metric.points[0].count for metric in recording.metrics()] == [1]
    finally:
        unpatch_all()


def test_the_thread_rests_while_nothing_can_be_handed_on(
    pipeline_to: MakePipeline, histogram: Histogram
) -> None:
    """A collector is down, and what waits for it is all that may: more records change nothing."""
    destination = Watched()
    destination.room = False
    pipeline = pipeline_to(
        destination, OTEL_BSP_MAX_QUEUE_SIZE="20", OTEL_BSP_MAX_EXPORT_BATCH_SIZE="5"
    )
    series = histogram.series_of({"key": "a"})
    for number in range(20_000):
        pipeline.record(make_span(series))
        if number % 100 == 0:
            sleep(0.000_1)  # gives the thread its turn

    assert (len(pipeline.queue), pipeline.late.dropped) == (20, 19_980)
    assert len(destination.deadlines) <= 3
    destination.room = True
    pipeline.shutdown()
    assert sum(destination.counts()) == 20
    assert destination.points() == {"a": 20_000}
