"""What happens at the start of a Python, before the program: as little as possible."""

from __future__ import annotations

import os
import sys

from otel_run_bootstrap import agent_finder

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

# They install and start programs: those are recorded, the tools themselves are left alone.
TOOLS = (
    *("pip", "__pip-runner__", "_in_process", "get-pip", "ensurepip", "pipx"),
    *("uv", "uvx", "poetry", "conda", "conda-build", "mamba", "venv", "virtualenv"),
    *("otel-run", "otel_run_bootstrap", "otel_run_viewer"),
)

active = False


def activate() -> None:
    """Record what this process does; a second call does nothing."""
    global active  # noqa: PLW0603 (a process is activated once)
    if active:
        return
    active = True
    agent_finder.install()
    if not is_tool(getattr(sys, "orig_argv", [])):
        watch()


def watch() -> None:
    from otel_run_bootstrap import lifecycle
    from otel_run_bootstrap.import_hook import ImportHook
    from otel_run_bootstrap.instrumentation import instrument
    from otel_run_instrumentors.registry import INSTRUMENTORS

    lifecycle.watch()
    functions: dict[str, Callable[[str], object]] = dict.fromkeys(INSTRUMENTORS, instrument)
    functions["multiprocessing.popen_fork"] = functions["multiprocessing.util"] = watch_children
    functions["billiard.pool"] = watch_billiard
    functions["coverage.inorout"] = agent_finder.leave_out_of_coverage
    ImportHook(functions).install()


def watch_children(module_name: str) -> None:
    from otel_run_bootstrap import children

    children.watch(module_name)


def watch_billiard(module_name: str) -> None:
    from otel_run_bootstrap import billiard

    billiard.watch(module_name)


def is_tool(argv: list[str]) -> bool:
    """Whether this is `python -m pip`, `/usr/bin/pip3.12`, `…/conda/__main__.py` and the like."""
    from otel_run.command_line import parse

    line = parse(argv)
    target = line.module or os.path.basename(line.script.removesuffix("/__main__.py"))
    return target.partition(".")[0].rstrip("0123456789") in TOOLS
