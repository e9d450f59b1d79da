"""SQLAlchemy from 1.4 on: Core and ORM, in both styles, over sqlite3, which is patched as well."""

from __future__ import annotations

import asyncio
import gc
import sqlite3
import types
import weakref
from typing import TYPE_CHECKING, Any

import aiosqlite.core  # noqa: F401 (the dialect imports it, and here nobody waits for that)
import pytest
import sqlalchemy as sa
from sqlalchemy import event, orm
from sqlalchemy.dialects.mssql.base import MSDialect
from sqlalchemy.dialects.mysql.base import MySQLDialect
from sqlalchemy.dialects.mysql.mysqldb import MySQLDialect_mysqldb
from sqlalchemy.dialects.oracle.base import OracleDialect
from sqlalchemy.dialects.oracle.cx_oracle import OracleDialect_cx_oracle
from sqlalchemy.dialects.postgresql.base import PGDialect
from sqlalchemy.dialects.postgresql.psycopg2 import PGDialect_psycopg2
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite
from sqlalchemy.engine.default import DefaultDialect
from sqlalchemy.ext.asyncio import create_async_engine

from contracts.database import SELECT, DatabaseContract
from contracts.instrumentor import InstrumentorContract
from recording import instrumentors

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from programs import Programs
    from recording import Recording

IS_2 = not sa.__version__.startswith("1.")

Base: Any = orm.declarative_base()


class User(Base):  # type: ignore[misc]
    """A row of the contract's table."""

    __tablename__ = "users"

    id = sa.Column(sa.Integer, primary_key=True)
    name = sa.Column(sa.String, unique=True)
    orders = orm.relationship("Order", order_by="Order.id")


class Order(Base):  # type: ignore[misc]
    """What a user has several of."""

    __tablename__ = "orders"

    id = sa.Column(sa.Integer, primary_key=True)
    user_id: Any = sa.Column(sa.ForeignKey("users.id"))


users: Any = User.__table__


class TestSqlAlchemy(InstrumentorContract, DatabaseContract):
    """One span where SQLAlchemy and its driver both are patched."""

    library = "sqlalchemy"
    integrity_error = sa.exc.IntegrityError

    def open(self) -> sa.engine.Connection:
        connection = sa.create_engine("sqlite://").connect()
        Base.metadata.create_all(connection)
        return connection

    def close(self, database: sa.engine.Connection) -> None:
        database.close()
        database.engine.dispose()

    def execute(
        self, database: sa.engine.Connection, sql: str, values: tuple[Any, ...] = ()
    ) -> list[Any]:
        result = database.exec_driver_sql(sql, values or None)
        return [tuple(row) for row in result] if result.returns_rows else []

    def execute_many(
        self, database: sa.engine.Connection, sql: str, sets: Sequence[tuple[Any, ...]]
    ) -> None:
        database.exec_driver_sql(sql, [*sets])


@pytest.fixture
def engine(recording: Recording) -> Iterator[sa.engine.Engine]:
    """An engine for a database with the tables; what that took has been forgotten."""
    engine = sa.create_engine("sqlite://")
    Base.metadata.create_all(engine)
    recording.forget()
    yield engine
    engine.dispose()


def names(recording: Recording) -> list[str]:
    return [span.name for span in recording.spans()]


def texts(recording: Recording) -> list[str]:
    return [span.attributes["db.query.text"] for span in recording.spans()]


# Core.


def test_an_expression_is_one_span_and_its_values_stay_inside(
    recording: Recording, engine: sa.engine.Engine
) -> None:
    with engine.begin() as connection:
        connection.execute(users.insert(), {"name": "hunter2"})
        found = connection.execute(sa.select(users.c.name).where(users.c.name == "hunter2"))
        assert found.scalars().all() == ["hunter2"]

    assert names(recording) == ["INSERT users", "SELECT users"]
    assert texts(recording) == [
        "INSERT INTO users (name) VALUES (?)",
        "SELECT users.name \nFROM users \nWHERE users.name = ?",
    ]
    assert b"hunter2" not in recording.exported()


