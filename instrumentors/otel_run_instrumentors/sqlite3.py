"""sqlite3: one client span per `execute`, `executemany` or `executescript` of a cursor.

The shortcuts of a connection make a cursor and call it, from Python 3.11 on without looking up its
methods. The classes are C's and cannot be patched: `connect` is given subclasses of them, or of
the program's own factories.
"""

from __future__ import annotations

import os
import sys

from otel_run.engine import Call, Factory, Instrumentor
from otel_run.engine.database import Database, DatabaseClient, same_database
from otel_run.engine.sql import SQLITE
from otel_run.engine.subclass import STATE, Subclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from otel_run.engine.database import Statement


def read_database(call: Call) -> Database:
    path = os.fsdecode(call.arg(0, "database"))
    if path.startswith("file:"):  # a URI, as it seems: secrets stand in its query
        path = path[5:].partition("?")[0].partition("#")[0]
        if path.startswith("//"):
            path = path[path.find("/", 2) :]
    return same_database("sqlite", path, "", 0, SQLITE)


def read_statement(call: Call) -> Statement:
    # C takes them by position alone, and says so itself of a call that it does not take.
    args = call.args
    text = args[0] if args else None
    values = args[1] if len(args) > 1 else None
    connection = getattr(call.instance, "connection", None)
    database = getattr(connection, STATE, UNKNOWN)
    batch = 1
    if call.function.__name__ == "executemany" and isinstance(values, (list, tuple)):
        batch = len(values)
    return text, values, database, batch


def read_code(error: BaseException) -> str:
    # Known from Python 3.11 on.
    return getattr(error, "sqlite_errorname", "")


UNKNOWN = same_database("sqlite", "", "", 0, SQLITE)
METHODS = ("execute", "executemany", "executescript")
CURSOR = Subclass("Cursor", operations=METHODS)
CONNECTION = Subclass(
    "Connection",
    part=("cursor", 0, "factory", CURSOR),
    shortcuts=METHODS if sys.version_info >= (3, 11) else (),
    read_state=read_database,
)

INSTRUMENTOR = Instrumentor(
    library="sqlite3",
    versions=">=3.10",
    convention=DatabaseClient(read_statement, read_code),
    layer=0,
    targets=tuple(
        # The package took its `connect` from the module, maybe before we came.
        Factory(f"{module}:connect", 5, "factory", CONNECTION)
        for module in ("sqlite3.dbapi2", "sqlite3")
    ),
)
