"""The transport, against real servers on loopback."""

from __future__ import annotations

import gzip
import math
import os
import socket
import ssl
import subprocess
import sys
import threading
import time
from email.utils import formatdate
from typing import TYPE_CHECKING, Any

import pytest

from collector import Answer, Collector
from export.raw_server import answer, black_hole, dawdle, drip, nobody, pour, serving
from otel_run import __version__
from otel_run.export import connection
from otel_run.export.reply_reader import NotHttpError
from otel_run.export.transport import Interrupted, Transport, _make_context
from otel_run.settings import Endpoint

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    import trustme

    from export.raw_server import RawServer
    from otel_run.export.reply_reader import Reply

# Where a server has to give up on its own; nothing waits that long when all is well.
LONG = 60.0
SHORT = 0.3

PAYLOAD = b"payload"
OK = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"


def endpoint_of(url: str, **changed: Any) -> Endpoint:
    """Return an endpoint; its URL gets a path where it has none."""
    endpoint = Endpoint()
    endpoint.url = url if "/v1/" in url else f"{url}/v1/traces"
    endpoint.headers = ()
    endpoint.timeout = LONG
    endpoint.compression = "none"
    endpoint.certificate = endpoint.client_certificate = endpoint.client_key = ""
    for name, value in changed.items():
        setattr(endpoint, name, value)
    return endpoint


@pytest.fixture
def transport_to() -> Iterator[Callable[..., Transport]]:
    """Make transports to a URL, closed with the test."""
    made: list[Transport] = []

    def make(url: str, **changed: Any) -> Transport:
        made.append(Transport(endpoint_of(url, **changed)))
        return made[-1]

    yield make
    for transport in made:
        transport.close()


def said(reply: Reply) -> tuple[int, float | None, bytes]:
    """Return all that a reply says."""
    return reply.status, reply.retry_after, reply.body


def test_a_payload_arrives_with_the_headers_of_otlp(
    collector: Collector, transport_to: Callable[..., Transport]
) -> None:
    collector.script(Answer(body=b"the answer"))
    reply = transport_to(f"{collector.endpoint}/v1/traces?key=value").send(b"payload")

    assert said(reply) == (200, None, b"the answer")
    (request,) = collector.requests
    assert (request.path, request.body) == ("/v1/traces?key=value", b"payload")
    assert request.headers == {
        "host": collector.endpoint.removeprefix("http://"),
        "user-agent": f"otel-run/{__version__} (python)",
        "content-type": "application/x-protobuf",
        "content-length": "7",
    }


def test_headers_of_the_settings_are_sent_but_those_that_the_body_needs_stay(
    collector: Collector, transport_to: Callable[..., Transport]
) -> None:
    headers = (
        ("X-Key", "ä secret"),
        ("User-Agent", "mine"),
        ("Content-Type", "text/plain"),
        ("content-length", "99"),
    )
    transport_to(collector.endpoint, headers=headers).send(b"payload")

    (request,) = collector.requests
    assert request.body == b"payload"
    assert request.headers == {
        "host": collector.endpoint.removeprefix("http://"),
        "x-key": "ä secret",
        "user-agent": "mine",
        "content-type": "application/x-protobuf",
        "content-length": "7",
    }


def test_gzip_compresses_the_same_payload_to_the_same_bytes(
    collector: Collector, transport_to: Callable[..., Transport]
) -> None:
    transport = transport_to(collector.endpoint, compression="gzip")
    payload = b"telemetry repeats itself" * 100
    for _ in range(2):
        transport.send(payload)

    first, second = collector.requests
    assert first.headers["content-encoding"] == "gzip"
    assert gzip.decompress(first.body) == payload
    assert first.body == second.body
    assert len(first.body) < len(payload) / 10


@pytest.mark.parametrize("is_secure", [False, True])
def test_what_a_server_is_slow_to_read_arrives_whole(
    authority: trustme.CA,
    certificate: Path,
    transport_to: Callable[..., Transport],
    *,
    is_secure: bool,
) -> None:
    payload = os.urandom(16 << 20)  # more than the system keeps
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(tls)
    with serving(dawdle(OK), tls if is_secure else None) as server:
        transport = transport_to(server.url, certificate=str(certificate) if is_secure else "")

        assert transport.send(payload).status == 200
        assert server.requests == [payload]


