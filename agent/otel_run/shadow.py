"""Modules of the program's that are called like Python's own, and are imported in their place.

The agent imports what it needs when it needs it. By then the program's folder comes first on the
path, and whoever has a `select.py` there would have it run by us.
"""

from __future__ import annotations

import os
import sys
from _frozen_importlib_external import PathFinder

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from importlib.machinery import ModuleSpec
    from types import ModuleType

# What the agent and the modules that it imports need: to record anything at all; to send over TLS.
ALWAYS = (
    *("collections", "copyreg", "enum", "fcntl", "functools", "keyword", "mmap", "operator", "re"),
    *("reprlib", "select", "sre_compile", "sre_constants", "sre_parse", "types", "weakref"),
)
FOR_TLS = (
    *("array", "base64", "binascii", "math", "selectors", "socket", "ssl", "stringprep", "struct"),
    *("unicodedata", "warnings"),
)
FOR_GZIP = ("zlib",)
FOR_JSON = ("codecs", "json")

HERE = os.path.dirname(getattr(os, "__file__", ""))


def find_shadow(names: Iterable[str], loaded: Mapping[str, ModuleType] = sys.modules) -> str:
    """Return the path of the first module that is not Python's own; "" where all of them are.

    What is not `loaded` is looked for where an import would.
    """
    # Only what comes before Python's own can stand in its place.
    before = sys.path[: sys.path.index(HERE)] if HERE in sys.path else sys.path
    for name in names:
        if name not in sys.builtin_module_names:
            path = _path(loaded.get(name) or PathFinder.find_spec(name, before))
            # An extension module may be where the one who built this Python has put it.
            if path.endswith(".py") and not _is_python_s(path):
                return path
    return ""


def explain(path: str) -> str:
    """Say what such a module does, and what helps."""
    return f"{path} is imported in the place of Python's own module (rename it)"


def _path(found: ModuleType | ModuleSpec | None) -> str:
    spec = getattr(found, "__spec__", found)
    return getattr(spec, "origin", None) or ""


def _is_python_s(path: str) -> bool:
    """Whether a file lies beside `os`, however that folder is written here."""
    folder = os.path.dirname(path)
    beside = (folder, os.path.dirname(folder))
    return HERE in beside or any(os.path.exists(os.path.join(one, "os.py")) for one in beside)
