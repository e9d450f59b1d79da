from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bare_python import AUTOLOAD, BarePython

if TYPE_CHECKING:
    from pathlib import Path

REGISTRY = """
INSTRUMENTORS = {
    "shop_library.client": "otel_run_instrumentors.shop_library",
    "shop_library.wires": "otel_run_instrumentors.wires",
}
CARRIERS = ("shop_library.wires",)
"""
INSTRUMENTOR = """
import sys
class Instrumentor:
    library = "shop-library"
    def patch(self, module_name):
        sys.modules[module_name].send = lambda: "patched"
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
        },
        "shop_library": {
            "__init__.py": "from shop_library.client import send",
            "client.py": "def send(): return 'sent'",
        },
    }.items():
        (own / package).mkdir()
        for name, source in files.items():
            (own / package / name).write_text(source)
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
