"""Patched libraries, and what they record."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from closed_port import closed_port
from recording import Recording, patch_imported, unpatch_all

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def recording() -> Iterator[Recording]:
    """Everything that the test records; libraries that are imported by then are patched."""
    patch_imported()
    with Recording() as recording:
        yield recording
    unpatch_all()


@pytest.fixture
def refusing() -> Iterator[int]:
    """A port where nobody listens."""
    with closed_port() as port:
        yield port
