"""What a payload holds: the packages, and of wrapt what is written in Python."""

from __future__ import annotations

import ast
import os
import sys
from importlib.metadata import distributions

from otel_run import __version__
from otel_run.engine.wrapt import find_wrapt
from otel_run_bootstrap.agent_finder import PACKAGES
from otel_run_bootstrap.environment import AUTOLOAD

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

Files = dict[str, bytes]

VERSION = "VERSION"
# What the text of that file begins with.
MARK = b"otel-run "
SITECUSTOMIZE = "sitecustomize.py"
# No module's name: where Python runs no sitecustomize (-S), nothing of ours can be imported.
SITE_PACKAGES = "site-packages"
# Where a file has its name, Python makes no folder for what it has compiled.
BLOCKER = "__pycache__"
BLOCKING = b"A file, so that Python writes nothing here. PYTHONPYCACHEPREFIX names another place.\n"


def files() -> Files:
    """The contents by path, with slashes; first what marks a payload, last what activates it."""
    licence = find_licence("otel-run", os.path.dirname(module_folder("otel_run")))
    contents = {VERSION: MARK + __version__.encode() + b"\n", **licence}
    for package in PACKAGES:
        folder = module_folder(package)
        contents.update(read(folder, sources(folder), f"{SITE_PACKAGES}/{package}"))
    contents.update(files_of_wrapt())
    contents.update(blockers(contents))
    contents.update(read(AUTOLOAD, [SITECUSTOMIZE]))
    return contents


def module_folder(package: str) -> str:
    __import__(package)
    return str(sys.modules[package].__path__[0])


def sources(folder: str) -> Iterator[str]:
    """The paths of a package's modules, relative to its folder."""
    for parent, folders, names in os.walk(folder):
        folders.sort()
        for name in sorted(names):
            if name.endswith(".py"):
                yield os.path.relpath(os.path.join(parent, name), folder)


def read(folder: str, paths: Iterable[str], place: str = "") -> Files:
    contents = {}
    for path in paths:
        with open(os.path.join(folder, path), "rb") as file:
            contents["/".join(filter(None, [place, *path.split(os.sep)]))] = file.read()
    return contents


def files_of_wrapt() -> Files:
    folder = find_wrapt()
    place = f"{SITE_PACKAGES}/wrapt"
    licence = find_licence("wrapt", os.path.dirname(folder))
    contents = {f"{place}/{name}": text for name, text in licence.items()}
    contents.update(read(folder, needed(folder, ["wrappers.py"]), place))
    return contents


def needed(folder: str, names: list[str]) -> list[str]:
    """Add to these modules of wrapt those that they import of wrapt, as far as they are Python."""
    for name in names:
        with open(os.path.join(folder, name), "rb") as file:
            tree = ast.parse(file.read())
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and node.level:
                found = f"{node.module}.py"
                if found not in names and os.path.isfile(os.path.join(folder, found)):
                    names.append(found)
    return names


def find_licence(name: str, beside: str) -> Files:
    """The text under which a distribution may be passed on, if it was installed with it."""
    for distribution in distributions(name=name, path=[beside, *sys.path]):
        for path in distribution.files or ():
            if path.name == "LICENSE" and os.path.isfile(path.locate()):
                return {path.name: path.read_binary()}
    return {}


def blockers(contents: Files) -> Files:
    """A file in each folder with modules; in the first one, too, which gets its only one last."""
    folders = {os.path.dirname(path) for path in contents if path.endswith(".py")}
    return {
        "/".join(filter(None, [folder, BLOCKER])): BLOCKING for folder in ("", *sorted(folders))
    }
