"""Ours stands before the program's sitecustomize, which must not notice."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from bare_python import AUTOLOAD, BarePython, interpreter, interpreters, is_supported

if TYPE_CHECKING:
    import subprocess
    from pathlib import Path

# Of a run, as the command puts it behind our folder.
RUN = "/store/runs/20261123T010203.004Z-app-1a2b#otel-run="
UNSUPPORTED = {name: path for name, path in interpreters().items() if not is_supported(name)}
WHICH = "import sys; print(getattr(sys.modules.get('sitecustomize'), '__file__', None))"
IS_ACTIVE = "import sys; print('ImportHook' in [type(f).__name__ for f in sys.meta_path])"
# As ddtrace and PyCharm do it: off the path, import the next one, back on the path.
IMPORTS_THE_NEXT = """
import os, sys
print("{name}")
here = os.path.dirname(os.path.abspath(__file__))
index = sys.path.index(here)
del sys.path[index]
ours = sys.modules.pop("sitecustomize")
try:
    import sitecustomize
except ImportError:
    sys.modules["sitecustomize"] = ours
finally:
    sys.path.insert(index, here)
print("{name} ends")
"""
# As New Relic does it: find the next one on a path without this folder, execute it over this one.
LOADS_THE_NEXT = """
import os, sys
from importlib.machinery import PathFinder
print("{name}")
here = os.path.dirname(os.path.abspath(__file__))
spec = PathFinder.find_spec("sitecustomize", [entry for entry in sys.path if entry != here])
if spec is not None:
    spec.loader.load_module("sitecustomize")
print("{name} ends")
"""
EXECUTES_THE_NEXT = """
import os, sys
from importlib.machinery import PathFinder
from importlib.util import module_from_spec
print("{name}")
here = os.path.dirname(os.path.abspath(__file__))
spec = PathFinder.find_spec("sitecustomize", [entry for entry in sys.path if entry != here])
if spec is not None:
    spec.loader.exec_module(module_from_spec(spec))
