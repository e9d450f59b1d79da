"""Stands for a program in its Python: `python start.py VERSION FOLDER COMMAND...`.

VERSION is the command's own, FOLDER comes first on the program's path. The last line of stdout is
the document. Whatever Python finds this file: its syntax is that of Python 2.7.
"""

import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))


def leave_path():
    # type: () -> bool
    """Take the folder of this file off the path; return whether it was there."""
    is_first = bool(sys.path) and os.path.abspath(sys.path[0]) == HERE
    if is_first:
        del sys.path[0]
    return is_first


def stand_in(command):
    # type: (list[str]) -> None
    """Have the command line that the program would have."""
    sys.argv[1:] = command
    if command:
        sys.orig_argv = command


def find_agent():
    # type: () -> None
    """Import it from where this file is, unless it is there already."""
    try:
        __import__("otel_run_bootstrap.doctor")
    except ImportError:
        from _frozen_importlib import _load  # type: ignore[attr-defined]
        from _frozen_importlib_external import PathFinder

        sys.modules.pop("otel_run_bootstrap", None)
        beside = os.path.dirname(os.path.dirname(HERE))
        _load(PathFinder.find_spec("otel_run_bootstrap", [beside]))


def find_other(version):
    # type: (str) -> dict[str, str] | None
    """Return version and folder of another otel-run, whose parts do not go with ours."""
    try:
        found = __import__("otel_run")
    except ImportError:
        return None
    file, other = found.__file__ or "", getattr(found, "__version__", "?")
    folder = os.path.dirname(os.path.dirname(os.path.abspath(file)))
    return None if other == version else {"version": other, "folder": folder}


def look_around(version, loaded, folder):
    # type: (str, frozenset[str], str | None) -> str
    """Return the document, in JSON and ASCII."""
    python = "%d.%d.%d" % sys.version_info[:3]
    if sys.version_info < (3, 10):
        return '{"python": {"version": "%s"}}' % python
    other = find_other(version)
    if other is not None:
        import json

        return json.dumps({"python": {"version": python}, "other": other})
    find_agent()
    from otel_run_bootstrap.doctor.probe import examine

    return examine(loaded, folder)


def main():
    # type: () -> None
    loaded = frozenset(sys.modules)
    version = sys.argv[1]
    folder = sys.argv[2] if leave_path() else None
    stand_in(sys.argv[3:])
    # Whatever is imported may write to stdout.
    descriptor = os.dup(1)
    os.dup2(2, 1)
    text = look_around(version, loaded, folder)
    os.write(descriptor, ("\n" + text + "\n").encode("ascii"))
    # Nothing has been recorded, and nothing that was imported has anything to do at its end.
    os._exit(0)


if __name__ == "__main__":
    main()
