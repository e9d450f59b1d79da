"""Registry, instrumentors, README and pyproject.toml say the same of the libraries."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib import import_module
from typing import TYPE_CHECKING

import pytest

from otel_run_bootstrap.libraries import row
from otel_run_instrumentors.names import is_named, unknown
from otel_run_instrumentors.registry import INSTRUMENTORS

if TYPE_CHECKING:
    from pathlib import Path

REFERENCES = sorted(set(INSTRUMENTORS.values()))


def test_each_file_with_an_instrumentor_is_in_the_registry(root: Path) -> None:
    folder = root / "instrumentors" / "otel_run_instrumentors"
    with_instrumentor = {
        f"otel_run_instrumentors.{file.stem}"
        for file in folder.glob("*.py")
        if "\nINSTRUMENTOR = " in file.read_text(encoding="utf-8")
    }

    assert with_instrumentor == set(REFERENCES)


@pytest.mark.parametrize("reference", REFERENCES)
def test_the_registry_has_each_module_that_an_instrumentor_patches(reference: str) -> None:
    registered = {module for module, waiting in INSTRUMENTORS.items() if waiting == reference}

    assert registered == set(import_module(reference).INSTRUMENTOR.modules)


def test_the_readme_lists_them(root: Path) -> None:
    finished = subprocess.run(
        [sys.executable, "scripts/readme.py", "--check"],
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
    )

    assert (finished.returncode, finished.stdout) == (0, "")


def test_the_oldest_version_that_is_promised_is_tested(root: Path) -> None:
    project = (root / "pyproject.toml").read_text(encoding="utf-8")
    pins = dict(re.findall(r'^ +"([\w.-]+)==([\d.]+)[;"]', project, re.MULTILINE))
    promised = {
        library: versions.removeprefix(">=").split(",")[0]
        for library, versions in ((one["library"], one["versions"]) for one in map(row, REFERENCES))
        if library.split(".")[0] not in sys.stdlib_module_names
    }
    # A patch release stands for its series: 1.4.26 is the first 1.4 that has wheels.
    tested = {
        library: ".".join(pins[library.partition(".")[0]].split(".")[: oldest.count(".") + 1])
        for library, oldest in promised.items()
    }

    assert tested == promised


@pytest.mark.parametrize("reference", REFERENCES)
def test_a_library_can_be_left_alone_by_its_name(reference: str) -> None:
    library = row(reference)["library"]

    assert is_named(reference, {library})
    assert unknown({library}) == []


def test_opentelemetry_s_name_of_a_library_leaves_ours_alone() -> None:
    assert is_named("otel_run_instrumentors.urllib_request", {"urllib"})
    assert not is_named("otel_run_instrumentors.urllib3", {"urllib"})
