"""Hosts that context is sent to."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otel_run.engine.receivers import Receivers, matches


def test_without_patterns_all_receive_context() -> None:
    assert Receivers(()).include("anything.example", 80)


@pytest.mark.parametrize(
    ("pattern", "address", "port", "is_included"),
    [
        ("api.example.com", "api.example.com", 443, True),
        ("api.example.com", "api.example.com.", 443, True),
        ("api.example.com", "api.example.com.evil.example", 443, False),
        ("*.example.com", "api.example.com", 443, True),
        ("*.example.com", "a.b.example.com", 443, True),
        ("*.example.com", "example.com", 443, False),
        ("*.example.com", "evilexample.com", 443, False),
        ("localhost:8080", "localhost", 8080, True),
        ("localhost:8080", "localhost", 8081, False),
        ("localhost:*", "localhost", 8081, True),
        ("[::1]:8080", "::1", 8080, True),
        ("[::1]:8080", "::1", 80, False),
        ("[::1]", "::1", 80, True),
        ("10.0.*", "10.0.3.4", 80, True),
        ("10.0.*", "10.1.3.4", 80, False),
        ("api-*.prod.*", "api-7.prod.example", 80, True),
        ("*", "anything", 1, True),
        ("", "anything", 1, False),
    ],
)
def test_a_pattern_names_hosts(pattern: str, address: str, port: int, *, is_included: bool) -> None:
    assert Receivers((pattern,)).include(address, port) is is_included
    assert Receivers(("nobody", pattern)).include(address, port) is is_included


@given(st.text("ab*", max_size=8), st.text("ab", max_size=8))
def test_a_star_stands_for_any_characters(pattern: str, text: str) -> None:
    assert matches(pattern, text) == bool(re.fullmatch(pattern.replace("*", ".*"), text))