def test_a_text_with_parameters_stays_as_the_driver_gets_it(
    recording: Recording, engine: sa.engine.Engine
) -> None:
    with engine.connect() as connection:
        sql = sa.text("SELECT name FROM users WHERE name = :name AND id > 471142")
        assert connection.execute(sql, {"name": "hunter2"}).all() == []

    assert texts(recording) == ["SELECT name FROM users WHERE name = ? AND id > 471142"]
    assert b"hunter2" not in recording.exported()


def test_a_text_without_parameters_is_masked(
    recording: Recording, engine: sa.engine.Engine
) -> None:
    with engine.connect() as connection:
        connection.execute(sa.text("SELECT name FROM users WHERE name = 'hunter2'")).all()
        connection.exec_driver_sql("SELECT name FROM users WHERE id = 471142").all()
        no_parameters = connection.execution_options(no_parameters=True)
        no_parameters.exec_driver_sql("SELECT name FROM users WHERE name LIKE 'hunter2%'").all()

    assert texts(recording) == [
        "SELECT name FROM users WHERE name = ?",
        "SELECT name FROM users WHERE id = ?",
        "SELECT name FROM users WHERE name LIKE ?",
    ]
    assert b"hunter2" not in recording.exported()


def test_a_list_of_parameters_is_a_batch(recording: Recording, engine: sa.engine.Engine) -> None:
    with engine.begin() as connection:
        connection.execute(users.insert(), [{"name": "Ada"}, {"name": "Grace"}])
        connection.execute(users.insert(), [{"name": "Alan"}])

    batch, single = recording.spans()
    assert (batch.name, batch.attributes["db.operation.batch.size"]) == ("BATCH INSERT users", 2)
    assert (single.name, "db.operation.batch.size" in single.attributes) == ("INSERT users", False)


@pytest.mark.skipif(not IS_2, reason="1.4 inserts one by one what it wants to know the key of")
def test_many_rows_of_one_statement_are_no_batch(
    recording: Recording, engine: sa.engine.Engine
) -> None:
    rows = [{"name": f"hunter2 {number}"} for number in range(1500)]
    with engine.begin() as connection:
        insert = users.insert().returning(users.c.id)
        assert len(connection.execute(insert, rows).all()) == 1500

    spans = recording.spans()
    assert {span.name for span in spans} == {"INSERT users"}
    assert 1 < len(spans) < 10
    assert not any("db.operation.batch.size" in span.attributes for span in spans)
    assert b"hunter2" not in recording.exported()


def test_a_streamed_result_is_the_statement_s_span_alone(
    recording: Recording, engine: sa.engine.Engine
) -> None:
    with engine.connect() as connection:
        connection.execute(users.insert(), [{"name": f"user {n}"} for n in range(100)])
        result = connection.execution_options(stream_results=True, max_row_buffer=10).execute(
            sa.select(users.c.id)
        )
        assert sum(len(part) for part in result.partitions(7)) == 100

    assert names(recording) == ["BATCH INSERT users", "SELECT users"]


def test_transactions_are_no_spans(recording: Recording, engine: sa.engine.Engine) -> None:
    with engine.begin() as connection:
        connection.execute(sa.select(users.c.id)).all()
    with pytest.raises(LookupError), engine.begin() as connection:
        raise LookupError
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        pass

    assert [name for name in names(recording) if name != "PRAGMA read_uncommitted"] == [
        "SELECT users"
    ]


def test_neither_the_first_connection_nor_its_being_alive_is_a_span(
    recording: Recording, tmp_path: Path
) -> None:
    engine = sa.create_engine(f"sqlite:///{tmp_path / 'shop.db'}", pool_pre_ping=True)
    for _ in range(3):
        with engine.connect():
            pass
    engine.dispose()

    assert recording.spans() == []


