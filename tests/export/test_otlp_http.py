"""The destination `otlp`: what it sends again, what it gives up, and what it says."""

from __future__ import annotations

import math
import ssl
import threading
import time
from typing import TYPE_CHECKING

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from collector import Answer, Collector
from export.raw_server import answer, black_hole, nobody, serving
from otel_run import notice
from otel_run.export.otlp_http import OtlpHttp
from otel_run.export.outbox import ROOM
from otel_run.settings import load

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import trustme

NOW = 1_000_000.0  # far after `monotonic`, so that a test says what time it is


@pytest.fixture(autouse=True)
def lines(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What would be said on stderr, were it not for the ration."""
    said: list[str] = []
    for name in ("complain", "complain_of_loss"):
        monkeypatch.setattr(notice, name, lambda _, line: said.append(line))
    return said


@pytest.fixture
def otlp_to() -> Iterator[Callable[..., OtlpHttp]]:
    """Make destinations with these settings, whose connections end with the test."""
    made: list[OtlpHttp] = []

    def make(url: str, **variables: str) -> OtlpHttp:
        base = {"OTEL_EXPORTER_OTLP_ENDPOINT": url.removesuffix("/v1/traces")}
        made.append(OtlpHttp(load(base | variables)))
        made[-1].load()
        return made[-1]

    yield make
    for otlp in made:
        for outbox in otlp._outboxes.values():
            outbox.transport.close()


def counts(otlp: OtlpHttp) -> tuple[int, int]:
    """Return how many spans were delivered, and how many dropped."""
    return otlp.delivered["traces"], otlp.dropped["traces"]


def bodies(collector: Collector) -> list[bytes]:
    """Return what was sent, attempt by attempt."""
    return [request.body for request in collector.requests]


def test_what_is_offered_is_sent_in_order(
    collector: Collector, otlp_to: Callable[..., OtlpHttp], lines: list[str]
) -> None:
    otlp = otlp_to(collector.endpoint)
    otlp.offer("traces", b"one", 3)
    otlp.offer("traces", b"two", 4)
    otlp.offer("metrics", b"points", 1)

    assert otlp.pump(NOW) is None
    assert [(one.path, one.body) for one in collector.requests] == [
        ("/v1/traces", b"one"),
        ("/v1/traces", b"two"),
        ("/v1/metrics", b"points"),
    ]
    assert (otlp.delivered, otlp.dropped) == (
        {"traces": 7, "metrics": 1, "logs": 0},
        {"traces": 0, "metrics": 0, "logs": 0},
    )
    assert lines == []


@pytest.mark.parametrize("status", [429, 502, 503, 504, 0])
def test_what_fails_for_a_reason_that_passes_is_sent_again(
    status: int, collector: Collector, otlp_to: Callable[..., OtlpHttp]
) -> None:
    collector.script(Answer(status))
    otlp = otlp_to(collector.endpoint)
    otlp.offer("traces", b"one", 3)
    again = otlp.pump(NOW)

    assert again is not None
    assert 0.8 <= again - NOW <= 1.2
    assert otlp.pump(again - 0.01) == again
    assert (bodies(collector), counts(otlp)) == ([b"one"], (0, 0))
    assert otlp.pump(again) is None
    assert (bodies(collector), counts(otlp)) == ([b"one", b"one"], (3, 0))


@pytest.mark.parametrize("status", [301, 307, 400, 401, 404, 413, 415, 500, 501])
def test_what_fails_for_good_is_dropped_and_the_next_is_sent(
    status: int, collector: Collector, otlp_to: Callable[..., OtlpHttp], lines: list[str]
) -> None:
    collector.script(Answer(status, body=b"because"))
    otlp = otlp_to(collector.endpoint)
    otlp.offer("traces", b"one", 3)
    otlp.offer("traces", b"two", 4)

    assert otlp.pump(NOW) is None
    assert (bodies(collector), counts(otlp)) == ([b"one", b"two"], (4, 3))
    (line,) = lines
    assert line.startswith(
        f"cannot send traces to {collector.endpoint}/v1/traces: HTTP {status}: because"
    )
    assert line.endswith("; 3 spans dropped so far")


def test_pauses_double_until_the_time_is_over(
    otlp_to: Callable[..., OtlpHttp], lines: list[str]
) -> None:
    with nobody() as url:
        otlp = otlp_to(url)
        otlp.offer("traces", b"one", 3)
        now, pauses = NOW, []
        while (again := otlp.pump(now)) is not None:
            pauses.append(again - now)
            now = again

    assert len(pauses) in {4, 5}  # after 15 s, give or take; then another 16 may be too many
    for pause, expected in zip(pauses, (1, 2, 4, 8, 16), strict=False):
        assert 0.8 * expected <= pause <= 1.2 * expected
    assert counts(otlp) == (0, 3)
    refused = f"cannot send traces to {url}: connection refused (is a collector running there?)"
    assert lines == [f"{refused}; trying again"] * len(pauses) + [
        f"{refused}; 3 spans dropped so far"
    ]


def test_pauses_do_not_grow_for_ever_and_success_ends_them(
    collector: Collector, otlp_to: Callable[..., OtlpHttp]
) -> None:
    otlp = otlp_to(collector.endpoint, OTEL_BSP_EXPORT_TIMEOUT="100000000")
    otlp.offer("traces", b"one", 3)
    collector.script(*[Answer(503)] * 20)
    now = NOW
    for _ in range(20):
        again = otlp.pump(now)
        assert again is not None
        pause, now = again - now, again
    assert 12.8 <= pause <= 19.2
    assert otlp.pump(now) is None

    otlp.offer("traces", b"two", 3)
    collector.script(Answer(503))
    again = otlp.pump(now)
    assert again is not None
    assert 0.8 <= again - now <= 1.2


@pytest.mark.parametrize(("asked", "granted"), [("7", 7.0), ("3600", 60.0)])
def test_retry_after_is_honoured_within_reason(
    asked: str, granted: float, collector: Collector, otlp_to: Callable[..., OtlpHttp]
) -> None:
    collector.script(Answer(429, headers={"retry-after": asked}))
    otlp = otlp_to(collector.endpoint, OTEL_BSP_EXPORT_TIMEOUT="100000")
    otlp.offer("traces", b"one", 3)

    assert otlp.pump(NOW) == NOW + granted
    assert otlp.pump(NOW + granted) is None
    assert counts(otlp) == (3, 0)


def test_retry_after_zero_does_not_mean_at_once(
    collector: Collector, otlp_to: Callable[..., OtlpHttp]
) -> None:
    collector.script(Answer(503, headers={"retry-after": "0"}))
    otlp = otlp_to(collector.endpoint)
    otlp.offer("traces", b"one", 3)
    again = otlp.pump(NOW)

    assert again is not None
    assert again - NOW >= 0.8


def test_a_server_that_asks_for_more_than_there_is_time_for_costs_the_request(
    collector: Collector, otlp_to: Callable[..., OtlpHttp]
) -> None:
    collector.script(Answer(503, headers={"retry-after": "59"}))
    otlp = otlp_to(collector.endpoint)
    otlp.offer("traces", b"one", 3)
    otlp.offer("traces", b"two", 4)

    assert otlp.pump(NOW) == NOW + 59  # what it asked for holds for the next one too
    assert counts(otlp) == (0, 3)
    assert otlp.pump(NOW + 59) is None
    assert counts(otlp) == (4, 3)


def test_one_signal_does_not_wait_for_another(
    collector: Collector, otlp_to: Callable[..., OtlpHttp]
) -> None:
    with nobody() as url:
        otlp = otlp_to(collector.endpoint, OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=url)
        otlp.offer("traces", b"one", 3)
        otlp.offer("metrics", b"points", 1)
        again = otlp.pump(NOW)

    assert again is not None
    assert [one.path for one in collector.requests] == ["/v1/metrics"]
    assert otlp.delivered == {"traces": 0, "metrics": 1, "logs": 0}


def partial(rejected: int, message: str) -> Answer:
    """Answer that not everything was taken."""
    response = ExportTraceServiceResponse()
    response.partial_success.rejected_spans = rejected
    response.partial_success.error_message = message
    return Answer(body=response.SerializeToString())


def test_a_partial_success_is_counted_and_told(
    collector: Collector, otlp_to: Callable[..., OtlpHttp], lines: list[str]
) -> None:
    collector.script(partial(2, "too old"), partial(0, "use gzip"), partial(99, ""))
    otlp = otlp_to(f"{collector.endpoint}?token=secret")
    for payload in (b"one", b"two", b"three"):
        otlp.offer("traces", payload, 3)

    assert otlp.pump(NOW) is None
    url = f"{collector.endpoint}/v1/traces"
    assert counts(otlp) == (4, 5)
    assert lines == [
        f"cannot send traces to {url}: rejected: too old; 2 spans dropped so far",
        f"{url} warns: use gzip",
        f"cannot send traces to {url}: rejected: no reason given; 5 spans dropped so far",
    ]


def test_rubbish_as_an_answer_is_named_and_the_request_sent_again(
    otlp_to: Callable[..., OtlpHttp], lines: list[str]
) -> None:
    with serving(answer(b"\x00\x00\x18\x04\x00\x00\x00\x00\x00")) as server:
        otlp = otlp_to(server.url)
        otlp.offer("traces", b"one", 3)

        assert otlp.pump(NOW) is not None
        (line,) = lines
        assert line == (
            f"cannot send traces to {server.url}: the answer is not HTTP "
            "(is it a port for gRPC? only http/protobuf is spoken); trying again"
        )


def test_tls_where_none_is_spoken_is_named(
    collector: Collector, otlp_to: Callable[..., OtlpHttp], lines: list[str]
) -> None:
    url = f"{collector.endpoint}/v1/traces".replace("http:", "https:")
    otlp = otlp_to(url)
    otlp.offer("traces", b"one", 3)
    otlp.pump(NOW)

    (line,) = lines
    assert line == (
        f"cannot send traces to {url}: the answer is not TLS (is it http:// instead of https://?); "
        "trying again"
    )


def test_a_host_that_has_no_address_is_asked_after(
    otlp_to: Callable[..., OtlpHttp], lines: list[str]
) -> None:
    url = f"http://{'x' * 64}.invalid:1/v1/traces"
    otlp = otlp_to(url)
    otlp.offer("traces", b"one", 3)
    otlp.pump(NOW)

    (line,) = lines
    assert line.startswith(f"cannot send traces to {url}: ")
    assert line.endswith(" (is the host of OTEL_EXPORTER_OTLP_ENDPOINT right?); trying again")


def test_a_port_that_speaks_tls_alone_is_named(
    authority: trustme.CA, otlp_to: Callable[..., OtlpHttp], lines: list[str]
) -> None:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(tls)
    with serving(answer(b""), tls) as server:
        url = server.url.replace("https:", "http:")
        otlp = otlp_to(url)
        otlp.offer("traces", b"one", 3)
        otlp.pump(NOW)

    (line,) = lines
    assert line == (
        f"cannot send traces to {url}: the connection was closed without an answer "
        "(is it a port for https://?); trying again"
    )


def test_a_certificate_that_is_not_trusted_is_named(
    secure_collector: Collector, otlp_to: Callable[..., OtlpHttp], lines: list[str]
) -> None:
    otlp = otlp_to(secure_collector.endpoint)
    otlp.offer("traces", b"one", 3)
    otlp.pump(NOW)

    (line,) = lines
    assert "certificate" in line
    assert "OTEL_EXPORTER_OTLP_CERTIFICATE says whom to trust" in line


def test_what_finds_no_room_is_dropped(
    collector: Collector, otlp_to: Callable[..., OtlpHttp]
) -> None:
    otlp = otlp_to(collector.endpoint)
    otlp.offer("traces", bytes(ROOM - 1), 3)
    assert otlp.room
    otlp.offer("traces", b"one", 4)
    assert not otlp.room
    otlp.offer("traces", b"two", 5)

    assert counts(otlp) == (0, 5)
    assert otlp.pump(NOW) is None
    assert otlp.room
    assert counts(otlp) == (7, 5)


def test_before_a_deadline_everything_has_one_attempt(
    collector: Collector, otlp_to: Callable[..., OtlpHttp]
) -> None:
    collector.script(Answer(503), Answer(429), Answer(400))
    otlp = otlp_to(collector.endpoint)
    for number in range(4):
        otlp.offer("traces", b"%d" % number, 1)

    assert otlp.pump(NOW, time.monotonic() + 60) is None
    assert bodies(collector) == [b"0", b"1", b"2", b"3"]
    assert counts(otlp) == (1, 3)


def test_a_deadline_does_not_wait_for_a_pause_to_end(
    collector: Collector, otlp_to: Callable[..., OtlpHttp]
) -> None:
    collector.script(Answer(503, headers={"retry-after": "20"}))
    otlp = otlp_to(collector.endpoint)
    otlp.offer("traces", b"one", 1)
    assert otlp.pump(NOW) == NOW + 20
    otlp.offer("metrics", b"points", 1)

    assert otlp.pump(NOW, time.monotonic() + 60) is None
    assert counts(otlp) == (1, 0)
    assert otlp.delivered["metrics"] == 1


def test_after_the_deadline_what_is_left_is_dropped_and_later_ones_are_sent(
    collector: Collector, otlp_to: Callable[..., OtlpHttp], lines: list[str]
) -> None:
    with black_hole() as url:
        otlp = otlp_to(collector.endpoint, OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=url)
        for _ in range(3):
            otlp.offer("traces", b"one", 2)
        otlp.offer("metrics", b"points", 1)

        assert otlp.pump(NOW, time.monotonic() + 1) is None
    assert otlp.delivered == {"traces": 0, "metrics": 1, "logs": 0}
    assert otlp.dropped == {"traces": 6, "metrics": 0, "logs": 0}
    assert lines[-1].endswith("there was no time left; 6 spans dropped so far")
    otlp.offer("metrics", b"points", 1)
    assert otlp.pump(NOW) is None
    assert otlp.delivered["metrics"] == 2


def test_an_interruption_loses_nothing(
    collector: Collector, otlp_to: Callable[..., OtlpHttp], lines: list[str]
) -> None:
    collector.script(Answer(delay=math.inf))
    otlp = otlp_to(collector.endpoint)
    otlp.offer("traces", b"one", 3)
    returned: list[float | None] = []
    thread = threading.Thread(target=lambda: returned.append(otlp.pump(NOW)))
    thread.start()
    collector.wait_for(lambda _: collector.requests)
    otlp.interrupt()
    thread.join()

    assert (returned, counts(otlp), lines) == ([NOW], (0, 0), [])
    assert otlp.pump(NOW) is None
    assert counts(otlp) == (3, 0)


def test_an_interruption_in_a_pause_meets_the_next_pump(
    collector: Collector, otlp_to: Callable[..., OtlpHttp]
) -> None:
    otlp = otlp_to(collector.endpoint)
    for signal in ("traces", "metrics"):
        otlp.offer(signal, b"one", 1)
    otlp.interrupt()

    assert otlp.pump(NOW) == NOW
    assert collector.requests == []
    assert otlp.pump(NOW) is None
    assert len(collector.requests) == 2


def test_a_pump_with_a_deadline_knows_of_no_earlier_interruption(
    collector: Collector, otlp_to: Callable[..., OtlpHttp]
) -> None:
    otlp = otlp_to(collector.endpoint)
    otlp.offer("traces", b"one", 1)
    otlp.interrupt()

    assert otlp.pump(NOW, time.monotonic() + 60) is None
    assert counts(otlp) == (1, 0)


def test_an_interruption_before_the_deadline_gives_up_the_rest(
    collector: Collector, otlp_to: Callable[..., OtlpHttp]
) -> None:
    collector.script(Answer(delay=math.inf))
    otlp = otlp_to(collector.endpoint)
    otlp.offer("traces", b"one", 3)
    otlp.offer("traces", b"two", 4)
    until = time.monotonic() + 60
    thread = threading.Thread(target=otlp.pump, args=(NOW, until))
    thread.start()
    collector.wait_for(lambda _: collector.requests)
    otlp.interrupt()
    thread.join()

    assert counts(otlp) == (0, 7)


def test_a_forked_child_begins_with_nothing(
    collector: Collector, otlp_to: Callable[..., OtlpHttp]
) -> None:
    collector.script(Answer(), Answer(400), Answer(503))
    otlp = otlp_to(collector.endpoint)
    for _ in range(4):
        otlp.offer("traces", b"one", 3)
    otlp.pump(NOW)
    otlp.interrupt()
    otlp.after_fork_in_child()

    assert counts(otlp) == (0, 0)
    otlp.offer("traces", b"two", 4)
    assert otlp.pump(NOW) is None
    assert counts(otlp) == (4, 0)
    assert bodies(collector) == [b"one", b"one", b"one", b"two"]
