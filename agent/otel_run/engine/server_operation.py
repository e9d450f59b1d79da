"""A request being served, from its first byte to the last one of the response."""

from __future__ import annotations

from otel_run.engine.operation import Operation
from otel_run.guard import caught

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from otel_run.engine.call import Call
    from otel_run.engine.forwarded import Forwarded
    from otel_run.engine.http_server import HttpServer
    from otel_run.engine.http_server_detail import ReadDetail
    from otel_run.engine.http_server_request import Headers, Received
    from otel_run.signals.description import Outcome
    from otel_run.signals.metrics import Level


class ServerOperation(Operation):
    """A request being served, with what is known of its end so far.

    It is described when that is asked for, which most often the export thread does.
    """

    __slots__ = (
        "active",
        "asked",
        "error",
        "forwarded",
        "handled",
        "mount",
        "received",
        "route",
        "status",
        "subject",
    )

    convention: HttpServer
    # The series of the requests that are being served.
    active: Level | None
    # Whom to ask for what the innermost layer knows, and its call.
    asked: tuple[ReadDetail, Call] | None
    error: str
    forwarded: Forwarded | None
    # What an inner layer has taken; it is an error if a 5xx answers it.
    handled: BaseException | None
    mount: str
    # None once it is described.
    received: Received | None
    route: str
    status: int
    subject: object

    def settle(self) -> Outcome | None:
        """Describe what it was, and how it has ended."""
        if self.outcome is None:
            try:
                self.outcome = self.convention.settle(self)
            except Exception as mistake:
                caught(mistake, self.convention.library)
        return self.outcome

    def respond(
        self, status: int, headers: Headers = (), error: BaseException | None = None
    ) -> None:
        """Note what is sent, and the exception that it is sent for."""
        if self.end:
            return
        try:
            self.convention.respond(self, status, headers, error)
        except Exception as mistake:
            caught(mistake, self.convention.library)

    def guard(self, step: Callable[[Any], None], what: Any) -> None:
        """Take a step with what the program sent or raised, and let no mistake of ours out."""
        try:
            step(what)
        except Exception as mistake:
            caught(mistake, self.convention.library)

    def ask(self) -> None:
        """Ask what the innermost layer knows, until it knows something."""
        if self.asked is None:
            return
        read, call = self.asked
        detail = read(call)
        if detail is not None:
            self.asked = None
            self.convention.add(self, detail)

    def complete(self) -> None:
        """End with the last byte, and stay current: the application may have more to do."""
        if self.end:
            return
        token, self.token = self.token, None
        try:
            self.convention.finish(self, None, None)
        except Exception as error:
            caught(error, self.convention.library)
        self.token = token
