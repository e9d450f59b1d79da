"""What `scripts/test` makes of pytest's reports."""

from __future__ import annotations

import os
import runpy
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

MATRIX = runpy.run_path(str(Path(__file__).parents[2] / "scripts" / "matrix.py"))

OUTCOMES = """
import pytest

def test_passes(): pass

def test_fails(): assert False

@pytest.fixture
def broken(): raise RuntimeError

def test_has_an_error(broken): pass

@pytest.mark.skip
def test_is_skipped(): pass

@pytest.mark.xfail
def test_fails_as_expected(): assert False
"""


def test_each_outcome_is_counted_once(tmp_path: Path) -> None:
    test = tmp_path / "test_outcomes.py"
    test.write_text(OUTCOMES)
    report = tmp_path / "report.xml"
    subprocess.run(
        [sys.executable, "-m", "pytest", f"--rootdir={tmp_path}", f"--junitxml={report}", test],
        cwd=tmp_path,
        env={name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")},
        capture_output=True,
        check=False,
    )

    assert MATRIX["count"](report) == Counter(passed=2, failed=2, skipped=1)


def test_no_report_counts_nothing(tmp_path: Path) -> None:
    assert MATRIX["count"](tmp_path / "missing.xml") == Counter()


@pytest.mark.parametrize(
    ("version", "oldest", "libraries"),
    [
        ("3.10", "3.10", "oldest"),
        ("3.11", "3.10", "newest"),
        ("3.11", "3.11", "newest"),
        ("3.10", None, "newest"),
        ("3.12", "3.12", "newest"),
    ],
)
def test_the_oldest_libraries_go_with_the_oldest_python_of_several(
    version: str, oldest: str | None, libraries: str
) -> None:
    assert MATRIX["libraries_for"](version, oldest) == libraries
