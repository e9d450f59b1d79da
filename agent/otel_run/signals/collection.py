"""A Python that collects garbage in the middle of anything is kept from freeing what it works on.

Before 3.12 a collection may begin while C code makes an object: when it copies a context, or sets
a variable in it, and works on its values without a reference of its own. A finalizer that sets a
variable then, as each call does that we record, has them freed: the program goes on with what is
no more, and crashes or loses context variables. So we refer to them in the meantime.
"""

from __future__ import annotations

import gc
from _contextvars import copy_context

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections import deque
    from collections.abc import Callable
    from typing import Any
else:
    from _collections import deque

# So many collections later, even a thread that had to wait has gone on.
ENOUGH = 100


def watch() -> None:
    """Look after each collection, from now on."""
    gc.callbacks.append(keeper())


def keeper() -> Callable[[str, object], None]:
    """Make what is called at the start and at the stop of a collection.

    The C code goes on after the stop, so what a finalizer has replaced stays for a while. All is
    held by a closure, for Python may collect when it has cleared the modules.
    """
    copy, referents = copy_context, gc.get_referents
    replaced: deque[Any] = deque(maxlen=ENOUGH)
    before: Any = None

    def keep_context(phase: str, info: object) -> None:  # noqa: ARG001 (Python's)
        nonlocal before
        (values,) = referents(copy())
        if phase == "start":
            before = values
        else:
            replaced.append(None if values is before else before)
            before = None

    return keep_context