def test_what_the_program_asks_of_the_driver_is_the_driver_s_span(
    recording: Recording, engine: sa.engine.Engine
) -> None:
    connection = engine.raw_connection()
    connection.cursor().execute("SELECT name FROM users")
    connection.close()

    span = recording.span()
    assert (span.name, span.scope) == ("SELECT users", "otel_run_instrumentors.sqlite3")


def test_events_see_what_they_see_without_us(
    recording: Recording, engine: sa.engine.Engine
) -> None:
    seen: list[object] = []

    @event.listens_for(engine, "before_cursor_execute", retval=True)
    def before(*arguments: Any) -> tuple[str, Any]:
        statement, parameters = arguments[2:4]
        seen.append(parameters)
        return f"{statement} -- shop", parameters

    @event.listens_for(engine, "do_execute")
    def instead(cursor: Any, statement: str, parameters: Any, *_: Any) -> bool:
        seen.append(type(cursor).__name__)
        cursor.execute(statement, parameters)
        return True

    with engine.connect() as connection:
        connection.execute(sa.select(users.c.id).where(users.c.name == "Ada")).all()

    assert seen == [("Ada",), "Cursor"]
    span = recording.span()
    assert span.attributes["db.query.text"].endswith("WHERE users.name = ? -- shop")
    assert span.scope == "otel_run_instrumentors.sqlite3"


def test_a_dialect_of_the_program_s_own_is_one_span_as_well(recording: Recording) -> None:
    class Passing(SQLiteDialect_pysqlite):
        """Passes on, as most do."""

        supports_statement_cache = True

        def do_execute(
            self, cursor: Any, statement: Any, parameters: Any, *_: Any, **__: Any
        ) -> Any:
            return super().do_execute(cursor, f"{statement} LIMIT 1", parameters)  # type: ignore[no-untyped-call]

    class Skipping(SQLiteDialect_pysqlite):
        """Asks the driver itself."""

        supports_statement_cache = True

        def do_execute(
            self, cursor: Any, statement: Any, parameters: Any, *_: Any, **__: Any
        ) -> Any:
            cursor.execute(statement, parameters)

    for dialect, library in ((Passing, "sqlalchemy"), (Skipping, "sqlite3")):
        sa.dialects.registry.impls[f"shop.{library}"] = lambda dialect=dialect: dialect
        engine = sa.create_engine(f"shop+{library}://")
        with engine.connect() as connection:
            connection.execute(sa.text("SELECT 471142")).all()
        engine.dispose()

        span = recording.span()
        assert (span.name, span.scope) == ("SELECT", f"otel_run_instrumentors.{library}")
        assert span.attributes["db.system.name"] == "sqlite"
        assert b"471142" not in recording.exported()
        recording.forget()


def test_two_engines_are_two_databases(recording: Recording, tmp_path: Path) -> None:
    paths = [str(tmp_path / name) for name in ("a.db", "b.db")]
    for path in paths:
        engine = sa.create_engine(f"sqlite:///{path}")
        with engine.connect() as connection:
            connection.execution_options(autocommit=False).execute(sa.text("SELECT 1"))
        engine.dispose()

    assert [span.attributes["db.namespace"] for span in recording.spans()] == paths


def test_the_database_of_connections_of_the_program_s_own_is_what_the_driver_knows(
    recording: Recording, tmp_path: Path
) -> None:
    path = str(tmp_path / "shop.db")
    made = iter([sqlite3.connect(path), sqlite3.connect(":memory:"), sqlite3.Connection(path)])
    engine = sa.create_engine("sqlite://", creator=lambda: next(made), poolclass=sa.pool.NullPool)
    for _ in range(3):  # of the last one the driver knows nothing either
        with engine.connect() as connection:
            connection.execute(sa.text("SELECT 471142")).all()

    found = [span.attributes.get("db.namespace") for span in recording.spans()]
    assert found == [path, ":memory:", None]