print("{name} ends")
"""
WAYS = {"import": IMPORTS_THE_NEXT, "load": LOADS_THE_NEXT, "execute": EXECUTES_THE_NEXT}


def outcome(result: subprocess.CompletedProcess[str]) -> tuple[int, str, str]:
    return result.returncode, result.stdout, result.stderr


def with_and_without(
    python: BarePython, *arguments: object, path: tuple[object, ...]
) -> tuple[tuple[int, str, str], tuple[int, str, str]]:
    with_us = outcome(python.run(*arguments, path=path))
    without = tuple(one for one in path if one != AUTOLOAD and RUN not in str(one))
    return with_us, outcome(python.run(*arguments, path=without))


@pytest.mark.parametrize("path", [(AUTOLOAD, RUN), ("/a", AUTOLOAD, "/b", f"{RUN}7", "/c", RUN)])
def test_the_path_has_nothing_of_ours(python: BarePython, path: tuple[object, ...]) -> None:
    with_us, without = with_and_without(python, "-c", "import sys; print(sys.path)", path=path)

    assert with_us == without


def test_the_program_has_its_sitecustomize(python: BarePython) -> None:
    own = python.folder_with("own", sitecustomize="print('ran', __name__, __file__)")
    with_us, without = with_and_without(python, "-c", WHICH, path=(AUTOLOAD, own))

    assert with_us == without
    assert with_us[1].splitlines() == [
        f"ran sitecustomize {own}/sitecustomize.py",
        f"{own}/sitecustomize.py",
    ]


def test_only_the_first_of_the_programs_own_runs(python: BarePython) -> None:
    own = python.folder_with("own", sitecustomize="print('own')")
    hidden = python.folder_with("hidden", sitecustomize="print('hidden')")
    with_us, without = with_and_without(python, "-c", WHICH, path=(AUTOLOAD, own, hidden))

    assert with_us == without


def test_a_package_can_be_a_sitecustomize(python: BarePython) -> None:
    own = python.folder / "own"
    (own / "sitecustomize").mkdir(parents=True)
    (own / "sitecustomize" / "__init__.py").write_text("from sitecustomize.part import x; print(x)")
    (own / "sitecustomize" / "part.py").write_text("x = 'part'")
    with_us, without = with_and_without(python, "-c", WHICH, path=(AUTOLOAD, own))

    assert with_us == without
    assert with_us[1].startswith("part\n")


@pytest.mark.parametrize(
    "failure",
    [
        "raise RuntimeError('what it says')",
        "1 +",
        "import missing",
        "raise ImportError('as if absent', name='sitecustomize')",
        "raise SystemExit(3)",
        "raise KeyboardInterrupt",
    ],
)
def test_its_failure_is_reported_as_ever(python: BarePython, failure: str) -> None:
    own = python.folder_with("own", sitecustomize=failure)
    with_us, without = with_and_without(python, "-c", WHICH, path=(AUTOLOAD, own))

    assert with_us[:2] == without[:2]
    # The traceback of a start-up that is given up shows who imported what.
    assert with_us[2].splitlines()[-2:] == without[2].splitlines()[-2:]


def test_usercustomize_runs_too(tmp_path: Path) -> None:
    """A virtual environment has none: this is about a Python of the system."""
    python = BarePython(tmp_path, interpreter())
    version = f"python{sys.version_info[0]}.{sys.version_info[1]}"
    site_packages = tmp_path / "user" / "lib" / version / "site-packages"
    site_packages.mkdir(parents=True)
    (site_packages / "usercustomize.py").write_text("print('user')")
    own = python.folder_with("own", sitecustomize="print('site')")
    result = python.launch(
        *(interpreter(), "-c", "print('program')"),
        path=(AUTOLOAD, own),
        env={"PYTHONUSERBASE": str(tmp_path / "user")},
    )

    assert (result.stdout, result.stderr) == ("site\nuser\nprogram\n", "")


@pytest.mark.parametrize("has_own", [True, False], ids=["own", "none"])
@pytest.mark.parametrize("order", ["before", "after"])
@pytest.mark.parametrize("way", WAYS)
def test_another_that_chains_runs_as_ever(
    python: BarePython, way: str, order: str, *, has_own: bool
) -> None:
    other = python.folder_with("other", sitecustomize=WAYS[way].format(name="other"))
    own = python.folder_with("own", **({"sitecustomize": "print('own')"} if has_own else {}))
    path = (other, AUTOLOAD, own) if order == "before" else (AUTOLOAD, other, own)
    with_us, without = with_and_without(python, "-c", IS_ACTIVE, path=path)

    assert with_us == (0, without[1].replace("False", "True"), without[2])
    assert with_us[1].splitlines() == ["other", *["own"] * has_own, "other ends", "True"]


@pytest.mark.parametrize("has_own", [True, False], ids=["own", "none"])
@pytest.mark.parametrize("position", [0, 1, 2])
@pytest.mark.parametrize("last", WAYS)
def test_two_others_that_chain_run_once_each(
    python: BarePython, last: str, position: int, *, has_own: bool
) -> None:
    """Two that leave each other on the path would run for ever without us, too."""
    one = python.folder_with("one", sitecustomize=IMPORTS_THE_NEXT.format(name="one"))
    two = python.folder_with("two", sitecustomize=WAYS[last].format(name="two"))
    own = python.folder_with("own", **({"sitecustomize": "print('own')"} if has_own else {}))
    path = [one, two, own]
    path.insert(position, AUTOLOAD)
    with_us, without = with_and_without(python, "-c", "pass", path=tuple(path))

    assert with_us == without
    assert with_us[1].splitlines() == [
        *("one", "two"),
        *["own"] * has_own,
        *("two ends", "one ends"),
    ]


@pytest.mark.parametrize("version", UNSUPPORTED)
def test_a_python_that_is_not_supported_is_left_alone(tmp_path: Path, version: str) -> None:
    python = BarePython(tmp_path, UNSUPPORTED[version])
    own = python.folder_with("own", sitecustomize="import sys; sys.stdout.write('own\\n')")
    program = f"import sys; sys.stdout.write(repr((sys.path, list(sys.meta_path)))); {WHICH}"
    with_us, without = with_and_without(python, "-Bc", program, path=(AUTOLOAD, RUN, own))

    assert with_us == without
    assert with_us[1].startswith("own\n")


@pytest.mark.parametrize("version", UNSUPPORTED)
def test_a_python_that_is_not_supported_may_have_none(tmp_path: Path, version: str) -> None:
    python = BarePython(tmp_path, UNSUPPORTED[version])
    with_us, without = with_and_without(python, "-Bc", WHICH, path=(AUTOLOAD, RUN))

    assert with_us == without
    assert with_us == (0, "None\n", "")
