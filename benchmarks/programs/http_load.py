"""Sends N requests to an endpoint over several connections, each once it has its last answer.

Prints how many were answered in a second, the first tenth left out as a warm-up. Fails when it had
so much to do itself that the server may have waited for it. Imports next to nothing:
`python -I -S`.
"""

from __future__ import annotations

import selectors
import socket
import sys
from time import perf_counter, process_time

CONNECTIONS = 16
LONGEST_WAIT_SECONDS = 30
BUSIEST = 0.7
STATUS = b"HTTP/1.1 200 "
HEADERS = b"Host: localhost\r\nUser-Agent: benchmark\r\n"
JSON = HEADERS + b"Content-Type: application/json\r\n"
ORDER = (
    b'{"customer":7,"items":[{"product":"tea","quantity":2,"price":3.5},'
    b'{"product":"cup","quantity":4,"price":6.0},{"product":"pot","quantity":1,"price":21.9}]'
)
# By endpoint: the request, and how its answer ends.
EXCHANGES = {
    "products": (b"GET /products/2 HTTP/1.1\r\n" + HEADERS + b"\r\n", b'\r\n\r\n{"id":2}'),
    "orders": (
        b"POST /orders HTTP/1.1\r\n%bContent-Length: %d\r\n\r\n%b}" % (JSON, len(ORDER) + 1, ORDER),
        b"\r\n\r\n" + ORDER + b',"total":52.9}',
    ),
}


class Connection:
    """One connection, kept open."""

    def __init__(self, port: int, endpoint: str) -> None:
        self.request, self.end = EXCHANGES[endpoint]
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.received = b""

    def send(self) -> None:
        """Send a request."""
        self.socket.sendall(self.request)

    def receive(self) -> bool:
        """Receive what is there; whether the answer is whole."""
        data = self.socket.recv(4096)
        self.received += data
        if not data or not self.received.startswith(STATUS):
            sys.exit(f"the server answers {self.received!r}")
        whole = self.received.endswith(self.end)
        if whole:
            self.received = b""
        return whole


def main(port: int, count: int, endpoint: str) -> None:
    """Warm up, measure, report."""
    with selectors.DefaultSelector() as selector:
        for _ in range(CONNECTIONS):
            connection = Connection(port, endpoint)
            selector.register(connection.socket, selectors.EVENT_READ, connection)
        warm_up = count // 10
        exchange(selector, warm_up)
        began, busy_before = perf_counter(), process_time()
        exchange(selector, count - warm_up)
        seconds, busy = perf_counter() - began, process_time() - busy_before
    if busy > BUSIEST * seconds:
        sys.exit(f"the client was at work for {busy:.1f} of {seconds:.1f} s")
    print((count - warm_up) / seconds)


def exchange(selector: selectors.BaseSelector, count: int) -> None:
    """Send that many requests, or one on each connection, and receive their answers."""
    connections: list[Connection] = [key.data for key in selector.get_map().values()]
    for connection in connections:
        connection.send()
    unanswered = len(connections)
    unsent = count - unanswered
    while unanswered:
        for connection in ready(selector):
            if not connection.receive():
                continue
            if unsent > 0:
                unsent -= 1
                connection.send()
            else:
                unanswered -= 1


def ready(selector: selectors.BaseSelector) -> list[Connection]:
    """Wait for something to be received."""
    events = selector.select(LONGEST_WAIT_SECONDS)
    if not events:
        sys.exit("the server does not answer")
    return [key.data for key, _ in events]


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3])
