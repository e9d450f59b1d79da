"""One TCP connection, plain or TLS, on which one deadline holds for all that is done.

Its socket is the interpreter's own C type: gevent and eventlet replace `socket.socket`, and their
sockets do not work in a thread that they do not know. TLS therefore goes through memory.

Each system call in which Python lets go of the interpreter's lock hands that to the program's
thread and back, which costs a busy program 0.2 to 0.7 ms. There are two a request, `sendmsg` and
`recv`.
"""

from __future__ import annotations

import errno
import os
import sys
from _struct import pack

from otel_run.native import allocate_lock, time

TYPE_CHECKING = False
if TYPE_CHECKING:
    import ssl
    from _socket import socket
    from collections.abc import Callable
    from typing import TypeVar

    Result = TypeVar("Result")

# Bytes taken from the network at a time.
PIECE = 1 << 16

# Seconds of waiting before looking whether to pause, or to give up: a part of what a fork may wait.
LOOK = 0.02

# Linux: the number of a socket, which no other socket ever has (asm-generic/socket.h).
SO_COOKIE = 57
COOKIE_BYTES = 8


class Paused(Exception):  # noqa: N818  it is no error
    """Another thread has asked for it, while nothing came; what comes later can still be read."""


class Connection:
    """A socket, before and after it is connected.

    Everything raises TimeoutError after `deadline` (by `monotonic`; None: never), and waiting for
    bytes Paused while it `is_paused`. Only that may be set, and `interrupt` be called, from another
    thread.
    """

    def __init__(self, socket: socket) -> None:
        self._socket = socket
        self._identity = _identity(socket)
        self._lock = allocate_lock()
        self._patience: float | None = None
        self.deadline: float | None = None
        self.is_paused = False

    def connect(self, address: object) -> None:
        """Connect to a socket address."""
        import _socket

        self._require_open()
        self._socket.settimeout(_remaining(self.deadline))
        self._socket.connect(address)  # type: ignore[arg-type]
        self._socket.setsockopt(_socket.IPPROTO_TCP, _socket.TCP_NODELAY, 1)

    def is_open(self) -> bool:
        """Whether the descriptor still is this socket; a program may have closed all it has."""
        try:
            return _identity(self._socket) == self._identity
        except OSError:
            return False

    def send(self, *pieces: bytes) -> None:
        """Send everything, one piece after the other."""
        left = [memoryview(piece) for piece in pieces if piece]
        while left:
            self._allow_a_look()
            try:
                sent = self._send(left)
            except (TimeoutError, BlockingIOError):
                continue
            while left and sent >= len(left[0]):
                sent -= len(left.pop(0))
            if sent:
                left[0] = left[0][sent:]

    def receive(self) -> bytes:
        """Wait for bytes; return what came, b"" at the end."""
        return self._read()

    def interrupt(self) -> None:
        """Make what is blocked on the socket, or will be, return at once."""
        import _socket

        with self._lock:
            if self.is_open():
                try:
                    self._socket.shutdown(_socket.SHUT_RDWR)
                except OSError:
                    return  # not connected, or no longer

    def close(self) -> None:
        """Let go of the descriptor, unless it has become something else; no farewell is sent."""
        # Under the lock: the number could be another socket's by the time it is shut down.
        with self._lock:
            if self.is_open():
                self._socket.close()
            else:
                self._socket.detach()

    def abandon(self) -> None:
        """In a forked child: let go of the descriptor, whoever held the lock when it was forked."""
        self._lock = allocate_lock()
        self.close()

    def _require_open(self) -> None:
        """Raise OSError where the descriptor is the program's by now: to that nothing is done."""
        if not self.is_open():
            raise OSError(errno.EBADF, "the program has closed the connection")

    def _allow_a_look(self) -> None:
        """Let the next call take until it is time to look again, which seldom changes."""
        self._require_open()
        left = _remaining(self.deadline)
        seconds = LOOK if left is None else min(left, LOOK)
        if seconds != self._patience:
            self._patience = seconds
            _limit(self._socket, seconds)

    def _send(self, pieces: list[memoryview]) -> int:
        """Send what is taken at once, without making one of the pieces: they are long."""
        if sys.platform == "win32":  # which has no such call
            return self._socket.send(pieces[0])
        import _socket

        # A program may have itself ended by writing to who has gone.
        return self._socket.sendmsg(pieces, (), getattr(_socket, "MSG_NOSIGNAL", 0))

    def _read(self) -> bytes:
        while True:
            self._allow_a_look()
            try:
                return self._socket.recv(PIECE)
            except (TimeoutError, BlockingIOError):
                if self.is_paused:
                    raise Paused from None

    def __del__(self) -> None:
        # Python would warn of a socket that is still open when the program ends.
        try:
            self.close()
        except Exception:
            return  # the interpreter is half gone


class SecureConnection(Connection):
    """A connection with TLS."""

    def __init__(self, socket: socket, context: ssl.SSLContext, host: str) -> None:
        super().__init__(socket)
        import ssl

        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_hostname=host)

    def connect(self, address: object) -> None:
        """Connect, and shake hands."""
        super().connect(address)
        self._drive(self._tls.do_handshake)

    def send(self, *pieces: bytes) -> None:
        """Send everything, one piece after the other."""
        for piece in pieces:
            left = memoryview(piece)
            while left:
                left = left[self._drive(self._tls.write, left) :]

    def _read(self) -> bytes:
        import ssl

        try:
            return self._drive(self._tls.read, PIECE)
        except (ssl.SSLZeroReturnError, ssl.SSLEOFError):
            return b""

    def _drive(self, step: Callable[..., Result], *arguments: object) -> Result:
        """Carry what TLS has to say and wants to hear, until the step is done."""
        import ssl

        while True:
            try:
                result = step(*arguments)
            except ssl.SSLWantReadError:  # noqa: PERF203  it is what drives the loop
                self._flush()
                self._fill()
            except ssl.SSLError:
                self._flush()  # the alert that tells the server why
                raise
            else:
                self._flush()
                return result

    def _flush(self) -> None:
        if self._outgoing.pending:
            super().send(self._outgoing.read())

    def _fill(self) -> None:
        piece = super()._read()
        if piece:
            self._incoming.write(piece)
        else:
            self._incoming.write_eof()


def _identity(socket: socket) -> object:
    """Tell the socket from whatever else its descriptor may become."""
    import _socket

    if sys.platform == "linux":
        try:  # Python keeps the interpreter's lock meanwhile
            return socket.getsockopt(_socket.SOL_SOCKET, SO_COOKIE, COOKIE_BYTES)
        except OSError:  # it is no socket, or the system does not know of such numbers
            pass
    status = os.fstat(socket.fileno())
    return status.st_dev, status.st_ino


def _limit(socket: socket, seconds: float) -> None:
    """Let the system end calls after that time: Python would ask it before each of them."""
    import _socket

    if sys.platform == "win32":  # which counts in another unit
        socket.settimeout(seconds)
        return
    limit = pack("@ll", *divmod(max(1, int(seconds * 1e6)), 1_000_000))
    try:
        for option in (_socket.SO_RCVTIMEO, _socket.SO_SNDTIMEO):
            socket.setsockopt(_socket.SOL_SOCKET, option, limit)
    except OSError:  # the system has them in another form, or not at all
        socket.settimeout(seconds)
    else:
        socket.settimeout(None)


def _remaining(until: float | None) -> float | None:
    """Return the seconds that are left; raise TimeoutError without any."""
    if until is None:
        return None
    left = until - time.monotonic()
    if left <= 0:
        raise TimeoutError("timed out")
    return left
