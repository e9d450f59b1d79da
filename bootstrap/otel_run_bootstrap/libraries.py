"""`otel-run libraries`: which libraries are recorded."""

from __future__ import annotations

import argparse
import json
import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any

from otel_run_instrumentors.registry import INSTRUMENTORS

if TYPE_CHECKING:
    from otel_run.engine.instrumentor import Instrumentor

Row = dict[str, Any]


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="otel-run libraries", description=__doc__)
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
    columns = ["library", "versions", "convention", "modules"]
    lines = [columns, *([text(row[column]) for column in columns] for row in rows)]
    widths = [max(map(len, cells)) for cells in zip(*lines, strict=True)]
    return "\n".join("  ".join(map(str.ljust, cells, widths)).rstrip() for cells in lines)


def text(value: object) -> str:
    return ", ".join(value) if isinstance(value, list) else str(value)
