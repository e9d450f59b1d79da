"""Environments within environments, and the user's own site: each has what is its own."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from bare_python import interpreter
from building import call

if TYPE_CHECKING:
    from pathlib import Path

    from collector import Collector
    from environments.conftest import Launch

# The distribution of a library that is recorded, and of which the program says where it lies.
LIBRARY = "urllib3"
# Also where the system has them.
QUIETLY = ("--ignore-installed", "--no-warn-script-location", "--root-user-action=ignore")
PROGRAM = """
import sqlite3, sys
connection = sqlite3.connect(":memory:")
print(connection.execute("SELECT 6 * 7").fetchone())
connection.close()
print(sys.prefix, sys.path)
"""
SENDS = """
import os, sys, urllib3
try:
    urllib3.PoolManager().request("GET", "http://127.0.0.1:9/", retries=False)
except urllib3.exceptions.HTTPError as error:
    print(type(error).__name__)
print(urllib3.__file__)
"""


def outcome(result: subprocess.CompletedProcess[str]) -> tuple[int, str, str]:
    return result.returncode, result.stdout, result.stderr


@pytest.fixture
def nested(python: Path, tmp_path: Path) -> Path:
    """The Python of an environment that was made by the Python of another one."""
    call(python, "-m", "venv", "--without-pip", tmp_path / "nested")
    return tmp_path / "nested" / "bin" / "python"


def test_an_environment_made_within_another_runs_as_ever(
    otel_run: Path, launch: Launch, nested: Path, collector: Collector, tmp_path: Path
) -> None:
    (tmp_path / "app.py").write_text(PROGRAM)
    bare = launch(nested, "app.py")
    recorded = launch(otel_run, nested, "app.py")

    assert outcome(recorded) == outcome(bare)
    assert str(tmp_path / "nested") in recorded.stdout
    assert [span.name for span in collector.spans()] == ["SELECT"]


@pytest.mark.parametrize("options", [("--without-pip",), ()], ids=["empty", "with pip"])
def test_an_environment_that_is_made_while_recording_is_any_other(
    otel_run: Path,
    launch: Launch,
    python: Path,
    collector: Collector,
    tmp_path: Path,
    options: tuple[str, ...],
) -> None:
    (tmp_path / "app.py").write_text(PROGRAM)
    bare = launch(python, "-m", "venv", *options, "bare")
    recorded = launch(otel_run, python, "-m", "venv", *options, "recorded")

    assert outcome(recorded) == outcome(bare) == (0, "", "")
    assert files(tmp_path / "recorded") == files(tmp_path / "bare")
    result = launch(otel_run, tmp_path / "recorded" / "bin" / "python", "app.py")
    assert result.stdout == launch(tmp_path / "recorded" / "bin" / "python", "app.py").stdout
    assert [span.name for span in collector.spans()] == ["SELECT"]


def files(folder: Path) -> set[str]:
    """What an environment holds, without what Python compiles."""
    found = {str(file.relative_to(folder)) for file in folder.rglob("*")}
    return {file for file in found if "__pycache__" not in file}


class UserSite:
    """The folder of PYTHONUSERBASE, into which pip installs with `--user`."""

    def __init__(self, base: Path) -> None:
        version = f"python{sys.version_info[0]}.{sys.version_info[1]}"
        self.bin = base / "bin"
        self.site_packages = base / "lib" / version / "site-packages"
        self.env = {"PYTHONUSERBASE": str(base), "PIP_BREAK_SYSTEM_PACKAGES": "1"}

    def install(self, *requirements: str | Path) -> None:
        pip = (sys.executable, "-m", "pip", "--python", str(interpreter()), "install", "--quiet")
        subprocess.run(
            [*pip, "--user", *QUIETLY, *map(str, requirements)],
            env={**os.environ, **self.env},
            check=True,
        )


@pytest.fixture
def user_site(tmp_path: Path) -> UserSite:
    """A user's site in which a library is installed."""
    site = UserSite(tmp_path / "user")
    site.install(LIBRARY)
    return site


def test_a_library_of_the_users_site_is_recorded(
    otel_run: Path, launch: Launch, user_site: UserSite, collector: Collector, tmp_path: Path
) -> None:
    (tmp_path / "app.py").write_text(SENDS)
    bare = launch(interpreter(), "app.py", env=user_site.env)
    recorded = launch(otel_run, interpreter(), "app.py", env=user_site.env)

    assert outcome(recorded) == outcome(bare)
    assert str(user_site.site_packages) in recorded.stdout
    assert [(span.name, span.status) for span in collector.spans()] == [("GET", "error")]


def test_what_usercustomize_does_is_recorded(
    otel_run: Path, launch: Launch, user_site: UserSite, collector: Collector, tmp_path: Path
) -> None:
    (tmp_path / "app.py").write_text("print('program')")
    (user_site.site_packages / "usercustomize.py").write_text(SENDS)
    bare = launch(interpreter(), "app.py", env=user_site.env)
    recorded = launch(otel_run, interpreter(), "app.py", env=user_site.env)

    assert outcome(recorded) == outcome(bare)
    assert recorded.stdout.splitlines()[-1] == "program"
    assert [(span.name, span.status) for span in collector.spans()] == [("GET", "error")]


@pytest.mark.parametrize("option", ["-s", "-B"])
def test_the_command_may_be_installed_in_the_users_site(
    launch: Launch,
    user_site: UserSite,
    collector: Collector,
    tmp_path: Path,
    wheel: Path,
    option: str,
) -> None:
    """Also for a Python that leaves the user's site out, which has no library of it then."""
    user_site.install(wheel)
    (tmp_path / "app.py").write_text(PROGRAM)
    bare = launch(interpreter(), option, "app.py", env=user_site.env)
    recorded = launch(
        user_site.bin / "otel-run", interpreter(), option, "app.py", env=user_site.env
    )

    assert outcome(recorded) == outcome(bare)
    assert [span.name for span in collector.spans()] == ["SELECT"]
