"""What docs/adding-a-library.md adds runs and passes, as it says, and all pages are whole."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

PARTS = ("agent", "bootstrap", "instrumentors", "tests", "viewer")


def test_no_page_has_two_versions_of_a_text(root: Path) -> None:
    pages = (*root.glob("*.md"), *root.glob("docs/*.md"), *root.glob("benchmarks/*.md"))

    assert pages
    assert [page for page in pages if "\n<<<<<<< " in page.read_text(encoding="utf-8")] == []


def test_the_library_that_it_adds_passes_its_tests(root: Path, tmp_path: Path) -> None:
    for part in PARTS:
        ignore = shutil.ignore_patterns("__pycache__")
        shutil.copytree(root / part, tmp_path / part, ignore=ignore)
    shutil.copy(root / "pyproject.toml", tmp_path)
    text = (root / "docs" / "adding-a-library.md").read_text(encoding="utf-8")
    file, line, test, *_ = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    package = tmp_path / "instrumentors" / "otel_run_instrumentors"
    (package / "httplib2.py").write_text(file)
    registry = package / "registry.py"
    first, brace, rest = registry.read_text().partition("INSTRUMENTORS = {\n")
    registry.write_text(f"{first}{brace}{line}{rest}")
    (tmp_path / "tests" / "instrumentors" / "test_httplib2.py").write_text(test)
    pytest = (sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider")
    finished = subprocess.run(
        [*pytest, "tests/instrumentors/test_httplib2.py"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )

    assert brace
    assert finished.returncode == 0, finished.stdout
