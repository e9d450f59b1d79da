"""Patched libraries, and what they record."""

from __future__ import annotations

import multiprocessing.managers  # so that it is patched, as the others are
import multiprocessing.pool  # noqa: F401
from concurrent.futures import process, thread  # noqa: F401
from typing import TYPE_CHECKING

import pytest

from otel_run.signals.context import CURRENT
from recording import Recording, patch_imported, unpatch_all

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def recording() -> Iterator[Recording]:
    """Everything that the test records; afterwards nothing is current that was not before."""
    patch_imported()
    with Recording() as recording:
        yield recording
    unpatch_all()
    assert CURRENT.get() is None
