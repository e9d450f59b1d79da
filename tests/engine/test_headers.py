"""Captured headers: which, under which name, and with what of their values."""

from __future__ import annotations

import pytest

from otel_run.engine.headers import LONGEST_NAME, CapturedHeaders

MARKER = "hunter2"


def captured(
    *items: tuple[str, str], names: str = ".*", sanitized: tuple[str, ...] = ()
) -> dict[str, list[str]]:
    return CapturedHeaders((names,), sanitized, "request").attributes(items)


def test_nothing_is_wanted_where_nothing_is_set() -> None:
    headers = CapturedHeaders((), ("x-.*",), "request")

    assert not headers.wanted
    assert headers.attributes([("x-one", "1")]) == {}


def test_names_are_found_in_any_case_and_keep_their_dashes() -> None:
    headers = CapturedHeaders(("X-One", "under_score"), (), "response")

    assert headers.wanted
    for _ in range(2):
        assert headers.attributes(
            [("x-ONE", "1"), ("Under_Score", "2"), ("X-One-More", "3"), ("X-One", "4")]
        ) == {
            "http.response.header.x-one": ["1", "4"],
            "http.response.header.under_score": ["2"],
        }


@pytest.mark.parametrize(
    ("pattern", "is_matched"),
    [
        ("x-.*", True),
        ("X-O.*", True),
        ("(?i)x-one", True),
        ("x-(one|two)", True),
        ("x-", False),
        ("x-o", False),
        (".-one", True),
        ("-one", False),
        ("x_one", False),
    ],
)
def test_a_pattern_matches_whole_names(pattern: str, *, is_matched: bool) -> None:
    found = captured(("X-One", "1"), names=pattern)

    assert found == ({"http.request.header.x-one": ["1"]} if is_matched else {})


def test_patterns_that_are_sanitized_are_recorded_without_their_values() -> None:
    assert captured(("X-One", "1"), ("X-Two", "2"), sanitized=(".*-ONE", "x-twofold")) == {
        "http.request.header.x-one": ["REDACTED"],
        "http.request.header.x-two": ["2"],
    }


@pytest.mark.parametrize(
    "name",
    [
        "Authorization",
        "Proxy-Authorization",
        "X-Forwarded-Authorization",
        "Cookie",
        "Set-Cookie",
        "Set-Cookie2",
        "X-Api-Key",
        "apikey",
        "X_API_KEY",
        "X-Auth",
        "X-Auth-Token",
        "X-Amz-Security-Token",
        "X-Goog-Api-Key",
        "X-CSRFToken",
        "X-XSRF-TOKEN",
        "X-Access-Token",
        "X-Client-Secret",
        "X-Session-Id",
        "X-Hub-Signature",
        "X-Password",
    ],
)
def test_secrets_are_never_recorded_whatever_is_set(name: str) -> None:
    for names in (".*", name, name.lower()):
        assert captured((name, MARKER), names=names) == {
            f"http.request.header.{name.lower()}": ["REDACTED"]
        }


@pytest.mark.parametrize("name", ["Author", "X-Tokens-Left", "Keep-Alive", "Idempotency-Key"])
def test_other_names_are_no_secrets(name: str) -> None:
    assert captured((name, "1")) == {f"http.request.header.{name.lower()}": ["1"]}


def test_urls_are_recorded_without_their_secrets() -> None:
    found = captured(
        ("Location", f"/next?token={MARKER}&x=1"),
        ("Referer", f"https://user:{MARKER}@host/path"),
        ("Host", f"user:{MARKER}@host:80"),
        ("Host", f"user:{MARKER}"),
        ("Host", "[::1]"),
        ("From", "ada@host"),
        ("Content-Type", "text/html; charset=utf-8"),
    )

    assert found == {
        "http.request.header.location": ["/next?token=REDACTED&x=1"],
        "http.request.header.referer": ["https://REDACTED:REDACTED@host/path"],
        "http.request.header.host": ["REDACTED:REDACTED@host:80", "user:REDACTED", "[::1]"],
        "http.request.header.from": ["ada@host"],
        "http.request.header.content-type": ["text/html; charset=utf-8"],
    }


def test_a_name_beyond_measure_is_not_recorded() -> None:
    assert captured(("x" * LONGEST_NAME, "1"), ("x" * (LONGEST_NAME + 1), "2")) == {
        f"http.request.header.{'x' * LONGEST_NAME}": ["1"]
    }


def test_bytes_are_read_as_what_they_are_on_the_wire() -> None:
    headers = CapturedHeaders(("x-one",), (), "request")
    items: list[tuple[str, str]] = [(b"X-One", b"\xe9")]  # type: ignore[list-item]

    assert headers.attributes(items) == {"http.request.header.x-one": ["é"]}
