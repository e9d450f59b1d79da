"""Where the local store is, for those who write into it and those who look for runs."""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping


def find_store(environ: Mapping[str, str]) -> str:
    """Return an absolute path: of OTEL_RUN_STORE, else as the XDG base directories say."""
    named = environ.get("OTEL_RUN_STORE", "").strip()
    if named == "~" or named.startswith("~/"):  # no shell has seen it
        named = _home(environ) + named[1:]
    try:
        return os.path.abspath(named) if named else _usual(environ)
    except FileNotFoundError:  # it is relative to a working folder that is gone
        return _usual(environ)


def _usual(environ: Mapping[str, str]) -> str:
    state = environ.get("XDG_STATE_HOME", "")
    # A relative one is to be ignored.
    if not os.path.isabs(state):
        state = os.path.join(_home(environ), ".local", "state")
    return os.path.join(state, "otel-run")


def _home(environ: Mapping[str, str]) -> str:
    return os.path.join(os.sep, environ.get("HOME") or os.path.expanduser("~"))
