"""What the packages' own code names and imports, read from the code."""

from __future__ import annotations

import ast
import sys
from typing import TYPE_CHECKING

import pytest

from otel_run_instrumentors.registry import INSTRUMENTORS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# Which of our own packages each may import; wrapt's wrapper is loaded by its file, not imported.
OWN = {
    "agent": {"otel_run"},
    "instrumentors": {"otel_run", "otel_run_instrumentors"},
    "bootstrap": {"otel_run", "otel_run_instrumentors", "otel_run_bootstrap", "otel_run_viewer"},
    "viewer": {"otel_run", "otel_run_viewer"},
}

# Those with an instrumentor, and those that could have one: the agent knows neither. The parts of
# the stdlib that it uses itself are no libraries here.
LIBRARIES = ({module.split(".")[0] for module in INSTRUMENTORS} - {"http", "urllib"}) | {
    "aiohttp",
    "django",
    "fastapi",
    "httpx",
    "psycopg",
    "pymongo",
    "redis",
    "starlette",
}

# It tells commands apart, of which some are called like the library that they belong to.
NAMES_COMMANDS = "otel_run/service_name.py"


def trees(folder: Path) -> Iterator[tuple[str, ast.Module]]:
    for file in sorted(folder.rglob("*.py")):
        yield str(file.relative_to(folder)), ast.parse(file.read_text(encoding="utf-8"))


def imports(node: ast.AST) -> Iterator[str]:
    """The top-level names of what is imported when the code runs."""
    if isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING"):
        children: list[ast.AST] = [*node.orelse]
    else:
        children = list(ast.iter_child_nodes(node))
    if isinstance(node, ast.Import):
        yield from (alias.name.split(".")[0] for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        assert node.module is not None
        assert node.level == 0, "imports are absolute"
        yield node.module.split(".")[0]
    for child in children:
        yield from imports(child)


def strings(tree: ast.Module) -> Iterator[str]:
    """The top-level names in strings such as `requests.sessions:Session.send`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            dotted = node.value.replace(":", ".").split(".")
            if all(part.isidentifier() for part in dotted):
                yield dotted[0]


@pytest.mark.parametrize("folder", OWN)
def test_a_package_imports_the_stdlib_and_what_it_may_of_ours(root: Path, folder: str) -> None:
    allowed = sys.stdlib_module_names | OWN[folder] | {"__future__"}
    foreign = {
        file: set(imports(tree)) - allowed
        for file, tree in trees(root / folder)
        if not set(imports(tree)) <= allowed
    }

    assert foreign == {}


def test_the_agent_names_no_library(root: Path) -> None:
    named = {
        file: LIBRARIES & {*imports(tree), *strings(tree)}
        for file, tree in trees(root / "agent")
        if file != NAMES_COMMANDS
    }

    assert {file: found for file, found in named.items() if found} == {}
