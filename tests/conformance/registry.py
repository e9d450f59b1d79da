"""Holds what was recorded against the registry of the semantic conventions, version 1.44.

`semconv-1.44.json` is the registry; `applicable.toml` says which recommended attributes do not
apply to what a library does, and why.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib  # type: ignore[import-not-found]  # pytest brings it along

if TYPE_CHECKING:
    from collections.abc import Iterator

    from otlp import Metric, Origin, Span

FOLDER = Path(__file__).parent
REGISTRY: dict[str, Any] = json.loads((FOLDER / "semconv-1.44.json").read_text())
APPLICABLE: dict[str, Any] = tomllib.loads((FOLDER / "applicable.toml").read_text())

# What other tests record by hand, to try names that nobody knows, has other scopes.
OURS = "otel_run_instrumentors."
TYPES: dict[str, type] = {"string": str, "int": int, "double": float, "boolean": bool}
# The values that the registry lists are not all there are: it says so, or an exception is meant.
OPEN = frozenset(("db.system.name", "error.type", "host.arch", "os.type"))
# What goes on after a request: the registry has attributes for it, and no span.
TASK = {"code.function.name": "required", "error.type": "conditionally_required"}
# Ours: the span was open when its process ended. What is required may not be known by then.
INCOMPLETE = "otel_run.incomplete"
# Of the specification of metrics, not of the registry.
OVERFLOW = {"otel.metric.overflow": True}


def is_ours(origin: Origin) -> bool:
    return origin.scope.startswith(OURS)


def check_span(span: Span) -> None:
    """Fail on whatever the conventions do not allow in a span of ours, or miss in it."""
    faults = [*span_faults(span), *resource_faults(span.origin)] if is_ours(span.origin) else []
    assert not faults, f"{span.scope}, {span.name!r}, {span.attributes}: {'; '.join(faults)}"


def check_metric(metric: Metric) -> None:
    """Fail on whatever the conventions do not allow in a metric of ours, or miss in it."""
    faults = list(metric_faults(metric)) if is_ours(metric.origin) else []
    assert not faults, f"{metric.scope}, {metric.name}: {'; '.join(faults)}"


def conventions_of(span: Span) -> list[str]:
    """Return the registry's names for this kind of span, the general one first."""
    if "db.system.name" in span.attributes:
        return ["span.db.client", "span.db.sql.client"]
    if "http.request.method" in span.attributes:
        return [f"span.http.{span.kind}"]
    return []


def span_faults(span: Span) -> Iterator[str]:
    names = conventions_of(span)
    is_task = span.kind == "internal" and not names and "code.function.name" in span.attributes
    if not names and not is_task:
        yield "it is of no known convention"
    levels: dict[str, str] = dict(TASK) if is_task else {}
    for name in names:
        definition = REGISTRY["spans"][name]
        levels.update(definition["attributes"])
        if definition["kind"] != span.kind:
            yield f"its kind is {span.kind}"
    yield from attribute_faults(span.attributes)
    yield from level_faults(span, names[-1] if names else "", levels)
    yield from dependency_faults(span)
    for event in span.events:
        yield from attribute_faults(event.attributes)


def attribute_faults(attributes: dict[str, Any]) -> Iterator[str]:
    """Compare each attribute with its definition."""
    for key, value in attributes.items():
        definition = definition_of(key)
        if definition is None:
            yield f"{key} is unknown"
        elif "deprecated" in definition:
            yield f"{key} is deprecated"
        elif not is_of_type(value, definition["type"]):
            yield f"{key} is {value!r}, no {definition['type']}"
        elif "values" in definition and key not in OPEN and value not in definition["values"]:
            yield f"{key} is {value!r}"


def definition_of(key: str) -> dict[str, Any] | None:
    if key == INCOMPLETE:
        return {"type": "boolean"}
    found: dict[str, Any] | None = REGISTRY["attributes"].get(key)
    if found is not None:
        return None if found["type"].startswith("template") else found
    for name, definition in REGISTRY["attributes"].items():
        if definition["type"].startswith("template") and key.startswith(f"{name}."):
            kind = definition["type"].removeprefix("template[").removesuffix("]")
            return {**definition, "type": kind}
    return None


