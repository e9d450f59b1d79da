"""What `scripts/matrix` makes of the results."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path

from scripts.supported import Result, Supported, table, versions_in


def test_the_table_has_a_row_for_each_python_and_its_libraries() -> None:
    environments = [
        Supported("3.10", "/usr/bin/python3.10", libraries) for libraries in ("oldest", "newest")
    ]
    results = [
        Result(environments[0], Counter(passed=1200, failed=1), {"flask": "2.0.0"}),
        Result(environments[1], Counter(passed=1300), {"django": "5.2", "flask": "3.1"}),
    ]

    assert table(results) == (
        "| Python | libraries | passed | failed | versions |\n"
        "|---|---|---|---|---|\n"
        "| 3.10 | oldest | 1,200 | 1 | flask 2.0.0 |\n"
        "| 3.10 | newest | 1,300 | 0 | django 5.2, flask 3.1 |\n"
    )
    assert [one.folder.name for one in environments] == ["3.10-oldest", "3.10-newest"]


def test_the_libraries_of_an_environment_are_those_that_are_recorded() -> None:
    found = versions_in(Path(sys.executable))

    assert {"django", "flask", "requests", "sqlalchemy"} <= found.keys()
    assert "sqlite3" not in found
