"""Stores as the agent writes them, made with opentelemetry-proto and the documented frames."""

from __future__ import annotations

import struct
import time
from typing import TYPE_CHECKING, Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, KeyValue

from otel_run_viewer.show import main

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from opentelemetry.proto.trace.v1.trace_pb2 import Span as SpanMessage

HEADER = b"OTELRUN\x01"
MILLISECOND = 1_000_000
BEGIN = 1_795_356_192_481 * MILLISECOND  # 2026-11-22 14:03:12.481 UTC


def frame(signal: int, payload: bytes) -> bytes:
    return struct.pack(">BI", signal, len(payload)) + payload


def any_value(value: Any) -> AnyValue:
    if isinstance(value, list):
        return AnyValue(array_value=ArrayValue(values=map(any_value, value)))
    field = {str: "string_value", bool: "bool_value", int: "int_value", float: "double_value"}
    return AnyValue(**{field[type(value)]: value})


def pairs(attributes: dict[str, Any]) -> list[KeyValue]:
    return [KeyValue(key=key, value=any_value(value)) for key, value in attributes.items()]


class Service:
    """What one process recorded. Times are milliseconds after `BEGIN`."""

    def __init__(self, name: str) -> None:
        self.request = ExportTraceServiceRequest()
        group = self.request.resource_spans.add()
        group.resource.attributes.extend(pairs({"service.name": name}))
        self._scope = group.scope_spans.add()
        self._scope.scope.name = "otel-run"

    def span(
        self,
        number: int,
        name: str,
        start: float = 0,
        end: float = 1,
        *,
        parent: int = 0,
        trace: int = 1,
        kind: int = 1,
        error: str | None = None,
        exception: tuple[str, str] | None = None,
        stack: str = "",
        **attributes: Any,
    ) -> SpanMessage:
        span = self._scope.spans.add(
            trace_id=trace.to_bytes(16, "big"),
            span_id=number.to_bytes(8, "big"),
            parent_span_id=parent.to_bytes(8, "big") if parent else b"",
            name=name,
            kind=kind,
            start_time_unix_nano=BEGIN + round(start * MILLISECOND),
            end_time_unix_nano=BEGIN + round(end * MILLISECOND),
            attributes=pairs({key.replace("__", "."): value for key, value in attributes.items()}),
        )
        if error is not None:
            span.status.code = 2  # type: ignore[assignment] # STATUS_CODE_ERROR
            span.status.message = error
        if exception:
            kind_of_it, message = exception
            recorded = {"exception.type": kind_of_it, "exception.message": message}
            recorded |= {"exception.stacktrace": stack} if stack else {}
            span.events.add(name="exception", attributes=pairs(recorded))
        return span

    @property
    def file(self) -> bytes:
        return HEADER + frame(1, self.request.SerializeToString())


class Store:
    """A store in a temporary folder, and `otel-run show` on it."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder = folder
        self._capsys = capsys

    def put(self, run: str, file: str, content: bytes) -> Path:
        folder = self.folder / "runs" / run
        folder.mkdir(parents=True, exist_ok=True)
        (folder / file).write_bytes(content)
        return folder / file

    def show(self, *arguments: str) -> tuple[int, str, str]:
        """Give the exit code, stdout and stderr."""
        code = main(list(arguments))
        output = self._capsys.readouterr()
        return code, output.out, output.err

    def draw(self, *services: Service, columns: int = 100) -> list[str]:
        """Give the lines that show these services' run, without its title."""
        for number, service in enumerate(services):
            self.put("one", f"{number}-0.otlp", service.file)
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("COLUMNS", str(columns))
            code, out, err = self.show()
        assert (code, err) == (0, "")
        return out.splitlines()[2:]


@pytest.fixture
def store(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Store:
    monkeypatch.setenv("OTEL_RUN_STORE", str(tmp_path))
    monkeypatch.setenv("COLUMNS", "100")
    return Store(tmp_path, capsys)


@pytest.fixture
def service() -> Callable[[str], Service]:
    return Service


@pytest.fixture(autouse=True)
def _utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()
