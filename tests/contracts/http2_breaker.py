"""A server that speaks HTTP/2 without TLS and breaks off where it is asked to."""

from __future__ import annotations

import socket
import struct
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.errors import ErrorCodes
from h2.events import RequestReceived

if TYPE_CHECKING:
    from collections.abc import Iterator

NO_LINGER = struct.pack("ii", 1, 0)


@contextmanager
def http2_breaker() -> Iterator[int]:
    """Serve on loopback, connection by connection; give the port.

    `/reset` resets the stream, `/goaway` ends the connection properly, `/drop` without a word,
    `/abort` by a reset of TCP's, and `/hang` waits for the client to give up. All else is `ok`.
    """
    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=serve, args=(listening,))
        thread.start()
        try:
            yield listening.getsockname()[1]
        finally:
            listening.shutdown(socket.SHUT_RDWR)
            thread.join()


def serve(listening: socket.socket) -> None:
    """Take one connection after the other, until there is nothing to take them from."""
    while True:
        try:
            taken, _ = listening.accept()
        except OSError:
            return
        with taken:
            converse(taken)


def converse(taken: socket.socket) -> None:
    """Answer until one of the two has had enough."""
    state = H2Connection(H2Configuration(client_side=False))
    state.initiate_connection()
    taken.sendall(state.data_to_send())
    try:
        while data := taken.recv(65536):
            for event in state.receive_data(data):
                if isinstance(event, RequestReceived) and not answer(taken, state, event):
                    return
            taken.sendall(state.data_to_send())
    except OSError:
        """The client has gone."""


def answer(taken: socket.socket, state: H2Connection, event: RequestReceived) -> bool:
    """Do what the path asks for; tell whether the connection goes on."""
    path = dict(event.headers)[b":path"]
    if path == b"/reset":
        state.reset_stream(event.stream_id, ErrorCodes.INTERNAL_ERROR)
    elif path == b"/goaway":
        state.close_connection(ErrorCodes.ENHANCE_YOUR_CALM, last_stream_id=event.stream_id)
        taken.sendall(state.data_to_send())
    elif path == b"/abort":
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NO_LINGER)
    elif path not in {b"/drop", b"/hang"}:
        state.send_headers(event.stream_id, [(":status", "200")])
        state.send_data(event.stream_id, b"ok", end_stream=True)
    return path not in {b"/goaway", b"/drop", b"/abort"}
