"""What holds for every HTTP client that can send its requests through a proxy."""

from __future__ import annotations

from typing import TYPE_CHECKING

from contracts.http_client import HttpClientContract

if TYPE_CHECKING:
    import pytest

    from contracts.origin import Origin
    from recording import Recording


class ProxiedContract(HttpClientContract):
    """Subclass it, and give the call that has a proxy."""

    def request_through(self, proxy: str, url: str) -> None:
        """Send a GET through the proxy."""
        raise NotImplementedError

    def test_through_a_proxy_the_server_is_the_one_that_is_meant(
        self, recording: Recording, origin: Origin, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.delenv("no_proxy")
        self.request_through(origin.url("/"), "http://elsewhere.example:8080/path?q=1")

        assert origin.received[0].target == "http://elsewhere.example:8080/path?q=1"
        assert recording.span().attributes == self.expected(
            origin,
            "http://elsewhere.example:8080/path?q=1",
            server__address="elsewhere.example",
            server__port=8080,
        )
