"""`otel-run libraries`: which libraries are recorded."""

from __future__ import annotations

import argparse
import json
import re
import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any

from otel_run_instrumentors.registry import INSTRUMENTORS

if TYPE_CHECKING:
    from otel_run.engine.instrumentor import Instrumentor

Row = dict[str, Any]


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser("otel-run libraries", description="List what is recorded.")
    parser.add_argument("--json", action="store_true", help="as JSON, for programs")
    options = parser.parse_args(arguments)
    rows = [row(reference) for reference in sorted(set(INSTRUMENTORS.values()))]
    sys.stdout.write((json.dumps(rows, indent=2) if options.json else table(rows)) + "\n")
    return 0


def row(reference: str) -> Row:
    instrumentor: Instrumentor = import_module(reference).INSTRUMENTOR
    return {
        "library": instrumentor.library,
        "versions": instrumentor.versions,
        "convention": type(instrumentor.convention).__name__,
        "layer": instrumentor.layer,
        "modules": [name for name, waiting in INSTRUMENTORS.items() if waiting == reference],
    }


def table(rows: list[Row]) -> str:
    """Columns as wide as they need be, under their names."""
    lines = [("library", "versions", "recorded as"), *map(cells, rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join("  ".join(map(str.ljust, line, widths)).rstrip() for line in lines)


def cells(row: Row) -> tuple[str, str, str]:
    """What a reader is told of a library: its name, its versions, and what its spans are."""
    library, versions = row["library"], row["versions"]
    # What comes with Python has Python's versions.
    if library.partition(".")[0] in sys.stdlib_module_names:
        versions = f"Python {versions}"
    return library, versions, words(row["convention"])


def words(convention: str) -> str:
    """`HTTP client` for `HttpClient`."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", convention).lower().replace("http", "HTTP")
