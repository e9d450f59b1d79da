"""A client that is nothing but a socket: what it sends and receives are bytes."""

from __future__ import annotations

import re
import socket
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from typing_extensions import Self

AGENT = "probe/1.0"


def request_bytes(
    target: str = "/", method: str = "GET", content: str = "", **headers: str
) -> bytes:
    """A request; `x_forwarded_for` becomes the header X-Forwarded-For."""
    lines = [f"{method} {target} HTTP/1.1"]
    fields = {"host": "shop.example:8080", "user-agent": AGENT, "connection": "close", **headers}
    if content:
        fields["content-length"] = str(len(content))
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in fields.items()]
    return "\r\n".join([*lines, "", content]).encode("latin-1")


class Wire:
    """One connection."""

    def __init__(self, address: tuple[str, int]) -> None:
        self._socket = socket.create_connection(address, timeout=20)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._socket.close()

    @property
    def port(self) -> int:
        """The port of our end."""
        port: int = self._socket.getsockname()[1]
        return port

    def send(self, data: bytes) -> None:
        """Send all of it."""
        self._socket.sendall(data)

    def until(self, mark: bytes) -> bytes:
        """Everything up to a mark."""
        received = b""
        while mark not in received:
            chunk = self._socket.recv(65536)
            assert chunk, f"the connection was closed after {received!r}"
            received += chunk
        return received

    def rest(self) -> bytes:
        """Everything up to the end of the connection."""
        return b"".join(self._chunks())

    def _chunks(self) -> Iterator[bytes]:
        while chunk := self._socket.recv(65536):
            yield chunk


def answer_to(address: tuple[str, int], request: bytes) -> bytes:
    """The whole response to one request, whatever becomes of the connection."""
    with Wire(address) as wire:
        wire.send(request)
        return wire.rest()


def without_date(response: bytes) -> bytes:
    """A response that can be compared with another one."""
    return re.sub(rb"(?i)\r\ndate: [^\r]*", b"", response)
