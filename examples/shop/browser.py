"""A customer's browser, which belongs to nobody's service: the least HTTP there is."""

from __future__ import annotations

import socket


def visit(address: tuple[str, int], method: str, path: str) -> int:
    """Send one request and return the status of the response."""
    request = f"{method} {path} HTTP/1.0\r\nHost: {address[0]}:{address[1]}\r\n\r\n"
    with socket.create_connection(address) as connection:
        connection.sendall(request.encode())
        response = b"".join(iter(lambda: connection.recv(65536), b""))
    return int(response.split()[1])
