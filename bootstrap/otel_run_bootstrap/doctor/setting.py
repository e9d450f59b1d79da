"""The settings in force, and where each comes from."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from otel_run.export.destinations import SIGNALS
from otel_run.settings import VARIABLES, values
from otel_run.settings.complaint import shown
from otel_run.signals.resource import service_name
from otel_run_bootstrap.doctor.finding import WARNING, Finding, finding
from otel_run_bootstrap.instrumentation import DISABLED, REQUIRED, unknown_names

if TYPE_CHECKING:
    from collections.abc import Iterator

    from otel_run.settings import Settings

Row = dict[str, Any]

NO_TRACE = "no trace that begins here is recorded, only metrics"
DEFAULT, INFERRED = "default", "inferred"
# Those that are written in milliseconds.
DURATIONS = (values.duration, values.interval, values.timeout)
MEMBERS = (
    ("OTEL_SDK_DISABLED", "disabled"),
    (DISABLED, "disabled_instrumentations"),
    (REQUIRED, "required_instrumentations"),
    ("OTEL_TRACES_SAMPLER_ARG", "sampler_ratio"),
    ("OTEL_PROPAGATORS", "propagators"),
    ("OTEL_BSP_MAX_QUEUE_SIZE", "max_queue_size"),
    ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "max_export_batch_size"),
    ("OTEL_INSTRUMENTATION_HTTP_KNOWN_METHODS", "known_methods"),
    ("OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_SANITIZE_FIELDS", "sanitized_headers"),
    ("OTEL_RUN_TRUST_FORWARDED", "trust_forwarded"),
    ("OTEL_RUN_EXCLUDE_HEALTH_CHECKS", "excluded_paths"),
    ("OTEL_RUN_STORE", "store"),
    ("OTEL_RUN_SUMMARY", "summary"),
    ("OTEL_RUN_VERBOSITY", "verbosity"),
)
OPTIONS = ("COMPRESSION", "CERTIFICATE", "CLIENT_CERTIFICATE", "CLIENT_KEY")


def examine(settings: Settings) -> tuple[list[Row], list[Finding]]:
    """Return a row for each setting, and a finding for each that cannot be used as it is."""
    rows = [service(settings)]
    for field, names, parse, _ in known_variables():
        value = getattr(settings, field)
        rows.append(row(names, milliseconds(value) if parse in DURATIONS else value))
    rows += [row((name,), getattr(settings, member)) for name, member in MEMBERS]
    for signal in SIGNALS:
        rows += of_signal(settings, signal)
    rows += others(rows)
    lines = [
        *settings.complaints,
        *unknown_names(DISABLED, settings.disabled_instrumentations),
    ]
    return rows, [*map(complaint, lines), *judge(settings)]


def known_variables() -> Iterator[tuple[str, tuple[str, ...], object, str]]:
    return (one for one in VARIABLES if one[0] != "service_name")


def service(settings: Settings) -> Row:
    source = INFERRED
    if settings.service_name:
        source = "OTEL_SERVICE_NAME"
    elif "service.name" in settings.resource_attributes:
        source = "OTEL_RESOURCE_ATTRIBUTES"
    return {"name": "OTEL_SERVICE_NAME", "value": service_name(settings), "source": source}


def of_signal(settings: Settings, signal: str) -> list[Row]:
    upper = signal.upper()
    endpoint = settings.endpoints[signal]
    rows = [row((f"OTEL_{upper}_EXPORTER",), settings.exporters[signal] or "none")]
    url = endpoint.url.partition("?")
    rows.append(row(specific(upper, "ENDPOINT"), url[0] + ("?***" if url[1] else "")))
    headers = ",".join(f"{name}=***" for name, _ in endpoint.headers)
    rows.append(row(specific(upper, "HEADERS"), headers))
    rows.append(row(specific(upper, "TIMEOUT"), milliseconds(endpoint.timeout)))
    options = [row(specific(upper, one), getattr(endpoint, one.lower())) for one in OPTIONS]
    return [*rows, *options]


def specific(signal: str, option: str) -> tuple[str, str]:
    return f"OTEL_EXPORTER_OTLP_{signal}_{option}", f"OTEL_EXPORTER_OTLP_{option}"


def row(names: tuple[str, ...], value: object) -> Row:
    """Return the first of the variables that is set as the source."""
    source = next((name for name in names if os.environ.get(name, "").strip()), DEFAULT)
    return {"name": names[0], "value": text(value), "source": source}


def others(rows: list[Row]) -> list[Row]:
    """Return the OTEL_ variables that are set and in no row: some of them are not read at all."""
    told = {name for row in rows for name in (row["name"], row["source"])}
    names = sorted(name for name in os.environ if name.startswith("OTEL_") and name not in told)
    return [
        {"name": name, "value": shown(name, os.environ[name])[1:-1], "source": name}
        for name in names
        if os.environ[name].strip()
    ]


def milliseconds(seconds: float | None) -> int | None:
    return None if seconds is None else round(seconds * 1000)


def text(value: object) -> str:
    """Write a value as one would in a variable."""
    if value is None:
        return "no limit"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict):
        return ",".join(f"{key}={one}" for key, one in value.items())
    if isinstance(value, frozenset):
        return ",".join(sorted(value))
    if isinstance(value, tuple):
        return ",".join(map(str, value))
    return str(value)


def complaint(line: str) -> Finding:
    """Take `NAME='value': what is wrong; what is used instead` apart."""
    thing, _, value = line.partition(": ")
    return finding(WARNING, thing, value, "correct or unset it")


def judge(settings: Settings) -> list[Finding]:
    """Look for what is set rightly, and records nothing."""
    remedy = "unset it, if that is not what you want"
    found = []
    if settings.sampler.endswith("always_off"):
        thing = f"OTEL_TRACES_SAMPLER={settings.sampler}"
        found.append(finding(WARNING, thing, NO_TRACE, remedy))
    elif settings.sampler_ratio == 0:
        found.append(finding(WARNING, "OTEL_TRACES_SAMPLER_ARG=0", NO_TRACE, remedy))
    if "*" in settings.disabled_instrumentations:
        found.append(finding(WARNING, f"{DISABLED}=*", "no library is recorded", remedy))
    return found
