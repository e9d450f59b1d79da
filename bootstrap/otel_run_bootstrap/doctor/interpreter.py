"""The Python itself: what it is, what it has on its path, and whether the agent is in it."""

from __future__ import annotations

import os
import platform
import site
import sys
from importlib import metadata
from typing import TYPE_CHECKING, Any

import otel_run_bootstrap
from otel_run.shadow import ALWAYS, find_shadow
from otel_run_bootstrap.activation import is_tool
from otel_run_bootstrap.doctor.finding import PROBLEM, WARNING, Finding, finding
from otel_run_bootstrap.environment import AUTOLOAD, foreign

if TYPE_CHECKING:
    from otel_run.settings import Settings

NEWEST = (3, 14)


def examine(settings: Settings, *, is_active: bool) -> tuple[dict[str, Any], list[Finding]]:
    """Return the facts, and what is wrong with them."""
    wrapper, problem = find_wrapper()
    facts = {
        "executable": sys.executable,
        "version": platform.python_version(),
        "implementation": platform.python_implementation(),
        "agent": os.path.dirname(os.path.dirname(os.path.abspath(otel_run_bootstrap.__file__))),
        "active": is_active,
        "wrapt": wrapper,
        "pythonpath": python_path(),
        "user_site": site.getusersitepackages() if site.ENABLE_USER_SITE else "",
        "sitecustomize": customizations(),
    }
    found = [*judge_start(settings, is_active=is_active), *judge_python()]
    if problem:
        value = f"cannot start, so that nothing is recorded: {problem}"
        found.append(finding(PROBLEM, "the agent", value, "install otel-run again, with wrapt"))
    return facts, [*found, *judge_path()]


def find_wrapper() -> tuple[dict[str, str], str]:
    """Return version and file of wrapt's wrapper as the agent loads it, or why it cannot."""
    try:
        from otel_run.engine import wrapt
    except Exception as error:
        return {"version": "", "file": ""}, str(error)
    file = str(wrapt._wrappers.__file__)  # noqa: SLF001 (which one it has found)
    folder = os.path.dirname(os.path.dirname(file))
    distributions = metadata.distributions(name="wrapt", path=[folder])
    version = next((one.version for one in distributions), "")
    return {"version": version, "file": file}, ""


def python_path() -> list[str]:
    return [entry for entry in foreign(os.environ.get("PYTHONPATH", "")) if entry]


def customizations() -> list[str]:
    """Return the files that run at each start of this Python, other than the agent's."""
    names = ("sitecustomize.py", "usercustomize.py")
    folders = [entry for entry in dict.fromkeys(sys.path) if entry and entry != AUTOLOAD]
    files = (os.path.join(folder, name) for folder in folders for name in names)
    return [file for file in files if os.path.isfile(file)]


def judge_start(settings: Settings, *, is_active: bool) -> list[Finding]:
    if settings.disabled:
        value = "nothing is patched, nothing recorded"
        return [finding(PROBLEM, "OTEL_SDK_DISABLED=true", value, "unset it")]
    if not is_active:
        runs = getattr(sys.modules.get("sitecustomize"), "__file__", None) or "none"
        value = f"otel-run's sitecustomize has not run in this Python (instead: {runs})"
        remedy = "see that PYTHONPATH, as otel-run sets it, reaches the program"
        return [finding(PROBLEM, "the agent", value, remedy)]
    if len(sys.argv) > 1 and is_tool(sys.argv[1:]):
        value = "a tool that starts programs, which is left alone itself"
        return [finding(WARNING, sys.argv[1], value, "give doctor the program's own command")]
    return []


def judge_path() -> list[Finding]:
    """Look for what the program's path has in the place of what the agent needs."""
    shadow = find_shadow(ALWAYS, {})
    if not shadow:
        return []
    value = "is imported in the place of Python's own module: nothing is recorded"
    return [finding(PROBLEM, shadow, value, "rename it")]


def judge_python() -> list[Finding]:
    name = f"{platform.python_implementation()} {platform.python_version()}"
    remedy = f"use CPython 3.10 to {'.'.join(map(str, NEWEST))}"
    if sys.implementation.name != "cpython":
        return [finding(WARNING, name, "only CPython is tested", remedy)]
    if sys.version_info[:2] > NEWEST:
        return [finding(WARNING, name, "newer than what is tested", remedy)]
    return []
