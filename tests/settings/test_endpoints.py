"""Where each signal goes: exporters and endpoints."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otel_run.settings import load

ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"
COMMAND = {"PYTHONPATH": "/runs/1#otel-run="}


def urls(environ: dict[str, str]) -> dict[str, str]:
    settings = load(environ)
    assert settings.complaints == ()
    return {signal: endpoint.url for signal, endpoint in settings.endpoints.items()}


@pytest.mark.parametrize(
    ("environ", "traces", "metrics"),
    [
        ({}, "otlp", "otlp"),
        (COMMAND, "local", "local"),
        (COMMAND | {ENDPOINT: "http://h"}, "otlp", "otlp"),
        (COMMAND | {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://h"}, "otlp", "local"),
        (COMMAND | {"OTEL_TRACES_EXPORTER": "otlp"}, "otlp", "local"),
        (COMMAND | {"OTEL_TRACES_EXPORTER": "local,otlp"}, "local,otlp", "local"),
        (COMMAND | {"OTEL_TRACES_EXPORTER": "none"}, "", "local"),
        (COMMAND | {"OTEL_TRACES_EXPORTER": "none", ENDPOINT: "http://h"}, "", "otlp"),
        (COMMAND | {"OTEL_TRACES_EXPORTER": "console"}, "console", "local"),
        ({"OTEL_TRACES_EXPORTER": "local"}, "local", "otlp"),
    ],
)
def test_local_is_the_default_only_under_the_command_and_without_an_endpoint(
    environ: dict[str, str], traces: str, metrics: str
) -> None:
    settings = load(environ)

    assert {signal: ",".join(names) for signal, names in settings.exporters.items()} == {
        "traces": traces,
        "metrics": metrics,
        "logs": metrics,
    }
    assert settings.complaints == ()


def test_an_unusable_exporter_leaves_the_default_under_the_command_too() -> None:
    settings = load(COMMAND | {"OTEL_TRACES_EXPORTER": "zipkin"})

    assert settings.exporters["traces"] == ("local",)
    assert settings.complaints == (
        "OTEL_TRACES_EXPORTER='zipkin': built in are otlp, local, console, none; local is used",
    )


@pytest.mark.parametrize(
    ("base", "traces"),
    [
        ("http://collector", "http://collector/v1/traces"),
        ("HTTP://collector:4318/", "http://collector:4318/v1/traces"),
        ("https://collector/otlp", "https://collector/otlp/v1/traces"),
        ("https://collector/otlp//", "https://collector/otlp/v1/traces"),
        ("http://[::1]:4318", "http://[::1]:4318/v1/traces"),
        ("http://[::1]", "http://[::1]/v1/traces"),
        ("https://collector/?tenant=1", "https://collector/v1/traces?tenant=1"),
        ("http://collector#here", "http://collector/v1/traces"),
    ],
)
def test_the_signal_is_appended_to_the_base(base: str, traces: str) -> None:
    assert urls({ENDPOINT: base}) == {
        "traces": traces,
        "metrics": traces.replace("traces", "metrics"),
        "logs": traces.replace("traces", "logs"),
    }


def test_a_url_for_one_signal_is_used_as_it_is() -> None:
    environ = {
        ENDPOINT: "http://all",
        "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "https://traces/custom/?x=1",
        "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": "http://metrics",
    }

    assert urls(environ) == {
        "traces": "https://traces/custom/?x=1",
        "metrics": "http://metrics/",
        "logs": "http://all/v1/logs",
    }


def test_an_unusable_url_for_one_signal_leaves_it_to_the_base() -> None:
    settings = load(
        {ENDPOINT: "http://all", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://user:pw@traces:x"}
    )

    assert settings.endpoints["traces"].url == "http://all/v1/traces"
    assert settings.complaints == (
        (
            "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT='http://***@traces:x': has a port that is not "
            "from 1 to 65535; OTEL_EXPORTER_OTLP_ENDPOINT is used"
        ),
    )


def test_every_option_can_be_set_for_all_signals_and_for_one() -> None:
    options = ("CERTIFICATE", "CLIENT_CERTIFICATE", "CLIENT_KEY")
    environ = {
        **{f"OTEL_EXPORTER_OTLP_{option}": f"/all/{option}" for option in options},
        **{f"OTEL_EXPORTER_OTLP_LOGS_{option}": f"/logs/{option}" for option in options},
        "OTEL_EXPORTER_OTLP_COMPRESSION": "GZIP",
        "OTEL_EXPORTER_OTLP_LOGS_COMPRESSION": "none",
        "OTEL_EXPORTER_OTLP_TIMEOUT": "2500",
        "OTEL_EXPORTER_OTLP_LOGS_TIMEOUT": "0",
        "OTEL_EXPORTER_OTLP_HEADERS": "a=1",
        "OTEL_EXPORTER_OTLP_LOGS_HEADERS": "b=2",
    }

    def expected(name: str, **options: Any) -> dict[str, Any]:
        return options | {
            "certificate": f"/{name}/CERTIFICATE",
            "client_certificate": f"/{name}/CLIENT_CERTIFICATE",
            "client_key": f"/{name}/CLIENT_KEY",
        }

    settings = load(environ)

    assert settings.complaints == ()
    assert {
        signal: {name: getattr(endpoint, name) for name in endpoint.__slots__ if name != "url"}
        for signal, endpoint in settings.endpoints.items()
    } == {
        "traces": expected("all", compression="gzip", timeout=2.5, headers=(("a", "1"),)),
        "metrics": expected("all", compression="gzip", timeout=2.5, headers=(("a", "1"),)),
        "logs": expected("logs", compression="none", timeout=None, headers=(("b", "2"),)),
    }


def headers(value: str) -> tuple[tuple[tuple[str, str], ...], tuple[str, ...]]:
    settings = load({"OTEL_EXPORTER_OTLP_HEADERS": value})
    return settings.endpoints["traces"].headers, settings.complaints


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("api-key=abc", (("api-key", "abc"),)),
        ("Authorization=Basic%20YQ==", (("Authorization", "Basic YQ=="),)),
        ("Authorization=Basic YQ==", (("Authorization", "Basic YQ=="),)),
        (" a = 1 , b=2,, ", (("a", "1"), ("b", "2"))),
        ("a=1,A=2", (("A", "2"),)),
        ("a=100%", (("a", "100%"),)),
        ("a=caf%C3%A9", (("a", "café"),)),
        ("a=", (("a", ""),)),
    ],
)
def test_headers_are_read_as_they_are_written_in_practice(
    value: str, expected: tuple[tuple[str, str], ...]
) -> None:
    assert headers(value) == (expected, ())


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ("a=1,secret", "pair 2 is not key=value"),
        ("a=1,b c=secret", "pair 2 has a key that no header can have"),
        ("=secret,a=1", "pair 1 has a key that no header can have"),
        ("a=1,b=secret%0D%0Ax: y", "pair 2 has a value that no header can have"),
        ("a=1,b=%E2%82%AC", "pair 2 has a value that no header can have"),
    ],
)
def test_a_bad_header_is_left_out_and_not_shown(value: str, problem: str) -> None:
    assert headers(value) == (
        (("a", "1"),),
        (f"OTEL_EXPORTER_OTLP_HEADERS='***': {problem}; the rest of it is used",),
    )


def test_a_name_and_password_in_the_url_become_a_header() -> None:
    endpoint = load({ENDPOINT: "https://ada:p%40ss@collector"}).endpoints["traces"]

    assert endpoint.url == "https://collector/v1/traces"
    assert endpoint.headers == (("authorization", "Basic YWRhOnBAc3M="),)


def test_a_header_that_authorizes_beats_the_url() -> None:
    environ = {
        ENDPOINT: "https://ada:secret@collector",
        "OTEL_EXPORTER_OTLP_HEADERS": "Authorization=Bearer x",
    }

    assert load(environ).endpoints["logs"].headers == (("Authorization", "Bearer x"),)


def test_a_protocol_that_is_not_built_in_is_told_where_otlp_is_used() -> None:
    environ = {
        "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc",
        ENDPOINT: "http://collector:4317",
        "OTEL_EXPORTER_OTLP_LOGS_PROTOCOL": "http/json",
        "OTEL_EXPORTER_OTLP_METRICS_PROTOCOL": "HTTP/protobuf",
    }
    problem = (
        "only http/protobuf is built in, and its port is usually 4318, not 4317; "
        "http/protobuf is used"
    )

    assert load(environ).complaints == (
        f"OTEL_EXPORTER_OTLP_PROTOCOL='grpc': {problem}",
        f"OTEL_EXPORTER_OTLP_LOGS_PROTOCOL='http/json': {problem}",
    )
    assert load(COMMAND | {"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}).complaints == ()


HOSTS = st.from_regex(r"[a-z][a-z0-9.-]{0,20}", fullmatch=True) | st.just("[fe80::1]")
PORTS = st.just("") | st.integers(1, 65535).map(":{}".format)
PATHS = st.from_regex(r"(/[a-zA-Z0-9._~%-]{0,8}){0,4}", fullmatch=True)


@given(st.sampled_from(["http", "https"]), HOSTS, PORTS, PATHS)
def test_any_usable_url_is_used(scheme: str, host: str, port: str, path: str) -> None:
    url = f"{scheme}://{host}{port}{path}"

    assert urls({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": url, ENDPOINT: url}) == {
        "traces": url if path else f"{url}/",
        "metrics": f"{url.rstrip('/')}/v1/metrics",
        "logs": f"{url.rstrip('/')}/v1/logs",
    }
