"""Which destinations there are, by what the settings name."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from otel_run import run_entry
from otel_run.export.console import Console
from otel_run.export.destinations import make_routes
from otel_run.export.otlp_http import OtlpHttp
from otel_run.export.store import LocalStore
from otel_run.settings import load

if TYPE_CHECKING:
    from pathlib import Path

    from collector import Collector
    from programs import Programs


def kinds(run: str = "", **variables: str) -> dict[str, list[type]]:
    """The kinds of destinations of each signal."""
    return {
        signal: [type(one) for one in route]
        for signal, route in make_routes(load(variables, run)).items()
    }


def test_each_signal_goes_where_the_settings_say(tmp_path: Path) -> None:
    run = run_entry.write(str(tmp_path / "run"))

    assert kinds() == {"traces": [OtlpHttp], "metrics": [OtlpHttp]}
    assert kinds(run) == {"traces": [LocalStore], "metrics": [LocalStore]}
    assert kinds(
        run,
        OTEL_TRACES_EXPORTER="console,otlp,local",
        OTEL_METRICS_EXPORTER="none",
    ) == {"traces": [Console, OtlpHttp, LocalStore], "metrics": []}


def test_signals_that_name_the_same_share_one(tmp_path: Path) -> None:
    routes = make_routes(load({}, run_entry.write(str(tmp_path))))

    assert routes["traces"][0] is routes["metrics"][0]


def test_a_console_shows_what_is_sent_elsewhere_too(
    programs: Programs, collector: Collector
) -> None:
    result = programs.run(
        'import sqlite3\nprint(sqlite3.connect(":memory:").execute("SELECT 7").fetchone())',
        env={"OTEL_TRACES_EXPORTER": "console,otlp", "OTEL_METRICS_EXPORTER": "console"},
    )

    lines = result.stdout.splitlines()
    shown = [json.loads(line) for line in lines if line.startswith("{")]
    (span,) = collector.spans()
    assert "(7,)" in lines
    assert [one.get("span", one.get("metric")) for one in shown] == [
        "SELECT",
        "db.client.operation.duration",
    ]
    assert shown[0]["span_id"] == span.span_id
    assert collector.metrics() == []
