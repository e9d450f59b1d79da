"""otel-run installed alone, and environments of programs that know nothing of it."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING, Protocol

import pytest

from bare_python import BarePython, interpreter
from building import ROOT, VirtualEnvironment, build
from programs import INTERNAL_ERROR, without_introduction

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from programs import Programs


class Launch(Protocol):
    """Runs a command to its end, in the test's folder."""

    def __call__(
        self, *command: object, env: Mapping[str, str | None] | None = None
    ) -> subprocess.CompletedProcess[str]: ...


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of the checkout."""
    return build(ROOT, "wheel", tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="session")
def otel_run(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The command, in an environment of its own, into which a wheel was installed."""
    folder = tmp_path_factory.mktemp("otel-run")
    return VirtualEnvironment(folder, interpreter(), wheel).bin / "otel-run"


@pytest.fixture(scope="session")
def payload(otel_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A payload, written by the command that is installed."""
    folder = tmp_path_factory.mktemp("payload") / "payload"
    subprocess.run([otel_run, "payload", folder], check=True, stdout=subprocess.DEVNULL)
    return folder


@pytest.fixture
def python(tmp_path: Path) -> Path:
    """A Python of the tests' own version, into whose environment nothing is installed."""
    return BarePython(tmp_path, interpreter()).executable


@pytest.fixture
def launch(programs: Programs) -> Launch:
    """Run commands whose telemetry goes to the test's collector; none may go wrong within us.

    What the agent says at the start is left out.
    """

    def launch(
        *command: object, env: Mapping[str, str | None] | None = None
    ) -> subprocess.CompletedProcess[str]:
        result = subprocess.run(
            [str(word) for word in command],
            cwd=programs.folder,
            env=programs.environment(env or {}),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert INTERNAL_ERROR not in result.stderr, result.stderr
        result.stderr = without_introduction(result.stderr)
        return result

    return launch
