"""The rows: what is measured, and what otel-run may add to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.bench import Start
from benchmarks.row import PROGRAMS, Burst, Operation, Whole
from benchmarks.serving import Latency, Service, Throughput

UNSAMPLED = {"OTEL_TRACES_SAMPLER": "always_off"}
DISABLED = {"OTEL_SDK_DISABLED": "true", "DD_TRACE_ENABLED": "false"}
# OpenTelemetry asks for the settings before the program begins.
DJANGO = {"DJANGO_SETTINGS_MODULE": "django_settings", "PYTHONPATH": str(PROGRAMS)}
IN_DJANGO = Start(variables=DJANGO)
# OpenTelemetry has a span for each message that is sent, ddtrace one for the endpoint.
OF_FASTAPI = {"opentelemetry": 3, "ddtrace": 2}
SEVENTY_STATEMENTS = (str(PROGRAMS / "sqlite3_short.py"), "70")

if TYPE_CHECKING:
    from benchmarks.measurement import Row

ROWS: tuple[Row, ...] = (
    Whole("start", "start of `python -c pass`", limit=30, arguments=("-c", "pass")),
    Whole(
        "start-inside",
        "the same, in the program itself",
        limit=5,
        arguments=("-c", "pass"),
        start=Start(launched=False),
    ),
    Whole(
        "start-disabled",
        "the same, disabled",
        limit=1,
        arguments=("-c", "pass"),
        start=Start(launched=False, variables=DISABLED),
    ),
    Whole(
        "imports",
        "start importing requests, SQLAlchemy and Flask",
        limit=60,
        memory_limit=5,
        arguments=(str(PROGRAMS / "imports.py"),),
    ),
    Whole(
        "seventy-local",
        "70 sqlite3 spans into the local store",
        limit=40,
        memory_limit=4,
        arguments=SEVENTY_STATEMENTS,
        start=Start(local_store=True),
        spans=70,
        without=("opentelemetry", "ddtrace"),
    ),
    Whole(
        "seventy-otlp",
        "70 sqlite3 spans over OTLP",
        limit=110,
        memory_limit=9,
        arguments=SEVENTY_STATEMENTS,
        spans=70,
    ),
    Operation("sqlite3", "`sqlite3` execute", 8, "sqlite3_execute.py", 10_000),
    Operation(
        "sqlalchemy",
        "SQLAlchemy Core query",
        15,
        "sqlalchemy_query.py",
        4_000,
        spans={"opentelemetry": 2},
    ),
    Operation("requests", "requests call", 35, "requests_call.py", 1_500, calls_page=True),
    Operation("httpx", "httpx call", 40, "httpx_call.py", 1_500, calls_page=True),
    Operation(
        "aiohttp-client",
        "aiohttp client call",
        40,
        "aiohttp_call.py",
        2_000,
        # ddtrace has one for taking a connection.
        spans={"ddtrace": 2},
        calls_page=True,
    ),
    Operation("flask", "Flask request", 30, "flask_request.py", 2_000, spans={"ddtrace": 9}),
    Operation("fastapi", "FastAPI request", 40, "fastapi_request.py", 3_000, spans=OF_FASTAPI),
    Operation(
        "django",
        "Django request",
        40,
        "django_request.py",
        4_000,
        spans={"ddtrace": 5},
        start=IN_DJANGO,
    ),
    # ddtrace has to be told of each application.
    Operation(
        "aiohttp-web",
        "aiohttp.web request",
        40,
        "aiohttp_request.py",
        3_000,
        without=("ddtrace",),
    ),
    Operation(
        "unsampled",
        "`sqlite3` execute, not sampled",
        3,
        "sqlite3_execute.py",
        20_000,
        spans={"otel-run": 0, "opentelemetry": 0},
        start=Start(variables=UNSAMPLED),
        without=("ddtrace",),
    ),
    Latency(
        "latency",
        "FastAPI endpoint that awaits 1 ms, 500 requests/s",
        median_limit=0.15,
        p99_limit=1,
        service=Service("fastapi_latency.py", 5_000, spans=OF_FASTAPI),
    ),
    Throughput(
        "throughput",
        "FastAPI on one worker of uvicorn, under load, documents in and out",
        kept=0.9,
        # As well one for the body that it receives.
        service=Service(
            "fastapi_served.py", 12_000, ["orders"], {**OF_FASTAPI, "opentelemetry": 4}
        ),
    ),
    Throughput(
        "throughput-empty",
        "the same, an endpoint that does nothing",
        kept=0.9,
        service=Service("fastapi_served.py", 20_000, ["products"], OF_FASTAPI),
    ),
    Burst("burst", "20,000 spans at once, then 5,000/s", memory_limit=20, count=20_000),
)
