"""The command `otel-run doctor [--json] [-- COMMAND...]`."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from typing import Any

import otel_run
from otel_run import __version__
from otel_run_bootstrap.doctor import page, target
from otel_run_bootstrap.doctor.finding import PROBLEM, finding
from otel_run_bootstrap.doctor.verdict import conclude
from otel_run_bootstrap.environment import announce
from otel_run_bootstrap.executable import CannotRunError

START = os.path.join(os.path.dirname(os.path.abspath(__file__)), "start.py")
# Seconds for all that the other Python does; importing a library may take some.
PATIENCE = 120
USAGE = 2
INTERRUPTED = 130
OLDEST = (3, 10)


def main(arguments: list[str]) -> int:
    options = read(arguments)
    try:
        document = examine(target.find(options.command, os.environ))
    except CannotRunError as error:
        from otel_run.notice import say

        say(str(error))
        return USAGE
    except KeyboardInterrupt:
        return INTERRUPTED
    status: int = document["exit_code"]
    try:
        write(document, as_json=options.json)
    except BrokenPipeError:
        # The reader, `head` or a pager, has seen enough; Python would flush once more at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return status


def write(document: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        sys.stdout.write(json.dumps(document, indent=2) + "\n")
    else:
        page.show(document, sys.stdout, os.environ)
    sys.stdout.flush()


def read(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="otel-run doctor",
        usage="%(prog)s [--json] [-- COMMAND...]",
        description="Says what would be recorded of COMMAND, where it would go, and what is in "
        "the way. COMMAND itself does not run, but its Python does.",
        epilog="The exit status is 0 where all is fine, 1 where something is wrong.",
    )
    parser.add_argument("--json", action="store_true", help="one JSON document, for programs")
    parser.add_argument("command", nargs=argparse.REMAINDER, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.command[:1] == ["--"]:
        del options.command[0]
    return options


def examine(chosen: target.Target) -> dict[str, Any]:
    """Have the target's Python look around, and add what only this one knows."""
    environ = dict(os.environ)
    announce(environ, chosen.command or ["python"])
    seen, failure = start(chosen, environ)
    findings = [
        *judge_options(chosen),
        *judge_other(seen.pop("other", None)),
        *seen.pop("findings", ()),
    ]
    version = seen.get("python", {}).get("version", "")
    if failure:
        findings.append(finding(PROBLEM, chosen.python, failure, "see that this Python runs"))
    elif not is_supported(version):
        value = "too old: the program runs, and nothing is recorded"
        findings.append(finding(PROBLEM, f"Python {version}", value, "use 3.10 or newer"))
    document = {
        "otel_run": __version__,
        "command": chosen.command,
        **seen,
        "python": {"executable": chosen.python, **seen.get("python", {})},
        "findings": findings,
    }
    document["verdict"], document["exit_code"] = conclude(document)
    return document


def is_supported(version: str) -> bool:
    return tuple(map(int, version.split(".")[:2])) >= OLDEST


def judge_options(chosen: target.Target) -> list[dict[str, Any]]:
    if not chosen.isolating:
        return []
    thing = f"python {chosen.isolating}"
    value = "ignores what is set around it: nothing is recorded"
    return [finding(PROBLEM, thing, value, f"leave out {chosen.isolating}")]


def judge_other(other: dict[str, str] | None) -> list[dict[str, Any]]:
    """Name both versions and places, where the program's Python has another otel-run than this."""
    if other is None:
        return []
    here = os.path.dirname(os.path.dirname(os.path.abspath(otel_run.__file__)))
    thing = f"otel-run {other['version']} in {other['folder']}"
    value = (
        f"is what this Python finds first, and this doctor is of otel-run {__version__} in {here}: "
        "it can only examine its own version"
    )
    remedy = "install the same version in both places, or leave one of them out"
    return [finding(PROBLEM, thing, value, remedy)]


def start(chosen: target.Target, environ: dict[str, str]) -> tuple[dict[str, Any], str]:
    """Return the document of the other Python, and why there is none."""
    words = [chosen.python, *chosen.options, START, __version__, chosen.folder, *chosen.command]
    try:
        done = subprocess.run(  # noqa: S603 (the Python that the user names)
            words,
            env=environ,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=PATIENCE,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return {}, f"does not come to an end within {PATIENCE} seconds"
    except OSError as error:
        return {}, f"cannot be started: {error.strerror or error}"
    return parse(done)


def parse(done: subprocess.CompletedProcess[bytes]) -> tuple[dict[str, Any], str]:
    lines = done.stdout.decode("utf-8", "replace").splitlines()
    if done.returncode == 0 and lines:
        try:
            document: dict[str, Any] = json.loads(lines[-1])
        except ValueError:
            return {}, "does not run otel-run's doctor"
        return document, ""
    last = done.stderr.decode("utf-8", "replace").strip().splitlines()[-1:]
    return {}, f"ends with status {done.returncode}: {''.join(last) or 'without a word'}"
