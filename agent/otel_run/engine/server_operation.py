"""A request being served, from its first byte to the last one of the response."""

from __future__ import annotations

from otel_run.engine.operation import Operation
from otel_run.guard import caught
from otel_run.signals.description import Description
from otel_run.signals.span import SERVER

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from otel_run.engine.http_server import HttpServer
    from otel_run.engine.http_server_detail import ReadDetail
    from otel_run.engine.http_server_request import Headers
    from otel_run.signals.description import Scope
    from otel_run.signals.metrics import Level
    from otel_run.signals.values import Attributes


class ServerDescription(Description):
    """As well the series of the requests that are being served."""

    __slots__ = ("active",)

    def __init__(
        self,
        scope: Scope,
        name: str,
        attributes: Attributes,
        facts: Attributes,
        active: Level | None,
    ) -> None:
        super().__init__(scope, name, SERVER, attributes, facts)
        self.active = active


class ServerOperation(Operation):
    """A request being served, with what is known of its end so far."""

    __slots__ = ("asked", "error", "handled", "mount", "route", "status", "subject")

    convention: HttpServer
    description: ServerDescription
    # Whom to ask for what the innermost layer knows, and of what.
    asked: tuple[ReadDetail, object, object] | None
    error: str
    # What an inner layer has taken; it is an error if a 5xx answers it.
    handled: BaseException | None
    mount: str
    route: str
    status: int
    subject: object

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

    def answer(self, status: int) -> None:
        """Note what is sent, where nothing is to be known of it but the status code."""
        if self.end:
            return
        self.status = status
        if self.asked is not None:
            self.ask()

    def ask(self) -> None:
        """Ask `asked` what the innermost layer knows, until it knows something."""
        read, instance, subject = self.asked  # type: ignore[misc] # whoever calls this has seen to it
        try:
            detail = read(instance, subject)
            if isinstance(detail, str):
                self.route = self.mount + detail
            elif detail is not None:
                self.convention.add(self, detail)
            else:
                return
        except Exception as mistake:
            caught(mistake, self.convention.library)
        self.asked = None

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
