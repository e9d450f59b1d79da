"""Where work goes on elsewhere: what is current where it is handed over is current there, too.

Only our variable travels. A copy of the whole context would bring the program's own variables,
decimal's precision among them, to where they were not. Into other processes goes a ticket.
"""

from __future__ import annotations

import sys
from _contextvars import Context

from otel_run.engine.call import Call
from otel_run.engine.convention import Convention
from otel_run.engine.frames import unseen
from otel_run.engine.operation import Delegate, Operation
from otel_run.engine.place import Place
from otel_run.engine.reference import Reference
from otel_run.guard import caught
from otel_run.signals.context import CURRENT, get_current, set_current
from otel_run.signals.ticket import TICKET, issue

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from functools import reduce
    from typing import Any

    from otel_run.engine.forms import Recorder, Wrapper
    from otel_run.engine.place import Wrap
    from otel_run.signals.context import Node
else:
    from _functools import reduce

NODE = "_otel_run_node"
MISSING: Any = object()

# Past what the program's subclasses make of attributes, and without a dict where Python has none.
read, write, delete = object.__getattribute__, object.__setattr__, object.__delattr__

# From Python 3.14 on threads can be told to start with a copy of the context: ours is in it.
THREADS_INHERIT = bool(getattr(sys.flags, "thread_inherit_context", 0))


class ContextCarrier(Convention):
    """No semantic convention: nothing is recorded, what is current goes along."""

    name = "context"

    def bind(self, library: str, layer: int) -> None:
        """Have no scope and no metric."""


