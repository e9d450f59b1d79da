"""multiprocessing: what it carries is tested in tests/context and tests/processes."""

from __future__ import annotations

from contracts.instrumentor import InstrumentorContract


class TestMultiprocessing(InstrumentorContract):
    """Patched in place, and restored."""

    library = "multiprocessing"
