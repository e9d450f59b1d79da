"""From records to destinations: one queue, and one thread that encodes and sends.

The thread exists from the first record on, and is the only writer of histogram series. It is made
of `_thread` primitives alone, which monkey-patching leaves as they are.
"""

from __future__ import annotations

import os
import sys

from otel_run import guard, notice, settings
from otel_run.export import termination
from otel_run.export.worker import Worker
from otel_run.native import (
    ReentrantLock,
    allocate_lock,
    block_signals,
    get_ident,
    get_native_id,
    restore_signals,
    start_new_thread,
    time,
)
from otel_run.signals import ids
from otel_run.signals.context import SUPPRESSED, Suppression, get_current, set_current
from otel_run.signals.metrics import METER, Late

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections import deque
    from collections.abc import Callable

    from otel_run.settings import Settings
    from otel_run.signals.metrics import Distribution
    from otel_run.signals.span import Span
else:
    from _collections import deque

# Records that wait, where no setting says how many (a documented deviation from 2,048).
QUEUE_SIZE = 65_536
QUEUE_BYTES = 16 << 20

# Waiting, in seconds: for the thread to park before a fork; for an import to end, since a child
# that inherits a half-imported module would hang for ever; for everything to be sent at exit.
PARK_WAIT = 0.1
IMPORT_WAIT = 10.0
EXIT_WAIT = 3.0
HELD = 0.2  # so long another thread may take that starts or stops ours
# Parts of the last: what a request has that is under way by then, and when sending has to end, for
# what was lost is to be told.
GRACE = 1 / 6
SENDING = 0.95


