"""What the environment says, and what becomes of what it should not say."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import otel_run
from otel_run.settings import Settings, load
from otel_run.settings.names import KNOWN

AGENT = str(Path(otel_run.__file__).parents[1])
HOME = {"HOME": "/home/ada"}
CAPTURE = "OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS"


def endpoint(url: str, **options: Any) -> dict[str, Any]:
    return {
        "url": url,
        "headers": (),
        "timeout": 10.0,
        "compression": "none",
        "certificate": "",
        "client_certificate": "",
        "client_key": "",
    } | options


DEFAULTS: dict[str, Any] = {
    "disabled": False,
    "disabled_instrumentations": frozenset(),
    "required_instrumentations": frozenset(),
    "service_name": "",
    "resource_attributes": {},
    "exporters": {"traces": ("otlp",), "metrics": ("otlp",), "logs": ("otlp",)},
    "endpoints": {
        "traces": endpoint("http://localhost:4318/v1/traces"),
        "metrics": endpoint("http://localhost:4318/v1/metrics"),
        "logs": endpoint("http://localhost:4318/v1/logs"),
    },
    "sampler": "parentbased_always_on",
    "sampler_ratio": 1.0,
    "propagators": ("tracecontext", "baggage"),
    "propagate_to": (),
    "attribute_count_limit": 128,
    "attribute_length_limit": None,
    "span_event_count_limit": 128,
    "span_link_count_limit": 128,
    "event_attribute_count_limit": 128,
    "link_attribute_count_limit": 128,
    "schedule_delay": 5.0,
    "export_timeout": 30.0,
    "max_queue_size": 65536,
    "queue_size_is_set": False,
    "max_export_batch_size": 512,
    "metric_export_interval": 60.0,
    "metric_export_timeout": 30.0,
    "known_methods": frozenset(
        ("CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "QUERY", "TRACE")
    ),
    "excluded_client_urls": (),
    "excluded_paths": frozenset({"/healthz", "/livez", "/readyz", "/metrics"}),
    "excluded_server_urls": (),
    "trust_forwarded": True,
    "captured_headers": {
        "server_request": (),
        "server_response": (),
        "client_request": (),
        "client_response": (),
    },
    "sanitized_headers": (),
    "run_folder": "",
    "store": "/home/ada/.local/state/otel-run",
    "root_pid": "",
    "summary": None,
    "verbosity": 0,
    "complaints": (),
}


def as_dict(settings: Settings) -> dict[str, Any]:
    fields: dict[str, Any] = {name: getattr(settings, name) for name in Settings.__slots__}
    fields["endpoints"] = {
        signal: {name: getattr(found, name) for name in found.__slots__}
        for signal, found in settings.endpoints.items()
    }
    return fields


def changed(environ: dict[str, str]) -> dict[str, Any]:
    """The fields of the loaded settings that are not as they are without any variable."""
    fields = as_dict(load(HOME | environ))
    return {name: value for name, value in fields.items() if value != DEFAULTS[name]}


def test_an_environment_that_says_nothing_gives_the_defaults() -> None:
    assert as_dict(load(HOME)) == DEFAULTS


def test_an_empty_variable_is_as_good_as_none() -> None:
    assert as_dict(load(HOME | dict.fromkeys(KNOWN, ""))) == DEFAULTS
    assert as_dict(load(HOME | dict.fromkeys(KNOWN, "  "))) == DEFAULTS


def test_every_variable_is_read() -> None:
    environ = {
        "OTEL_SDK_DISABLED": "True",
        "OTEL_PYTHON_DISABLED_INSTRUMENTATIONS": "Flask, requests,",
        "OTEL_RUN_REQUIRE": "FastAPI, psycopg,",
        "OTEL_SERVICE_NAME": "shop",
        "OTEL_RESOURCE_ATTRIBUTES": "deployment.environment.name=prod, a=1%2C2 ,b=,",
        "OTEL_TRACES_EXPORTER": "OTLP,console,otlp",
        "OTEL_METRICS_EXPORTER": "none",
        "OTEL_LOGS_EXPORTER": "local",
        "OTEL_TRACES_SAMPLER": "ParentBased_TraceIDRatio",
        "OTEL_TRACES_SAMPLER_ARG": "0.25",
        "OTEL_PROPAGATORS": "baggage",
        "OTEL_ATTRIBUTE_COUNT_LIMIT": "7",
        "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT": "0",
        "OTEL_SPAN_EVENT_COUNT_LIMIT": "1",
        "OTEL_SPAN_LINK_COUNT_LIMIT": "2",
        "OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT": "3",
        "OTEL_LINK_ATTRIBUTE_COUNT_LIMIT": "4",
        "OTEL_BSP_SCHEDULE_DELAY": "250",
        "OTEL_BSP_EXPORT_TIMEOUT": "0",
        "OTEL_BSP_MAX_QUEUE_SIZE": "2048",
        "OTEL_BSP_MAX_EXPORT_BATCH_SIZE": "100",
        "OTEL_METRIC_EXPORT_INTERVAL": "1000",
        "OTEL_METRIC_EXPORT_TIMEOUT": "500",
        "OTEL_INSTRUMENTATION_HTTP_KNOWN_METHODS": "GET,purge",
        "OTEL_PYTHON_EXCLUDED_URLS": "^/up$, /ping",
        "OTEL_PYTHON_FLASK_EXCLUDED_URLS": "/admin",
        "OTEL_PYTHON_HTTPX_EXCLUDED_URLS": "telemetry[.]example",
        "OTEL_RUN_EXCLUDE_HEALTH_CHECKS": "false",
        "OTEL_RUN_TRUST_FORWARDED": "false",
        f"{CAPTURE}_SERVER_REQUEST": "X-Tenant, accept.*",
        f"{CAPTURE}_SERVER_RESPONSE": "Content-Type",
        f"{CAPTURE}_CLIENT_REQUEST": "x-[a-z]+",
        f"{CAPTURE}_CLIENT_RESPONSE": ".*",
        f"{CAPTURE}_SANITIZE_FIELDS": "x-secret-.*",
        "OTEL_RUN_PROPAGATE_TO": "*.Example.com, https://api:8080/v1 ,",
        "OTEL_RUN_STORE": "/var",
        "OTEL_RUN_SUMMARY": "false",
        "OTEL_RUN_VERBOSITY": "-1",
        "PYTHONPATH": "/lib:/var/runs/1#otel-run=12:",
    }

    assert changed(environ) == {
        "disabled": True,
        "disabled_instrumentations": frozenset({"flask", "requests"}),
        "required_instrumentations": frozenset({"fastapi", "psycopg"}),
        "service_name": "shop",
        "resource_attributes": {"deployment.environment.name": "prod", "a": "1,2", "b": ""},
        "exporters": {"traces": ("otlp", "console"), "metrics": (), "logs": ("local",)},
        "sampler": "parentbased_traceidratio",
        "sampler_ratio": 0.25,
        "propagators": ("baggage",),
        "attribute_count_limit": 7,
        "attribute_length_limit": 0,
        "span_event_count_limit": 1,
        "span_link_count_limit": 2,
        "event_attribute_count_limit": 3,
        "link_attribute_count_limit": 4,
        "schedule_delay": 0.25,
        "export_timeout": None,
        "max_queue_size": 2048,
        "queue_size_is_set": True,
        "max_export_batch_size": 100,
        "metric_export_interval": 1.0,
        "metric_export_timeout": 0.5,
        "known_methods": frozenset({"GET", "purge"}),
        "excluded_client_urls": ("^/up$", "/ping", "telemetry[.]example"),
        "excluded_paths": frozenset(),
        "excluded_server_urls": ("^/up$", "/ping", "/admin"),
        "trust_forwarded": False,
        "captured_headers": {
            "server_request": ("X-Tenant", "accept.*"),
            "server_response": ("Content-Type",),
            "client_request": ("x-[a-z]+",),
            "client_response": (".*",),
        },
        "sanitized_headers": ("x-secret-.*",),
        "propagate_to": ("*.example.com", "api:8080"),
        "run_folder": "/var/runs/1",
        "store": "/var",
        "root_pid": "12",
        "summary": False,
        "verbosity": -1,
    }


def test_a_limit_for_spans_beats_the_one_for_everything() -> None:
    environ = {
        "OTEL_ATTRIBUTE_COUNT_LIMIT": "7",
        "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT": "8",
        "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT": "70",
        "OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT": "80",
    }

    assert changed(environ) == {
        "attribute_count_limit": 8,
        "attribute_length_limit": 80,
        "event_attribute_count_limit": 7,
        "link_attribute_count_limit": 7,
    }


def test_a_batch_is_never_larger_than_a_small_queue() -> None:
    assert changed({"OTEL_BSP_MAX_QUEUE_SIZE": "100"}) == {
        "max_queue_size": 100,
        "queue_size_is_set": True,
        "max_export_batch_size": 100,
    }


@pytest.mark.parametrize(
    ("environ", "verbosity"),
    [
        ({"OTEL_LOG_LEVEL": "debug"}, 1),
        ({"OTEL_LOG_LEVEL": "DEBUG"}, 1),
        ({"OTEL_LOG_LEVEL": "info"}, 0),
        ({"OTEL_LOG_LEVEL": "warn"}, 0),
        ({"OTEL_LOG_LEVEL": "error"}, -1),
        ({"OTEL_LOG_LEVEL": "none"}, -1),
        ({"OTEL_LOG_LEVEL": "debug", "OTEL_RUN_VERBOSITY": "0"}, 0),
        ({"OTEL_LOG_LEVEL": "debug", "OTEL_RUN_VERBOSITY": "-1"}, -1),
        ({"OTEL_LOG_LEVEL": "none", "OTEL_RUN_VERBOSITY": "1"}, 1),
        ({"OTEL_LOG_LEVEL": "debug", "OTEL_RUN_VERBOSITY": "loud"}, 1),
    ],
)
def test_how_much_is_said_is_ours_to_set_or_the_level_of_the_log(
    environ: dict[str, str], verbosity: int
) -> None:
    assert load(environ).verbosity == verbosity


def test_a_list_of_methods_without_any_counts_as_unset() -> None:
    assert changed({"OTEL_INSTRUMENTATION_HTTP_KNOWN_METHODS": " , ,"}) == {}


SAMPLERS = (
    "always_on, always_off, traceidratio, parentbased_always_on, parentbased_always_off, "
    "parentbased_traceidratio"
)
LOG_LEVELS = "all, trace, verbose, debug, info, warn, warning, error, critical, fatal, none, off"
WHOLE = "not a whole number from 0 to 2147483647"
POSITIVE = "not a whole number from 1 to 2147483647"
MILLISECONDS = "not a whole number of milliseconds from 0 to 2147483647"
NO_SCHEME = "does not begin with http:// or https://"
LOCAL = "http://localhost:4318 is used"


@pytest.mark.parametrize(
    ("variable", "value", "problem"),
    [
        ("OTEL_SDK_DISABLED", "1", "neither true nor false; false is used"),
        ("OTEL_RUN_VERBOSITY", "loud", "not -1, 0 or 1; 0 is used"),
        (
            "OTEL_LOG_LEVEL",
            "debgu",
            f"built in are {LOG_LEVELS} (did you mean debug?); info is used",
        ),
        (
            "OTEL_TRACES_SAMPLER",
            "jaeger_remote",
            f"built in are {SAMPLERS}; parentbased_always_on is used",
        ),
        (
            "OTEL_TRACES_SAMPLER",
            "alwayson",
            f"built in are {SAMPLERS} (did you mean always_on?); parentbased_always_on is used",
        ),
        (
            "OTEL_TRACES_SAMPLER_ARG",
            "0.1",
            "means something only to a sampler that OTEL_TRACES_SAMPLER names; it is ignored",
        ),
        ("OTEL_ATTRIBUTE_COUNT_LIMIT", "-1", f"{WHOLE}; 128 is used"),
        ("OTEL_SPAN_LINK_COUNT_LIMIT", "1e3", f"{WHOLE}; 128 is used"),
        ("OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT", "many", f"{WHOLE}; no limit is used"),
        ("OTEL_BSP_MAX_QUEUE_SIZE", "0", f"{POSITIVE}; 65536 is used"),
        ("OTEL_BSP_MAX_QUEUE_SIZE", "2147483648", f"{POSITIVE}; 65536 is used"),
        ("OTEL_BSP_MAX_QUEUE_SIZE", "٣", f"{POSITIVE}; 65536 is used"),
        ("OTEL_BSP_SCHEDULE_DELAY", "5s", f"{MILLISECONDS}; 5000 is used"),
        ("OTEL_BSP_EXPORT_TIMEOUT", "-1", f"{MILLISECONDS}; 30000 is used"),
        (
            "OTEL_METRIC_EXPORT_INTERVAL",
            "0",
            "not a whole number of milliseconds from 1 to 2147483647; 60000 is used",
        ),
        (
            "OTEL_RESOURCE_ATTRIBUTES",
            "a=1,b",
            "not key=value pairs with commas between; it is ignored",
        ),
        ("OTEL_RESOURCE_ATTRIBUTES", "a=1,b=%x", "'%x' is no percent-encoded octet; it is ignored"),
        (
            "OTEL_PROPAGATORS",
            "b3",
            "built in are tracecontext, baggage, none; tracecontext,baggage is used",
        ),
        (
            "OTEL_TRACES_EXPORTER",
            "oltp",
            "built in are otlp, local, console, none (did you mean otlp?); otlp is used",
        ),
        (
            "OTEL_METRICS_EXPORTER",
            "prometheus",
            "built in are otlp, local, console, none; otlp is used",
        ),
        (
            "OTEL_EXPORTER_OTLP_CLIENT_KEY",
            "/key.pem",
            "means something only with OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE; it is ignored",
        ),
        (
            "OTEL_EXPORTER_OTLP_METRICS_CLIENT_KEY",
            "/key.pem",
            "means something only with OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE; it is ignored",
        ),
        (
            f"{CAPTURE}_CLIENT_REQUEST",
            "x-(",
            "part 1 is no regular expression; it is ignored",
        ),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4318", f"{NO_SCHEME}; {LOCAL}"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "ftp://collector", f"{NO_SCHEME}; {LOCAL}"),
        (
            "OTEL_EXPORTER_OTLP_ENDPOINT",
            "http://:4318",
            f"has no host that can be used; {LOCAL}",
        ),
        (
            "OTEL_EXPORTER_OTLP_ENDPOINT",
            "http://::1",
            f"has no host that can be used; {LOCAL}",
        ),
        (
            "OTEL_EXPORTER_OTLP_ENDPOINT",
            "http://h:99999",
            f"has a port that is not from 1 to 65535; {LOCAL}",
        ),
        (
            "OTEL_EXPORTER_OTLP_ENDPOINT",
            "http://h/a b",
            f"has characters that no URL has; {LOCAL}",
        ),
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "10s", f"{MILLISECONDS}; 10000 is used"),
        (
            "OTEL_EXPORTER_OTLP_COMPRESSION",
            "gzpi",
            "built in are none, gzip (did you mean gzip?); none is used",
        ),
        (
            "OTEL_EXPORTER_OTLP_PROTOCOL",
            "grpc",
            "only http/protobuf is built in; http/protobuf is used",
        ),
        (
            "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE",
            "delta",
            "built in is cumulative; cumulative is used",
        ),
        (
            "OTEL_PYTHON_EXCLUDED_URLS",
            "(,[",
            "part 1 is no regular expression; it is ignored",
        ),
        ("OTEL_CONFIG_FILE", "otel.yaml", "files are not read; the environment is used"),
    ],
)
def test_a_bad_value_gives_one_clear_line_and_the_default(
    variable: str, value: str, problem: str
) -> None:
    assert changed({variable: value}) == {"complaints": (f"{variable}={value!r}: {problem}",)}


@pytest.mark.parametrize(
    ("variable", "value", "problem", "used"),
    [
        (
            "OTEL_PYTHON_EXCLUDED_URLS",
            "/up,(,/in,[",
            "part 2 is no regular expression; the rest of it is used",
            {"excluded_client_urls": ("/up", "/in"), "excluded_server_urls": ("/up", "/in")},
        ),
        (
            "OTEL_RUN_PROPAGATE_TO",
            "a.example.com,https://",
            "part 2 names no host; the rest of it is used",
            {"propagate_to": ("a.example.com", "")},
        ),
        (
            "OTEL_RUN_PROPAGATE_TO",
            "https:///v1",
            "part 1 names no host; no host is used",
            {"propagate_to": ("",)},
        ),
    ],
)
def test_a_bad_part_leaves_the_rest_as_it_is(
    variable: str, value: str, problem: str, used: dict[str, object]
) -> None:
    assert changed({variable: value}) == {
        **used,
        "complaints": (f"{variable}={value!r}: {problem}",),
    }


def test_where_it_is_not_clear_which_headers_are_secret_all_are() -> None:
    name = f"{CAPTURE}_SANITIZE_FIELDS"

    assert changed({name: "x-("}) == {
        "sanitized_headers": (".*",),
        "complaints": (f"{name}='x-(': part 1 is no regular expression; .* is used",),
    }


def test_a_summary_that_is_neither_on_nor_off_is_off() -> None:
    assert changed({"OTEL_RUN_SUMMARY": "yes"}) == {
        "summary": False,
        "complaints": ("OTEL_RUN_SUMMARY='yes': neither true nor false; false is used",),
    }


def test_a_bad_ratio_is_ignored_and_the_sampler_kept() -> None:
    environ = {"OTEL_TRACES_SAMPLER": "traceidratio", "OTEL_TRACES_SAMPLER_ARG": "nan"}

    assert changed(environ) == {
        "sampler": "traceidratio",
        "complaints": ("OTEL_TRACES_SAMPLER_ARG='nan': not a number from 0 to 1; 1 is used",),
    }


def test_a_batch_larger_than_the_queue_is_as_large_as_the_queue() -> None:
    environ = {"OTEL_BSP_MAX_QUEUE_SIZE": "10", "OTEL_BSP_MAX_EXPORT_BATCH_SIZE": "20"}

    assert changed(environ) == {
        "max_queue_size": 10,
        "queue_size_is_set": True,
        "max_export_batch_size": 10,
        "complaints": (
            (
                "OTEL_BSP_MAX_EXPORT_BATCH_SIZE='20': greater than the queue "
                "(OTEL_BSP_MAX_QUEUE_SIZE); 10 is used"
            ),
        ),
    }


def test_where_the_more_specific_value_is_bad_the_general_one_is_used() -> None:
    environ = {"OTEL_ATTRIBUTE_COUNT_LIMIT": "7", "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT": "x"}

    assert changed(environ) == {
        "attribute_count_limit": 7,
        "event_attribute_count_limit": 7,
        "link_attribute_count_limit": 7,
        "complaints": (
            f"OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT='x': {WHOLE}; OTEL_ATTRIBUTE_COUNT_LIMIT is used",
        ),
    }


def test_what_a_list_names_rightly_is_used() -> None:
    assert changed({"OTEL_PROPAGATORS": "b3,Baggage,bagage"}) == {
        "propagators": ("baggage",),
        "complaints": (
            (
                "OTEL_PROPAGATORS='b3,Baggage,bagage': built in are tracecontext, baggage, none "
                "(did you mean baggage?); baggage is used"
            ),
        ),
    }


def test_none_stands_alone() -> None:
    assert changed({"OTEL_PROPAGATORS": "none"}) == {"propagators": ()}
    assert changed({"OTEL_TRACES_EXPORTER": "none,console"}) == {
        "exporters": DEFAULTS["exporters"] | {"traces": ("console",)},
        "complaints": ("OTEL_TRACES_EXPORTER='none,console': none stands alone; console is used",),
    }


def test_a_variable_that_looks_misspelled_is_asked_about() -> None:
    environ = {
        "OTEL_SERVICE_NAMES": "shop",
        "OTEL_EXPORTER_OTLP_ENDPONT": "http://user:password@collector",
        "OTEL_PYTHON_FLASK_EXCLUDED_URLS": "health",
        "OTEL_COLLECTOR_HOST": "collector",
        "OTEL_EXPORTER_OTLP_METRIC_INSECURE": "true",
        "SERVICE_NAME": "shop",
    }

    settings = load(HOME | environ)

    assert sorted(settings.complaints) == [
        "OTEL_EXPORTER_OTLP_ENDPONT: no such variable; did you mean OTEL_EXPORTER_OTLP_ENDPOINT?",
        "OTEL_SERVICE_NAMES: no such variable; did you mean OTEL_SERVICE_NAME?",
    ]


@pytest.mark.parametrize("name", sorted(KNOWN))
def test_no_known_variable_is_taken_for_a_misspelling_of_another(name: str) -> None:
    complaints = load(HOME | {name: "true"}).complaints

    assert [line for line in complaints if "no such variable" in line] == []


TEXTS = st.text(st.characters(exclude_characters="\0"), max_size=40)
PIECES = st.sampled_from(
    [*"=,;:@/?#%[]. -", "http://", "https://", "none", "true", "a", "1", "4317", "%41", "\udc80"]
)
VALUES = TEXTS | st.lists(PIECES, max_size=12).map("".join)


@given(st.dictionaries(st.sampled_from(sorted(KNOWN)) | TEXTS.map("OTEL_".__add__), VALUES))
@example({"OTEL_BSP_MAX_QUEUE_SIZE": "9" * 10_000})
@example({"OTEL_TRACES_EXPORTER": "otlp," * 10_000})
@example({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://" + "[" * 10_000})
@example({"OTEL_RESOURCE_ATTRIBUTES": "%\x1b="})
def test_whatever_the_environment_holds_settings_come_out_of_it(environ: dict[str, str]) -> None:
    settings = load(HOME | environ)

    assert set(as_dict(settings)) == set(DEFAULTS)
    for line in settings.complaints:
        assert line.isprintable()
        assert len(line) < 500 + 20 * len(environ)


SECRET = st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=10).map(
    "hunter2".__add__
)


@given(SECRET, st.sampled_from(["http://{}@collector", "ada:{}@collector", "https://a:{}@:0"]))
def test_no_complaint_gives_away_a_password_in_a_url(secret: str, form: str) -> None:
    environ = {"OTEL_EXPORTER_OTLP_ENDPOINT": form.format(secret), "OTEL_RUN_VERBOSITY": "x"}

    complaints = load(HOME | environ).complaints

    assert complaints
    assert "hunter2" not in "".join(complaints)


@given(SECRET, st.sampled_from(["authorization {}", "{}", "kéy={}", "a=1,b={}\n", "={}"]))
def test_no_complaint_gives_away_a_header(secret: str, form: str) -> None:
    environ = {"OTEL_EXPORTER_OTLP_HEADERS": form.format(secret), "OTEL_RUN_VERBOSITY": "x"}

    complaints = load(HOME | environ).complaints

    assert complaints
    assert "hunter2" not in "".join(complaints)


def python(code: str, **environ: str) -> str:
    done = subprocess.run(
        [sys.executable, "-S", "-c", code],
        env={"PYTHONPATH": AGENT, **HOME, **environ},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr == ""
    return done.stdout.strip()


@pytest.mark.parametrize("environ", [{}, {"OTEL_SERVICE_NAME": "shop"}])
def test_reading_the_settings_imports_only_the_settings(environ: dict[str, str]) -> None:
    code = """
import __future__, os, sys
before = set(sys.modules)
from otel_run import settings
settings.current()
print(*sorted(name for name in set(sys.modules) - before if not name.startswith("otel_run")))
"""
    assert python(code, **environ) == ""


def test_settings_are_read_once() -> None:
    code = """
import os
from otel_run import settings
first = settings.current()
os.environ["OTEL_SERVICE_NAME"] = "later"
print(settings.current() is first, repr(first.service_name))
"""
    assert python(code) == "True ''"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
def test_a_forked_child_of_the_root_process_is_not_the_root() -> None:
    code = """
import os
os.environ["PYTHONPATH"] = f"/runs/1#otel-run={os.getpid()}"
from otel_run import settings
print(settings.current().root, flush=True)
child = os.fork()
if not child:
    print(settings.current().root, flush=True)
    os._exit(0)
os.waitpid(child, 0)
"""
    assert python(code) == "True\nFalse"
