"""Work that goes on after what began it: an internal span of its own trace, with a link.

There is no semantic convention for it; the attributes are of the registry (code).
"""

from __future__ import annotations

from otel_run.engine.convention import OUTCOME_LIMIT, Convention
from otel_run.engine.failure import describe_failure, error_type
from otel_run.engine.forms import Recorder, form_of
from otel_run.engine.operation import Operation
from otel_run.engine.server_operation import ServerOperation
from otel_run.signals.cache import Cache
from otel_run.signals.context import Node, Suppression, get_current
from otel_run.signals.description import Description, Outcome
from otel_run.signals.span import ERROR, INTERNAL, UNSET, Extras, Link

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    from otel_run.engine.call import Call
    from otel_run.engine.place import Wrap


class Tasks(Convention):
    """Internal spans: one for each call of a target."""

    name = "task"

    def __init__(self, target: Task, recorder: Recorder) -> None:
        self.target = target
        self.recorder = recorder
        self._descriptions: Cache[tuple[str, str], Description] = Cache(512)

    def begin(self, call: Call) -> Operation | None:
        """Start to record the task; the request that left it behind is over."""
        around = get_current()
        if type(around) is Suppression or self.recorder.off:
            return None
        key = name_of(self.target.read_function(call))
        description = self._descriptions.get(key)
        if description is None:
            module, name = key
            attributes = {"code.function.name": f"{module}.{name}" if module else name}
            description = Description(self.scope, name, INTERNAL, attributes, {})
            self._descriptions.put(key, description)
        parent = None if around is None else Node(values=around.values)
        operation = Operation()
        operation.begin(self, parent, description)
        if around is not None and around.trace_id and operation.sampled:
            extras = operation.extras = Extras()
            extras.links.append(
                Link(
                    around.trace_id,
                    around.span_id,
                    sampled=around.sampled,
                    trace_state=around.trace_state,
                )
            )
        if isinstance(around, ServerOperation):
            around.complete()
        operation.enter()
        return operation

    def finish(self, operation: Operation, call: Call, result: object) -> None:  # noqa: ARG002
        """Record that the task is done."""
        operation.end_with(self._outcome(operation.description, ""))

    def fail(self, operation: Operation, call: Call, error: BaseException) -> None:  # noqa: ARG002
        """Record that an exception left it."""
        kind = ""
        if isinstance(error, Exception):
            kind = error_type(error)
            if operation.sampled:
                operation.add_failure(describe_failure(error))
        operation.end_with(self._outcome(operation.description, kind))

    def _outcome(self, description: Description, kind: str) -> Outcome:
        outcome = description.outcomes.get(kind)
        if outcome is None:
            attributes = {"error.type": kind} if kind else {}
            outcome = Outcome(description.name, attributes, ERROR if kind else UNSET, None)
            if len(description.outcomes) < OUTCOME_LIMIT:
                description.outcomes[kind] = outcome
        return outcome


class Task:
    """A function of which each call runs a task.

    `read_function` gives the function of the program's own that the task is.
    """

    def __init__(self, place: str, read_function: Callable[[Call], object]) -> None:
        self.place = place
        self.read_function = read_function

    def wraps(self, recorder: Recorder) -> Iterator[tuple[str, Wrap]]:
        """Give the places to patch, and how."""
        convention = Tasks(self, recorder)
        convention.bind(recorder.library, 0)
        own = Recorder(convention, recorder.library)
        yield self.place, lambda function: form_of(function)(own)


def name_of(function: Any) -> tuple[str, str]:
    """Return module and name of a function, of what a partial one is made of, or of a class."""
    while hasattr(function, "func") and not hasattr(function, "__qualname__"):
        function = function.func
    named = function if hasattr(function, "__qualname__") else type(function)
    return getattr(named, "__module__", None) or "", named.__qualname__
