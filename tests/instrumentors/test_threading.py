"""threading: what it carries is tested in tests/context."""

from __future__ import annotations

from contracts.instrumentor import InstrumentorContract


class TestThreading(InstrumentorContract):
    """Patched in place, and restored."""

    library = "threading"
