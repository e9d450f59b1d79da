from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from bare_python import BarePython

REGISTRY = """
INSTRUMENTORS = {
    "shop.client": "otel_run_instrumentors.shop",
    "shop.server": "otel_run_instrumentors.shop",
    "queue": "otel_run_instrumentors.queue",
}
"""
INSTRUMENTOR = """
class {convention}: pass
class INSTRUMENTOR:
    library, versions, convention, layer = "{library}", "{versions}", {convention}(), {layer}
"""


@pytest.fixture
def own(python: BarePython) -> Path:
    """Instrumentors of two libraries, to be listed in place of those that otel-run has."""
    own = python.folder / "own" / "otel_run_instrumentors"
    own.mkdir(parents=True)
    shop = INSTRUMENTOR.format(library="shop", versions=">=2", convention="HttpClient", layer=2)
    queue = INSTRUMENTOR.format(
        library="queue", versions=">=3.10", convention="ContextCarrier", layer=0
    )
    files = {"__init__": "", "registry": REGISTRY, "shop": shop, "queue": queue}
    for name, source in files.items():
        (own / f"{name}.py").write_text(source)
    return own.parent


def test_libraries_are_listed(python: BarePython, own: Path) -> None:
    result = python.otel_run("libraries", path=(own,))

    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.splitlines() == [
        "library  versions       recorded as",
        "queue    Python >=3.10  context carrier",
        "shop     >=2            HTTP client",
    ]


def test_libraries_are_listed_for_programs(python: BarePython, own: Path) -> None:
    result = python.otel_run("libraries", "--json", path=(own,))

    assert json.loads(result.stdout) == [
        {
            "library": "queue",
            "versions": ">=3.10",
            "convention": "ContextCarrier",
            "layer": 0,
            "modules": ["queue"],
        },
        {
            "library": "shop",
            "versions": ">=2",
            "convention": "HttpClient",
            "layer": 2,
            "modules": ["shop.client", "shop.server"],
        },
    ]


def test_an_unknown_argument_is_refused(python: BarePython, own: Path) -> None:
    result = python.otel_run("libraries", "--nope", path=(own,))

    assert result.returncode == 2
    assert "--nope" in result.stderr
