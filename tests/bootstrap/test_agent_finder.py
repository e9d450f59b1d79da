from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from bare_python import AUTOLOAD, BOOTSTRAP, BarePython

ROOTS = ("agent", "instrumentors", "bootstrap")
WHERE = """
import json, sys, otel_run, otel_run_bootstrap, otel_run_instrumentors
print(json.dumps([p.__path__[0] for p in (otel_run, otel_run_instrumentors, otel_run_bootstrap)]))
"""


def test_a_checkout_serves_the_agent(python: BarePython) -> None:
    root = BOOTSTRAP.parent.parent
    result = python.run("-c", WHERE, path=(AUTOLOAD,))

    assert json.loads(result.stdout) == [
        str(root / "agent" / "otel_run"),
        str(root / "instrumentors" / "otel_run_instrumentors"),
        str(root / "bootstrap" / "otel_run_bootstrap"),
    ]


def test_an_install_elsewhere_serves_the_agent_and_nothing_beside_it(python: BarePython) -> None:
    elsewhere = python.folder / "elsewhere"
    for root in ROOTS:
        for package in (BOOTSTRAP.parent.parent / root).glob("otel_run*"):
            shutil.copytree(package, elsewhere / package.name)
    (elsewhere / "wrapt").mkdir()
    (elsewhere / "wrapt" / "__init__.py").touch()
    path = (elsewhere / "otel_run_bootstrap" / "autoload",)
    served = python.run("-c", WHERE, path=path)
    beside = python.run("-c", "import wrapt", path=path)

    assert {Path(folder).parent for folder in json.loads(served.stdout)} == {elsewhere}
    assert beside.stderr.endswith("ModuleNotFoundError: No module named 'wrapt'\n")


@pytest.mark.parametrize("name", ["otel_run_viewer", "otel_run_autoload", "otel", "agent"])
def test_nothing_else_is_served(python: BarePython, name: str) -> None:
    result = python.run("-c", f"import {name}", path=(AUTOLOAD,))

    assert result.stderr.endswith(f"ModuleNotFoundError: No module named '{name}'\n")


def test_what_the_program_has_wins(python: BarePython) -> None:
    own = python.folder_with("own", otel_run_instrumentors="INSTRUMENTORS = 'its own'")
    source = "import otel_run_instrumentors; print(otel_run_instrumentors.INSTRUMENTORS)"

    assert python.run("-c", source, path=(AUTOLOAD, own)).stdout == "its own\n"


def test_a_module_that_the_agent_does_not_have_is_missing_as_ever(python: BarePython) -> None:
    result = python.run("-c", "import otel_run.missing", path=(AUTOLOAD,))

    assert result.stderr.endswith("ModuleNotFoundError: No module named 'otel_run.missing'\n")