class Pipeline:
    """The queue and the thread.

    `born` is when this process began to record, by `perf_counter_ns`: what began before a fork is
    the parent's to record. `threshold` is the length of the queue from which on a record has to
    look after the thread: it is not there, it sleeps over enough to work on, or the queue is full.
    `record_open` is called at the end of the process, and records what is still open.
    """

    def __init__(self, chosen: Settings) -> None:
        self._limit = chosen.max_queue_size if chosen.queue_size_is_set else QUEUE_SIZE
        self.worker = Worker(chosen, min(chosen.max_export_batch_size, self._limit))
        self.born = 0
        self.record_open: Callable[[], None] | None = None
        self._begin()
        termination.arm(self.shutdown)

    def _begin(self) -> None:
        """Have nothing to send, and no thread."""
        self.queue: deque[Span | tuple[Distribution, float]] = deque()
        self.late = Late()
        self.threshold = 0
        self._enough = 0  # records that the thread is woken for
        self._heavy = 0
        self._heavy_lock = ReentrantLock()
        self._life = allocate_lock()  # held by who starts or stops the thread
        self._forking = 0  # the thread that holds it for a fork
        self._holds_signal = False
        self._alarm = allocate_lock()  # held while the thread may sleep
        self._alarm.acquire()
        self._done = allocate_lock()  # held by the running thread
        self._running = False
        self._blocked = False
        self._awaited = self._given = 0.0  # turns, by when they end
        self._stopping = False
        self._closing = False
        self._deadline: float | None = None
        self._native_id = 0

    # Recording, in any thread.

    def record(self, span: Span) -> None:
        """Take over a finished span."""
        size = len(self.queue)
        if (size >= self.threshold and not self._attend(size)) or (
            span.extras is not None and not self._has_room(span.extras.weight)
        ):
            self._drop(span)
        else:
            self.queue.append(span)

    def measure(self, series: Distribution, seconds: float) -> None:
        """Take over a point that has no span."""
        size = len(self.queue)
        if size >= self.threshold and not self._attend(size):
            self.late.add(series, seconds)
        else:
            self.queue.append((series, seconds))

    def be_there(self) -> None:
        """Have the thread, though there is no record: something is told of by now."""
        if not self._running:
            self._start()

    def _attend(self, size: int) -> bool:
        """See to it that the thread is there and awake; False when the queue is full."""
        if not ids.MARK[0]:
            return True  # its parent's record: it goes with the queue, when that is known
        if not self._running:
            self._start()
        elif size >= self._enough - 1:
            self.threshold = self._limit
            if not self._blocked:
                self._wake()
        return size < self._limit

    def _has_room(self, weight: int) -> bool:
        """Count a record that holds more bytes than most, unless there are too many of them."""
        with self._heavy_lock:
            if self._heavy + weight > QUEUE_BYTES:
                return False
            self._heavy += weight
        return True

    def make_room(self, weight: int) -> None:
        """Forget a record that has left the queue."""
        with self._heavy_lock:
            self._heavy -= weight

    def _drop(self, span: Span) -> None:
        """Count a span that finds no place; its point is kept."""
        series = None if span.outcome is None else span.outcome.series
        self.late.drop(series, (span.end - span.start) * 1e-9)

    # The thread.

    def _start(self) -> None:
        # Whoever holds it may be this very thread, interrupted by a signal handler that records.
        if not self._life.acquire(blocking=False):
            return
        try:
            if not self._running:
                self._start_thread()
        finally:
            self._life.release()

    def _start_thread(self) -> None:
        """Start it deaf: a signal that the program blocks and waits for would come to it."""
        blocked = block_signals()
        try:
            self._start_deaf()
        finally:
            restore_signals(blocked)

    def _start_deaf(self) -> None:
        # All of it beforehand: the thread may have left again before this one goes on.
        self._done.acquire()
        self._running = True
        self._enough = self.worker.wanted
        self.threshold = self._enough - 1
        try:
            start_new_thread(self._run, ())
        except RuntimeError:  # too late in the life of the interpreter
            self.threshold = 0
            self._running = False
            self._done.release()

    def _run(self) -> None:
        set_current(SUPPRESSED)
        self._native_id = get_native_id()
        try:
            while not self._closing:
                self._rest()
                self._closing = self._deadline is not None
                awaited = self._awaited
                if awaited != self._given:
                    self.worker.hurry()
                self.worker.work(self)
                self._given = awaited  # who has come meanwhile waits for the next time
                if self._stopping and self._deadline is None:
                    break
        except Exception as error:
            guard.caught(error, "export")
        finally:
            self.threshold = 0
            self._closing = False
            self._running = False
            self._done.release()

    def _rest(self) -> None:
        """Sleep until something is due, a batch can be handed on, or somebody calls."""
        self._blocked = self.worker.blocked
        enough = self._enough = self.worker.wanted
        self.threshold = self._limit if self._blocked else enough - 1
        if (self._blocked or len(self.queue) < enough) and not self._stopping:
            wait = self.worker.due() - time.monotonic()
            if wait > 0:
                self._alarm.acquire(timeout=wait)
        self.threshold = self._limit

    def _wake(self) -> None:
        try:
            self._alarm.release()
        except RuntimeError:
            pass  # it is awake

    def _join(self, seconds: float) -> bool:
        """Wait until the thread has left, or the time is over."""
        if not self._done.acquire(timeout=max(0.0, seconds)):
            return False
        self._done.release()
        return True

    def give_turn(self, seconds: float) -> None:
        """Have the thread send what there is, and wait for it no longer than that."""
        until = time.monotonic() + seconds
        self._awaited = until
        self._wake()
        while self._given != until and self._running and time.monotonic() < until:
            time.sleep(0.001)

    @property
    def stopping(self) -> bool:
        """Whether the thread has to come to a safe point and leave."""
        return self._stopping

    @property
    def deadline(self) -> float | None:
        """When everything must have been sent, by `monotonic`; None while there is no hurry."""
        return self._deadline

    # The end of the process.

    def shutdown(self, seconds: float = EXIT_WAIT) -> None:
        """Send what there is, with what is still open, and wait no longer than that."""
        until = time.monotonic() + seconds
        if self.record_open is not None:
            self.record_open()
        self.flush(max(0.0, until - time.monotonic()))

    def flush(self, seconds: float = EXIT_WAIT) -> None:
        """Send what has ended, and wait no longer than that; a later record starts anew."""
        until = time.monotonic() + seconds
        self._know_process()
        if not (self.queue or self._running or self.worker.pending):
            return
        # Else this very thread is about it already, and a signal handler has interrupted it: how
        # far it has come is not known, and it cannot go on before this comes back.
        is_first = self._deadline is None
        is_mine = is_first and self._life.acquire(timeout=min(seconds, HELD))
        if is_first:
            self._deadline = until - seconds * (1 - SENDING)
        self._stopping = True
        notice.withhold()
        try:
            if is_mine and not self._running:
                self._start_thread()
            self._finish(until, seconds * GRACE)
        finally:
            if is_first:
                self._stopping = False
                self._deadline = None
            if is_mine:
                self._life.release()
            notice.conclude()

    def _finish(self, until: float, grace: float) -> None:
        if not self._running:
            self.worker.finish_here(self)
            return
        self._wake()
        if not self._join(grace):
            if not self._closing:
                self.worker.interrupt()
            if not self._join(until - time.monotonic()):
                notice.complain("end", "the program ends before everything could be sent")

    # Forks.

    def before_fork(self) -> None:
        """Let the thread come to a safe point and leave, for a child has no use for it."""
        self._know_process()
        if not self._life.acquire(timeout=EXIT_WAIT):
            return
        self._forking = get_ident()
        self._holds_signal = termination.hold()
        if self._running:
            self._park()
        if not self._running:
            self.worker.keep(self)  # who starts a daemon forks, and leaves by `os._exit`

    def _park(self) -> None:
        """Have the thread leave."""
        self._stopping = True
        self.worker.pause()
        self._wake()
        if not self._join(PARK_WAIT / 2):
            if self.worker.importing:
                self._join(IMPORT_WAIT)
            else:
                self.worker.interrupt()
                self._join(PARK_WAIT / 2)
        self._await_exit()

    def _await_exit(self) -> None:
        """Wait until the system has let go of the thread: Python 3.12 counts it, and warns."""
        task = f"/proc/self/task/{self._native_id}"
        until = time.monotonic() + PARK_WAIT
        while not self._running and os.path.exists(task) and time.monotonic() < until:
            time.sleep(0.000_05)

    def after_fork_in_parent(self) -> None:
        """Go on."""
        if self._forking != get_ident():
            return
        self._forking = 0
        self._stopping = False
        self._life.release()
        # From 3.13 on Python counts the threads after this, and warns; the next record starts it.
        if sys.version_info < (3, 13) and (self.queue or self.worker.pending):
            self._start()
        if self._holds_signal:
            self._holds_signal = False
            termination.release()

    def _know_process(self) -> None:
        """See whether this is a child of a fork that has skipped Python's hooks."""
        if not ids.MARK[0]:
            self.after_fork_in_child()

    def after_fork_in_child(self) -> None:
        """Begin as a process of its own: new ids, empty queue, all series from zero."""
        ids.reseed()
        node = get_current()
        if node is not None and type(node) is not Suppression:
            set_current(node.seen_from_afar())
            node.remote = True  # to whoever is about to begin within it
        self.born = time.perf_counter_ns()
        holds_signal = self._holds_signal
        self._begin()
        for instrument in METER:
            instrument.restart()
        self.worker.after_fork_in_child()
        if holds_signal:
            termination.release()


PIPELINE = Pipeline(settings.current())
