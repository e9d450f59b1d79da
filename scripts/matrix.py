"""Run the tests on each Python that this machine has, and sum up what they say."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree as ET

# Beyond these, the oldest supported libraries have no wheels, and do not compile.
PYTHONS_OF_THE_OLDEST_LIBRARIES = ("3.10",)
WORKERS = min(os.cpu_count() or 1, 8)


class Environment(NamedTuple):
    """A Python and the libraries that the tests meet there: a group of pyproject.toml."""

    version: str
    python: str
    libraries: str

    @property
    def folder(self) -> Path:
        """Where its virtual environment is made."""
        return Path(".environments", self.version)


def environments(wanted: list[str]) -> list[Environment]:
    """All that this machine has, oldest first, or those wanted."""
    found = subprocess.run(["scripts/pythons"], stdout=subprocess.PIPE, text=True, check=True)
    pythons = [line.split(" ", 1) for line in found.stdout.splitlines() if line]
    oldest = pythons[0][0] if len(pythons) > 1 else None
    return [
        Environment(version, python, libraries_for(version, oldest))
        for version, python in pythons
        if not wanted or version in wanted
    ]


def libraries_for(version: str, oldest: str | None) -> str:
    """Oldest libraries on the oldest Python; the newest everywhere else."""
    of_the_oldest = version == oldest and version in PYTHONS_OF_THE_OLDEST_LIBRARIES
    return "oldest" if of_the_oldest else "newest"


def run_tests(environment: Environment, arguments: list[str]) -> Counter[str]:
    """Make the environment if needed, run pytest there, and count the outcomes."""
    print(f"\n==> Python {environment.version}, {environment.libraries} libraries", flush=True)
    if not make(environment):
        return Counter(failed=1)
    report = environment.folder / "report.xml"
    report.unlink(missing_ok=True)
    python = str(environment.folder / "bin" / "python")
    # A module's tests stay together: what one of them builds serves the others.
    workers = [f"--numprocesses={WORKERS}", "--dist=loadscope"]
    command = [python, "-m", "pytest", *workers, f"--junitxml={report}", *arguments]
    status = subprocess.run(command, stdin=subprocess.DEVNULL, check=False)
    outcomes = count(report)
    # A pytest that could not run, or found nothing to run, is no success either.
    if status.returncode and not outcomes["failed"]:
        outcomes["failed"] = 1
    return outcomes


def make(environment: Environment) -> bool:
    """Whether the environment could be made."""
    groups = ["--group", "test", "--group", environment.libraries]
    installed = [*groups, "--editable", "."]
    command = ["scripts/environment", str(environment.folder), environment.python, *installed]
    made = subprocess.run(command, stdin=subprocess.DEVNULL, check=False)
    return made.returncode == 0


def count(report: Path) -> Counter[str]:
    """Outcomes in a JUnit report; an expected failure counts as passed."""
    if not report.exists():
        return Counter()
    suites = ET.parse(report).getroot()  # noqa: S314 (pytest has just written it)
    return Counter(outcome(case) for case in suites.iter("testcase"))


def outcome(case: ET.Element) -> str:
    """What became of one test."""
    if case.find("failure") is not None or case.find("error") is not None:
        return "failed"
    skipped = case.find("skipped")
    if skipped is not None and skipped.get("type") != "pytest.xfail":
        return "skipped"
    return "passed"


def main() -> int:
    """Run all, print the sum on the last line; 1 if anything failed."""
    parser = argparse.ArgumentParser(
        prog="scripts/test",
        description=__doc__,
        epilog="Everything else goes to pytest: scripts/test --python 3.12 -k fork -x",
        allow_abbrev=False,
    )
    parser.add_argument("--python", action="append", default=[], metavar="3.X", help="only this")
    options, arguments = parser.parse_known_args()
    chosen = environments(options.python)
    if not chosen:
        sys.exit(f"scripts/test: this machine has no Python {', '.join(options.python)}")
    outcomes: Counter[str] = sum(
        (run_tests(environment, arguments) for environment in chosen), Counter()
    )
    skipped = f", {outcomes['skipped']} skipped" if outcomes["skipped"] else ""
    print(f"\n{outcomes['passed']} passed, {outcomes['failed']} failed{skipped}")
    in_ci = os.environ.get("CI") == "true"
    return 1 if outcomes["failed"] or (in_ci and outcomes["skipped"]) else 0


if __name__ == "__main__":
    sys.exit(main())
