"""The store's files: an 8-byte header, then frames of signal, length and payload.

A file may still be growing, or its process may have been killed in the middle of a frame.
"""

from __future__ import annotations

import os
import stat
import struct
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MAGIC = b"OTELRUN"
VERSION = 1
TALLY, TRACES, METRICS, LOGS = range(4)
FRAME_HEADER = struct.Struct(">BI")
LONGEST_FRAME = 64 << 20  # bytes; a batch is far smaller
LONGEST_COUNT = 20  # digits of a 64-bit number


class StoreError(Exception):
    """A file cannot be read, or not to its end; the text says why."""


class Frame(NamedTuple):
    """One export: a tally's text or an OTLP request."""

    signal: int
    payload: bytes
    offset: int


def open_file(path: Path) -> BinaryIO:
    """Open a regular file. Raises `StoreError` for a pipe or a folder, and `OSError`."""
    # Opening a named pipe would wait for its other end.
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    if stat.S_ISREG(os.fstat(descriptor).st_mode):
        return os.fdopen(descriptor, "rb")
    os.close(descriptor)
    raise StoreError("not a file")


def read_frames(file: BinaryIO) -> Iterator[Frame]:
    """Yield the whole frames; raises `StoreError` where a file is foreign, torn or damaged."""
    _check_header(file.read(len(MAGIC) + 1))
    offset = len(MAGIC) + 1
    while header := file.read(FRAME_HEADER.size):
        signal, length = _read_frame_header(header, offset)
        payload = file.read(length)
        if len(payload) < length:
            raise StoreError(
                f"torn at byte {offset}: {len(payload)} of the last {length} bytes are there"
            )
        yield Frame(signal, payload, offset)
        offset += FRAME_HEADER.size + length


def read_dropped(tally: bytes) -> int:
    """Give the number of dropped records that a tally tells of."""
    for line in tally.splitlines():
        key, _, value = line.partition(b" ")
        if key == b"dropped" and value.isdigit() and len(value) <= LONGEST_COUNT:
            return int(value)
    return 0


def _check_header(header: bytes) -> None:
    if not header:
        raise StoreError("empty")
    if not MAGIC.startswith(header[: len(MAGIC)]):
        raise StoreError("not a file of otel-run's")
    if len(header) <= len(MAGIC):
        raise StoreError("torn in its header")
    if header[-1] != VERSION:
        raise StoreError(f"format version {header[-1]}, of another otel-run")


def _read_frame_header(header: bytes, offset: int) -> tuple[int, int]:
    if len(header) < FRAME_HEADER.size:
        raise StoreError(f"torn at byte {offset}: in a frame's header")
    signal, length = FRAME_HEADER.unpack(header)
    if length > LONGEST_FRAME:
        raise StoreError(f"damaged at byte {offset}: a frame of {length} bytes")
    return signal, length