def test_requests_share_one_connection(
    collector: Collector, transport_to: Callable[..., Transport]
) -> None:
    collector.script(Answer(503, body=b"x" * 100), Answer(body=b"y"), Answer(204))
    transport = transport_to(collector.endpoint)

    assert [transport.send(b"payload").status for _ in range(4)] == [503, 200, 204, 200]
    assert collector.connections == 1


def test_a_connection_that_the_server_has_closed_is_replaced(
    transport_to: Callable[..., Transport],
) -> None:
    with serving(answer(OK)) as server:
        transport = transport_to(server.url)

        assert [transport.send(b"%d" % number).status for number in range(3)] == [200] * 3
        assert (server.connections, server.requests) == (3, [b"0", b"1", b"2"])


def test_a_secure_connection_that_the_server_has_closed_is_replaced(
    authority: trustme.CA, certificate: Path, transport_to: Callable[..., Transport]
) -> None:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(tls)
    with serving(answer(OK), tls) as server:
        transport = transport_to(server.url, certificate=str(certificate))

        assert [transport.send(b"%d" % number).status for number in range(3)] == [200] * 3
        assert (server.connections, server.requests) == (3, [b"0", b"1", b"2"])


def test_a_server_that_says_it_closes_is_believed(
    collector: Collector, transport_to: Callable[..., Transport]
) -> None:
    collector.script(Answer(headers={"connection": "close"}))
    transport = transport_to(collector.endpoint)
    transport.send(b"payload")

    assert transport._connection is None
    assert transport.send(b"payload").status == 200


def test_a_new_connection_that_is_closed_without_an_answer_fails(
    collector: Collector, transport_to: Callable[..., Transport]
) -> None:
    collector.script(Answer(0))

    with pytest.raises(ConnectionError):
        transport_to(collector.endpoint).send(b"payload")
    assert len(collector.requests) == 1


def test_nobody_there_is_an_error_at_once(transport_to: Callable[..., Transport]) -> None:
    with nobody() as url, pytest.raises(ConnectionRefusedError):
        transport_to(url).send(b"payload")


def test_every_address_of_a_host_is_tried(
    collector: Collector, transport_to: Callable[..., Transport]
) -> None:
    # localhost may have ::1 first, where the collector does not listen.
    reply = transport_to(collector.endpoint.replace("127.0.0.1", "localhost")).send(b"payload")

    assert reply.status == 200


def test_a_host_without_an_address_is_an_error(transport_to: Callable[..., Transport]) -> None:
    with pytest.raises(OSError, match=r"[Nn]ame|address"):
        transport_to(f"http://{'x' * 64}.invalid:1/v1/traces").send(b"payload")


def test_a_server_that_never_answers_is_left_after_the_time_out(
    collector: Collector, transport_to: Callable[..., Transport]
) -> None:
    collector.script(Answer(delay=math.inf))
    with pytest.raises(TimeoutError):
        transport_to(collector.endpoint, timeout=SHORT).send(b"payload")


def test_a_deadline_holds_where_there_is_no_time_out(
    collector: Collector, transport_to: Callable[..., Transport]
) -> None:
    collector.script(Answer(delay=math.inf))
    with pytest.raises(TimeoutError):
        transport_to(collector.endpoint, timeout=None).send(b"payload", time.monotonic() + SHORT)


def test_a_deadline_that_is_over_sends_nothing(
    collector: Collector, transport_to: Callable[..., Transport]
) -> None:
    with pytest.raises(TimeoutError):
        transport_to(collector.endpoint).send(b"payload", time.monotonic() - 1)
    assert collector.requests == []


def test_a_port_that_swallows_connections_is_left_after_the_time_out(
    transport_to: Callable[..., Transport],
) -> None:
    with black_hole() as url, pytest.raises(TimeoutError):
        transport_to(url, timeout=SHORT).send(b"payload")


