from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bare_python import AUTOLOAD, BarePython

if TYPE_CHECKING:
    from pathlib import Path

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
    (own / "wires.py").write_text("def carry(): return 'as it was'")
    return own


def test_a_library_is_patched_when_the_program_imports_it(python: BarePython, own: Path) -> None:
    result = python.run("-m", "program", path=(AUTOLOAD, own))

    assert (result.stdout, result.stderr) == ("patched\n", "")


def test_an_instrumentor_is_not_imported_before_its_library(python: BarePython, own: Path) -> None:
    program = "import sys; print('otel_run_instrumentors.shop_library' in sys.modules)"

    assert python.run("-c", program, path=(AUTOLOAD, own)).stdout == "False\n"


@pytest.mark.parametrize("names", ["shop-library", "other, shop-library", "*"])
def test_a_library_can_be_left_alone(python: BarePython, own: Path, names: str) -> None:
    result = python.run(
        *("-m", "program"),
        path=(AUTOLOAD, own),
        env={"OTEL_PYTHON_DISABLED_INSTRUMENTATIONS": names},
    )

    assert (result.stdout, result.stderr) == ("sent\n", "")


@pytest.mark.parametrize(
    "broken", ["1 +", "import missing", "INSTRUMENTOR = None", "raise RuntimeError"]
)
def test_a_broken_instrumentor_is_not_noticed(python: BarePython, own: Path, broken: str) -> None:
    (own / "otel_run_instrumentors" / "shop_library.py").write_text(broken)
    result = python.run("-Werror", "-m", "program", path=(AUTOLOAD, own))

    assert (result.returncode, result.stdout, result.stderr) == (0, "sent\n", "")


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


@pytest.mark.parametrize("names", ["shop-library", "wires", "*"])
def test_what_carries_along_can_be_left_alone(python: BarePython, own: Path, names: str) -> None:
    result = python.run(
        *("-c", "import shop_library, wires; print(wires.carry())"),
        path=(AUTOLOAD, own),
        env={"OTEL_PYTHON_DISABLED_INSTRUMENTATIONS": names},
    )

    assert result.stdout == "as it was\n"


def test_threads_load_nothing_of_the_engine(python: BarePython) -> None:
    program = """
import sys, asyncio, threading, multiprocessing.pool, concurrent.futures.thread
print([name for name in sys.modules if name.startswith(('otel_run.engine', 'otel_run.export'))])
"""

    assert python.run("-c", program, path=(AUTOLOAD,)).stdout == "[]\n"
