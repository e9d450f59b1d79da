"""Real workers of Gunicorn in threads of the test's process, where what they record is seen."""

from __future__ import annotations

import os
import socket
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from gunicorn.app.base import BaseApplication
from gunicorn.workers.base_async import AsyncWorker
from gunicorn.workers.gthread import ThreadWorker
from gunicorn.workers.sync import SyncWorker

if TYPE_CHECKING:
    from collections.abc import Iterator

THREADS = 4
# All that are patched.
KINDS = (SyncWorker, ThreadWorker, AsyncWorker)


class Program(BaseApplication):
    """What Gunicorn's documentation calls a custom application."""

    def __init__(self, application: Any) -> None:
        self.application = application
        super().__init__()

    def load_config(self) -> None:
        """Take the defaults, but for these."""
        self.cfg.set("limit_request_field_size", 65536)
        self.cfg.set("threads", THREADS)
        self.cfg.set("graceful_timeout", 20)

    def load(self) -> Any:
        """Return the application that is served."""
        return self.application


class Sync(SyncWorker):
    """A worker that leaves signals to the main thread."""

    def init_signals(self) -> None:
        """Handle none."""


class Threaded(ThreadWorker):
    """As well, and one that knows its connections, some of which it leaves to its process's end."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.taken: list[Any] = []

    def init_signals(self) -> None:
        """Handle none."""

    def enqueue_req(self, conn: Any) -> None:
        """Have the connection served."""
        self.taken.append(conn)
        super().enqueue_req(conn)


def worker_of(kind: type[Any], application: Any, listener: socket.socket) -> Any:
    """A worker that has not begun."""
    program = Program(application)
    log = program.cfg.logger_class(program.cfg)
    return kind(1, os.getppid(), [listener], program, 30, program.cfg, log)


@contextmanager
def serving(kind: type[Any], count: int, application: Any) -> Iterator[tuple[str, int]]:
    """Serve with some workers that share a listener, until the end of the `with` statement."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as listener:
        address: tuple[str, int] = listener.getsockname()
        workers = [worker_of(kind, application, listener) for _ in range(count)]
        threads = [threading.Thread(target=worker.init_process) for worker in workers]
        for thread in threads:
            thread.start()
        try:
            yield address
        finally:
            for worker in workers:
                worker.alive = False
            for thread in threads:
                wake(address)
                thread.join()
            for worker in workers:
                release(worker)


def wake(address: tuple[str, int]) -> None:
    """Have one worker look up from its waiting."""
    with suppress(ConnectionError):  # it has left, and closed the listener behind itself
        socket.create_connection(address).close()


def release(worker: Any) -> None:
    """Wait for the worker's own threads, and close what it leaves to the end of its process."""
    if getattr(worker, "tpool", None) is not None:
        worker.tpool.shutdown(wait=True)
    for connection in getattr(worker, "taken", ()):
        connection.sock.close()
    worker.tmp.close()
    for pipe in worker.PIPE:
        os.close(pipe)
