"""Replies, read from bytes that may come in any pieces and say anything."""

from __future__ import annotations

import time
from datetime import datetime, timedelta, timezone
from email.utils import format_datetime
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from otel_run.export.reply_reader import (
    KEPT_REPLY,
    LONGEST_REPLY,
    NotHttpError,
    Reply,
    read_reply,
)
from otel_run.export.retry_after import read_retry_after

if TYPE_CHECKING:
    from collections.abc import Iterator

OK = b"HTTP/1.1 200 OK\r\n"


class Wire:
    """Hands out pieces, then b"" for as long as somebody asks; counts what it was asked."""

    def __init__(self, pieces: list[bytes]) -> None:
        self.pieces = [piece for piece in pieces if piece]
        self.asked = 0

    def receive(self) -> bytes:
        """Return the next piece."""
        self.asked += 1
        return self.pieces.pop(0) if self.pieces else b""


def cut(content: bytes, at: set[int]) -> list[bytes]:
    """Cut into pieces at these places."""
    places = [0, *sorted(at), len(content)]
    return [content[start:end] for start, end in pairwise(places)]


def said(reply: Reply) -> tuple[int, bytes, bool]:
    """Return status, body, and whether the connection stays open."""
    return reply.status, reply.body, reply.keeps_open


def read(content: bytes) -> tuple[int, bytes, bool]:
    """Read a reply that comes in one piece."""
    return said(read_reply(Wire([content]).receive))


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (OK + b"content-length: 3\r\n\r\nabc", (200, b"abc", True)),
        (OK + b"Content-Length:3\r\n\r\nabc", (200, b"abc", True)),
        (b"HTTP/1.1 200\r\ncontent-length: 0\r\n\r\n", (200, b"", True)),
        (b"HTTP/1.1 200 OK\ncontent-length: 3\n\nabc", (200, b"abc", True)),
        (b"HTTP/1.1 204 No Content\r\n\r\n", (204, b"", True)),
        (b"HTTP/1.1 304 Not Modified\r\ncontent-length: 9\r\n\r\n", (304, b"", True)),
        (b"HTTP/1.1 100 Continue\r\n\r\n" + OK + b"content-length: 0\r\n\r\n", (200, b"", True)),
        (b"HTTP/1.1 103 Hints\r\nlink: a\r\n\r\nHTTP/1.1 503 Busy\r\n\r\n", (503, b"", False)),
        (OK + b"transfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", (200, b"abc", True)),
        (
            OK
            + b"Transfer-Encoding: Chunked\r\n\r\n"
            + b"A ;x=y\r\n0123456789\r\n1\r\na\r\n0\r\nt: r\r\n\r\n",
            (200, b"0123456789a", True),
        ),
        # RFC 9112, section 6.3: who sends both may be trying to smuggle.
        (
            OK + b"content-length: 9\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n",
            (200, b"a", False),
        ),
        (OK + b"transfer-encoding: gzip\r\n\r\nabc", (200, b"abc", False)),
        (OK + b"\r\nuntil the end", (200, b"until the end", False)),
        (OK + b"connection: close\r\ncontent-length: 3\r\n\r\nabc", (200, b"abc", False)),
        (OK + b"connection: x , Close\r\ncontent-length: 3\r\n\r\nabc", (200, b"abc", False)),
        (b"HTTP/1.0 200 OK\r\ncontent-length: 3\r\n\r\nabc", (200, b"abc", False)),
        (
            b"HTTP/1.0 200 OK\r\nconnection: keep-alive\r\ncontent-length: 0\r\n\r\n",
            (200, b"", True),
        ),
        (OK + b"content-length: 3\r\ncontent-length: 4\r\n\r\nabcd", (200, b"abcd", False)),
        (OK + b"content-length: -3\r\n\r\nabc", (200, b"abc", False)),
        (OK + b"content-length: 3\r\n\r\nabcd", (200, b"abc", False)),
        (OK + b"content-length: 9\r\n\r\nabc", (200, b"abc", False)),
        (OK + b"content-length: " + b"9" * 5000 + b"\r\n\r\nabc", (200, b"abc", False)),
        (OK + b"transfer-encoding: chunked\r\n\r\n3\r\nab", (200, b"ab", False)),
        (OK + b"transfer-encoding: chunked\r\n\r\n3\r\nabcd\r\n0\r\n\r\n", (200, b"abc", False)),
        (OK + b"transfer-encoding: chunked\r\n\r\n-3\r\nabc\r\n0\r\n\r\n", (200, b"", False)),
        (OK + b"transfer-encoding: chunked\r\n\r\n0x3\r\nabc\r\n0\r\n\r\n", (200, b"", False)),
        (OK + b"transfer-encoding: chunked\r\n\r\n" + b"f" * 99 + b"\r\nabc", (200, b"", False)),
    ],
)
def test_a_reply_is_the_same_in_whatever_pieces_it_comes(
    content: bytes, expected: tuple[int, bytes, bool]
) -> None:
    assert read(content) == expected
    # What comes after the last byte that belongs to the reply is then not seen in time.
    status, body, _ = expected
    assert said(read_reply(Wire([content[i : i + 1] for i in range(len(content))]).receive))[
        :2
    ] == (status, body)
    for place in range(len(content)):
        assert said(read_reply(Wire(cut(content, {place})).receive))[:2] == (status, body)


