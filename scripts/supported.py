"""Run the core suites on each Python with the oldest and the newest libraries; print a table.

`--write` puts it into the README, between the markers. What has no result is not in it.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
from pathlib import Path
from subprocess import PIPE
from typing import TYPE_CHECKING, NamedTuple

from scripts.matrix import PYTHONS_OF_THE_OLDEST_LIBRARIES, Environment, environments, run_tests

if TYPE_CHECKING:
    from collections import Counter

README = Path(__file__).parents[1] / "README.md"
BETWEEN_MARKERS = re.compile(r"(?<=<!-- matrix -->\n).*?(?=<!-- /matrix -->)", re.DOTALL)
SUITES = ("bootstrap", "context", "engine", "export", "instrumentors", "pipeline", "signals")

# Prints the version of each library that is recorded, but for those that come with Python.
VERSIONS = """
import json
from importlib.metadata import PackageNotFoundError, version
from otel_run_bootstrap.libraries import row
from otel_run_instrumentors.registry import INSTRUMENTORS
found = {}
for reference in sorted(set(INSTRUMENTORS.values())):
    name = row(reference)["library"].partition(".")[0]
    try:
        found[name] = version(name)
    except PackageNotFoundError:
        pass
print(json.dumps(found))
"""


class Supported(Environment):
    """Both groups of libraries have an environment; scripts/test has the first of one's own."""

    @property
    def folder(self) -> Path:
        """Where its virtual environment is made."""
        return Path(".environments", f"{self.version}-{self.libraries}")


class Result(NamedTuple):
    """What came of one environment."""

    environment: Environment
    outcomes: Counter[str]
    versions: dict[str, str]


def supported(wanted: list[str]) -> list[Supported]:
    """Give each Python with each group of libraries that there is for it."""
    return [
        Supported(one.version, one.python, libraries)
        for one in environments(wanted)
        for libraries in ("oldest", "newest")
        if libraries == "newest" or one.version in PYTHONS_OF_THE_OLDEST_LIBRARIES
    ]


def run(environment: Environment, arguments: list[str]) -> Result:
    """Test in one environment."""
    outcomes = run_tests(environment, arguments)
    return Result(environment, outcomes, versions_in(environment.folder / "bin" / "python"))


def versions_in(python: Path) -> dict[str, str]:
    """Return what that Python has of the libraries that are recorded; nothing if it fails."""
    asked = subprocess.run([python, "-c", VERSIONS], stdout=PIPE, text=True, check=False)
    versions: dict[str, str] = json.loads(asked.stdout or "{}")
    return versions


def table(results: list[Result]) -> str:
    """A row a Python and its libraries, in Markdown."""
    head = ["| Python | libraries | passed | failed | versions |", "|---|---|---|---|---|"]
    return "\n".join([*head, *map(row, results), ""])


def row(result: Result) -> str:
    """One row of it."""
    environment, outcomes, versions = result
    cells = [
        environment.version,
        environment.libraries,
        f"{outcomes['passed']:,}",
        f"{outcomes['failed']:,}",
        ", ".join(f"{name} {version}" for name, version in versions.items()),
    ]
    return f"| {' | '.join(cells)} |"


def main() -> int:
    """Run all, print the table; 1 if anything failed."""
    parser = argparse.ArgumentParser(
        prog="scripts/matrix",
        description=__doc__,
        epilog="Everything else goes to pytest, in place of the core suites.",
        allow_abbrev=False,
    )
    parser.add_argument("--python", action="append", default=[], metavar="3.X", help="only this")
    parser.add_argument("--write", action="store_true", help="put the table into the README")
    options, arguments = parser.parse_known_args()
    chosen = supported(options.python)
    if not chosen:
        sys.exit(f"scripts/matrix: this machine has no Python {', '.join(options.python)}")
    suites = arguments or ["-q", *(f"tests/{suite}" for suite in SUITES)]
    results = [run(environment, suites) for environment in chosen]
    print("\n" + table(results))
    if options.write:
        readme = README.read_text(encoding="utf-8")
        README.write_text(BETWEEN_MARKERS.sub(lambda _: table(results), readme), encoding="utf-8")
    return int(any(result.outcomes["failed"] for result in results))


if __name__ == "__main__":
    sys.exit(main())
