"""The check itself: it finds what the conventions forbid, and its exceptions have reasons."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from conformance.registry import (
    APPLICABLE,
    REGISTRY,
    check_metric,
    check_span,
    conventions_of,
    definition_of,
    metric_faults,
    span_faults,
)
from otel_run.engine.travel import ContextCarrier
from otlp import Dropped, Event, Metric, Origin, Point, Span
from recording import instrumentors

RESOURCE = {
    "service.name": "shop",
    "telemetry.sdk.language": "python",
    "telemetry.sdk.name": "opentelemetry",
}
ORIGIN = Origin(RESOURCE, "otel_run_instrumentors.sqlite3", "1", "")
QUERY = {
    "db.system.name": "sqlite",
    "db.namespace": ":memory:",
    "db.query.summary": "SELECT users",
    "db.query.text": "SELECT name FROM users",
}
REQUEST = {
    "http.request.method": "GET",
    "server.address": "db.example",
    "server.port": 80,
    "url.full": "http://db.example/",
    "http.response.status_code": 200,
    "network.peer.address": "192.0.2.1",
    "network.peer.port": 80,
    "network.protocol.version": "1.1",
}


def span_of(attributes: dict[str, Any], **more: Any) -> Span:
    """A span of one of ours that has these attributes."""
    name = attributes.get("db.query.summary") or attributes.get("http.request.method", "")
    span = Span(
        name=name,
        kind="client",
        trace_id="1" * 32,
        span_id="1" * 16,
        parent_id="",
        trace_state="",
        flags=1,
        start=1,
        end=2,
        attributes=attributes,
        status="unset",
        status_message="",
        events=[],
        links=[],
        dropped=Dropped(0, 0, 0),
        origin=ORIGIN,
    )
    return replace(span, **more)


def faults(attributes: dict[str, Any], **more: Any) -> list[str]:
    return list(span_faults(span_of(attributes, **more)))


@pytest.mark.parametrize("attributes", [QUERY, REQUEST])
def test_what_conforms_has_no_fault(attributes: dict[str, Any]) -> None:
    assert faults(attributes) == []
    check_span(span_of(attributes))


@pytest.mark.parametrize(
    ("attributes", "fault"),
    [
        ({**QUERY, "db.shop": "a"}, "db.shop is unknown"),
        ({**QUERY, "db.statement": "a"}, "db.statement is deprecated"),
        ({**QUERY, "db.namespace": 1}, "db.namespace is 1, no string"),
        ({**REQUEST, "server.port": "80"}, "server.port is '80', no int"),
        ({**REQUEST, "server.port": True}, "server.port is True, no int"),
        ({**REQUEST, "network.transport": "wire"}, "network.transport is 'wire'"),
        ({**REQUEST, "http.request.header.a": "b"}, "http.request.header.a is 'b', no string[]"),
        ({**QUERY, "url.full": "a"}, "url.full does not belong here"),
        ({**REQUEST, "db.query.text": "a"}, "db.query.text does not belong here"),
        ({**QUERY, "db.operation.batch.size": 1}, "one operation is no batch"),
        ({**QUERY, "server.port": 1}, "server.address is missing"),
        ({**REQUEST, "http.response.status_code": 404}, "404 is an error"),
        ({**REQUEST, "http.request.method": "_OTHER"}, "http.request.method_original is missing"),
        ({**REQUEST, "error.type": "a"}, "its status is unset, its error.type a"),
    ],
)
def test_a_fault_is_found(attributes: dict[str, Any], fault: str) -> None:
    assert fault in faults(attributes)
    with pytest.raises(AssertionError):
        check_span(span_of(attributes))


@pytest.mark.parametrize(
    ("key", "level"),
    [
        ("url.full", "required"),
        ("server.address", "required"),
        ("network.protocol.version", "recommended"),
        ("network.peer.address", "recommended"),
    ],
)
def test_what_is_missing_is_found(key: str, level: str) -> None:
    lacking = {name: value for name, value in REQUEST.items() if name != key}
    assert f"{key} is missing, which is {level}" in faults(lacking)


def test_a_reason_holds_only_where_it_says() -> None:
    lacking = {name: value for name, value in REQUEST.items() if "network" not in name}
    assert len(faults(lacking)) == 3
    del lacking["http.response.status_code"]
    assert faults(lacking) == []


def test_a_span_of_no_convention_or_of_another_kind_is_found() -> None:
    assert "it is of no known convention" in faults({})
    assert "its kind is internal" in faults(QUERY, kind="internal")
    assert "its name should be 'SELECT users'" in faults(QUERY, name="SELECT")


def test_an_event_s_attributes_are_looked_at() -> None:
    event = Event("exception", 1, {"exception.type": 1})
    assert faults(QUERY, events=[event]) == ["exception.type is 1, no string"]


def test_a_resource_is_looked_at() -> None:
    origin = replace(ORIGIN, resource={**RESOURCE, "shop.name": "a"})
    with pytest.raises(AssertionError, match=r"shop\.name is unknown"):
        check_span(span_of(QUERY, origin=origin))


def test_what_is_recorded_by_hand_is_not_looked_at() -> None:
    check_span(span_of({"shop": 1}, origin=replace(ORIGIN, scope="shop")))


@pytest.mark.parametrize(
    ("changes", "attributes", "fault"),
    [
        ({}, {"db.system.name": "sqlite"}, None),
        ({"name": "db.shop"}, {}, "it is unknown, or deprecated"),
        ({"unit": "ms"}, {"db.system.name": "sqlite"}, "it is a histogram in ms"),
        ({"kind": "sum"}, {"db.system.name": "sqlite"}, "it is a sum in s"),
        ({}, {}, "db.system.name is missing"),
        ({}, {"db.system.name": "sqlite", "url.full": "a"}, "url.full does not belong here"),
        ({}, {"db.system.name": 1}, "db.system.name is 1, no string"),
        ({}, {"otel.metric.overflow": True}, None),
    ],
)
def test_a_metric_s_fault_is_found(
    changes: dict[str, Any], attributes: dict[str, Any], fault: str | None
) -> None:
    point = Point(attributes, 1, 2, count=1)
    metric = Metric("db.client.operation.duration", "s", "", "histogram", True, [point], ORIGIN)  # noqa: FBT003
    metric = replace(metric, **changes)

    assert list(metric_faults(metric)) == ([fault] if fault else [])
    if fault:
        with pytest.raises(AssertionError):
            check_metric(metric)


def test_every_exception_is_of_a_recommended_attribute_and_has_a_reason() -> None:
    libraries = instrumentors()
    general = {"span.db.sql.client": "span.db.client"}
    for exclusion in APPLICABLE["exclude"]:
        span = exclusion["span"]
        levels = {
            **REGISTRY["spans"][general.get(span, span)]["attributes"],
            **REGISTRY["spans"][span]["attributes"],
        }
        assert {levels[key] for key in exclusion["attributes"]} == {"recommended"}
        assert set(exclusion.get("libraries", ())) <= libraries.keys()
        assert exclusion["reason"].strip().endswith(".")
        assert definition_of(exclusion.get("without", "url.full")) is not None
        assert exclusion.keys() <= {"span", "attributes", "libraries", "without", "reason"}


def test_every_instrumentor_s_metric_and_scope_are_known() -> None:
    for instrumentor in instrumentors().values():
        if isinstance(instrumentor.convention, ContextCarrier):
            continue  # has neither
        assert instrumentor.convention.metric is not None
        name, _, boundaries = instrumentor.convention.metric
        assert REGISTRY["metrics"][name]["stability"] == "stable"
        assert list(boundaries) == sorted(boundaries)


def test_both_conventions_of_sql_apply() -> None:
    assert conventions_of(span_of(QUERY)) == ["span.db.client", "span.db.sql.client"]
    assert REGISTRY["version"] == "1.44.0"
