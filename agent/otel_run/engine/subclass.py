"""Real subclasses of a C driver's classes.

Their methods cannot be replaced in place, and a proxy would fail the checks that C code makes. A
subclass passes them, with the original's module and name.
"""

from __future__ import annotations

from otel_run.engine.call import Call
from otel_run.engine.forms import sync
from otel_run.engine.frames import call_from, find_caller, unseen
from otel_run.engine.stand_in import bind, method, named_like
from otel_run.engine.wrapt import Patched
from otel_run.guard import caught

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from otel_run.engine.forms import Recorder, Wrapper

    # The method's name, the place and name of the argument that is a class, its subclass.
    Part = tuple[str, int, str, "Subclass"]

STATE = "_otel_run_state"
MARK = "_otel_run_subclass"
MISSING = object()


class Subclass:
    """How to subclass a driver's class, and any class that the program derived from it.

    Calls of `operations` are recorded. `part` is a method that makes an object of a class given
    to it: that class's own subclass takes its place. `shortcuts` are methods that make such an
    object and call its method of the same name. `read_state` reads the call that made an
    instance; what it returns stays with the instance, as the attribute `STATE`.
    """

    def __init__(
        self,
        name: str,
        *,
        operations: tuple[str, ...] = (),
        part: Part | None = None,
        shortcuts: tuple[str, ...] = (),
        read_state: Callable[[Call], object] | None = None,
    ) -> None:
        self.name = name
        self.operations = operations
        self.part = part
        self.shortcuts = shortcuts
        self.read_state = read_state

    def maker(self, recorder: Recorder, module: Any) -> Callable[[object], object]:
        """Return what turns a class into the subclass; other callables stay what they are."""
        default: type = getattr(module, self.name)
        usual = self._find(recorder, default) or self._usual(recorder, module, default)

        def make(chosen: object) -> object:
            if chosen is MISSING or chosen is default:
                return usual
            if isinstance(chosen, type) and issubclass(chosen, default):
                return self._find(recorder, chosen) or self._derived(recorder, chosen, usual)
            return chosen

        return make

    def made(self, recorder: Recorder, call: Call, instance: object) -> None:
        """Keep what the reader says of a new instance."""
        if self.read_state is None or not hasattr(type(instance), MARK):
            return
        try:
            # Past what the program's class makes of attributes.
            object.__setattr__(instance, STATE, self.read_state(call))
        except Exception as error:
            caught(error, recorder.library)

    def _find(self, recorder: Recorder, chosen: type) -> type | None:
        if getattr(chosen, MARK, None) is recorder:
            return chosen
        children: list[type] = type.__subclasses__(chosen)
        return next((kind for kind in children if kind.__dict__.get(MARK) is recorder), None)

    def _usual(self, recorder: Recorder, module: Any, default: type) -> type:
        namespace = self._namespace(recorder, default)
        if self.read_state:
            namespace["__slots__"] = (STATE,)
        if self.part is not None:
            name, position, argument, subclass = self.part
            method, make = getattr(default, name), subclass.maker(recorder, module)
            kind = make(MISSING)
            wrapper = replacing(position, argument, make, recorder)
            namespace[name] = part_method(method, wrapper, kind, recorder)
            for name in self.shortcuts:
                wrapper = through(lambda owner: method(owner, kind), name, recorder)
                namespace[name] = Patched(getattr(default, name), wrapper)
        return type(default.__name__, (default,), namespace)

    def _derived(self, recorder: Recorder, chosen: type, usual: type) -> type:
        """Derive from a class of the program's.

        Operations are recorded where they enter. A part is replaced where they leave, for the
        program's own method need not take a class: the driver's subclass comes after its class.
        """
        bases = (chosen,) if self.part is None else (chosen, usual)
        try:
            return type(chosen)(chosen.__name__, bases, self._namespace(recorder, chosen))
        except Exception:
            return chosen

    def _namespace(self, recorder: Recorder, original: type) -> dict[str, object]:
        wrapper = sync(recorder)
        return {
            "__module__": original.__module__,
            "__qualname__": original.__qualname__,
            "__doc__": original.__doc__,
            "__slots__": (),
            MARK: recorder,
            **{name: method(getattr(original, name), wrapper) for name in self.operations},
        }


def part_method(
    original: Callable[..., Any], wrapper: Wrapper, kind: object, recorder: Recorder
) -> Callable[..., Any]:
    """Wrap a method that makes a part, mostly of the usual class, and often once a statement."""

    @unseen
    def wrapped(self: object, /, *args: object, **kwargs: object) -> object:
        if args or kwargs or recorder.off:
            return wrapper(bind(original, self), self, args, kwargs)
        return original(self, kind)

    return named_like(original, wrapped)


def replacing(
    position: int,
    name: str,
    make: Callable[[object], object],
    recorder: Recorder,
    made: Callable[[Recorder, Call, object], None] | None = None,
) -> Wrapper:
    """Wrap a function that is given a class, so that it is given the subclass."""

    def replace(call: Call) -> None:
        try:
            call.replace(position, name, make(call.arg(position, name, MISSING)))
        except Exception as error:
            caught(error, recorder.library)

    @unseen
    def wrapper(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
        if recorder.off:
            return wrapped(*args, **kwargs)
        call = Call(wrapped, instance, args, kwargs)
        replace(call)
        if len(args) > 1:
            # Python 3.12 warns of positional arguments, at the line of whoever calls.
            result = call_from(find_caller(), wrapped, call.args, call.kwargs)
        else:
            result = wrapped(*call.args, **call.kwargs)
        if made is not None:
            made(recorder, call, result)
        return result

    return wrapper


def through(part_of: Callable[[Any], Any], name: str, recorder: Recorder) -> Wrapper:
    """Wrap a shortcut, so that it goes through an object of the part's subclass."""

    @unseen
    def wrapper(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
        if recorder.off or kwargs:  # of which C's methods take none, and say so
            return wrapped(*args, **kwargs)
        return getattr(part_of(instance), name)(*args)

    return wrapper
