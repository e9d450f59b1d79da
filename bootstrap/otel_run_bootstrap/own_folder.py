"""The folder of our own Python, which uvx has searched before the program's."""

from __future__ import annotations

import os
import sys

from otel_run_bootstrap.agent_finder import folders

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import MutableMapping

OURS = ("otel_run-", "wrapt-")


def step_back(environ: MutableMapping[str, str]) -> None:
    """Have it searched last where uvx put it first: `python` is to be the program's.

    What `uv run` puts there is the program's environment, of which it tells by VIRTUAL_ENV.
    """
    first, _, others = environ.get("PATH", "").partition(os.pathsep)
    if (
        others
        and first == os.path.dirname(sys.executable)
        and environ.get("UV")
        and environ.get("VIRTUAL_ENV") != sys.prefix
        and is_alone()
    ):
        environ["PATH"] = f"{others}{os.pathsep}{first}"


def is_alone() -> bool:
    """Whether nothing is installed beside us, as `uvx --with` would have it."""
    names = os.listdir(folders()[0])
    return all(name.startswith(OURS) for name in names if name.endswith(".dist-info"))
