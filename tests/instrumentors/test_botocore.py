"""botocore and boto3, over urllib3 and http.client."""

from __future__ import annotations

from contextlib import contextmanager
from types import SimpleNamespace
from typing import TYPE_CHECKING

import boto3
import botocore.endpoint
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import ClientError
from botocore.httpsession import URLLib3Session

from contracts.http_client import hops, resends
from contracts.http_streamer import StreamerContract

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from typing import Any

    from contracts.origin import Origin, Received
    from recording import Recording

KEY, SECRET, REGION = "AKIAEXAMPLE", "example", "eu-central-1"


@contextmanager
def session(timeout: float = 20) -> Iterator[URLLib3Session]:
    """What sends a client's requests."""
    found = URLLib3Session(timeout=timeout)  # type: ignore[arg-type]  # any number will do
    try:
        yield found
    finally:
        close(found)


def close(found: Any) -> None:
    """Close its connections, as old versions cannot."""
    found.close() if hasattr(found, "close") else found._manager.clear()


@contextmanager
def storage(origin: Origin, **options: Any) -> Iterator[Any]:
    """A client of a storage service, which any web server can be."""
    client = boto3.client(
        "s3",
        region_name=REGION,
        endpoint_url=origin.url("").rstrip("/"),
        aws_access_key_id=KEY,
        aws_secret_access_key=SECRET,
        config=Config(s3={"addressing_style": "path"}, **options),
    )
    try:
        yield client
    finally:
        close(client._endpoint.http_session)


class TestBotocore(StreamerContract):
    """One span per `URLLib3Session.send`."""

    library = "botocore"
    refusal = "botocore.exceptions.EndpointConnectionError"
    knows_peer_early = True

    def request(
        self, method: str, url: str, headers: Mapping[str, str] | None = None, timeout: float = 20
    ) -> tuple[int, bytes]:
        with session(timeout) as sender:
            request = AWSRequest(method, url, headers or {}).prepare()
            response = sender.send(request)
            return response.status_code, response.content

    def stream(self, url: str, between: Callable[[], None]) -> list[bytes]:
        with session() as sender:
            response = sender.send(AWSRequest("GET", url, stream_output=True).prepare())
            chunks = response.raw.stream(3)
            first = next(chunks)
            between()
            return [first, *chunks]

    @pytest.mark.usefixtures("incoming")
    def test_a_call_of_a_service_is_one_span_and_its_signature_stays_valid(
        self, recording: Recording, origin: Origin
    ) -> None:
        with storage(origin) as client:
            body = client.get_object(Bucket="bucket", Key="key")["Body"].read()
            client.put_object(Bucket="empty", Key="key", Body=b"content")

        got, put = recording.spans()
        assert body == b"ok"
        assert got.attributes == self.expected(origin, origin.url("/bucket/key"))
        assert put.attributes == self.expected(
            origin, origin.url("/empty/key"), http__request__method="PUT"
        )
        assert b"content" in origin.received[1].body
        for received, span in zip(origin.received, (got, put), strict=True):
            assert received.headers["traceparent"] == [f"00-{span.trace_id}-{span.span_id}-01"]
            assert received.headers["baggage"] == ["tenant=blue"]
            assert signature_in(received) == signature_of(received)

    def test_each_attempt_is_a_span(
        self, recording: Recording, origin: Origin, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(botocore.endpoint, "time", SimpleNamespace(sleep=int))
        with storage(origin, retries={"max_attempts": 2}) as client, pytest.raises(ClientError):
            client.get_object(Bucket="status", Key="503")

        spans = recording.spans()
        assert hops(spans) == [("status/503", 503, "")] * 3
        tells = "amz-sdk-request" in origin.received[0].headers
        assert resends(spans) == ([None, 1, 2] if tells else [None] * 3)
        sent = [received.headers["traceparent"] for received in origin.received]
        assert sent == [[f"00-{span.trace_id}-{span.span_id}-01"] for span in spans]

    def test_a_streamed_object_is_the_program_s_to_read(
        self, recording: Recording, origin: Origin
    ) -> None:
        with storage(origin) as client:
            body = client.get_object(Bucket="stream", Key="key")["Body"]
            first = body.read(3)
            span = recording.span()
            origin.release.set()

            assert (first, body.read()) == (b"one", b"two")
        assert span.attributes == self.expected(origin, origin.url("/stream/key"))

    def test_a_prepared_request_stays_as_it_is(self, origin: Origin) -> None:
        request = AWSRequest("GET", origin.url(), {"X-Mine": "1"}).prepare()
        before = dict(request.headers)
        with session() as sender:
            sender.send(request)

        assert dict(request.headers) == before
        assert origin.received[0].headers["x-mine"] == ["1"]
        assert "traceparent" in origin.received[0].headers


def signature_in(received: Received) -> str:
    """The signature that came with a request."""
    [authorization] = received.headers["authorization"]
    return authorization.rpartition("Signature=")[2]


def signature_of(received: Received) -> str:
    """The signature that it ought to have."""
    [authorization] = received.headers["authorization"]
    signed = authorization.partition("SignedHeaders=")[2].partition(",")[0].split(";")
    headers = {name: ",".join(received.headers[name]) for name in signed}
    url = f"http://{headers['host']}{received.target}"
    request = AWSRequest(received.method, url, headers, received.body)
    request.context["timestamp"] = headers["x-amz-date"]
    auth = SigV4Auth(Credentials(KEY, SECRET), "s3", REGION)
    text = auth.string_to_sign(request, auth.canonical_request(request))
    return str(auth.signature(text, request))
