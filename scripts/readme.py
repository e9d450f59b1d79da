"""Write the README's table of libraries from the instrumentors; `--check` only compares."""

from __future__ import annotations

import re
import sys
from pathlib import Path

from otel_run_bootstrap.libraries import cells, row
from otel_run_instrumentors.registry import INSTRUMENTORS

README = Path(__file__).parents[1] / "README.md"
BETWEEN_MARKERS = re.compile(r"(?<=<!-- libraries -->\n).*?(?=<!-- /libraries -->)", re.DOTALL)


def table() -> str:
    """The libraries by name, in Markdown."""
    rows = sorted(cells(row(instrumentor)) for instrumentor in set(INSTRUMENTORS.values()))
    lines = [f"| `{library}` | {versions} | {kind} |" for library, versions, kind in rows]
    return "\n".join(["| library | versions | recorded as |", "|---|---|---|", *lines, ""])


def main() -> int:
    """Write or compare; 1 if the README was stale."""
    old = README.read_text(encoding="utf-8")
    new = BETWEEN_MARKERS.sub(lambda _: table(), old)
    if new == old:
        return 0
    if "--check" in sys.argv:
        print("README.md is stale: run scripts/readme.py")
        return 1
    README.write_text(new, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