def test_a_database_in_memory_is_known_where_the_driver_is_left_alone(
    recording: Recording,
) -> None:
    instrumentors()["sqlite3"].unpatch()
    engine = sa.create_engine("sqlite://")
    with engine.connect() as connection:
        connection.execute(sa.text("SELECT 471142")).all()
    engine.dispose()

    assert recording.span().attributes["db.namespace"] == ":memory:"


@pytest.mark.usefixtures("recording")
def test_nothing_holds_an_engine_that_the_program_lets_go() -> None:
    def use() -> weakref.ref[Any]:
        engine = sa.create_engine("sqlite://")
        with engine.connect() as connection:
            connection.execute(sa.text("SELECT 1")).all()
        engine.dispose()
        return weakref.ref(engine)

    references = [use() for _ in range(50)]
    gc.collect()

    assert [reference() for reference in references] == [None] * 50


# The ORM.


def test_the_orm_s_statements_are_spans_each(
    recording: Recording, engine: sa.engine.Engine
) -> None:
    with orm.Session(engine) as session:
        session.add_all(
            [User(name="hunter2", orders=[Order(), Order()]), User(name="Grace", orders=[Order()])]
        )
        session.commit()
        inserted = len(recording.spans())
        found = session.query(User).order_by(User.id).all()
        assert [len(user.orders) for user in found] == [2, 1]
        found[0].name = "hunter2 again"  # type: ignore[assignment]
        session.delete(found[1].orders[0])
        session.commit()

    assert names(recording)[inserted:] == [
        "SELECT users",
        "SELECT orders",
        "SELECT orders",
        "UPDATE users",
        "DELETE orders",
    ]
    assert b"hunter2" not in recording.exported()


def test_a_flush_that_fails_shows_no_value(recording: Recording, engine: sa.engine.Engine) -> None:
    with orm.Session(engine) as session:
        session.add(User(name="hunter2"))
        session.commit()
        session.add(User(name="hunter2"))
        with pytest.raises(sa.exc.IntegrityError, match="hunter2"):
            session.flush()

    span = recording.spans()[-1]
    assert span.attributes["error.type"] == "sqlite3.IntegrityError"
    assert b"hunter2" not in recording.exported()


@pytest.mark.skipif(not IS_2, reason="the style of 2.0")
def test_the_style_of_2_0_is_the_same(recording: Recording, engine: sa.engine.Engine) -> None:
    with orm.Session(engine) as session:
        session.execute(sa.insert(User), [{"name": "hunter2"}, {"name": "Grace"}])
        assert len(session.scalars(sa.select(User)).all()) == 2
        session.execute(sa.update(User).where(User.name == "Grace").values(name="hunter2!"))

    assert names(recording) == ["BATCH INSERT users", "SELECT users", "UPDATE users"]
    assert b"hunter2" not in recording.exported()


@pytest.mark.skipif(IS_2, reason="the style of 1.3, which 2.0 has no more")
def test_the_style_of_1_3_is_the_same(recording: Recording, engine: sa.engine.Engine) -> None:
    engine.execute(users.insert(), name="hunter2")  # type: ignore[attr-defined]
    assert engine.scalar(sa.select([users.c.name])) == "hunter2"  # type: ignore[attr-defined,call-overload]
    session = orm.sessionmaker(bind=engine)()
    assert session.query(User).count() == 1
    session.close()

    assert names(recording) == ["INSERT users", "SELECT users", "SELECT SELECT users"]
    assert b"hunter2" not in recording.exported()


