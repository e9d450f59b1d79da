from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import wrapt

import otel_run
from bare_python import AUTOLOAD, BarePython
from otel_run_instrumentors import names

DISABLED = "OTEL_PYTHON_DISABLED_INSTRUMENTATIONS"
REGISTRY = """
INSTRUMENTORS = {
    "shop_library.client": "otel_run_instrumentors.shop_library",
    "wires": "otel_run_instrumentors.wires",
}
CARRIERS = ("wires",)
"""
INSTRUMENTOR = """
import sys
class Instrumentor:
    library = "shop-library"
    def patch(self, module_name):
        sys.modules[module_name].send = lambda: "patched"
INSTRUMENTOR = Instrumentor()
"""
# The real one: it knows the names of the registry that is beside it.
NAMES = str(names.__file__)
CARRIER = """
import sys
class Instrumentor:
    library = "wires"
    def patch(self, module_name):
        sys.modules[module_name].carry = lambda: "carried"
INSTRUMENTOR = Instrumentor()
"""
PROGRAM = "import sys; from shop_library import send; print(send())"


@pytest.fixture
def own(python: BarePython) -> Path:
    """A folder with a library and its instrumentor, which win over what otel-run serves."""
    own = python.folder_with("own", program=PROGRAM)
    for package, files in {
        "otel_run_instrumentors": {
            "__init__.py": "",
            "registry.py": REGISTRY,
            "shop_library.py": INSTRUMENTOR,
            "wires.py": CARRIER,
        },
        "shop_library": {
            "__init__.py": "from shop_library.client import send",
            "client.py": "def send(): return 'sent'",
        },
    }.items():
        (own / package).mkdir()
        for name, source in files.items():
            (own / package / name).write_text(source)
    shutil.copy(NAMES, own / "otel_run_instrumentors")
    (own / "wires.py").write_text("def carry(): return 'as it was'")
    return own


def test_a_library_is_patched_when_the_program_imports_it(python: BarePython, own: Path) -> None:
    result = python.run("-m", "program", path=(AUTOLOAD, own))

    assert (result.stdout, result.stderr) == ("patched\n", "")


def test_an_instrumentor_is_not_imported_before_its_library(python: BarePython, own: Path) -> None:
    program = "import sys; print('otel_run_instrumentors.shop_library' in sys.modules)"

    assert python.run("-c", program, path=(AUTOLOAD, own)).stdout == "False\n"


@pytest.mark.parametrize(
    "value", ["shop-library", "Shop.Library", "redis, shop-library", "shop_library,aio-pika", "*"]
)
def test_a_library_can_be_left_alone(python: BarePython, own: Path, value: str) -> None:
    result = python.run("-m", "program", path=(AUTOLOAD, own), env={DISABLED: value})

    assert (result.stdout, result.stderr) == ("sent\n", "")


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        (
            "shop-libary",
            "no library is called shop-libary (did you mean shop_library?); it is ignored",
        ),
        ("shop-library,foo", "no library is called foo; the rest of it is used"),
        ("rediss, foo", "no library is called foo, rediss (did you mean redis?); it is ignored"),
    ],
)
def test_a_name_that_nobody_knows_is_one_line(
    python: BarePython, own: Path, value: str, problem: str
) -> None:
    result = python.run("-m", "program", path=(AUTOLOAD, own), env={DISABLED: value})

    assert result.stdout == ("sent\n" if "shop-library" in value else "patched\n")
    assert result.stderr == f"otel-run: {DISABLED}={value!r}: {problem}\n"


@pytest.mark.parametrize(
    "broken", ["1 +", "import missing", "INSTRUMENTOR = None", "raise RuntimeError"]
)
def test_a_broken_instrumentor_is_not_noticed(python: BarePython, own: Path, broken: str) -> None:
    shutil.copytree(Path(wrapt.__file__).parent, own / "wrapt")
    (own / "otel_run_instrumentors" / "shop_library.py").write_text(broken)
    result = python.run("-Werror", "-m", "program", path=(AUTOLOAD, own))

    assert (result.returncode, result.stdout, result.stderr) == (0, "sent\n", "")


def test_without_what_every_instrumentor_needs_one_line_says_so(python: BarePython) -> None:
    program = "import http.client, sqlite3; print(sqlite3.connect.__module__)"
    result = python.run("-Werror", "-c", program, path=(AUTOLOAD,))

    assert (result.returncode, result.stdout) == (0, "_sqlite3\n")
    (line,) = result.stderr.splitlines()
    assert line.startswith(
        "otel-run: nothing is recorded, the agent cannot start: wrapt is not installed beside "
    )
    assert line.endswith(" (install otel-run again)")


def test_of_a_run_whose_agent_cannot_start_the_first_process_says_so(python: BarePython) -> None:
    child = f"import subprocess; subprocess.run(['{python.executable}', '-c', 'import sqlite3'])"
    result = python.otel_run(python.executable, "-c", f"import sqlite3\n{child}")

    assert result.stderr.count("nothing is recorded") == 1


def test_who_asks_for_silence_is_not_told_that_the_agent_cannot_start(python: BarePython) -> None:
    assert python.otel_run("-q", python.executable, "-c", "import sqlite3").stderr == ""


@pytest.mark.parametrize("broken", ["settings/__init__.py", "guard.py", "notice.py"])
def test_an_agent_in_pieces_says_so_as_well(python: BarePython, broken: str) -> None:
    agent = python.folder / "otel_run"
    shutil.copytree(Path(otel_run.__file__).parent, agent)
    (agent / broken).write_text("1 +")
    result = python.run("-c", "import http.client, sqlite3", path=(AUTOLOAD, python.folder))

    assert result.returncode == 0
    (line,) = result.stderr.splitlines()
    assert line.startswith("otel-run: nothing is recorded, the agent cannot start: invalid syntax")


@pytest.mark.parametrize("imports", ["shop_library, wires", "wires, shop_library"])
def test_what_carries_along_is_patched_with_the_first_library(
    python: BarePython, own: Path, imports: str
) -> None:
    program = f"import {imports}; print(wires.carry())"

    assert python.run("-c", program, path=(AUTOLOAD, own)).stdout == "carried\n"


def test_what_imports_the_first_library_itself_is_patched_at_its_end(
    python: BarePython, own: Path
) -> None:
    (own / "wires.py").write_text("import shop_library\ndef carry(): return 'as it was'")
    result = python.run("-c", "import wires; print(wires.carry())", path=(AUTOLOAD, own))

    assert (result.stdout, result.stderr) == ("carried\n", "")


def test_without_a_library_nothing_is_carried(python: BarePython, own: Path) -> None:
    program = """
import sys, wires
print(wires.carry(), 'otel_run_instrumentors.wires' in sys.modules)
"""

    assert python.run("-c", program, path=(AUTOLOAD, own)).stdout == "as it was False\n"


@pytest.mark.parametrize("value", ["shop-library", "wires", "*"])
def test_what_carries_along_can_be_left_alone(python: BarePython, own: Path, value: str) -> None:
    result = python.run(
        *("-c", "import shop_library, wires; print(wires.carry())"),
        path=(AUTOLOAD, own),
        env={DISABLED: value},
    )

    assert result.stdout == "as it was\n"


def test_threads_load_nothing_of_the_engine(python: BarePython) -> None:
    program = """
import sys, asyncio, threading, multiprocessing.pool, concurrent.futures.thread
print([name for name in sys.modules if name.startswith(('otel_run.engine', 'otel_run.export'))])
"""

    assert python.run("-c", program, path=(AUTOLOAD,)).stdout == "[]\n"
