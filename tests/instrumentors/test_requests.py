"""requests, over urllib3 and http.client."""

from __future__ import annotations

import copy
from io import BytesIO
from typing import TYPE_CHECKING, Any

import pytest
import requests
from requests.adapters import BaseAdapter, HTTPAdapter
from requests.auth import AuthBase, HTTPDigestAuth

from contracts.http_client import hops, resends, unchecked
from contracts.http_follower import FollowerContract
from contracts.http_proxied import ProxiedContract
from contracts.http_sender import SenderContract
from contracts.http_streamer import StreamerContract
from contracts.instrumentor import pickled

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from contracts.origin import Origin
    from otel_run.signals.context import Node
    from recording import Recording


class TestRequests(FollowerContract, ProxiedContract, SenderContract, StreamerContract):
    """One span per `Session.send`."""

    library = "requests"
    sender = "urllib3"
    refusal = "requests.exceptions.ConnectionError"
    knows_peer_early = True

    def request(
        self, method: str, url: str, headers: Mapping[str, str] | None = None, timeout: float = 20
    ) -> tuple[int, bytes]:
        response = requests.request(method, url, headers=headers, timeout=timeout)
        return response.status_code, response.content

    def follow(self, method: str, url: str, body: bytes | None = None) -> tuple[int, bytes]:
        response = requests.request(method, url, data=body, timeout=20)
        return response.status_code, response.content

    def stream(self, url: str, between: Callable[[], None]) -> list[bytes]:
        with requests.get(url, stream=True, timeout=20) as response:
            chunks = response.iter_content(3)
            first = next(chunks)
            between()
            return [first, *chunks]

    def test_redirects_that_are_not_followed_are_no_spans(
        self, recording: Recording, origin: Origin
    ) -> None:
        response = requests.get(origin.url("/redirect/2"), timeout=20, allow_redirects=False)

        assert response.next is not None
        assert hops(recording.spans()) == [("redirect/2", 302, "")]

    def test_what_a_redirect_led_to_is_a_first_request_when_the_program_sends_it_again(
        self, recording: Recording, origin: Origin
    ) -> None:
        with requests.Session() as session:
            response = session.get(origin.url("/redirect/1"), timeout=20)
            session.send(response.request)
            session.send(response.history[0].request, allow_redirects=False)

        assert resends(recording.spans()) == [None, 1, None, None]

    def test_a_redirect_that_the_program_follows_itself_is_a_resend(
        self, recording: Recording, origin: Origin
    ) -> None:
        with requests.Session() as session:
            first = session.get(origin.url("/redirect/1"), timeout=20, allow_redirects=False)
            assert first.next is not None
            session.send(first.next, timeout=20)

        assert resends(recording.spans()) == [None, 1]

    @pytest.mark.usefixtures("incoming")
    def test_a_session_keeps_its_headers_and_its_connection(
        self, recording: Recording, origin: Origin
    ) -> None:
        with requests.Session() as session:
            session.headers["X-Mine"] = "1"
            before = dict(session.headers)
            for _ in range(3):
                session.get(origin.url(), timeout=20)

            assert dict(session.headers) == before
        assert len({received.peer for received in origin.received}) == 1
        assert len({span.span_id for span in recording.spans()}) == 3

    def test_a_prepared_request_stays_as_it_is_and_can_be_sent_again(
        self, origin: Origin, incoming: Node
    ) -> None:
        prepared = requests.Request("POST", origin.url(), {"X-Mine": "1"}, data=b"12").prepare()
        before = dict(prepared.headers)
        with requests.Session() as session:
            session.send(prepared)
            incoming.values, incoming.trace_state = None, ""
            response = session.send(prepared)

        assert dict(prepared.headers) == before
        first, second = origin.received
        assert (first.body, second.body) == (b"12", b"12")
        assert first.headers["traceparent"] != second.headers["traceparent"]
        assert first.headers["baggage"] == ["tenant=blue"]
        assert "baggage" not in second.headers
        assert "tracestate" not in second.headers
        assert response.request is prepared

    def test_sessions_and_responses_pickle_and_copy(
        self, recording: Recording, origin: Origin
    ) -> None:
        with requests.Session() as session:
            session.headers["X-Mine"] = "1"
            response = session.get(origin.url(), timeout=20)
            again = pickled(session)
            send = pickled(session.send)
            copied = copy.deepcopy(session)
            for one in (again, copied, send.__self__):
                assert isinstance(one, requests.Session)
                assert one.headers == session.headers
                assert one.get(origin.url(), timeout=20).content == b"ok"
                one.close()

        assert pickled(response).content == b"ok"
        assert len(recording.spans()) == 4

    def test_a_custom_adapter_is_recorded_with_what_it_returns(self, recording: Recording) -> None:
        error = ValueError("mine")
        with requests.Session() as session:
            session.mount("double://", Double(error))
            response = session.get("double://host/ok")
            with pytest.raises(ValueError, match="mine") as raised:
                session.get("double://host/fail")

        spans = unchecked(recording)
        assert raised.value is error
        assert response.text == "from the double"
        assert [span.attributes for span in spans] == [
            {
                "http.request.method": "GET",
                "http.response.status_code": 203,
                "server.address": "host",
                "server.port": 0,
                "url.full": "double://host/ok",
            },
            {
                "error.type": "ValueError",
                "http.request.method": "GET",
                "server.address": "host",
                "server.port": 0,
                "url.full": "double://host/fail",
            },
        ]

    def test_a_request_stays_the_one_that_is_sent_where_an_adapter_connects_in_its_own_way(
        self, recording: Recording, origin: Origin
    ) -> None:
        class Pinned(HTTPAdapter):
            def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
                super().init_poolmanager(*args, **kwargs)

        prepared = requests.Request("GET", origin.url()).prepare()
        with requests.Session() as session:
            session.mount("http://", Pinned())
            response = session.send(prepared)

        span = recording.span()
        [received] = origin.received
        assert response.request is prepared
        assert "traceparent" not in prepared.headers
        assert received.headers["traceparent"] == [f"00-{span.trace_id}-{span.span_id}-01"]

    def test_a_request_stays_the_one_that_is_sent_where_another_adapter_is_none_of_its_own(
        self, origin: Origin
    ) -> None:
        prepared = requests.Request("GET", origin.url()).prepare()
        with requests.Session() as session:
            session.mount("double://", Double(ValueError()))
            response = session.send(prepared)

        assert response.request is prepared
        assert "traceparent" in origin.received[0].headers

    def test_what_an_adapter_adds_stays_there_behind_a_redirect(self, origin: Origin) -> None:
        keys = iter("ab")

        class Once(HTTPAdapter):
            def send(self, request: requests.PreparedRequest, **options: Any) -> Any:  # type: ignore[override]
                if "Idempotency-Key" not in request.headers:
                    request.headers["Idempotency-Key"] = next(keys)
                return super().send(request, **options)

        with requests.Session() as session:
            session.mount("http://", Once())
            session.post(origin.url("/moved/ok"), b"12", timeout=20)

        sent = [received.headers["idempotency-key"] for received in origin.received]
        assert sent == [["a"], ["a"]]

    def test_hooks_and_auth_run_as_before_and_their_own_requests_are_spans(
        self, recording: Recording, origin: Origin
    ) -> None:
        seen: list[int] = []

        def hook(response: requests.Response, *_: Any, **__: Any) -> requests.Response:
            seen.append(response.status_code)
            return response

        class Token(AuthBase):
            def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
                token = requests.get(origin.url("/token"), timeout=20).text
                request.headers["X-Token"] = token
                return request

        response = requests.get(origin.url(), auth=Token(), hooks={"response": hook}, timeout=20)

        assert response.status_code == 200
        assert seen == [200]
        assert origin.received[1].headers["x-token"] == ["ok"]
        assert [span.attributes["url.full"] for span in recording.spans()] == [
            origin.url("/token"),
            origin.url("/ok"),
        ]

    def test_a_request_made_by_a_hook_is_a_span_of_its_own(
        self, recording: Recording, origin: Origin
    ) -> None:
        def hook(_: requests.Response, *__: Any, **___: Any) -> requests.Response:
            return requests.get(origin.url("/again"), timeout=20)

        response = requests.get(origin.url(), hooks={"response": hook}, timeout=20)

        outer, inner = recording.spans()
        assert response.url == origin.url("/again")
        assert inner.parent_id == outer.span_id
        assert outer.attributes == self.expected(origin, origin.url())
        assert inner.attributes == self.expected(origin, origin.url("/again"))

    def test_redirects_of_a_hook_s_own_request_leave_the_one_around_it_alone(
        self, recording: Recording, origin: Origin
    ) -> None:
        def hook(*_: Any, **__: Any) -> None:
            requests.get(origin.url("/redirect/2"), timeout=20)

        requests.get(origin.url("/status/404"), hooks={"response": hook}, timeout=20)

        outer, *inner = recording.spans()
        assert outer.attributes["http.response.status_code"] == 404
        assert hops(inner) == [
            ("redirect/2", 302, outer.span_id),
            ("redirect/1", 302, outer.span_id),
            ("ok", 200, outer.span_id),
        ]

    def test_what_an_answer_to_a_challenge_repeats_is_in_the_same_trace(
        self, recording: Recording, origin: Origin
    ) -> None:
        def answer(response: requests.Response, **options: Any) -> requests.Response:
            response.content  # noqa: B018  read, so that its connection is free
            request = response.request.copy()
            request.headers["Authorization"] = "Digest"
            again: requests.Response = response.connection.send(request, **options)
            return again

        requests.get(origin.url(), hooks={"response": answer}, timeout=20)

        span = recording.span()
        first, second = origin.received
        assert "authorization" in second.headers
        for received in (first, second):
            assert received.headers["traceparent"] == [f"00-{span.trace_id}-{span.span_id}-01"]

    def test_the_answer_to_a_digest_challenge_is_a_resend_within_the_span(
        self, recording: Recording, origin: Origin
    ) -> None:
        with requests.Session() as session:
            session.auth = HTTPDigestAuth("me", "secret")
            for target in ("/digest", "/redirect/digest"):
                session.get(origin.url(target), timeout=20)
                session.auth = HTTPDigestAuth("me", "secret")

        spans = recording.spans()
        assert hops(spans) == [
            ("digest", 200, ""),
            ("redirect/digest", 302, ""),
            ("digest", 200, ""),
        ]
        assert resends(spans) == [1, None, 2]

    def test_raise_for_status_raises_after_the_span(
        self, recording: Recording, origin: Origin
    ) -> None:
        response = requests.get(origin.url("/status/404?token=hunter2marker"), timeout=20)
        with pytest.raises(requests.HTTPError, match="hunter2marker"):
            response.raise_for_status()

        span = recording.span()
        assert span.events == []
        assert b"hunter2marker" not in recording.exported()

    def test_a_hook_that_raises_for_the_status_does_not_hide_it(
        self, recording: Recording, origin: Origin
    ) -> None:
        def check(response: requests.Response, *_: Any, **__: Any) -> None:
            response.raise_for_status()

        with requests.Session() as session:
            session.hooks["response"].append(check)
            with pytest.raises(requests.HTTPError):
                session.get(origin.url("/status/404"), timeout=20)

        span = recording.span()
        assert span.attributes == self.expected(
            origin,
            origin.url("/status/404"),
            error__type="404",
            http__response__status_code=404,
        )
        assert (span.status, span.events) == ("error", [])

    def test_another_request_s_error_that_a_hook_raises_is_the_call_s(
        self, recording: Recording, origin: Origin
    ) -> None:
        def ask(*_: Any, **__: Any) -> None:
            requests.get(origin.url("/status/404"), timeout=20).raise_for_status()

        with pytest.raises(requests.HTTPError):
            requests.get(origin.url(), hooks={"response": ask}, timeout=20)

        outer, inner = recording.spans()
        assert outer.attributes["error.type"] == "requests.exceptions.HTTPError"
        assert "http.response.status_code" not in outer.attributes
        assert inner.attributes["http.response.status_code"] == 404

    def test_retries_of_an_adapter_are_within_one_span(
        self, recording: Recording, origin: Origin
    ) -> None:
        from urllib3.util import Retry

        with requests.Session() as session:
            retry = Retry(2, status_forcelist=[503], raise_on_status=False)
            session.mount("http://", HTTPAdapter(max_retries=retry))
            session.get(origin.url("/status/503"), timeout=20)

        span = recording.span()
        assert len(origin.received) == 3
        assert span.attributes == self.expected(
            origin,
            origin.url("/status/503"),
            http__response__status_code=503,
            http__request__resend_count=2,
            error__type="503",
        )

    def test_retries_after_a_redirect_count_on(self, recording: Recording, origin: Origin) -> None:
        from urllib3.util import Retry

        with requests.Session() as session:
            retry = Retry(2, status_forcelist=[503], raise_on_status=False)
            session.mount("http://", HTTPAdapter(max_retries=retry))
            session.get(origin.url("/redirect/status/503"), timeout=20)

        assert len(origin.received) == 4
        assert resends(recording.spans()) == [None, 3]

    def test_a_unix_socket_has_no_peer_port(self, recording: Recording) -> None:
        with requests.Session() as session, pytest.raises(requests.exceptions.InvalidSchema):
            session.get("http+unix://%2Fvar%2Frun%2Fnobody.sock/info")

        [span] = unchecked(recording)
        assert span.attributes == {
            "error.type": "requests.exceptions.InvalidSchema",
            "http.request.method": "GET",
            "server.address": "%2fvar%2frun%2fnobody.sock",
            "server.port": 0,
            "url.full": "http+unix://%2Fvar%2Frun%2Fnobody.sock/info",
        }

    def request_through(self, proxy: str, url: str) -> None:
        requests.get(url, proxies={"http": proxy}, timeout=20)

    def test_our_span_keeps_secrets_of_the_exception_in_outer_spans(
        self, recording: Recording, refusing: int
    ) -> None:
        with pytest.raises(requests.ConnectionError, match="hunter2marker"):
            requests.get(f"http://127.0.0.1:{refusing}/?to%6Ben=hunter2marker", timeout=20)

        recording.spans()
        assert b"hunter2marker" not in recording.exported()


class Double(BaseAdapter):
    """A transport of the program's own."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error = error

    def send(self, request: requests.PreparedRequest, *_: Any, **__: Any) -> requests.Response:
        if request.path_url == "/fail" or (request.url or "").endswith("/fail"):
            raise self.error
        response = requests.Response()
        response.status_code = 203
        response.raw = BytesIO(b"from the double")
        response.url = request.url or ""
        response.request = request
        return response

    def close(self) -> None:
        """Hold nothing."""
