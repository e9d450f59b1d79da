"""One call being recorded: a span with its place in the context."""

from __future__ import annotations

from otel_run import settings
from otel_run.export.pipeline import PIPELINE
from otel_run.native import time
from otel_run.signals.context import SUPPRESSED, Node, Suppression, reset_current, set_current
from otel_run.signals.ids import MARK, draw
from otel_run.signals.sampling import RANDOMNESS, sampler
from otel_run.signals.span import Event, Extras, Span

TYPE_CHECKING = False
if TYPE_CHECKING:
    from _contextvars import Token

    from otel_run.engine.convention import Convention
    from otel_run.signals.description import Description, Outcome
    from otel_run.signals.values import Attributes

SETTINGS = settings.current()
SAMPLER = sampler(SETTINGS.sampler, SETTINGS.sampler_ratio)
TRACING = bool(SETTINGS.exporters["traces"])

sample_child = SAMPLER.child


class Operation(Span):
    """A span from the beginning of a call to its end."""

    __slots__ = ("token",)

    convention: Convention
    token: Token[Node | None] | None

    # It is made empty, and begins with `begin`: Python calls an `__init__` in twice the time.
    if TYPE_CHECKING:

        def __init__(self) -> None: ...

    else:
        __init__ = object.__init__

    def begin(self, convention: Convention, parent: Node | None, description: Description) -> None:
        """Begin within `parent`; the operation is not current yet."""
        if not MARK[0]:
            PIPELINE.after_fork_in_child()  # a fork that skipped Python's hooks
        if parent is None or not parent.trace_id:
            self.trace_id = trace_id = draw(128)
            self.parent_id = 0
            self.parent_is_remote = False
            self.trace_state = ""
            self.values = None if parent is None else parent.values
            self.sampled = TRACING and trace_id & RANDOMNESS >= SAMPLER.threshold
        else:
            self.trace_id = parent.trace_id
            self.parent_id = parent.span_id
            self.parent_is_remote = parent.remote
            self.trace_state = parent.trace_state
            self.values = parent.values
            self.sampled = TRACING and sample_child(parent.sampled, parent.trace_id)
        self.span_id = draw(64)
        self.remote = False
        self.convention = convention
        self.description = description
        self.attributes = self.extras = self.outcome = self.peer = self.token = None
        self.end = 0
        self.start = time.perf_counter_ns()

    def enter(self) -> None:
        """Become what is current."""
        self.token = set_current(self)

    def leave(self) -> None:
        """Give way to what was current before; in a foreign context there is nothing to undo."""
        token = self.token
        if token is not None:
            self.token = None
            try:
                reset_current(token)
            except (ValueError, RuntimeError):
                pass

    def is_here(self) -> bool:
        """Tell whether this is the very context that entered: its thread, its task, its greenlet.

        Only there a token can be used.
        """
        token = self.token
        if token is None:
            return False
        try:
            reset_current(token)
        except (ValueError, RuntimeError):
            return False
        self.token = set_current(self)
        return True

    def end_with(self, outcome: Outcome) -> None:
        """End now, once: hand over the span, or the point alone if it is not sampled."""
        end = time.perf_counter_ns()
        token = self.token
        if token is not None:  # as `leave` has it
            self.token = None
            try:
                reset_current(token)
            except (ValueError, RuntimeError):
                pass
        if self.end:
            return
        self.end = end
        self.outcome = outcome
        if self.start < PIPELINE.born:
            return  # begun before this process was forked: its parent records it
        # What `record` and `measure` do most often is done here, without a call.
        queue = PIPELINE.queue
        if self.sampled:
            if self.extras is None and len(queue) < PIPELINE.threshold:
                queue.append(self)
            else:
                PIPELINE.record(self)
        elif outcome.series is not None:
            seconds = (end - self.start) * 1e-9
            if len(queue) < PIPELINE.threshold:
                queue.append((outcome.series, seconds))
            else:
                PIPELINE.measure(outcome.series, seconds)

    def add_failure(self, attributes: Attributes) -> None:
        """Add the event of an exception that happened just now."""
        extras = self.extras = self.extras or Extras()
        extras.events.append(Event("exception", time.perf_counter_ns(), attributes))
        extras.message = str(attributes["exception.message"])
        extras.weight += sum(len(str(value)) for value in attributes.values())

    def add_weight(self, weight: int) -> None:
        """Count what the record holds beyond the usual, in bytes."""
        extras = self.extras = self.extras or Extras()
        extras.weight += weight


class Silence(Operation):
    """A call of which nothing is recorded, and nothing of what it leads to: `node` is current."""

    __slots__ = ("node",)

    def __init__(self, node: Node = SUPPRESSED) -> None:
        self.node = node
        self.end = 1  # so that nobody ends it
        self.token = None

    def enter(self) -> None:
        """Have nothing recorded."""
        self.token = set_current(self.node)


class Delegate(Operation):
    """An operation where another thread works for it, which it waits for: open and here as well."""

    __slots__ = ("principal",)

    def __init__(self, principal: Operation) -> None:
        self.principal = principal
        self.trace_id = principal.trace_id
        self.span_id = principal.span_id
        self.sampled = principal.sampled
        self.remote = False
        self.trace_state = principal.trace_state
        self.values = principal.values
        self.convention = principal.convention
        self.token = None
        self.start = 0  # so that nobody records it
        self.end = 0

    def is_here(self) -> bool:
        """Tell whether this is where the work is done, and somebody still waits for it."""
        return not self.principal.end and super().is_here()


def is_suppressed(parent: Node, convention: Convention) -> bool:
    """Tell whether a call within `parent` is part of it, so that it has no span of its own.

    So it is while an operation of the same convention and a higher layer is open in the same
    thread and task. An operation of another convention in between ends that.
    """
    if type(parent) is Suppression:
        return True
    around = parent.convention
    if (
        around is None
        or around.name != convention.name
        or around.layer <= convention.layer
        or parent.end  # type: ignore[attr-defined] # a node with a convention is an operation
        or not parent.is_here()  # type: ignore[attr-defined]
    ):
        return False
    if not MARK[0]:
        PIPELINE.after_fork_in_child()  # as above
        return False
    return True