@pytest.mark.parametrize(
    "content",
    [
        b"HTTP/2 200\r\n\r\n",
        b"HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 20\r\n\r\n",
        b"HTTP/1.1 2000\r\n\r\n",
        b"HTTP/1.1 099\r\n\r\n",
        b"HTTP/1.x 200\r\n\r\n",
        b"HTTP/1.1 -20 OK\r\n\r\n",
        b"http/1.1 200 OK\r\n\r\n",
        b"<html>",
        b"\x15\x03\x01\x00\x02\x02\x16",
        OK + b"x: y\r\n" * 200,
        OK + b"x" * 70_000,
        b"HTTP/1.1 " + b"x" * 70_000,
        b"HTTP/1.1 101 Switching Protocols\r\n\r\n\x00\x00\x18\x04",
    ],
)
def test_what_is_no_reply_is_an_error(content: bytes) -> None:
    with pytest.raises(NotHttpError):
        read(content)


@pytest.mark.parametrize("content", [b"", b"HTTP/1.1 2", OK, OK + b"content-length: 3\r\n"])
def test_an_end_before_the_end_of_the_headers_is_a_lost_connection(content: bytes) -> None:
    with pytest.raises((ConnectionError, NotHttpError)):
        read(content)


def test_interim_replies_without_an_end_are_left() -> None:
    wire = Wire([b"HTTP/1.1 100 Continue\r\n\r\n" * 1000] * 1000)
    with pytest.raises(NotHttpError):
        read_reply(wire.receive)
    assert wire.asked <= LONGEST_REPLY // 27_000 + 3


@pytest.mark.parametrize(
    "framing",
    [b"", b"content-length: 99999999\r\n", b"transfer-encoding: chunked\r\n"],
)
def test_of_a_long_body_only_so_much_is_read_and_less_is_kept(framing: bytes) -> None:
    chunk = b"10000\r\n" + b"x" * 65536 + b"\r\n" if b"chunked" in framing else b"x" * 65536
    wire = Wire([OK + framing + b"\r\n", *[chunk] * 100])
    reply = read_reply(wire.receive)

    assert said(reply) == (200, b"x" * KEPT_REPLY, False)
    assert wire.asked <= LONGEST_REPLY // 65536 + 3


def test_what_fails_in_the_body_leaves_the_status() -> None:
    def pieces() -> Iterator[bytes]:
        yield OK + b"content-length: 3\r\n\r\na"
        raise TimeoutError

    wire = pieces()

    assert said(read_reply(lambda: next(wire))) == (200, b"a", False)


# Bytes that come close to a reply more often than chance would have it.
fragments = st.one_of(
    st.binary(max_size=20),
    st.sampled_from(
        [
            *(b"HTTP/1.1 ", b"HTTP/1.0 ", b"200 OK", b"100 Continue", b"204 ", b"\r\n", b"\n"),
            *(
                b"content-length: ",
                b"transfer-encoding: chunked",
                b"connection: close",
                b"\r\n\r\n",
            ),
            *(b"retry-after: ", b"0", b"5", b"ffff", b"99999999999999999999", b": ", b";", b","),
        ]
    ),
)


@given(st.one_of(st.just(b""), st.just(OK)), st.lists(fragments, max_size=30), st.data())
def test_whatever_comes_is_a_reply_or_one_error(
    beginning: bytes, rest: list[bytes], data: st.DataObject
) -> None:
    content = beginning + b"".join(rest)
    places = data.draw(st.sets(st.integers(0, len(content)), max_size=10))
    wire = Wire(cut(content, places))
    try:
        reply = read_reply(wire.receive)
    except OSError:
        pass
    else:
        assert 200 <= reply.status <= 999
        assert len(reply.body) <= len(content)
        assert reply.retry_after is None or reply.retry_after >= 0
    # It never asks again where nothing comes any more.
    assert wire.asked <= len(places) + 2


@given(
    st.lists(st.binary(min_size=1, max_size=100), max_size=10),
    st.sampled_from([b"", b";name=value", b" "]),
    st.data(),
)
def test_chunks_are_put_together(parts: list[bytes], after: bytes, data: st.DataObject) -> None:
    chunks = b"".join(b"%x%b\r\n%b\r\n" % (len(part), after, part) for part in parts)
    content = OK + b"transfer-encoding: chunked\r\n\r\n" + chunks + b"0\r\n\r\n"
    places = data.draw(st.sets(st.integers(0, len(content)), max_size=10))

    assert said(read_reply(Wire(cut(content, places)).receive)) == (200, b"".join(parts), True)


@given(st.integers(0, 32_000_000_000))
@example(951_782_400)  # 29 February 2000
@example(4_107_542_399)  # 28 February 2100, whose year is no leap year
def test_a_date_to_wait_for_is_what_email_would_write(seconds: int) -> None:
    date = datetime(1970, 1, 1, tzinfo=timezone.utc) + timedelta(seconds=seconds)
    before = time.time()
    found = read_retry_after(format_datetime(date, usegmt=True).encode())

    assert found is not None
    assert max(0.0, seconds - time.time()) <= found <= max(0.0, seconds - before)


@given(st.one_of(st.binary(), st.text(" :,0123456789GMTSunOctJan").map(str.encode)))
def test_any_other_word_of_when_to_come_again_is_harmless(value: bytes) -> None:
    found = read_retry_after(value)

    assert found is None or found >= 0
