"""What a wheel and a source distribution hold."""

from __future__ import annotations

import tarfile
import zipfile
from email.parser import Parser
from pathlib import Path

from otel_run import __version__

PACKAGES = {"otel_run", "otel_run_instrumentors", "otel_run_bootstrap", "otel_run_viewer"}
INFO = f"otel_run-{__version__}.dist-info"


def names_in(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


def read(wheel: Path, name: str) -> str:
    with zipfile.ZipFile(wheel) as archive:
        return archive.read(f"{INFO}/{name}").decode()


def test_a_wheel_installs_the_four_packages_and_nothing_else(wheel: Path) -> None:
    assert {name.split("/")[0] for name in names_in(wheel)} == PACKAGES | {INFO}


def test_a_wheel_holds_each_file_of_the_packages(wheel: Path, root: Path) -> None:
    files = {
        str(file.relative_to(folder))
        for folder in (root / "agent", root / "instrumentors", root / "bootstrap", root / "viewer")
        for file in folder.rglob("*")
        if file.is_file() and "__pycache__" not in file.parts
    }

    assert {name for name in names_in(wheel) if not name.startswith(INFO)} == files


def test_a_source_distribution_makes_the_same_wheel(wheel: Path, wheel_of_sdist: Path) -> None:
    assert names_in(wheel_of_sdist) == names_in(wheel)


def test_a_source_distribution_holds_the_sources_and_what_describes_them(sdist: Path) -> None:
    with tarfile.open(sdist) as archive:
        top = {Path(name).parts[1] for name in archive.getnames()}

    assert top == {
        "agent",
        "instrumentors",
        "bootstrap",
        "viewer",
        "LICENSE",
        "PKG-INFO",
        "README.md",
        "pyproject.toml",
        ".gitignore",
    }


def test_what_goes_on_the_python_path_is_one_file(wheel: Path) -> None:
    autoload = "otel_run_bootstrap/autoload/"

    assert {name for name in names_in(wheel) if name.startswith(autoload)} == {
        f"{autoload}sitecustomize.py"
    }


def test_each_package_says_that_it_is_typed(wheel: Path) -> None:
    typed = {name.split("/")[0] for name in names_in(wheel) if name.endswith("/py.typed")}

    assert typed == PACKAGES


def test_wrapt_is_the_only_dependency(wheel: Path) -> None:
    metadata = Parser().parsestr(read(wheel, "METADATA"))

    assert metadata.get_all("Requires-Dist") == ["wrapt!=2.2.0,<3,>=1.14"]
    assert metadata["Requires-Python"] == ">=3.10"


def test_the_command_is_the_only_entry_point(wheel: Path) -> None:
    assert read(wheel, "entry_points.txt").split("\n") == [
        "[console_scripts]",
        "otel-run = otel_run_bootstrap.cli:main",
        "",
    ]
