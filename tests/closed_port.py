"""A port where nobody listens."""

from __future__ import annotations

import contextlib
import socket
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

# With these a server can bind what is bound; the system gives nobody such a port of its own accord.
SHARED = (socket.SO_REUSEADDR, socket.SO_REUSEPORT)


@contextlib.contextmanager
def closed_port() -> Iterator[int]:
    """Hold a port on loopback that refuses connections, until a server of the test's listens.

    It is bound meanwhile, so that no other test gets it.
    """
    with socket.socket() as one:
        for option in SHARED:
            one.setsockopt(socket.SOL_SOCKET, option, 1)
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        yield port
