"""What the layers within a request know of it, and the HTTP server convention does not."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from otel_run.engine.http_server_request import Headers

    # What an object whose method is called with the subject of a request knows of it. A text is the
    # route, where nothing but mounts is above it.
    ReadDetail = Callable[[Any, Any], "str | Route | HttpServerDetail | None"]


class Route:
    """The way that a request takes: to an application, or to what answers it.

    Below the path `mount` of what it is in, and below `root`, where the outermost application is.
    `subject` is the request's, where the program may have made up another one meanwhile; `inner`
    is what the layers within see as the subject from now on; they tell whole routes.
    """

    __slots__ = ("inner", "mount", "path", "root", "subject")

    def __init__(
        self,
        path: str,
        mount: str = "",
        root: str = "",
        subject: object = None,
        inner: object = None,
    ) -> None:
        self.path = path
        self.mount = mount
        self.root = root
        self.subject = subject
        self.inner = inner


class HttpServerDetail:
    """What else is known of a request, or is the result of the call that served it.

    The exception that nothing within could handle, or one that was `handled`, which is an error if
    a 5xx answers it; the status code and the headers that are sent; `subject` and `inner`, as of a
    route.
    """

    __slots__ = ("error", "handled", "headers", "inner", "status", "subject")

    def __init__(
        self,
        error: BaseException | None = None,
        status: int = 0,
        inner: object = None,
        headers: Headers = (),
        handled: BaseException | None = None,
        subject: object = None,
    ) -> None:
        self.error = error
        self.handled = handled
        self.status = status
        self.inner = inner
        self.subject = subject
        self.headers = headers