def test_an_async_engine_s_statement_is_a_span(recording: Recording, tmp_path: Path) -> None:
    async def program() -> list[Any]:
        engine = create_async_engine(f"sqlite+aiosqlite:///{tmp_path / 'shop.db'}")
        async with engine.connect() as connection:
            rows = (await connection.execute(sa.text("SELECT 'hunter2'"))).all()
        await engine.dispose()
        return [tuple(row) for row in rows]

    assert asyncio.run(program()) == [("hunter2",)]
    layers = [span.scope.rpartition(".")[2] for span in recording.spans() if span.name == "SELECT"]
    counts = [
        point.count
        for metric in recording.metrics()
        for point in metric.points
        if point.attributes.get("db.query.summary") == "SELECT"
    ]
    # The driver does not see a statement that 1.4.26 runs in a copy of the context.
    assert sorted(layers) == (["sqlalchemy"] if IS_2 else ["sqlalchemy", "sqlite3"])
    assert counts == [1] * len(layers)
    assert b"hunter2" not in recording.exported()


# Where statements go.


class Cursor:
    """The least that SQLAlchemy asks of a driver's cursor."""

    description = (("one", None, None, None, None, None, None),)
    rowcount = -1
    lastrowid = None

    def execute(self, statement: str, parameters: object = ()) -> None:
        if "fail" in statement:
            raise DRIVER.ProgrammingError(*parameters)  # type: ignore[misc]

    def executemany(self, statement: str, parameters: object) -> None:
        pass

    def fetchone(self) -> tuple[Any, ...]:
        return ("PostgreSQL 15.2",)

    def fetchall(self) -> list[Any]:
        return []

    def close(self) -> None:
        pass


class Connection:
    """The least that SQLAlchemy asks of a driver's connection."""

    def cursor(self) -> Cursor:
        return Cursor()

    def rollback(self) -> None:
        pass

    commit = close = rollback


class DriverError(Exception):
    """As PEP 249 has it."""


class SqlStateError(DriverError):
    """As psycopg has it."""

    def __init__(self, *arguments: object) -> None:
        super().__init__(*arguments)
        self.sqlstate = self.pgcode = "42P01" if not arguments else None


DRIVER: Any = types.ModuleType("driver")
DRIVER.paramstyle = "pyformat"
DRIVER.connect = lambda *_, **__: Connection()
DRIVER.Error = DriverError
DRIVER.ProgrammingError = SqlStateError


def engine_of(url: str, kind: type[DefaultDialect] = DefaultDialect) -> sa.engine.Engine:
    """An engine of SQLAlchemy's dialect, the default one, that goes by the name in the URL."""
    name = url.partition(":")[0]
    dialect = type("Dialect", (kind,), {"name": name, "supports_statement_cache": True})
    sa.dialects.registry.impls[f"{name}.driver"] = lambda: dialect
    return sa.create_engine(url.replace("://", "+driver://", 1), module=DRIVER)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        (
            "postgresql://shop:hunter2@db.example:5433/shop",
            {
                "db.system.name": "postgresql",
                "db.namespace": "shop",
                "server.address": "db.example",
                "server.port": 5433,
            },
        ),
        (
            "postgresql://shop:hunter2@db.example:5432/shop",
            {
                "db.system.name": "postgresql",
                "db.namespace": "shop",
                "server.address": "db.example",
            },
        ),
        (
            "postgresql://shop:hunter2@[2001:db8::1]/",
            {"db.system.name": "postgresql", "server.address": "2001:db8::1"},
        ),
        ("postgresql://:5433/shop", {"db.system.name": "postgresql", "db.namespace": "shop"}),
        (
            "mysql://shop:hunter2@db.example:3306/shop?password=hunter2",
            {"db.system.name": "mysql", "db.namespace": "shop", "server.address": "db.example"},
        ),
        (
            "mariadb://shop:hunter2@db.example:3307/shop",
            {
                "db.system.name": "mariadb",
                "db.namespace": "shop",
                "server.address": "db.example",
                "server.port": 3307,
            },
        ),
        (
            "mssql://shop:hunter2@db.example/shop",
            {
                "db.system.name": "microsoft.sql_server",
                "db.namespace": "shop",
                "server.address": "db.example",
            },
        ),
        (
            "oracle://shop:hunter2@db.example:1521/shop",
            {"db.system.name": "oracle.db", "db.namespace": "shop", "server.address": "db.example"},
        ),
    ],
)
def test_system_namespace_and_server_are_those_of_the_engine_s_url(
    recording: Recording, url: str, expected: dict[str, Any]
) -> None:
    with engine_of(url).connect() as connection:
        connection.exec_driver_sql("SELECT 1 FROM users")

    assert recording.span().attributes == {
        **expected,
        "db.operation.name": "SELECT",
        "db.collection.name": "users",
        "db.query.summary": "SELECT users",
        "db.query.text": "SELECT ? FROM users",
    }
    assert b"hunter2" not in recording.exported()