def is_of_type(value: object, kind: str) -> bool:
    if kind == "any":
        return True
    if kind.endswith("[]"):
        return isinstance(value, list) and all(is_of_type(one, kind[:-2]) for one in value)
    return type(value) is TYPES[kind]


def level_faults(span: Span, name: str, levels: dict[str, str]) -> Iterator[str]:
    """Compare what is there with what should be."""
    for key in span.attributes.keys() - {INCOMPLETE}:
        if not any(key == known or key.startswith(f"{known}.") for known in levels):
            yield f"{key} does not belong here"
    for key, level in levels.items():
        if key in span.attributes or level in ("opt_in", "conditionally_required"):
            continue
        if level == "required" or not is_excluded(span, name, key):
            yield f"{key} is missing, which is {level}"


def is_excluded(span: Span, name: str, key: str) -> bool:
    """Tell whether applicable.toml has a reason for the attribute not to be there."""
    library = span.scope.removeprefix(OURS)
    return any(
        exclusion["span"] == name
        and key in exclusion["attributes"]
        and library in exclusion.get("libraries", [library])
        and exclusion.get("without") not in span.attributes
        for exclusion in APPLICABLE["exclude"]
    )


def dependency_faults(span: Span) -> Iterator[str]:
    """Look at what the conventions require on a condition that the span itself shows."""
    attributes = span.attributes
    has_failed = span.status == "error"
    if has_failed != ("error.type" in attributes):
        yield f"its status is {span.status}, its error.type {attributes.get('error.type')}"
    status = attributes.get("http.response.status_code", 0)
    if status >= (400 if span.kind == "client" else 500) and not has_failed:
        yield f"{status} is an error"
    if attributes.get("http.request.method") == "_OTHER":
        yield from missing(attributes, "http.request.method_original")
    for key, other in (
        ("network.peer.port", "network.peer.address"),
        ("server.port", "server.address"),
    ):
        if key in attributes:
            yield from missing(attributes, other)
    if span.kind == "server" and "server.address" in attributes:
        yield from missing(attributes, "server.port")
    if attributes.get("db.operation.batch.size") == 1:
        yield "one operation is no batch"
    yield from name_faults(span)


def missing(attributes: dict[str, Any], key: str) -> Iterator[str]:
    if key not in attributes:
        yield f"{key} is missing"


def name_faults(span: Span) -> Iterator[str]:
    attributes = span.attributes
    method = attributes.get("http.request.method")
    if method is not None:
        words = ["HTTP" if method == "_OTHER" else method]
        if span.kind == "server":
            words.append(attributes.get("http.route", ""))
        expected = " ".join(filter(None, words))
    else:
        expected = attributes.get("db.query.summary", span.name)
    if span.name != expected:
        yield f"its name should be {expected!r}"


def resource_faults(origin: Origin) -> Iterator[str]:
    yield from attribute_faults(origin.resource)
    for key in ("service.name", "telemetry.sdk.language", "telemetry.sdk.name"):
        yield from missing(origin.resource, key)


def metric_faults(metric: Metric) -> Iterator[str]:
    definition = REGISTRY["metrics"].get(metric.name)
    if definition is None or definition["deprecated"]:
        yield "it is unknown, or deprecated"
        return
    instrument = {"sum": "updowncounter"}.get(metric.kind, metric.kind)
    if (instrument, metric.unit) != (definition["instrument"], definition["unit"]):
        yield f"it is a {metric.kind} in {metric.unit}"
    for point in metric.points:
        if point.attributes == OVERFLOW:
            continue
        yield from attribute_faults(point.attributes)
        for key in point.attributes.keys() - definition["attributes"].keys():
            yield f"{key} does not belong here"
        for key, level in definition["attributes"].items():
            if level == "required":
                yield from missing(point.attributes, key)
