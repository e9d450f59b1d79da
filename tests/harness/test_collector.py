"""The collector that the other tests rely on, spoken to by the stdlib's own client."""

from __future__ import annotations

import gzip
import http.client
import math
import ssl
import threading
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from collector import Answer, Collector

if TYPE_CHECKING:
    from pathlib import Path


def one_span(name: str) -> bytes:
    request = ExportTraceServiceRequest()
    scope = request.resource_spans.add().scope_spans.add()
    scope.spans.add(name=name)
    return request.SerializeToString()


def connect(collector: Collector) -> http.client.HTTPConnection:
    return http.client.HTTPConnection(urlsplit(collector.endpoint).netloc, timeout=10)


def post(
    connection: http.client.HTTPConnection, body: bytes, headers: dict[str, str] | None = None
) -> int:
    connection.request("POST", "/v1/traces", body, headers or {})
    response = connection.getresponse()
    response.read()
    return response.status


def test_what_is_sent_over_one_connection_is_kept_in_order(collector: Collector) -> None:
    connection = connect(collector)
    post(connection, one_span("first"))
    post(connection, gzip.compress(one_span("second")), {"Content-Encoding": "gzip"})
    connection.close()

    assert [span.name for span in collector.spans()] == ["first", "second"]
    assert collector.connections == 1


def test_what_is_refused_is_not_received(collector: Collector) -> None:
    collector.script(Answer(503, {"Retry-After": "1"}))
    connection = connect(collector)
    statuses = [post(connection, one_span("refused")), post(connection, one_span("accepted"))]
    connection.close()

    assert statuses == [503, 200]
    assert [span.name for span in collector.spans()] == ["accepted"]
    assert len(collector.requests) == 2


def test_it_can_hang_up_without_an_answer(collector: Collector) -> None:
    collector.script(Answer(status=0))
    connection = connect(collector)

    with pytest.raises(http.client.RemoteDisconnected):
        post(connection, one_span("lost"))
    connection.close()


def test_it_ends_although_it_owes_an_answer() -> None:
    with Collector() as collector:
        collector.script(Answer(delay=math.inf))
        connection = connect(collector)
        connection.request("POST", "/v1/traces", one_span("waiting"))
        collector.wait_for(lambda it: it.requests)
    with pytest.raises(http.client.RemoteDisconnected):
        connection.getresponse()
    connection.close()


def test_waiting_ends_with_the_request_that_was_waited_for(collector: Collector) -> None:
    connection = connect(collector)
    sender = threading.Thread(target=post, args=(connection, one_span("late")))
    sender.start()
    collector.wait_for(lambda it: [span.name for span in it.spans()] == ["late"])
    sender.join()
    connection.close()


def test_waiting_in_vain_says_what_came_instead(collector: Collector) -> None:
    with pytest.raises(AssertionError, match="requests so far"):
        collector.wait_for(lambda it: it.requests, timeout=0.01)


def test_https_is_trusted_with_the_authoritys_certificate_only(
    secure_collector: Collector, certificate: Path
) -> None:
    host = urlsplit(secure_collector.endpoint).netloc
    trusting = ssl.create_default_context(cafile=str(certificate))
    connection = http.client.HTTPSConnection(host, context=trusting, timeout=10)
    assert post(connection, one_span("secret")) == 200
    connection.close()

    doubting = http.client.HTTPSConnection(host, context=ssl.create_default_context(), timeout=10)
    with pytest.raises(ssl.SSLCertVerificationError):
        post(doubting, one_span("secret"))
    doubting.close()