@pytest.mark.parametrize(
    ("kind", "system"),
    [
        (PGDialect_psycopg2, "postgresql"),
        (MySQLDialect_mysqldb, "mysql"),
        (OracleDialect_cx_oracle, "oracle.db"),
    ],
)
def test_a_batch_of_a_dialect_that_asks_the_driver_itself_is_a_span(
    recording: Recording, kind: Any, system: str
) -> None:
    values = [("hunter2",), ("471142",)]
    kind().do_executemany(Cursor(), "INSERT INTO users VALUES (%s)", values)

    span = recording.span()
    assert (span.name, span.scope) == (
        "BATCH INSERT users",
        "otel_run_instrumentors.sqlalchemy",
    )
    assert span.attributes["db.system.name"] == system
    assert span.attributes["db.operation.batch.size"] == len(values)


def test_what_a_dialect_of_a_server_asks_at_the_first_connection_is_no_span(
    recording: Recording,
) -> None:
    with engine_of("postgresql://db.example/shop", PGDialect).connect() as connection:
        connection.exec_driver_sql("SELECT 1 FROM users")

    assert names(recording) == ["SELECT users"]


@pytest.mark.parametrize("kind", [MSDialect, MySQLDialect, OracleDialect, PGDialect])
def test_the_start_of_each_dialect_that_asks_more_is_patched(
    recording: Recording,  # noqa: ARG001 (it patches)
    kind: type[DefaultDialect],
) -> None:
    assert hasattr(kind.__dict__["initialize"], "__wrapped__")


@pytest.mark.parametrize(("arguments", "code"), [((), "42P01"), ((1062, "hunter2"), "1062")])
def test_the_database_s_code_is_read_from_what_its_driver_raises(
    recording: Recording, arguments: tuple[Any, ...], code: str
) -> None:
    engine = engine_of("postgresql://db.example/shop")
    with engine.connect() as connection, pytest.raises(sa.exc.DBAPIError):
        connection.exec_driver_sql("SELECT fail", arguments)

    assert recording.span().attributes["db.response.status_code"] == code
    assert b"hunter2" not in recording.exported()


def test_without_the_driver_s_instrumentor_it_is_the_same_span(
    recording: Recording, engine: sa.engine.Engine
) -> None:
    instrumentors()["sqlite3"].unpatch()
    with engine.connect() as connection:
        connection.exec_driver_sql(SELECT, ("Ada",))

    assert names(recording) == ["SELECT users"]


def test_sqlite3_alone_is_recorded_beside_it(recording: Recording) -> None:
    connection = sqlite3.connect(":memory:")
    connection.execute("SELECT 1")
    connection.close()

    assert recording.span().scope == "otel_run_instrumentors.sqlite3"


def test_a_program_that_turns_warnings_into_errors_sees_none(programs: Programs) -> None:
    program = """
        import sqlalchemy as sa
        engine = sa.create_engine("sqlite://", pool_pre_ping=True)
        with engine.connect() as connection:
            print(connection.execute(sa.text("SELECT 1")).all())
        engine.dispose()
    """
    results = [
        programs.run(program, launcher=launcher, env={"PYTHONWARNINGS": "error"})
        for launcher in (True, False)
    ]

    traced, plain = [(run.returncode, run.stdout, run.stderr) for run in results]
    assert traced == plain == (0, "[(1,)]\n", "")
