"""What proxies say: parsed, bounded, and never believed more than that."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otel_run.engine.forwarded import ADDRESS_LIMIT, SCHEMES, known_host, read_forwarded

if TYPE_CHECKING:
    import ipaddress

NAMES = ("forwarded", "x-forwarded-for", "x-forwarded-proto", "x-forwarded-host")
PIECES = st.sampled_from(
    [
        *(
            ",",
            ";",
            "=",
            '"',
            "for=",
            "proto=",
            "host=",
            "[",
            "]",
            ":",
            " ",
            "\t",
            "\x00",
            "\x1b",
            "_",
        ),
        *("https", "HTTP", "1.2.3.4", "::1", "h.example", "unknown", "é", "a" * 300, "\\"),
    ]
)
HEADERS = st.dictionaries(st.sampled_from(NAMES), st.text() | st.lists(PIECES).map("".join))


def read(**headers: str) -> tuple[str, str, str] | None:
    """Scheme, client and host that these headers tell of."""
    fields = {name.replace("_", "-"): value for name, value in headers.items()}
    found = read_forwarded(fields.get)
    return None if found is None else (found.scheme, found.client, found.host)


@given(HEADERS)
def test_whatever_they_say_it_is_harmless(headers: dict[str, str]) -> None:
    found = read_forwarded(headers.get)

    if found is None:
        assert not any(headers.values())
        return
    assert found.scheme in {"", *SCHEMES}
    for text in (found.client, found.host):
        assert len(text) <= ADDRESS_LIMIT
        assert text == "" or (text.isascii() and text.isprintable())
        assert not set(text) & set(" \"'<>/\\@,;=")


@given(st.ip_addresses(), st.sampled_from(["", ":4711", ":_x"]), st.sampled_from(sorted(SCHEMES)))
def test_addresses_are_found_however_they_are_written(
    address: ipaddress.IPv4Address | ipaddress.IPv6Address, port: str, scheme: str
) -> None:
    plain = str(address)
    node = f"[{plain}]" if ":" in plain else plain

    assert read(forwarded=f'For="{node}{port}"; PROTO={scheme.upper()}') == (scheme, plain, "")
    assert read(forwarded=f'proto={scheme};for="{node}{port}", for=9.9.9.9') == (scheme, plain, "")
    assert read(x_forwarded_for=f"{node}{port}, 9.9.9.9") == ("", plain, "")
    assert read(x_forwarded_for=plain, x_forwarded_proto=scheme) == (scheme, plain, "")


def test_the_standard_header_comes_first() -> None:
    assert read(forwarded="for=1.1.1.1", x_forwarded_for="2.2.2.2") == ("", "1.1.1.1", "")
    assert read(forwarded="", x_forwarded_for="2.2.2.2") == ("", "2.2.2.2", "")
    assert read() is None


@pytest.mark.parametrize("client", ["unknown", "Unknown", "_hidden", "a b", "é", "", "1.2.3.4\x00"])
def test_what_is_no_address_is_none(client: str) -> None:
    assert read(forwarded=f"for={client};proto=http") == ("http", "", "")


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("h.example", "h.example"),
        ("h.example:8080", "h.example:8080"),
        ("[::1]:8080", "[::1]:8080"),
        ("user@h.example", ""),
        ("a/b", ""),
        ("h\x7f", ""),
        ("\u0661", ""),
        ("a" * 256, ""),
        ("", ""),
    ],
)
def test_a_host_is_a_name_or_an_address_and_maybe_a_port(host: str, expected: str) -> None:
    assert known_host(host) == expected


def test_a_header_of_megabytes_is_not_looked_through() -> None:
    assert read(x_forwarded_for="1.2.3.4," * 1_000_000) == ("", "1.2.3.4", "")
    assert read(forwarded="for=1.2.3.4;" * 1_000_000) == ("", "1.2.3.4", "")
    assert read(x_forwarded_proto="https" * 1_000_000, x_forwarded_for="a" * 9_000_000) == (
        "",
        "",
        "",
    )
