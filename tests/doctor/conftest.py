from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bare_python import interpreter
from patient import Patient

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def patient(tmp_path: Path) -> Patient:
    """A Python of the tests' own version."""
    return Patient(tmp_path, interpreter())
