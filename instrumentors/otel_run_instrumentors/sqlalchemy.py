"""SQLAlchemy: one client span per statement, where the dialect hands it to the driver's cursor.

Core and ORM both end in the dialect's `do_execute*`. The driver's own span is part of it. What a
dialect asks on its own account, at the first connection or to see that one is alive, is none.
"""

from __future__ import annotations

from otel_run.engine import Call, Instrumentor, Silent
from otel_run.engine.database import Database, DatabaseClient
from otel_run.engine.subclass import STATE
from otel_run_instrumentors.dialects import database_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from sqlalchemy.engine import Engine

    from otel_run.engine.database import Statement


def read_database(engine: Engine, cursor: Any) -> Database:
    found: Database | None = engine.__dict__.get(STATE)
    if found is None:
        url = engine.url
        namespace = url.database or read_namespace(engine, cursor)
        found = database_of(engine.dialect, namespace, url.host or "", url.port)
        if url.database or connects_itself(engine):
            setattr(engine, STATE, found)
    return found


def read_namespace(engine: Engine, cursor: Any) -> str:
    """Name a database that the URL does not name; "" where nobody knows."""
    if connects_itself(engine):
        return ":memory:" if engine.dialect.name == "sqlite" else ""
    # A connection that the program has made knows, if its driver is recorded.
    known: Database | None = getattr(getattr(cursor, "connection", None), STATE, None)
    return known.namespace if known is not None else ""


def connects_itself(engine: Engine) -> bool:
    """Whether no `creator` of the program's makes the connections, each maybe to another place."""
    creator = getattr(engine.pool, "_creator", None)
    return getattr(creator, "__module__", "") == "sqlalchemy.engine.create"


def read_statement(call: Call) -> Statement:
    name = call.function.__name__
    cursor, text, *values, context = call.bound(ARGUMENTS[name])
    if context is None:
        database = database_of(call.instance)
    else:
        database = read_database(context.root_connection.engine, cursor)
    batch = len(values[0]) if name == "do_executemany" else 1
    return text, values[0] if values else None, database, batch


def read_code(error: BaseException) -> str:
    # sqlite3 from Python 3.11 on; psycopg and asyncpg; psycopg2; then the drivers of MySQL.
    for name in ("sqlite_errorname", "sqlstate", "pgcode"):
        code = getattr(error, name, None)
        if isinstance(code, str):
            return code
    number = error.args[0] if error.args else None
    return str(number) if type(number) is int else ""


DIALECT = "sqlalchemy.engine.default:DefaultDialect"
DIALECTS = "sqlalchemy.dialects"
# These ask the driver themselves, and do not pass on to the default dialect.
BATCHES = (
    "mysql.mysqldb:MySQLDialect_mysqldb",
    "oracle.cx_oracle:OracleDialect_cx_oracle",
    "postgresql.psycopg2:PGDialect_psycopg2",
)
# These ask more when the default dialect has come to an end.
STARTS = (
    "mssql.base:MSDialect",
    "mysql.base:MySQLDialect",
    "oracle.base:OracleDialect",
    "postgresql.base:PGDialect",
)
ARGUMENTS = {
    "do_execute": ("cursor", "statement", "parameters", "context"),
    "do_executemany": ("cursor", "statement", "parameters", "context"),
    "do_execute_no_params": ("cursor", "statement", "context"),
}

INSTRUMENTOR = Instrumentor(
    library="sqlalchemy",
    versions=">=1.4",
    convention=DatabaseClient(read_statement, read_code),
    layer=1,
    targets=(
        *(f"{DIALECT}.{name}" for name in ARGUMENTS),
        *(f"{DIALECTS}.{dialect}.do_executemany" for dialect in BATCHES),
        *(Silent(f"{DIALECT}.{name}") for name in ("initialize", "do_ping")),
        *(Silent(f"{DIALECTS}.{dialect}.initialize") for dialect in STARTS),
    ),
)
