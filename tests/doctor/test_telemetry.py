"""Doctor tries out whether telemetry arrives, says which settings are in force, and who else is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from closed_port import closed_port
from collector import Answer, Collector
from otlp import spans_in
from patient import problems

if TYPE_CHECKING:
    from pathlib import Path

    from patient import Patient


def telemetry(document: dict[str, Any]) -> list[str]:
    return [
        f"{row['signal']}: {row['exporter']} {row['target']}: {row['answer']}"
        for row in document["telemetry"]
    ]


def setting(document: dict[str, Any], name: str) -> tuple[str, str]:
    (row,) = (row for row in document["settings"] if row["name"] == name)
    return row["value"], row["source"]


def test_a_collector_takes_a_test_span(patient: Patient, collector: Collector) -> None:
    endpoint = collector.endpoint
    document = patient.examine(flags=("--endpoint", endpoint, "--service-name", "shop"))
    (span,) = (one for message in collector.received("/v1/traces") for one in spans_in(message))

    assert telemetry(document) == [
        f"traces: otlp {endpoint}/v1/traces: takes a test span",
        f"metrics: otlp {endpoint}/v1/metrics: takes an empty request",
    ]
    assert (span.name, span.kind, span.scope) == ("otel-run doctor", "internal", "otel_run.doctor")
    assert len(collector.received("/v1/metrics")) == 1
    assert problems(document) == []


def test_a_collector_with_tls(
    patient: Patient, secure_collector: Collector, certificate: Path
) -> None:
    flags = ("--endpoint", secure_collector.endpoint)
    trusted = {"OTEL_EXPORTER_OTLP_CERTIFICATE": str(certificate)}

    assert problems(patient.examine(flags=flags, env=trusted)) == []
    assert "certificate" in patient.examine(flags=flags)["telemetry"][0]["answer"]


def test_no_collector(patient: Patient) -> None:
    with closed_port() as port:
        endpoint = f"http://127.0.0.1:{port}"
        document = patient.examine(flags=("--endpoint", endpoint, "--metrics-exporter", "none"))

    assert problems(document) == [
        (
            f"problem: traces to {endpoint}/v1/traces: connection refused (is a collector running "
            "there?) → see that a collector runs there, or correct OTEL_EXPORTER_OTLP_ENDPOINT"
        ),
        (
            "warning: metrics: OTEL_METRICS_EXPORTER=none: they go nowhere "
            "→ unset it, if that is not what you want"
        ),
    ]


def test_a_collector_that_refuses(patient: Patient, collector: Collector) -> None:
    collector.script(Answer(401, body=b"who are you?"))
    document = patient.examine(
        env={
            "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": f"{collector.endpoint}/in?key=secret",
            "OTEL_METRICS_EXPORTER": "console",
        }
    )

    assert problems(document) == [
        (
            f"problem: traces to {collector.endpoint}/in: HTTP 401: who are you? (are "
            "OTEL_EXPORTER_OTLP_HEADERS right?) → set it right, or correct "
            "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"
        )
    ]
    assert telemetry(document)[1] == "metrics: console stdout: a line for each record"


def test_a_collector_that_never_answers(patient: Patient, collector: Collector) -> None:
    collector.script(Answer(delay=float("inf")))
    document = patient.examine(
        flags=("--endpoint", collector.endpoint), env={"OTEL_EXPORTER_OTLP_TIMEOUT": "100"}
    )

    assert telemetry(document)[0].endswith(": no answer in time")


def test_the_local_store_is_as_it_was_before(patient: Patient) -> None:
    document = patient.examine()
    runs = patient.folder / "store" / "runs"

    assert telemetry(document) == [
        f"traces: local {runs}: can be written",
        f"metrics: local {runs}: can be written",
    ]
    assert not runs.parent.exists()


def test_a_store_that_cannot_be_written(patient: Patient) -> None:
    (patient.folder / "store").write_text("a file")
    document = patient.examine()
    runs = patient.folder / "store" / "runs"

    assert problems(document) == [
        f"problem: {signal} to {runs}: cannot be written: Not a directory "
        "→ make the folder writable, or set OTEL_RUN_STORE to one that is"
        for signal in ("traces", "metrics")
    ]


def test_settings_have_their_source(patient: Patient, collector: Collector) -> None:
    document = patient.examine(
        flags=("--sample", "0.5"),
        env={
            "OTEL_EXPORTER_OTLP_ENDPOINT": collector.endpoint.replace("//", "//me:secret@"),
            "OTEL_EXPORTER_OTLP_METRICS_HEADERS": "key=secret",
            "OTEL_RESOURCE_ATTRIBUTES": "service.name=shop",
            "OTEL_BSP_SCHEDULE_DELAY": "soon",
            "OTEL_METRIC_EXPORT_TIMEOUT": "0",
            "OTEL_EXPORTER_OTLP_TIMEOUT": "1500",
        },
    )
    expected = {
        "OTEL_SERVICE_NAME": ("shop", "OTEL_RESOURCE_ATTRIBUTES"),
        "OTEL_TRACES_SAMPLER": ("parentbased_traceidratio", "OTEL_TRACES_SAMPLER"),
        "OTEL_TRACES_SAMPLER_ARG": ("0.5", "OTEL_TRACES_SAMPLER_ARG"),
        "OTEL_PROPAGATORS": ("tracecontext,baggage", "default"),
        "OTEL_BSP_SCHEDULE_DELAY": ("5000", "OTEL_BSP_SCHEDULE_DELAY"),
        "OTEL_METRIC_EXPORT_TIMEOUT": ("no limit", "OTEL_METRIC_EXPORT_TIMEOUT"),
        "OTEL_EXPORTER_OTLP_TRACES_TIMEOUT": ("1500", "OTEL_EXPORTER_OTLP_TIMEOUT"),
        "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": (
            f"{collector.endpoint}/v1/traces",
            "OTEL_EXPORTER_OTLP_ENDPOINT",
        ),
        "OTEL_EXPORTER_OTLP_METRICS_HEADERS": (
            "key=***,authorization=***",
            "OTEL_EXPORTER_OTLP_METRICS_HEADERS",
        ),
        "OTEL_RUN_STORE": (str(patient.folder / "store"), "OTEL_RUN_STORE"),
    }

    assert {name: setting(document, name) for name in expected} == expected
    assert "secret" not in str(document)
    assert problems(document) == [
        (
            "warning: OTEL_BSP_SCHEDULE_DELAY='soon': not a whole number of milliseconds from 0 to "
            "2147483647; 5000 is used → correct or unset it"
        )
    ]


@pytest.mark.parametrize(
    ("name", "value", "meaning"),
    [
        (
            "OTEL_TRACES_SAMPLER",
            "always_off",
            "no trace that begins here is recorded, only metrics",
        ),
        ("OTEL_TRACES_SAMPLER_ARG", "0", "no trace that begins here is recorded, only metrics"),
        ("OTEL_PYTHON_DISABLED_INSTRUMENTATIONS", "*", "no library is recorded"),
    ],
)
def test_a_setting_that_leaves_nothing_to_record(
    patient: Patient, name: str, value: str, meaning: str
) -> None:
    document = patient.examine(env={"OTEL_TRACES_SAMPLER": "traceidratio", name: value})

    assert problems(document) == [
        f"warning: {name}={value}: {meaning} → unset it, if that is not what you want"
    ]


def test_another_agent_that_is_installed(patient: Patient) -> None:
    patient.add_distribution("opentelemetry-sdk", "1.30.0")
    document = patient.examine()

    assert document["others"] == [
        {"name": "OpenTelemetry's SDK", "version": "1.30.0", "active": ""}
    ]
    assert problems(document) == [
        (
            "note: OpenTelemetry's SDK 1.30.0: installed: a program that sets it up is recorded by "
            "it as well → leave it out of the program, if once is enough"
        )
    ]
    assert document["exit_code"] == 0


@pytest.mark.parametrize(
    ("value", "active"),
    [("true", "FASTAPI_OTEL_AUTO_CONFIGURE is set"), ("false", ""), ("", "")],
)
def test_the_sdk_that_fastapi_is_to_set_up(patient: Patient, value: str, active: str) -> None:
    patient.add_distribution("opentelemetry-sdk", "1.45.2")
    document = patient.examine(env={"FASTAPI_OTEL_AUTO_CONFIGURE": value})

    assert document["others"] == [
        {"name": "OpenTelemetry's SDK", "version": "1.45.2", "active": active}
    ]


def test_another_agent_on_the_path(patient: Patient) -> None:
    patient.add_distribution("ddtrace", "2.9.0", ddtrace__bootstrap__sitecustomize="")
    bootstrap = patient.packages / "ddtrace" / "bootstrap"
    document = patient.examine(path=(bootstrap, patient.packages))

    assert document["others"] == [
        {"name": "ddtrace", "version": "2.9.0", "active": f"{bootstrap} is on PYTHONPATH"}
    ]
    assert problems(document) == [
        (
            f"warning: ddtrace 2.9.0: {bootstrap} is on PYTHONPATH: what both record is recorded "
            "twice → leave one of the two out"
        )
    ]


def test_another_agent_that_starts_with_python(patient: Patient) -> None:
    patient.add_distribution("newrelic", "9.0", newrelic__agent="")
    (patient.packages / "sitecustomize.py").write_text("import newrelic.agent")

    assert patient.examine()["others"] == [
        {
            "name": "New Relic",
            "version": "9.0",
            "active": "newrelic is imported at the start of this Python",
        }
    ]


@pytest.mark.parametrize("name", ["ddtrace-run", "opentelemetry-instrument"])
def test_another_agent_that_starts_the_command(patient: Patient, name: str) -> None:
    path = patient.executable.parent / name
    path.write_text(f"#!{patient.executable}\n")
    path.chmod(0o755)
    document = patient.examine(path, "python", "app.py")

    assert [row["active"] for row in document["others"]] == [f"{name} starts it"]


def test_a_variable_that_switches_another_agent_on(patient: Patient) -> None:
    document = patient.examine(env={"SENTRY_DSN": "https://key@example.com/1"})

    assert document["others"] == [{"name": "Sentry", "version": "", "active": "SENTRY_DSN is set"}]
    assert "example.com" not in str(document)