@pytest.mark.parametrize("beginning", [b"HTTP/1.1 200 ", b"HTTP/1.1 200 OK\r\nx-long: "])
def test_an_answer_that_drips_is_left_after_the_time_out(
    beginning: bytes, transport_to: Callable[..., Transport]
) -> None:
    with serving(drip(beginning)) as server, pytest.raises(TimeoutError):
        transport_to(server.url, timeout=SHORT).send(b"payload")


def test_of_a_body_that_drips_the_status_stands(transport_to: Callable[..., Transport]) -> None:
    with serving(drip(b"HTTP/1.1 200 OK\r\ncontent-length: 99999\r\n\r\n")) as server:
        transport = transport_to(server.url, timeout=SHORT)

        assert transport.send(b"payload").status == 200
        assert transport._connection is None


def test_of_a_long_body_the_beginning_is_kept(
    collector: Collector, transport_to: Callable[..., Transport]
) -> None:
    collector.script(Answer(400, body=b"0123456789" * 20_000))
    transport = transport_to(collector.endpoint)

    assert transport.send(b"payload").body == (b"0123456789" * 6554)[:65536]
    assert transport.send(b"payload").status == 200
    assert collector.connections == 1


@pytest.mark.parametrize("framing", [b"content-length: 99999999999", b"connection: close"])
def test_a_body_without_an_end_is_left(
    framing: bytes, transport_to: Callable[..., Transport]
) -> None:
    with serving(pour(b"HTTP/1.1 200 OK\r\n%s\r\n\r\n" % framing)) as server:
        transport = transport_to(server.url)
        reply = transport.send(b"payload")

        assert (reply.status, reply.body) == (200, b"x" * 65536)
        assert transport._connection is None


@pytest.mark.parametrize(
    "beginning",
    [
        b"",
        b"\x00\x00\x18\x04\x00\x00\x00\x00\x00",  # how an HTTP/2 server, as of gRPC, begins
        b"HTTP/1.1 200 OK\r\n" + b"".join(b"x-%d: y\r\n" % number for number in range(200)),
    ],
)
def test_rubbish_without_an_end_is_left(
    beginning: bytes, transport_to: Callable[..., Transport]
) -> None:
    with serving(pour(beginning)) as server, pytest.raises(NotHttpError):
        transport_to(server.url).send(b"payload")


@pytest.mark.parametrize("rubbish", [b"hello\r\n", b"HTTP/1.1 hello\r\n", b"\x15\x03\x01\x00\x02"])
def test_an_answer_that_is_no_http_is_an_error(
    rubbish: bytes, transport_to: Callable[..., Transport]
) -> None:
    with serving(answer(rubbish)) as server, pytest.raises(NotHttpError):
        transport_to(server.url).send(b"payload")


def test_what_cannot_become_http_any_more_is_not_waited_for(
    transport_to: Callable[..., Transport],
) -> None:
    with serving(drip(b"HTTP/")) as server, pytest.raises(NotHttpError):
        transport_to(server.url).send(b"payload")


def test_a_chunked_answer_is_read(transport_to: Callable[..., Transport]) -> None:
    chunked = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"
    with serving(answer(chunked)) as server:
        assert transport_to(server.url).send(b"payload").body == b"abc"


def test_redirects_are_not_followed(
    collector: Collector, transport_to: Callable[..., Transport]
) -> None:
    collector.script(Answer(307, headers={"location": f"{collector.endpoint}/v1/logs"}))

    assert transport_to(collector.endpoint).send(b"payload").status == 307
    assert [request.path for request in collector.requests] == ["/v1/traces"]


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("7", 7.0),
        ("0", 0.0),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 0.0),
        ("-3", None),
        ("soon", None),
        ("Wed, 99 Oct 99999999 07:28:00 GMT", None),
        ("", None),
    ],
)
def test_retry_after_is_read_where_it_says_something(
    header: str, seconds: float, collector: Collector, transport_to: Callable[..., Transport]
) -> None:
    collector.script(Answer(503, headers={"retry-after": header}))

    assert transport_to(collector.endpoint).send(b"payload").retry_after == seconds


def test_retry_after_may_be_a_date(
    collector: Collector, transport_to: Callable[..., Transport]
) -> None:
    date = formatdate(time.time() + 1000, usegmt=True)
    collector.script(Answer(503, headers={"retry-after": date}))
    seconds = transport_to(collector.endpoint).send(b"payload").retry_after

    assert seconds is not None
    assert 900 < seconds <= 1000


