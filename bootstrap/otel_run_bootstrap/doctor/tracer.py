"""What else patches here: other agents, and the SDK that a program may set up by itself."""

from __future__ import annotations

import os
from importlib import metadata
from typing import TYPE_CHECKING, Any, NamedTuple

from otel_run_bootstrap.doctor.finding import NOTE, WARNING, Finding, finding

if TYPE_CHECKING:
    from collections.abc import Sequence


class Tracer(NamedTuple):
    """How one is told: its distribution, the module that it begins with, and how it is started.

    `folder` is what it puts on PYTHONPATH, `commands` are its launchers, `variable` switches it on.
    """

    name: str
    distribution: str
    module: str
    folder: str = ""
    commands: tuple[str, ...] = ()
    variable: str = ""


TRACERS = (
    Tracer("ddtrace", "ddtrace", "ddtrace", "ddtrace/bootstrap", ("ddtrace-run",)),
    Tracer(
        "OpenTelemetry's own agent",
        "opentelemetry-instrumentation",
        "opentelemetry.instrumentation",
        "opentelemetry/instrumentation/auto_instrumentation",
        ("opentelemetry-instrument",),
    ),
    Tracer(
        *("OpenTelemetry's SDK", "opentelemetry-sdk", "opentelemetry.sdk"),
        variable="FASTAPI_OTEL_AUTO_CONFIGURE",
    ),
    Tracer(
        *("New Relic", "newrelic", "newrelic", "newrelic/bootstrap", ("newrelic-admin",)),
        variable="NEW_RELIC_CONFIG_FILE",
    ),
    Tracer("Sentry", "sentry-sdk", "sentry_sdk", variable="SENTRY_DSN"),
    Tracer("Elastic APM", "elastic-apm", "elasticapm", "elasticapm", ("elasticapm-run",)),
)


def examine(
    loaded: frozenset[str], command: Sequence[str]
) -> tuple[list[dict[str, Any]], list[Finding]]:
    """Look for each: `loaded` are the modules that were there when the program would begin."""
    rows = [row(tracer, loaded, command) for tracer in TRACERS]
    rows = [row for row in rows if row["version"] or row["active"]]
    return rows, [judge(row) for row in rows]


def row(tracer: Tracer, loaded: frozenset[str], command: Sequence[str]) -> dict[str, Any]:
    return {
        "name": tracer.name,
        "version": installed_version(tracer.distribution),
        "active": evidence(tracer, loaded, command),
    }


def installed_version(distribution: str) -> str:
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return ""


def evidence(tracer: Tracer, loaded: frozenset[str], command: Sequence[str]) -> str:
    """Say why it is active in the program; "" where nothing shows that it is."""
    if command and os.path.basename(command[0]) in tracer.commands:
        return f"{os.path.basename(command[0])} starts it"
    for entry in os.environ.get("PYTHONPATH", "").split(os.pathsep):
        if tracer.folder and entry.rstrip(os.sep).endswith(tracer.folder):
            return f"{entry} is on PYTHONPATH"
    if tracer.module in loaded:
        return f"{tracer.module} is imported at the start of this Python"
    if tracer.variable and os.environ.get(tracer.variable, "").lower() not in {"", "false"}:
        return f"{tracer.variable} is set"
    return ""


def judge(row: dict[str, Any]) -> Finding:
    thing = f"{row['name']} {row['version']}".strip()
    if row["active"]:
        value = f"{row['active']}: what both record is recorded twice"
        return finding(WARNING, thing, value, "leave one of the two out")
    value = "installed: a program that sets it up is recorded by it as well"
    return finding(NOTE, thing, value, "leave it out of the program, if once is enough")
