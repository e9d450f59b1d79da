"""Stands for a program in its Python: `python start.py FOLDER COMMAND...`, FOLDER as on its path.

The last line of stdout is the document. Whatever Python finds this file: its syntax is that of
Python 2.7.
"""

import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))


def stand_in(folder, command):
    # type: (str, list[str]) -> None
    """Have the path and the command line that the program would have."""
    if sys.path and os.path.abspath(sys.path[0]) == HERE:
        sys.path[0] = folder
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


def main():
    # type: () -> None
    stand_in(sys.argv[1], sys.argv[2:])
    # Whatever is imported may write to stdout.
    descriptor = os.dup(1)
    os.dup2(2, 1)
    if sys.version_info < (3, 10):
        text = '{"python": {"version": "%d.%d.%d"}}' % sys.version_info[:3]
    else:
        find_agent()
        from otel_run_bootstrap.doctor.probe import examine

        text = examine()
    os.write(descriptor, ("\n" + text + "\n").encode("ascii"))
    # Nothing has been recorded, and nothing that was imported has anything to do at its end.
    os._exit(0)


if __name__ == "__main__":
    main()