def test_https_needs_an_authority_that_is_trusted(
    secure_collector: Collector, certificate: Path, transport_to: Callable[..., Transport]
) -> None:
    payload = b"payload" * 100_000  # many records of TLS
    transport = transport_to(secure_collector.endpoint, certificate=str(certificate))

    assert [transport.send(payload).status for _ in range(2)] == [200, 200]
    assert [request.body for request in secure_collector.requests] == [payload] * 2
    assert secure_collector.connections == 1
    with pytest.raises(ssl.SSLCertVerificationError):
        transport_to(secure_collector.endpoint).send(payload)


def test_a_certificate_for_another_host_is_not_accepted(
    secure_collector: Collector, certificate: Path, transport_to: Callable[..., Transport]
) -> None:
    url = secure_collector.endpoint.replace("localhost", "127.0.0.1")
    with pytest.raises(ssl.SSLCertVerificationError):
        transport_to(url, certificate=str(certificate)).send(b"payload")


@pytest.mark.parametrize("name", ["verify_mode", "check_hostname", "verify_flags", "options"])
def test_as_much_is_verified_as_python_s_own_clients_do(name: str, certificate: Path) -> None:
    for file in (str(certificate), ""):
        context = _make_context(endpoint_of("https://localhost", certificate=file))
        expected = ssl.create_default_context(cafile=file or None)

        assert getattr(context, name) == getattr(expected, name)
        assert context.get_ca_certs() == expected.get_ca_certs()


