"""URLs: parsed once, and without their secrets."""

from __future__ import annotations

from typing import NamedTuple
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otel_run.engine.redaction import SECRET_KEYS
from otel_run.engine.url import LONGEST_KEPT, Url, Urls, join_url, split_port

MARKER = "hunter2"

PLAIN = st.text("abcxyz0189-._~", min_size=1, max_size=9)
HOSTS = st.sampled_from(
    ["127.0.0.1", "h.example", "[::1]", "[2001:db8::5]", "xn--bcher-kva.example"]
)
PORTS = st.integers(1, 65535)
# What a password may hold, quoted and not.
ODD = st.text("aZ9:@/?#%&=;'\" é", max_size=5)
QUOTED = ODD.map(lambda text: quote(text, safe=""))


def full(url: Url) -> str:
    return str(url.attributes["url.full"])


@st.composite
def secret_keys(draw: st.DrawFn) -> str:
    """A secret key in one of the ways to write it."""
    key = draw(st.sampled_from(SECRET_KEYS))
    spelled = draw(
        st.sampled_from([key, key.upper(), key.lower(), key.replace("_", "-"), encoded(key)])
    )
    return draw(st.sampled_from(["{}", "{}[]", "user[{}]", "%20{}"])).format(spelled)


def encoded(key: str) -> str:
    """The key with its first letter percent-encoded."""
    return f"%{ord(key[0]):02x}{key[1:]}"


@st.composite
def secret_queries(draw: st.DrawFn) -> str:
    """A query with a secret in it, among other things."""
    value = f"{draw(QUOTED)}{MARKER}{draw(st.text('aZ9:@/?%;$ ', max_size=5))}"
    pairs = [f"{draw(secret_keys())}={value}", *draw(st.lists(st.just("a=b") | PLAIN, max_size=3))]
    return draw(st.sampled_from(["&", "&a;"])).join(draw(st.permutations(pairs)))


@given(st.text())
def test_any_text_is_taken_and_described_the_same_way_twice(text: str) -> None:
    urls = Urls()
    first = urls.get(text)

    assert full(urls.get(text)) == full(first)
    assert 0 <= first.origin.port <= 99999
    assert full(Urls().get(full(first))) == full(first)


@given(st.sampled_from(["http", "https", "HTTP"]), HOSTS, PORTS, PLAIN)
def test_a_url_without_secrets_stays_as_it_is(scheme: str, host: str, port: int, path: str) -> None:
    text = f"{scheme}://{host}:{port}/{path}?a={path}#{path}"
    url = Urls().get(text)

    assert (full(url), url.secrets) == (text, ())
    assert (url.origin.scheme, url.origin.port) == (scheme.lower(), port)
    assert url.origin.address == host.strip("[]").lower()


@given(HOSTS, PORTS, QUOTED, QUOTED)
def test_user_information_is_redacted(host: str, port: int, before: str, after: str) -> None:
    for userinfo in (f"{before}{MARKER}:{after}", f"{before}:{MARKER}{after}", f"{MARKER}{after}"):
        url = Urls().get(f"http://{userinfo}@{host}:{port}/path")

        assert full(url) == f"http://REDACTED:REDACTED@{host}:{port}/path"
        assert (url.origin.address, url.origin.port) == (host.strip("[]"), port)
        assert any(MARKER in secret for secret in url.secrets)


@given(HOSTS, ODD.map(lambda odd: odd.replace("@", "")))
def test_so_is_a_password_that_should_have_been_quoted(host: str, odd: str) -> None:
    password = f"{MARKER}{odd}{MARKER}"
    url = Urls().get(f"http://user:{password}@{host}/path")

    assert MARKER not in full(url)
    assert url.origin.address == host.strip("[]")


def test_so_is_a_password_whose_at_sign_was_quoted_for_it() -> None:
    url = Urls().get(f"http://user:{MARKER}@{MARKER}%40{MARKER}%40h.example:81/path")

    assert full(url) == "http://REDACTED:REDACTED@h.example:81/path"
    assert (url.origin.address, url.origin.port) == ("h.example", 81)
    assert f"{MARKER}@{MARKER}@{MARKER}" in url.secrets


@given(secret_queries(), st.sampled_from(["?{}", "?a=b&{}#c", "#{}", "#/page?{}", "?x#!p?{}"]))
def test_secret_values_are_redacted_in_query_and_fragment(query: str, place: str) -> None:
    url = Urls().get(f"http://h.example/path{place.format(query)}")

    assert MARKER not in full(url)
    assert full(url).startswith("http://h.example/path")
    assert "=REDACTED" in full(url)
    assert any(MARKER in secret for secret in url.secrets)


@given(st.sampled_from(["http", "https"]), HOSTS, PORTS | st.none(), PLAIN)
def test_a_request_line_s_target_is_a_url_again(
    scheme: str, host: str, port: int | None, path: str
) -> None:
    text = join_url(scheme, host.strip("[]"), port, f"/{path}?next=https://elsewhere.example/")
    origin = Urls().get(text).origin

    assert text.startswith(f"{scheme}://{host}")
    assert text.endswith(f"/{path}?next=https://elsewhere.example/")
    assert (origin.scheme, origin.address) == (scheme, host.strip("[]"))
    assert origin.port == (port or {"http": 80, "https": 443}[scheme])


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("http://elsewhere.example/x", "http://elsewhere.example/x"),
        ("*", "http://h:81/*"),
        ("", "http://h:81/"),
        (None, "http://h:81/"),
        ("elsewhere.example:443", "http://h:81/elsewhere.example:443"),
        (b"/bytes", "http://h:81/b'/bytes'"),
    ],
)
def test_a_target_need_not_be_a_path(target: object, expected: str) -> None:
    assert join_url("http", "h", 81, target) == expected


@pytest.mark.parametrize(
    ("authority", "expected"),
    [
        ("h", ("h", 0)),
        ("h:80", ("h", 80)),
        ("h:", ("h", 0)),
        ("h:x", ("h", 0)),
        ("h:123456", ("h", 0)),
        ("h:\u0661", ("h", 0)),
        ("[::1]", ("::1", 0)),
        ("[::1]:80", ("::1", 80)),
        ("", ("", 0)),
        (":80", ("", 80)),
    ],
)
def test_an_authority_is_host_and_port(authority: str, expected: tuple[str, int]) -> None:
    assert split_port(authority) == expected


def test_what_is_a_url_as_a_text_is_asked_for_it_once() -> None:
    class Parts(NamedTuple):
        host: str
        path: str

        def __str__(self) -> str:
            asked.append(self.path)
            return f"http://{self.host}{self.path}"

    asked: list[str] = []
    urls = Urls()
    first, second = (urls.get(Parts("h.example", "/a")) for _ in range(2))
    other = urls.get(Parts("h.example", "/b"))

    assert first is second
    assert (full(first), full(other)) == ("http://h.example/a", "http://h.example/b")
    assert asked == ["/a", "/b"]


def test_what_is_kept_is_bounded() -> None:
    urls = Urls()
    for number in range(5000):
        urls.get(f"http://h{number}.example/")
        urls.get(f"http://h.example/{number}/{'x' * LONGEST_KEPT}")

    assert len(urls.seen) <= 2048
    assert len(urls._origins) <= 1024
    assert max(len(str(url)) for url in urls.seen.young) <= LONGEST_KEPT
