"""Trace and span ids, from a generator of our own.

The module-level generator of `random` is the program's: drawing from it would change the
program's sequence, and `random.seed(42)` would repeat our ids.
"""

from __future__ import annotations

import os
from _random import Random

from otel_run.signals.process_mark import make_mark

_GENERATOR = Random()

# One C call each; bits of 128 and 64 (W3C Trace Context, section 3.2.2).
draw = _GENERATOR.getrandbits

# Nothing at 0 in a child that has not marked it: its ids would be its parent's.
MARK = make_mark()

# Of the generator's state, as it was before an id was drawn.
_untouched = 0


def reseed() -> None:
    """Start a sequence of this process's own; to be called in every forked child."""
    global _untouched  # noqa: PLW0603  the one process that this module's state belongs to
    MARK[0] = 1
    _GENERATOR.seed(int.from_bytes(os.urandom(32), "big"))
    _untouched = hash(_GENERATOR.getstate())


def drawn() -> bool:
    """Tell whether this process has drawn an id, though nobody counts them."""
    return bool(MARK[0]) and hash(_GENERATOR.getstate()) != _untouched


reseed()
