from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bare_python import BarePython, interpreter

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def python(tmp_path: Path) -> BarePython:
    """A Python of the tests' own version that has no otel-run installed."""
    return BarePython(tmp_path, interpreter())