class Departure(Place):
    """A method by which its object is handed over: what is current is kept on the object.

    An object that can be given a context to run in has None in its attribute `context` until then.
    """

    def __init__(self, place: str, *, context: str = "") -> None:
        super().__init__(place)
        self.context = context

    def wrapper(self, recorder: Recorder) -> Wrapper:
        """Make what is called instead."""

        @unseen
        def wrapper(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
            kept = not recorder.off and self._keep(recorder, instance)
            try:
                return wrapped(*args, **kwargs)
            except BaseException:
                if kept:
                    take(instance)
                raise

        return wrapper

    def _keep(self, recorder: Recorder, instance: Any) -> bool:
        own = self.context
        try:
            node = get_current()
            write(instance, NODE, node)
            if own and instance.__dict__.get(own, MISSING) is None and not THREADS_INHERIT:
                write(instance, own, context_of(node))
        except Exception as error:
            caught(error, recorder.library)
            return False
        return True


class Arrival(Place):
    """A method in which such an object does its work: it runs under what was kept."""

    def wrapper(self, recorder: Recorder) -> Wrapper:
        """Make what is called instead."""

        @unseen
        def wrapper(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
            node = take(instance)
            if node is MISSING or recorder.off:
                return wrapped(*args, **kwargs)
            return run_under(node, wrapped, args, kwargs)

        return wrapper


class Embarkation(Place):
    """A method by which its object starts a process, into which it goes itself, maybe pickled."""

    def wrapper(self, recorder: Recorder) -> Wrapper:
        """Make what is called instead."""

        @unseen
        def wrapper(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
            node = get_current()
            if node is None or recorder.off or not self._hand_over(recorder, instance, node):
                return wrapped(*args, **kwargs)
            try:
                return wrapped(*args, **kwargs)
            finally:
                delete(instance, TICKET)

        return wrapper

    def _hand_over(self, recorder: Recorder, instance: Any, node: Node) -> bool:
        try:
            write(instance, TICKET, issue(node))
        except Exception as error:
            caught(error, recorder.library)
            return False
        return True


class Errand(Place):
    """A function that is given others to call elsewhere: `functions` says as which arguments.

    `waits` says that its caller does so until that is done: it is part of an operation open here.
    """

    def __init__(self, place: str, functions: Mapping[str, int], *, waits: bool = False) -> None:
        super().__init__(place)
        self.functions = functions
        self.traveller = delegated if waits else Traveller

    def wrapper(self, recorder: Recorder) -> Wrapper:
        """Make what is called instead."""

        @unseen
        def wrapper(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
            node = get_current()
            if node is None or recorder.off:
                return wrapped(*args, **kwargs)
            call = Call(wrapped, instance, args, kwargs)
            for name, position in self.functions.items():
                function = call.arg(position, name)
                if callable(function):
                    call.replace(position, name, self.traveller(function, node))
            return wrapped(*call.args, **call.kwargs)

        return wrapper


class Detached(Place):
    """A function that starts what serves everybody: nothing is current there."""

    def wrapper(self, recorder: Recorder) -> Wrapper:
        """Make what is called instead."""

        @unseen
        def wrapper(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:  # noqa: ARG001
            if recorder.off or get_current() is None:
                return wrapped(*args, **kwargs)
            return run_under(None, wrapped, args, kwargs)

        return wrapper


class Listener(Place):
    """A function that takes functions, to call each with what is about to start.

    That has None in its attribute `context` until it is given one to run in. Nothing is patched,
    and nothing is taken back: what listens does nothing once the instrumentor is off.
    """

    def __init__(self, place: str, *, context: str) -> None:
        super().__init__(place)
        self.context = context

    def wraps(self, recorder: Recorder) -> Iterator[tuple[str, Wrap]]:
        """Give the place, and what is to be done with the function found there."""
        own = self.context

        def listen(started: Any) -> None:
            try:
                node = get_current()
                if node is not None and not recorder.off and getattr(started, own) is None:
                    setattr(started, own, context_of(node))
            except Exception as error:
                caught(error, recorder.library)

        def register(function: Callable[..., Any]) -> None:
            function(listen)

        yield self.place, register


class Traveller:
    """A function, and what was current where it was handed over; it can be pickled."""

    __slots__ = ("function", "node")

    def __init__(self, function: Callable[..., Any], node: Node) -> None:
        self.function = function
        self.node = node

    @unseen
    def __call__(self, /, *args: Any, **kwargs: Any) -> Any:
        # As `run_under` has it, without its frame: a process sends its tracebacks as text.
        before = get_current()
        try:
            set_current(self.node)
            return self.function(*args, **kwargs)
        finally:
            set_current(before)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.function, name)

    def __repr__(self) -> str:
        return repr(self.function)

    def __reduce__(self) -> Any:
        return ARRIVE, (issue(self.node), (), self.function)


class Messenger(Traveller):
    """A function that is waited for; what it does in another thread is part of the operation."""

    __slots__ = ()

    node: Delegate

    @unseen
    def __call__(self, /, *args: Any, **kwargs: Any) -> Any:
        self.node.enter()
        try:
            return self.function(*args, **kwargs)
        finally:
            self.node.leave()


def delegated(function: Callable[..., Any], node: Node) -> Traveller:
    """Let a function go elsewhere for the operation that is open here, if one is."""
    if isinstance(node, Operation) and not node.end and node.is_here():
        return Messenger(function, Delegate(node))
    return Traveller(function, node)


# Where a process has no agent, this is `reduce(ticket, (), function)`: the function itself.
ARRIVE = Reference("otel_run.signals.ticket", "arrive", reduce)


def take(instance: Any) -> Any:
    """Take what was kept off the object; MISSING where nothing was."""
    try:
        node = read(instance, NODE)
        delete(instance, NODE)
    except AttributeError:
        return MISSING
    return node


@unseen
def run_under(
    node: Node | None, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:
    """Call with `node` as what is current; after it, the caller has its own again."""
    before = get_current()
    try:
        set_current(node)
        return function(*args, **kwargs)
    finally:
        set_current(before)


def context_of(node: Node | None) -> Context:
    """Return a context that holds our variable alone."""
    context = Context()
    context.run(CURRENT.set, node)
    return context
