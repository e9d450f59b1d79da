"""The systems that are compared, and how their users start a program with them.

`{sink}` stands for the URL that telemetry is sent to. Everything else is each system's default,
but for what makes them comparable: no logs, no compression, and OpenTelemetry's stable
conventions, without which it records no database metrics.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace


@dataclass(frozen=True)
class System:
    """One way of running a program."""

    name: str
    title: str
    environment: str
    launcher: tuple[str, ...] = ()
    variables: dict[str, str] = field(default_factory=dict)
    measures: bool = False
    """Whether it exports a histogram of durations."""
    patience: dict[str, str] = field(default_factory=dict)
    """What it needs to deliver every span of a program that never pauses."""
    revision: str = ""
    """Of this project, which is installed into its environment."""


BASE = System("base", "without", environment="otel-run")

OTEL_RUN = System(
    "otel-run",
    "otel-run",
    environment="otel-run",
    launcher=("otel-run",),
    measures=True,
    variables={
        "OTEL_EXPORTER_OTLP_ENDPOINT": "{sink}",
        "OTEL_LOGS_EXPORTER": "none",
        "OTEL_SERVICE_NAME": "benchmark",
    },
)

OPENTELEMETRY = System(
    "opentelemetry",
    "OpenTelemetry",
    environment="opentelemetry",
    launcher=("opentelemetry-instrument",),
    measures=True,
    variables={
        "OTEL_EXPORTER_OTLP_ENDPOINT": "{sink}",
        "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
        "OTEL_LOGS_EXPORTER": "none",
        "OTEL_SEMCONV_STABILITY_OPT_IN": "http,database",
        "OTEL_SERVICE_NAME": "benchmark",
    },
    patience={"OTEL_BSP_MAX_QUEUE_SIZE": "100000"},
)

DDTRACE = System(
    "ddtrace",
    "ddtrace",
    environment="ddtrace",
    launcher=("ddtrace-run",),
    variables={
        "DD_TRACE_AGENT_URL": "{sink}",
        "DD_SERVICE": "benchmark",
        "DD_INSTRUMENTATION_TELEMETRY_ENABLED": "false",
        "DD_REMOTE_CONFIGURATION_ENABLED": "false",
    },
)

SYSTEMS = {system.name: system for system in (BASE, OTEL_RUN, OPENTELEMETRY, DDTRACE)}


def earlier(revision: str) -> System:
    """Return otel-run as it was at that revision, beside what it is now."""
    return replace(
        OTEL_RUN,
        name="earlier",
        title=f"at {revision}",
        environment="otel-run-earlier",
        revision=revision,
    )