def test_the_class_may_be_replaced_as_soon_as_there_is_an_object_of_it(
    secure_collector: Collector,
    certificate: Path,
    transport_to: Callable[..., Transport],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As eventlet does, in another thread, after it has put back the class for a connection."""
    original = ssl.SSLContext

    def make(protocol: int) -> ssl.SSLContext:
        context = original(protocol)
        monkeypatch.setattr(ssl, "SSLContext", type("GreenSSLContext", (original,), {}))
        return context

    monkeypatch.setattr(ssl, "SSLContext", make)
    transport = transport_to(secure_collector.endpoint, certificate=str(certificate))

    assert transport.send(PAYLOAD).status == 200


def test_a_client_certificate_is_shown(
    authority: trustme.CA,
    certificate: Path,
    tmp_path: Path,
    transport_to: Callable[..., Transport],
) -> None:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(tls)
    authority.configure_trust(tls)
    tls.verify_mode = ssl.CERT_REQUIRED
    client, files = authority.issue_cert("client"), (tmp_path / "client", tmp_path / "key")
    client.cert_chain_pems[0].write_to_path(str(files[0]))
    client.private_key_pem.write_to_path(str(files[1]))
    shown = {"client_certificate": str(files[0]), "client_key": str(files[1])}
    with Collector(tls) as collector:
        transport = transport_to(collector.endpoint, certificate=str(certificate), **shown)

        assert transport.send(b"payload").status == 200
        with pytest.raises(OSError, match=r"ssl|SSL|closed|reset|Broken"):
            transport_to(collector.endpoint, certificate=str(certificate)).send(b"payload")


def test_a_certificate_that_cannot_be_read_is_named(
    secure_collector: Collector, tmp_path: Path, transport_to: Callable[..., Transport]
) -> None:
    (tmp_path / "empty.pem").touch()
    for option in ("certificate", "client_certificate"):
        for name, reason in (("missing", "No such file"), ("empty", r".*is it a PEM file\?")):
            path = str(tmp_path / f"{name}.pem")
            words = f"^OTEL_EXPORTER_OTLP_{option.upper()}='{path}' cannot be used: {reason}"
            with pytest.raises(OSError, match=words):
                transport_to(secure_collector.endpoint, **{option: path}).send(b"payload")


def test_a_key_that_cannot_be_read_is_named(
    secure_collector: Collector,
    certificate: Path,
    tmp_path: Path,
    transport_to: Callable[..., Transport],
) -> None:
    key = str(tmp_path / "missing.key")
    shown = {"client_certificate": str(certificate), "client_key": key}

    with pytest.raises(OSError, match=f"^OTEL_EXPORTER_OTLP_CLIENT_KEY='{key}' cannot be used: No"):
        transport_to(secure_collector.endpoint, **shown).send(b"payload")


def interrupted(transport: Transport, is_sending: Callable[[], object]) -> list[type]:
    """Interrupt the transport while it sends; return what `send` raised."""
    return stopped(transport, is_sending, transport.interrupt)


def paused(transport: Transport, is_sending: Callable[[], object]) -> list[type]:
    """Have the transport pause while it sends; return what `send` raised."""
    return stopped(transport, is_sending, transport.pause)


def stopped(
    transport: Transport, is_sending: Callable[[], object], stop: Callable[[], None]
) -> list[type]:
    """Stop the transport while it sends; return what `send` raised."""
    raised: list[type] = []

    def send() -> None:
        try:
            transport.send(PAYLOAD)
        except OSError as error:
            raised.append(type(error))

    thread = threading.Thread(target=send)
    thread.start()
    while not is_sending():
        time.sleep(0.001)
    stop()
    thread.join()
    return raised


def test_a_request_without_an_answer_can_be_interrupted(
    collector: Collector, transport_to: Callable[..., Transport]
) -> None:
    collector.script(Answer(delay=math.inf))
    transport = transport_to(collector.endpoint, timeout=None)

    assert interrupted(transport, lambda: collector.requests) == [Interrupted]
    transport.resume()
    assert transport.send(b"payload").status == 200


def test_a_secure_request_without_an_answer_can_be_interrupted(
    secure_collector: Collector, certificate: Path, transport_to: Callable[..., Transport]
) -> None:
    secure_collector.script(Answer(delay=math.inf))
    transport = transport_to(secure_collector.endpoint, timeout=None, certificate=str(certificate))

    assert interrupted(transport, lambda: secure_collector.requests) == [Interrupted]


def test_connecting_can_be_interrupted(transport_to: Callable[..., Transport]) -> None:
    with black_hole() as url:
        transport = transport_to(url, timeout=None)

        assert interrupted(transport, lambda: transport._connection) == [Interrupted]


def test_an_interruption_holds_until_it_is_over(
    collector: Collector, transport_to: Callable[..., Transport]
) -> None:
    transport = transport_to(collector.endpoint)
    for _ in range(2):
        transport.interrupt()
        for _ in range(2):
            with pytest.raises(Interrupted):
                transport.send(b"payload")
        transport.resume()

        assert transport.send(b"payload").status == 200


@pytest.mark.parametrize("fixture", ["collector", "secure_collector"])
def test_after_a_pause_the_reply_is_waited_for_and_nothing_sent_again(
    fixture: str,
    certificate: Path,
    transport_to: Callable[..., Transport],
    request: pytest.FixtureRequest,
) -> None:
    collector: Collector = request.getfixturevalue(fixture)
    collector.script(Answer(201, delay=SHORT))
    transport = transport_to(collector.endpoint, certificate=str(certificate))

    assert paused(transport, lambda: collector.requests) == [Interrupted]
    with pytest.raises(Interrupted):
        transport.send(PAYLOAD)
    transport.resume()
    assert transport.send(PAYLOAD).status == 201
    assert transport.send(b"another").status == 200
    assert [one.body for one in collector.requests] == [PAYLOAD, b"another"]
    assert collector.connections == 1


def test_a_reply_that_came_in_part_before_a_pause_is_read_as_a_whole(
    transport_to: Callable[..., Transport],
) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def talk(server: RawServer, connection: socket.socket) -> None:
        server.read_request(connection)
        connection.sendall(OK[:20])
        begun.set()
        go_on.wait(LONG)
        connection.sendall(OK[20:])

    with serving(talk) as server:
        transport = transport_to(server.url)

        assert paused(transport, begun.is_set) == [Interrupted]
        transport.resume()
        go_on.set()
        assert transport.send(PAYLOAD).status == 200


def test_after_a_pause_another_payload_needs_another_connection(
    collector: Collector, transport_to: Callable[..., Transport]
) -> None:
    collector.script(Answer(delay=math.inf))
    transport = transport_to(collector.endpoint)

    assert paused(transport, lambda: collector.requests) == [Interrupted]
    transport.resume()
    assert transport.send(b"another").status == 200
    assert collector.connections == 2


def test_a_descriptor_that_the_program_has_reused_is_left_alone(
    collector: Collector, tmp_path: Path, transport_to: Callable[..., Transport]
) -> None:
    transport = transport_to(collector.endpoint)
    transport.send(b"payload")
    assert transport._connection is not None
    descriptor = transport._connection._socket.fileno()
    with (tmp_path / "file").open("w") as file:
        os.dup2(file.fileno(), descriptor)  # closes our socket, as daemons close all they find
        try:
            transport.interrupt()
            transport.resume()

            assert transport.send(b"payload").status == 200
            os.write(descriptor, b"still the program's")
        finally:
            os.close(descriptor)

    assert (tmp_path / "file").read_text() == "still the program's"


# The second is none: as where the system gives sockets no numbers.
@pytest.mark.parametrize("option", [connection.SO_COOKIE, 9_999])
def test_a_descriptor_that_is_another_socket_by_now_is_left_alone(
    collector: Collector,
    transport_to: Callable[..., Transport],
    monkeypatch: pytest.MonkeyPatch,
    option: int,
) -> None:
    monkeypatch.setattr(connection, "SO_COOKIE", option)
    transport = transport_to(collector.endpoint)
    assert [transport.send(b"payload").status for _ in range(2)] == [200, 200]
    assert transport._connection is not None
    assert collector.connections == 1
    descriptor = transport._connection._socket.fileno()
    mine, theirs = socket.socketpair()
    with mine, theirs:
        os.dup2(mine.fileno(), descriptor)
        try:
            transport.interrupt()
            transport.resume()

            assert transport.send(b"payload").status == 200
            mine.sendall(b"still the program's")
        finally:
            os.close(descriptor)

        assert theirs.recv(64) == b"still the program's"
    assert collector.connections == 2


FORK = """
import os, sys
from otel_run.export.transport import Transport
from otel_run.settings import load

url, certificate = sys.argv[1:]
endpoint = load({
    "OTEL_EXPORTER_OTLP_ENDPOINT": url, "OTEL_EXPORTER_OTLP_CERTIFICATE": certificate,
}).endpoints["traces"]
transport = Transport(endpoint)
assert transport.send(b"parent").status == 200
child = os.fork()
if not child:
    transport.abandon()
    assert transport.send(b"child").status == 200
    os._exit(0)
assert os.waitpid(child, 0)[1] == 0
assert transport.send(b"parent again").status == 200
"""


@pytest.mark.parametrize("fixture", ["collector", "secure_collector"])
def test_a_forked_child_leaves_the_connection_to_its_parent(
    fixture: str, certificate: Path, request: pytest.FixtureRequest
) -> None:
    collector: Collector = request.getfixturevalue(fixture)
    command = [sys.executable, "-c", FORK, collector.endpoint, str(certificate)]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    subprocess.run(command, env=environment, check=True, timeout=LONG)

    assert [one.body for one in collector.requests] == [b"parent", b"child", b"parent again"]
    assert collector.connections == 2


WITH_PIPES = """
import signal

signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # as programs in shell pipelines have it
print(transport.send(bytes(16 << 20)).status)
"""


def test_a_program_that_broken_pipes_end_is_not_ended_by_a_server_that_leaves() -> None:
    program = FORK.partition("child =")[0] + WITH_PIPES
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    with serving(answer(OK)) as server:
        command = [sys.executable, "-c", program, server.url, ""]
        ended = subprocess.run(
            command, env=environment, timeout=LONG, capture_output=True, check=False
        )

    assert (ended.returncode, ended.stdout, ended.stderr) == (0, b"200\n", b"")
    assert server.connections == 2


def test_a_connection_left_open_at_the_end_brings_no_warning(collector: Collector) -> None:
    program = FORK.partition("child =")[0]
    command = [sys.executable, "-Werror", "-Xdev", "-c", program, collector.endpoint, ""]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    ended = subprocess.run(command, env=environment, check=True, timeout=LONG, capture_output=True)

    assert (ended.stdout, ended.stderr) == (b"", b"")
