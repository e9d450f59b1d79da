"""uWSGI, if it is what the command starts, and may let no thread run between requests."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from otel_run_bootstrap.doctor.finding import WARNING, Finding, finding
from otel_run_bootstrap.doctor.tracer import installed_version
from otel_run_bootstrap.doctor.version import is_within

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

# The first versions that need not be asked for threads.
THREADED = ">=2.0.27"
# What asks for them, or has a loop of its own; in an option, or in a file that is no comment there.
ASKED = re.compile(r"^[^#;\n]*(?<![\w-])(?:enable-threads|threads|gevent)(?![\w-])", re.MULTILINE)
FILES = (".ini", ".json", ".xml", ".yaml", ".yml")
PREFIX = "UWSGI_"


def examine(command: Sequence[str]) -> list[Finding]:
    """Look at its version, else at its options."""
    if not command or not os.path.basename(command[0]).startswith("uwsgi"):
        return []
    version = installed_version("uwsgi")
    if is_within(version or "0", THREADED) or "-T" in command:
        return []
    if any(ASKED.search(text) for text in options(command[1:])):
        return []
    value = (
        "without enable-threads no thread runs between requests: what requests record is sent "
        "with later ones"
    )
    remedy = "add --enable-threads, or use uWSGI 2.0.27 or newer"
    return [finding(WARNING, f"uwsgi {version}".strip(), value, remedy)]


def options(words: Sequence[str]) -> Iterator[str]:
    """Return all texts that hold options: the words, the environment, the files that are named."""
    yield from (word.removeprefix("--") for word in words if word.startswith("--"))
    for name in os.environ:
        if name.startswith(PREFIX):
            yield name.removeprefix(PREFIX).lower().replace("_", "-")
    for word in words:
        path = word.rpartition("=")[2]
        if path.endswith(FILES):
            try:
                with open(path, encoding="utf-8", errors="replace") as file:
                    yield file.read()
            except OSError:
                continue  # uWSGI itself will say so
