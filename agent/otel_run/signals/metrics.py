"""Histograms and sums, cumulative: instruments, and their series.

Only the export thread writes to a histogram's series. A thread that finds the record queue full
folds its point into the instrument's `late` points under a lock, and the export thread merges them.
"""

from __future__ import annotations

from _bisect import bisect_right
from itertools import count

from otel_run.native import ReentrantLock, time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from otel_run.signals.description import Scope
    from otel_run.signals.values import Attributes

# Series of one instrument (specification, metrics/sdk.md, cardinality limits).
CARDINALITY_LIMIT = 2000
# Points that wait to be settled.
RECENT = 256

OVERFLOW: Attributes = {"otel.metric.overflow": True}


class Series:
    """The points of one set of attributes: how many there were, and what they come to."""

    __slots__ = ("attributes", "count", "encoded", "instrument", "sum")

    def __init__(self, instrument: Instrument, attributes: Attributes) -> None:
        self.instrument = instrument
        self.attributes = attributes
        self.encoded: bytes | None = None
        self.clear()

    def clear(self) -> None:
        """Back to no points at all."""
        self.count = 0
        self.sum = 0.0

    def settle(self) -> None:
        """Have `count` and `sum` tell of all points."""
        raise NotImplementedError


class Level(Series):
    """How many there are of something now: any thread calls `rise` and `fall`, without a lock."""

    __slots__ = ("_falls", "_rises", "fall", "rise")

    def clear(self) -> None:
        """Back to none."""
        super().clear()
        self._rises, self._falls = count(), count()
        # One call each that nothing interrupts, and the cheapest way to count.
        self.rise, self.fall = self._rises.__next__, self._falls.__next__

    def settle(self) -> None:
        """Have `count` and `sum` tell of all points."""
        rises, falls = _reached(self._rises), _reached(self._falls)
        self.count = rises + falls
        self.sum = rises - falls


def _reached(counter: count[int]) -> int:
    """Tell what comes next: `count(7)`."""
    return int(repr(counter).partition("(")[2].rstrip(")"))


class Distribution(Series):
    """As well the counts in the histogram's buckets, and the extremes.

    Points are gathered in `recent` and settled many at a time, which costs a third.
    """

    __slots__ = ("counts", "maximum", "minimum", "recent")

    instrument: Histogram

    def clear(self) -> None:
        """Back to no points at all."""
        super().clear()
        self.recent: list[float] = []
        self.counts = [0] * (len(self.instrument.boundaries) + 1)
        self.minimum = self.maximum = 0.0

    def add(self, value: float) -> None:
        """Count one point."""
        self.recent.append(value)
        if len(self.recent) >= RECENT:
            self.settle()

    def settle(self) -> None:
        """Put recent points into their buckets; a boundary is its bucket's inclusive upper end."""
        recent, self.recent = self.recent, []
        if not recent:
            return
        recent.sort()
        below = 0
        for index, boundary in enumerate(self.instrument.boundaries):
            place = bisect_right(recent, boundary)
            self.counts[index] += place - below
            below = place
        self.counts[-1] += len(recent) - below
        self.minimum = min(self.minimum, recent[0]) if self.count else recent[0]
        self.maximum = max(self.maximum, recent[-1]) if self.count else recent[-1]
        self.sum += sum(recent)
        self.count += len(recent)

    def merge(self, other: Distribution) -> None:
        """Add the points of another series of the same instrument."""
        other.settle()
        if not other.count:
            return
        self.minimum = min(self.minimum, other.minimum) if self.count else other.minimum
        self.maximum = max(self.maximum, other.maximum) if self.count else other.maximum
        self.counts = [mine + its for mine, its in zip(self.counts, other.counts, strict=True)]
        self.count += other.count
        self.sum += other.sum


class Instrument:
    """What is measured, and a series for each set of attributes."""

    kind: type[Series]

    def __init__(self, scope: Scope, name: str, unit: str, description: str) -> None:
        self.scope = scope
        self.name = name
        self.unit = unit
        self.description = description
        self.start = time.time_ns()
        self.series: dict[object, Series] = {}
        self._lock = ReentrantLock()
        METER.append(self)

    def series_of(self, attributes: Attributes) -> Series:
        """Return the series of these attributes, or the overflow series beyond the limit."""
        key = tuple(sorted(attributes.items(), key=_name))
        with self._lock:
            found = self.series.get(key)
            if found is None:
                found = self._add_series(key, attributes)
        return found

    def _add_series(self, key: object, attributes: Attributes) -> Series:
        if len(self.series) >= CARDINALITY_LIMIT - 1:
            key, attributes = None, OVERFLOW
        found = self.series.get(key)
        if found is None:
            found = self.series[key] = self.kind(self, attributes)
        return found

    def settled(self) -> list[Series]:
        """Return the series that have points, all of them settled."""
        with self._lock:
            series = list(self.series.values())
        for one in series:
            one.settle()
        return [one for one in series if one.count]

    def restart(self) -> None:
        """Begin again from zero, as a forked child does."""
        self._lock = ReentrantLock()
        self.start = time.time_ns()
        for series in self.series.values():
            series.clear()


class Histogram(Instrument):
    """An instrument whose points fall into buckets; `boundaries` are their upper ends."""

    kind = Distribution

    if TYPE_CHECKING:

        def series_of(self, attributes: Attributes) -> Distribution: ...
        def settled(self) -> list[Distribution]: ...  # type: ignore[override] # nobody adds to it

    def __init__(
        self, scope: Scope, name: str, unit: str, description: str, boundaries: tuple[float, ...]
    ) -> None:
        super().__init__(scope, name, unit, description)
        self.boundaries = boundaries


class UpDownCounter(Instrument):
    """An instrument whose points, 1 or -1, come to what there is of something now."""

    kind = Level

    if TYPE_CHECKING:

        def series_of(self, attributes: Attributes) -> Level: ...
        def settled(self) -> list[Level]: ...  # type: ignore[override] # nobody adds to it


def _name(item: tuple[str, object]) -> str:
    return item[0]


# Every instrument of this process.
METER: list[Instrument] = []


class Late:
    """Points that found the record queue full, and how many spans did.

    Folded under a lock by the thread that found it so; merged by the export thread.
    """

    __slots__ = ("_lock", "_points", "dropped")

    def __init__(self) -> None:
        self._lock = ReentrantLock()
        self._points: dict[Distribution, Distribution] = {}
        self.dropped = 0

    def add(self, series: Distribution, value: float) -> None:
        """Fold a point in."""
        with self._lock:
            points = self._points.get(series)
            if points is None:
                points = self._points[series] = Distribution(series.instrument, series.attributes)
            points.add(value)

    def drop(self, series: Distribution | None, value: float) -> None:
        """Count a dropped span, and keep its point."""
        with self._lock:
            self.dropped += 1
        if series is not None:
            self.add(series, value)

    def merge(self) -> None:
        """Add the points to their series."""
        with self._lock:
            points, self._points = self._points, {}
        for series, late in points.items():
            series.merge(late)
