"""The first process of a container, for which the kernel ignores signals that nobody handles."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from pipeline.records import RECORD
from programs import without_introduction

if TYPE_CHECKING:
    from collector import Collector
    from programs import Programs

# Root may make a namespace of pids; anybody else has to be root in one of users first.
WAYS = (
    ("unshare", "--pid", "--fork", "--mount-proc"),
    ("unshare", "--user", "--map-root-user", "--pid", "--fork", "--mount-proc"),
)


@pytest.fixture(scope="session")
def container() -> tuple[str, ...]:
    """What runs a command as pid 1."""
    said = []
    for way in WAYS:
        tried = subprocess.run([*way, "true"], capture_output=True, text=True, check=False)
        if tried.returncode == 0:
            return way
        said.append(tried.stderr.strip())
    return pytest.fail(
        f"{said}: a process cannot be pid 1 here. Run the tests as root, or let users make "
        "namespaces (sysctl kernel.apparmor_restrict_unprivileged_userns=0)"
    )


def run(
    container: tuple[str, ...], programs: Programs, program: str
) -> subprocess.CompletedProcess[str]:
    (programs.folder / "program.py").write_text(f"{RECORD}\nimport signal\n{program}")
    result = subprocess.run(
        [*container, sys.executable, "-m", "otel_run_bootstrap", sys.executable, "program.py"],
        cwd=programs.folder,
        env=programs.environment({}),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    result.stderr = without_introduction(result.stderr)
    return result


def test_a_signal_that_nobody_handles_is_ignored_and_recording_goes_on(
    container: tuple[str, ...], programs: Programs, collector: Collector
) -> None:
    program = """
print(os.getpid())
for _ in range(3):
    record(1)
    os.kill(os.getpid(), signal.SIGTERM)
record(1)
print("still here")
sys.exit(5)
"""
    result = run(container, programs, program)

    assert (result.returncode, result.stdout, result.stderr) == (5, "1\nstill here\n", "")
    assert [span.name for span in collector.spans()] == ["SELECT"] * 4
    assert [metric.points[0].count for metric in collector.metrics()][-1] == 4


def test_what_was_recorded_arrives_before_the_container_is_killed(
    container: tuple[str, ...], programs: Programs, collector: Collector
) -> None:
    """It is after the signal that all is given up, with a SIGKILL."""
    result = run(
        container, programs, "record(3)\nos.kill(1, signal.SIGTERM)\nos._exit(6)  # as abruptly\n"
    )

    assert (result.returncode, result.stderr) == (6, "")
    assert [span.name for span in collector.spans()] == ["SELECT"] * 3


def test_the_programs_own_handler_is_the_one_that_runs(
    container: tuple[str, ...], programs: Programs, collector: Collector
) -> None:
    program = """
signal.signal(signal.SIGTERM, lambda *_: sys.exit(7))
record(3)
os.kill(1, signal.SIGTERM)
"""
    result = run(container, programs, program)

    assert (result.returncode, result.stderr) == (7, "")
    assert [span.name for span in collector.spans()] == ["SELECT"] * 3


def test_ctrl_c_is_what_it_was(
    container: tuple[str, ...], programs: Programs, collector: Collector
) -> None:
    result = run(container, programs, "record(3)\nos.kill(1, signal.SIGINT)\n")

    assert "KeyboardInterrupt" in result.stderr
    # Python raises the signal again, which pid 1 survives: then it exits.
    assert result.returncode == 130
    assert [span.name for span in collector.spans()] == ["SELECT"] * 3
