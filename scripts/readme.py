"""Write the README's table of libraries from the instrumentors; `--check` only compares."""

from __future__ import annotations

import re
import sys
from pathlib import Path

from otel_run_bootstrap.libraries import row
from otel_run_instrumentors.registry import INSTRUMENTORS

README = Path(__file__).parents[1] / "README.md"
BETWEEN_MARKERS = re.compile(r"(?<=<!-- libraries -->\n).*?(?=<!-- /libraries -->)", re.DOTALL)


def table() -> str:
    """The libraries by name, in Markdown."""
    rows = [row(instrumentor) for instrumentor in set(INSTRUMENTORS.values())]
    lines = [
        f"| `{one['library']}` | {versions(one['library'], one['versions'])} "
        f"| {words(one['convention'])} |"
        for one in sorted(rows, key=lambda one: str(one["library"]))
    ]
    return "\n".join(["| library | versions | recorded as |", "|---|---|---|", *lines, ""])


def versions(library: str, tested: str) -> str:
    """A range of versions; what comes with Python has Python's."""
    of_python = library.partition(".")[0] in sys.stdlib_module_names
    return f"Python {tested}" if of_python else tested


def words(convention: str) -> str:
    """`HTTP client` for `HttpClient`."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", convention).lower().replace("http", "HTTP")


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
