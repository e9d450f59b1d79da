"""Starts the agent, then runs the sitecustomize that this one stands before, as if alone.

Whatever Python finds this folder on its path reads this file: its syntax is that of Python 2.7.
"""

import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
# What the entry of PYTHONPATH has that names the run, no folder: see otel_run/run_entry.py.
RUN = "#otel-run="


def take_off_path():
    # type: () -> list[str] | None
    """Take off the path what is ours; return what came after, None where it was not there."""
    sys.path[:] = [one for one in sys.path if not (isinstance(one, str) and RUN in one)]
    if HERE not in sys.path:
        return None
    after = sys.path[sys.path.index(HERE) + 1 :]
    sys.path.remove(HERE)
    return after


def start_agent():
    # type: () -> None
    disabled = os.environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true"
    if disabled or sys.version_info < (3, 10):
        return
    try:
        leave_out_of_coverage()
        find_agent()
        from otel_run_bootstrap.activation import activate

        activate()
    except Exception as error:
        report(error)


def find_agent():
    # type: () -> None
    """Import from the program's environment, else from where this folder belongs to."""
    try:
        __import__("otel_run_bootstrap")
    except ImportError:
        from _frozen_importlib import _load  # type: ignore[attr-defined]
        from _frozen_importlib_external import PathFinder

        _load(PathFinder.find_spec("otel_run_bootstrap", [folder_of_agent()]))


def folder_of_agent():
    # type: () -> str
    """Return the folder of the packages: in a payload it is within this one, else around it."""
    within = os.path.join(HERE, "site-packages")
    return within if os.path.isdir(within) else os.path.dirname(os.path.dirname(HERE))


def leave_out_of_coverage():
    # type: () -> None
    """Where a .pth file has made coverage count already, have it leave out what is ours.

    Where it is imported later, the import hook sees to that: see agent_finder.py.
    """
    if "coverage.inorout" in sys.modules:
        counting = sys.modules["coverage"].Coverage.current()
        rules = getattr(getattr(counting, "_inorout", None), "coverage_match", None)
        left_out = getattr(rules, "paths", [])
        left_out.append(os.path.realpath(folder_of_agent()))


def report(error):
    # type: (Exception) -> None
    try:
        sys.stderr.write("otel-run: nothing is recorded, the agent cannot start: %r\n" % error)
    except Exception:  # noqa: S110 (without a stderr, nobody to tell)
        pass


def run_next(after):
    # type: (list[str]) -> None
    """Run the next sitecustomize; what it raises reaches `site` as it is."""
    try:
        from _frozen_importlib import _find_spec, _load  # type: ignore[attr-defined]
    except ImportError:
        ours = sys.modules.pop("sitecustomize", None)
        __import__("sitecustomize")
        # Python 2 clears the globals of a module that nobody holds.
        del ours
        return
    # Only what comes after: a sitecustomize before this one has run, and may be running it.
    spec = _find_spec("sitecustomize", after)
    if spec is not None:
        _load(spec)
    elif is_imported():
        error = ImportError("No module named 'sitecustomize'")
        error.name = "sitecustomize"
        raise error


def is_imported():
    # type: () -> bool
    """Whether an import runs this file, which can be told that there is no such module.

    Another agent's sitecustomize that loads the file by itself would fail.
    """
    frame = sys._getframe()  # noqa: SLF001
    ours = frame.f_code.co_filename
    while frame and frame.f_code.co_name != "_find_and_load":
        file = frame.f_code.co_filename
        is_between = file == ours or file.startswith("<frozen importlib")
        frame = frame.f_back if is_between else None  # type: ignore[assignment]
    return frame is not None


after = take_off_path()
start_agent()
if after is not None:
    run_next(after)
