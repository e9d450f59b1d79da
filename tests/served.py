"""Work that is done while a request is served, and where its spans land.

The request is a real one to a real handler, wsgiref's, and what the work does is ask SQLite.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from io import BytesIO, StringIO
from typing import TYPE_CHECKING, Any, TypeVar
from wsgiref.handlers import SimpleHandler
from wsgiref.util import setup_testing_defaults

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from otlp import Span

Result = TypeVar("Result")


def serve(path: str, work: Callable[[], Result]) -> Result:
    """Serve a request of which the application does the work; return its result."""
    results: list[Result] = []

    def application(_: Any, start_response: Any) -> list[bytes]:
        results.append(work())
        start_response("200 OK", [])
        return []

    environ: dict[str, Any] = {"PATH_INFO": path, "REMOTE_ADDR": "127.0.0.1"}
    setup_testing_defaults(environ)
    errors = StringIO()
    SimpleHandler(BytesIO(), BytesIO(), errors, environ).run(application)
    assert results, errors.getvalue()
    return results[0]


def ask(name: str) -> str:
    """Ask SQLite, from a connection of its own, something that is recorded under the name."""
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.execute(f"SELECT 1 AS {name}")
    return name


def parents(spans: Iterable[Span]) -> dict[str, str]:
    """Under what each question and each request landed: a request's path, "" for nothing."""
    spans = list(spans)
    names = {span.span_id: name_of(span) for span in spans}
    for span in spans:
        assert span.status == "unset", span
        assert not span.parent_id or span.parent_id in names, f"an orphan: {span}"
    return {name_of(span): names.get(span.parent_id, "") for span in spans}


def name_of(span: Span) -> str:
    """The path of a request, the name of a question, the name of whatever else."""
    text: str = span.attributes.get("db.query.text", "")
    path: str = span.attributes.get("url.path", span.name)
    return text.rpartition(" AS ")[2] or path
