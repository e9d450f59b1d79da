"""The libraries of the registry: which are here, and whether they are patched when imported."""

from __future__ import annotations

import platform
import sys
from importlib import import_module, metadata
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from otel_run_bootstrap import instrumentation, omission
from otel_run_bootstrap.doctor.finding import PROBLEM, WARNING, Finding, finding
from otel_run_bootstrap.doctor.version import is_within
from otel_run_instrumentors.names import explain, is_named, own_name, plain, unknown
from otel_run_instrumentors.registry import CARRIERS, INSTRUMENTORS

if TYPE_CHECKING:
    from otel_run.settings import Settings

# Of a library that is here: all is well; a setting leaves it alone; it cannot be imported; it can,
# but nothing of it is patched.
PATCHED, DISABLED, BROKEN, UNPATCHED, ABSENT = (
    *("patched", "disabled", "broken", "not patched", "not installed"),
)
BUG = "report it with this page: it is a bug of otel-run"


def examine(settings: Settings, *, is_active: bool) -> tuple[list[dict[str, Any]], list[Finding]]:
    """Import what is installed of each library, as a program would, and see what comes of it."""
    references = sorted(sorted(set(INSTRUMENTORS.values())), key=is_carrier)
    failures = {reference: import_all(reference, is_active) for reference in references}
    rows = [row(reference, failures[reference], settings) for reference in sorted(references)]
    if not is_active:
        here = (row for row in rows if row["version"])
        for one in here:
            one.update(state=UNPATCHED, reason="the agent is not active")
        return rows, []
    # Where the agent itself cannot start, that is told once.
    found = [one for row in rows for one in judge(row) if not instrumentation.broken]
    return rows, [*found, *judge_required(rows, settings)]


def is_carrier(reference: str) -> bool:
    """Whether a library only carries along what others record: it is patched after those."""
    return all(name in CARRIERS for name in modules(reference))


def modules(reference: str) -> list[str]:
    return [name for name, waits in INSTRUMENTORS.items() if waits == reference]


def import_all(reference: str, is_active: bool) -> str:  # noqa: FBT001
    """Import the modules of a library; return what went wrong, "" where nothing did."""
    failure = ""
    for name in modules(reference) if is_active else ():
        try:
            import_module(name)
        except ModuleNotFoundError as error:  # noqa: PERF203 (each fails by itself)
            if not is_part(error.name or "", name):
                failure = failure or f"{name}: {error}"
        except BaseException as error:
            failure = failure or f"{name}: {type(error).__name__}: {error}"
    return failure


def is_part(missing: str, module: str) -> bool:
    """Whether what is missing is the module itself, or a package that would hold it."""
    return module == missing or module.startswith(f"{missing}.")


def row(reference: str, failure: str, settings: Settings) -> dict[str, Any]:
    instrumentor = getattr(try_import(reference), "INSTRUMENTOR", None)
    tested = getattr(instrumentor, "versions", "")
    version = version_of(modules(reference)[0].partition(".")[0])
    state, reason = assess(reference, version, failure, settings)
    return {
        "library": getattr(instrumentor, "library", own_name(reference)),
        "version": version,
        "tested": tested,
        "within": is_within(version, tested) if version else None,
        "state": state,
        "reason": reason,
        "patched": list(getattr(instrumentor, "patched", ())),
        "skipped": dict(getattr(instrumentor, "skipped", {})),
    }


def try_import(reference: str) -> object:
    try:
        return import_module(reference)
    except Exception:
        return None  # `assess` says why


def version_of(package: str) -> str:
    """Return the installed version; "?" where it has none to show, "" where it is not there."""
    if package in sys.stdlib_module_names:
        return platform.python_version()
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        pass
    try:
        if find_spec(package) is None:
            return ""
    except (ImportError, ValueError):
        return ""
    names = metadata.packages_distributions().get(package)
    if names:
        return metadata.version(names[0])
    return str(getattr(sys.modules.get(package), "__version__", "?"))


def assess(reference: str, version: str, failure: str, settings: Settings) -> tuple[str, str]:
    """Return the state, and the reason where it is neither well nor absent."""
    if not version:
        return ABSENT, ""
    if is_named(reference, settings.disabled_instrumentations):
        return DISABLED, omission.reason(reference, settings)
    if failure and not omission.imported(reference):
        return BROKEN, failure
    if not omission.imported(reference):
        return UNPATCHED, "its modules are not where they are expected"
    reason = omission.reason(reference, settings)
    return (UNPATCHED, reason) if reason else (PATCHED, "")


def judge(row: dict[str, Any]) -> list[Finding]:
    thing, reason = f"{row['library']} {row['version']}", row["reason"]
    leave = f"or leave it alone: --disable {plain(row['library'])}"
    if row["state"] == BROKEN:
        value = f"cannot be imported: {reason}"
        return [
            finding(WARNING, thing, value, "a program that uses it fails too: install it again")
        ]
    if reason == omission.NOTHING_TO_CARRY:
        return []
    if row["state"] == UNPATCHED and row["within"]:
        return [finding(PROBLEM, thing, f"not patched: {reason}", BUG)]
    if row["state"] == UNPATCHED:
        value = f"not patched: {reason}; tested is {row['tested']}"
        return [finding(PROBLEM, thing, value, f"use such a version, {leave}")]
    if row["state"] == PATCHED and row["within"] is False and row["version"] != "?":
        value = f"patched, but tested is {row['tested']}"
        return [finding(WARNING, thing, value, f"use such a version, {leave}")]
    return []


def judge_required(rows: list[dict[str, Any]], settings: Settings) -> list[Finding]:
    """Look at what OTEL_RUN_REQUIRE names; what is not patched for another reason is told there."""
    states = {plain(row["library"]): row for row in rows}
    found = []
    for name in sorted(settings.required_instrumentations):
        thing = f"OTEL_RUN_REQUIRE={name}"
        if unknown((name,)):
            found.append(finding(PROBLEM, thing, explain((name,)), "correct it"))
        elif plain(name) not in states:
            remedy = "take it out; otel-run libraries lists what is recorded"
            found.append(finding(PROBLEM, thing, "otel-run has nothing for it", remedy))
        elif states[plain(name)]["state"] in (ABSENT, DISABLED, BROKEN):
            row = states[plain(name)]
            value = f"{row['state']}{': ' if row['reason'] else ''}{row['reason']}"
            remedy = "install it in this Python, or take it out"
            if row["state"] == DISABLED:
                remedy = "take it out of one of the two"
            found.append(finding(PROBLEM, thing, value, remedy))
    return found
