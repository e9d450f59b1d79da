"""Serves N requests in process, through Django's WSGI handler."""

from __future__ import annotations

import sys
from io import BytesIO
from typing import TYPE_CHECKING, Any
from wsgiref.util import setup_testing_defaults

from django.core.wsgi import get_wsgi_application

if TYPE_CHECKING:
    from collections.abc import Callable

usual: dict[str, Any] = {
    "HTTP_USER_AGENT": "benchmark",
    "PATH_INFO": "/products/2",
    "REMOTE_ADDR": "127.0.0.1",
}
setup_testing_defaults(usual)


def start_response(*_: object) -> Callable[[bytes], object]:
    """Send nothing."""
    return bytes


application = get_wsgi_application()
for _ in range(int(sys.argv[1])):
    response: Any = application({**usual, "wsgi.input": BytesIO()}, start_response)
    if b"".join(response) != b'{"id": 2}':
        raise RuntimeError
    response.close()
