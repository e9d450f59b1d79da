"""What doctor shows a reader."""

from __future__ import annotations

import io
import os
import pty
import subprocess
import sys
from typing import TYPE_CHECKING, Any

from otel_run_bootstrap.doctor import page

if TYPE_CHECKING:
    from patient import Patient

DOCUMENT: dict[str, Any] = {
    "otel_run": "1.2.3",
    "command": ["python", "-m", "shop\x1b[2J"],
    "python": {
        "executable": "/venv/bin/python",
        "version": "3.12.1",
        "implementation": "CPython",
        "agent": "/opt/otel-run/lib/python3.11/site-packages",
        "wrapt": {"version": "1.17.0", "file": "/opt/wrapt/_wrappers.so"},
        "pythonpath": ["/srv/shop", "/srv/lib"],
        "user_site": "",
        "sitecustomize": ["/srv/shop/sitecustomize.py"],
    },
    "libraries": [
        {"library": "django", "version": "", "within": None, "state": "not installed"},
        {
            "library": "flask",
            "version": "1.1",
            "tested": ">=2.0",
            "within": False,
            "state": "not patched",
            "reason": "flask.app:Flask.handle_user_exception: this version has no such function",
        },
        {
            "library": "requests",
            "version": "2.32",
            "within": True,
            "state": "patched",
            "reason": "",
        },
    ],
    "settings": [
        {"name": "OTEL_SERVICE_NAME", "value": "shop", "source": "inferred"},
        {"name": "OTEL_PROPAGATORS", "value": "tracecontext,baggage", "source": "default"},
        {"name": "OTEL_RUN_VERBOSITY", "value": "1", "source": "OTEL_RUN_VERBOSITY"},
        {"name": "OTEL_BSP_SCHEDULE_DELAY", "value": "5000", "source": "default"},
    ],
    "telemetry": [
        {
            "signal": "traces",
            "exporter": "otlp",
            "target": "http://localhost:4318/v1/traces",
            "ok": False,
            "answer": "connection refused",
        },
        {
            "signal": "metrics",
            "exporter": "console",
            "target": "stdout",
            "ok": True,
            "answer": "a line for each record",
        },
    ],
    "others": [{"name": "ddtrace", "version": "2.9", "active": ""}],
    "findings": [
        {"level": "note", "thing": "ddtrace 2.9", "value": "installed", "remedy": "leave it out"},
        {
            "level": "problem",
            "thing": "traces to http://localhost:4318/v1/traces",
            "value": "connection refused (is a collector running there?)",
            "remedy": "see that a collector runs there, or correct OTEL_EXPORTER_OTLP_ENDPOINT",
        },
    ],
    "verdict": "something is wrong: 1 problem",
    "exit_code": 1,
}
PAGE = """\
otel-run 1.2.3 doctor: python -m 'shop\\x1b[2J'

Python
  executable  /venv/bin/python
  version     CPython 3.12.1
  otel-run    /opt/otel-run/lib/python3.11/site-packages
  wrapt       1.17.0
  PYTHONPATH  /srv/shop, /srv/lib
  runs too    /srv/shop/sitecustomize.py

Libraries
  flask     1.1   not patched: flask.app:Flask.handle_user_exception: this
                  version has no such function, tested is >=2.0
  requests  2.32  patched
  not installed: django

Settings
  OTEL_SERVICE_NAME = shop (inferred)
  OTEL_PROPAGATORS = tracecontext,baggage (default)
  OTEL_RUN_VERBOSITY = 1
  1 more have their defaults: --json shows them

Telemetry
  traces   otlp http://localhost:4318/v1/traces
           connection refused
  metrics  console stdout
           a line for each record

What else patches
  ddtrace 2.9: installed

Findings
  ✗ traces to http://localhost:4318/v1/traces: connection refused (is a
    collector running there?)
    → see that a collector runs there, or correct OTEL_EXPORTER_OTLP_ENDPOINT
  · ddtrace 2.9: installed
    → leave it out

something is wrong: 1 problem
"""


def test_a_page_fits_80_columns_and_shows_no_control_character() -> None:
    stream = io.StringIO()
    page.show(DOCUMENT, stream, {})

    assert stream.getvalue() == PAGE


def test_what_the_terminal_cannot_show_is_spelled_in_ascii() -> None:
    octets = io.BytesIO()
    stream = io.TextIOWrapper(octets, encoding="ascii")
    page.show(DOCUMENT, stream, {})
    stream.flush()

    assert b"  x traces to " in octets.getvalue()
    assert b"    leave it out\n" in octets.getvalue()


def test_a_real_page_is_plain_where_nobody_looks(patient: Patient) -> None:
    result = patient.otel_run("doctor", "--", patient.executable, path=(patient.packages,))
    lines = result.stdout.splitlines()

    assert (result.returncode, result.stderr) == (0, "")
    assert [line for line in lines if line and not line.startswith(" ")][1:] == [
        "Python",
        "Libraries",
        "Settings",
        "Telemetry",
        "What else patches",
        "fine: 7 libraries can be recorded",
    ]
    assert all(line.isprintable() and len(line) <= 80 for line in lines[1:])


def test_a_reader_may_leave_early(patient: Patient) -> None:
    command = f"'{sys.executable}' -m otel_run_bootstrap doctor -- '{patient.executable}'"
    result = patient.launch("sh", "-c", f"{command} | true", path=(patient.packages,))

    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")


def on_terminal(patient: Patient, **env: str) -> str:
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "otel_run_bootstrap", "doctor", "--", patient.executable],
        cwd=patient.folder,
        env=patient.environment((patient.packages,), env),
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    said = b""
    try:
        while piece := os.read(ours, 1 << 16):
            said += piece
    except OSError:
        pass  # how a terminal ends
    os.close(ours)
    process.wait(60)
    return said.decode()


def test_a_terminal_has_colours_unless_it_does_not_want_them(patient: Patient) -> None:
    assert "\x1b[1mPython\x1b[0m" in on_terminal(patient, TERM="xterm")
    assert "\x1b" not in on_terminal(patient, TERM="xterm", NO_COLOR="1")
