"""sqlite3: its classes are C's, so `connect` makes subclasses of them."""

from __future__ import annotations

import copy
import gc
import inspect
import pickle
import sqlite3
import sys
import threading
import weakref
from typing import TYPE_CHECKING, Any

import pytest

from contracts.database import INSERT, SELECT, DatabaseContract, outcome_of
from recording import instrumentors, unpatch_all

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from programs import Programs
    from recording import Recording

TABLE = "CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT UNIQUE)"


class Sqlite3Contract(DatabaseContract):
    """What the ways to execute a statement have in common."""

    library = "sqlite3"
    integrity_error = sqlite3.IntegrityError

    def open(self) -> sqlite3.Connection:
        connection = sqlite3.connect(":memory:")
        connection.execute(TABLE)
        return connection

    def close(self, database: sqlite3.Connection) -> None:
        database.close()

    def test_a_batch_without_values_is_a_batch_of_none(
        self, recording: Recording, database: Any
    ) -> None:
        self.execute_many(database, INSERT, [])

        assert recording.span().attributes == self.inserting(
            db__operation__batch__size=0,
            db__operation__name="BATCH INSERT",
            db__query__summary="BATCH INSERT users",
        )

    @pytest.mark.parametrize("sets", [[()], ((),)])
    def test_the_literals_of_a_batch_of_empty_sets_are_masked(
        self, recording: Recording, database: Any, sets: Sequence[tuple[Any, ...]]
    ) -> None:
        self.execute_many(database, "INSERT INTO users (name) VALUES ('hunter2')", sets)

        assert recording.span().attributes == self.inserting()
        assert b"hunter2" not in recording.exported()


class TestCursor(Sqlite3Contract):
    """The methods of a cursor."""

    def execute(
        self, database: sqlite3.Connection, sql: str, values: tuple[Any, ...] = ()
    ) -> list[Any]:
        cursor = database.cursor()
        return cursor.execute(sql, *([values] if values else [])).fetchall()

    def execute_many(
        self, database: sqlite3.Connection, sql: str, sets: Sequence[tuple[Any, ...]]
    ) -> None:
        database.cursor().executemany(sql, sets)


class TestConnection(Sqlite3Contract):
    """The shortcuts of a connection."""

    def execute(
        self, database: sqlite3.Connection, sql: str, values: tuple[Any, ...] = ()
    ) -> list[Any]:
        return database.execute(sql, *([values] if values else [])).fetchall()

    def execute_many(
        self, database: sqlite3.Connection, sql: str, sets: Sequence[tuple[Any, ...]]
    ) -> None:
        database.executemany(sql, sets)


@pytest.fixture
def connection(recording: Recording) -> Iterator[sqlite3.Connection]:
    """A connection to a database with a table; what that took has been forgotten."""
    connection = sqlite3.connect(":memory:")
    connection.execute(TABLE)
    recording.forget()
    yield connection
    connection.close()


def names(recording: Recording) -> list[str]:
    return [span.name for span in recording.spans()]


def namespace(recording: Recording) -> Any:
    return recording.span().attributes.get("db.namespace")


# What is recorded.


@pytest.mark.parametrize("shortcut", [False, True])
def test_a_script_is_one_span(
    recording: Recording, connection: sqlite3.Connection, *, shortcut: bool
) -> None:
    target = connection if shortcut else connection.cursor()
    target.executescript("""
        INSERT INTO users (name) VALUES ('hunter2');
        CREATE INDEX i ON users (name); -- hunter2
        SELECT name FROM users WHERE id = 471142;
    """)

    span = recording.span()
    assert span.name == "INSERT users CREATE INDEX i users SELECT users"
    assert span.attributes == {
        "db.system.name": "sqlite",
        "db.namespace": ":memory:",
        "db.query.summary": "INSERT users CREATE INDEX i users SELECT users",
        "db.query.text": "INSERT INTO users (name) VALUES (?); CREATE INDEX i ON users (name);"
        " SELECT name FROM users WHERE id = ?;",
    }


def test_a_script_that_fails_far_from_its_beginning_shows_no_literal(
    recording: Recording, connection: sqlite3.Connection
) -> None:
    script = "REPLACE INTO users (name) VALUES ('x');" * 1000
    with pytest.raises(sqlite3.Error, match="hunter2"):
        connection.executescript(f"{script} SELECT 'hunter2")

    assert b"hunter2" not in recording.exported()


def test_a_generator_is_left_to_the_driver(
    recording: Recording, connection: sqlite3.Connection
) -> None:
    connection.executemany(INSERT, ((name,) for name in ("Ada", "Grace")))

    span = recording.span()
    assert span.name == "INSERT users"
    assert span.attributes["db.query.text"] == INSERT
    assert connection.execute("SELECT count(*) FROM users").fetchall() == [(2,)]


def test_named_parameters_are_bind_values(
    recording: Recording, connection: sqlite3.Connection
) -> None:
    sql = "SELECT name FROM users WHERE name = :name AND id > 471142"
    connection.execute(sql, {"name": "hunter2"})

    assert recording.span().attributes["db.query.text"] == sql
    assert b"hunter2" not in recording.exported()


def test_a_cursor_of_a_shortcut_is_recorded_as_well(
    recording: Recording, connection: sqlite3.Connection
) -> None:
    cursor = connection.execute("SELECT 1")
    cursor.execute("SELECT id FROM users")

    assert names(recording) == ["SELECT", "SELECT users"]


def test_committing_rolling_back_and_closing_are_no_spans(recording: Recording) -> None:
    connection = sqlite3.connect(":memory:")
    with connection:
        connection.execute(TABLE)
    with pytest.raises(sqlite3.OperationalError), connection:
        connection.execute("SELECT nothing")
    connection.commit()
    connection.rollback()
    connection.close()

    assert names(recording) == ["CREATE TABLE users", "SELECT"]


def test_a_transaction_that_the_program_begins_is_a_statement_of_its_own(
    recording: Recording, connection: sqlite3.Connection
) -> None:
    connection.execute("BEGIN IMMEDIATE")
    connection.execute("COMMIT")

    assert names(recording) == ["BEGIN", "COMMIT"]


def test_the_database_is_called_as_the_program_calls_it(
    recording: Recording, tmp_path: Path
) -> None:
    path = tmp_path / "shop.db"
    for database in (path, str(path), str(path).encode()):
        connection = sqlite3.connect(database)
        connection.execute("SELECT 1")
        connection.close()
        assert namespace(recording) == str(path)
        recording.forget()


@pytest.mark.parametrize(
    ("uri", "expected"),
    [
        ("file::memory:?cache=shared", ":memory:"),
        ("file:{}?mode=rwc&key=hunter2", "{}"),
        ("file:{}?mode=rwc#hunter2", "{}"),
        ("file://{}?key=hunter2", "{}"),
        ("file://localhost{}?key=hunter2", "{}"),
    ],
)
def test_the_query_of_a_uri_stays_inside(
    recording: Recording, tmp_path: Path, uri: str, expected: str
) -> None:
    path = str(tmp_path / "shop.db")
    connection = sqlite3.connect(database=uri.format(path), uri=True)
    connection.execute("SELECT 1")
    connection.close()

    assert namespace(recording) == expected.format(path)
    assert b"hunter2" not in recording.exported()


def test_a_temporary_database_has_no_name(recording: Recording) -> None:
    connection = sqlite3.connect("")
    connection.execute(" ")
    connection.close()

    span = recording.span()
    assert (span.name, span.attributes) == ("sqlite", {"db.system.name": "sqlite"})


def test_statements_within_a_function_of_the_program_are_its_children(
    recording: Recording, connection: sqlite3.Connection
) -> None:
    other = sqlite3.connect(":memory:")
    connection.create_function("other", 0, lambda: other.execute("SELECT 2").fetchone()[0])

    assert connection.execute("SELECT other()").fetchone() == (2,)
    other.close()

    outer, inner = recording.spans()
    assert (inner.trace_id, inner.parent_id) == (outer.trace_id, outer.span_id)


def test_an_interrupted_statement_is_an_error(
    recording: Recording, connection: sqlite3.Connection
) -> None:
    connection.create_function("stop", 0, connection.interrupt)
    endless = "WITH RECURSIVE n(i) AS (SELECT stop() UNION ALL SELECT i FROM n) SELECT count(i)"
    with pytest.raises(sqlite3.OperationalError, match="interrupted"):
        connection.execute(f"{endless} FROM n").fetchall()

    span = recording.span()
    assert (span.status, span.status_message) == ("error", "interrupted")


def test_threads_record_each_their_own(recording: Recording, tmp_path: Path) -> None:
    connection = sqlite3.connect(tmp_path / "shop.db", check_same_thread=False)
    connection.execute(TABLE)
    recording.forget()
    lock = threading.Lock()

    def insert(first: int) -> None:
        for number in range(first, first + 20):
            with lock:
                connection.execute(INSERT, (f"user {number}",))

    threads = [threading.Thread(target=insert, args=(100 * index,)) for index in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert names(recording) == ["INSERT users"] * 80
    assert len({span.trace_id for span in recording.spans()}) == 80
    assert connection.execute("SELECT count(*) FROM users").fetchone() == (80,)
    connection.close()


# What the program notices: nothing.


def with_and_without(program: Callable[[], object]) -> tuple[object, object]:
    """What the program comes to, patched and not."""
    patched = outcome_of(program)
    instrumentor = instrumentors()["sqlite3"]
    instrumentor.unpatch()
    try:
        return patched, outcome_of(program)
    finally:
        for module in instrumentor.modules:
            instrumentor.patch(module)


# The connection is any object here: few of these are what its types allow.
CALLS: dict[str, Callable[[Any], object]] = {
    "no statement": lambda c: c.cursor().execute(None),
    "bytes": lambda c: c.cursor().execute(b"SELECT 1"),
    "an int": lambda c: c.cursor().execute(1),
    "bytes in the shortcut": lambda c: c.execute(b"SELECT 1"),
    "bytes as a script": lambda c: c.executescript(b"SELECT 1"),
    "no argument": lambda c: c.execute(),
    "no argument of the cursor": lambda c: c.cursor().execute(),
    "too many": lambda c: c.execute("SELECT ?", (1,), (2,)),
    "an unknown name": lambda c: c.execute("SELECT 1", values=()),
    "a blank": lambda c: c.execute(" ").fetchall(),
    "a comment": lambda c: c.execute("/* ping */").fetchall(),
    "two statements": lambda c: c.execute("SELECT 1; SELECT 2"),
    "a zero": lambda c: c.execute("SELECT \0"),
    "a surrogate": lambda c: c.execute("SELECT '\ud800'"),
    "a syntax error": lambda c: c.execute("SELEKT 1"),
    "too few values": lambda c: c.execute("SELECT ?, ?", (1,)),
    "a missing name": lambda c: c.execute("SELECT :a", {}),
    "a value of no type": lambda c: c.execute("SELECT ?", (object,)),
    "values of no kind": lambda c: c.execute("SELECT ?", 1),
    "a range of values": lambda c: c.execute("SELECT ?, ?", range(2)).fetchall(),
    "many of nothing": lambda c: c.executemany("SELECT ?", None),
    "many that select": lambda c: c.executemany("SELECT ?", [(1,)]),
    "a factory that is none": lambda c: c.cursor(None),
    "a factory of something else": lambda c: c.cursor(lambda _: 1),
    "a class of something else": lambda c: c.cursor(dict),
    "pickling": pickle.dumps,
    "copying": copy.copy,
    "a weak reference": weakref.ref,
    "an attribute": lambda c: setattr(c, "shop", 1),
    "an unknown attribute": lambda c: c.shop,
    "the cursor's attribute": lambda c: setattr(c.cursor(), "shop", 1),
    "a closed connection": lambda c: (c.close(), c.execute("SELECT 1")),
    "a closed cursor": lambda c: closed(c).execute("SELECT 1"),
    "the total of changes": lambda c: (c.execute("SELECT 1"), c.total_changes)[1],
    "the class's name": lambda c: (type(c).__module__, type(c).__qualname__, type(c).__name__),
    "the cursor's class": lambda c: str(type(c.cursor())),
    "the documentation": lambda c: (type(c).__doc__, c.execute.__doc__, c.cursor.__doc__),
    "the names": lambda c: (c.execute.__name__, c.cursor.__name__, c.cursor().execute.__name__),
    "a dump": lambda c: list(dumped(c)),
}


def closed(connection: sqlite3.Connection) -> sqlite3.Cursor:
    cursor = connection.cursor()
    cursor.close()
    return cursor


def dumped(connection: sqlite3.Connection) -> Iterator[str]:
    connection.execute(TABLE)
    connection.execute(INSERT, ("Ada",))
    return connection.iterdump()


def rows(connection: sqlite3.Connection) -> object:
    """What rows of the program's choice look like."""
    connection.row_factory = sqlite3.Row
    (row,) = connection.execute("SELECT 1 AS one, ? AS two", (2,)).fetchall()
    connection.row_factory = lambda cursor, row: (type(cursor).__name__, row)
    return type(row), dict(row), connection.execute("SELECT 1").fetchone()


CALLS["rows"] = rows


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.usefixtures("recording")
def test_a_call_comes_to_what_it_comes_to_without_us(name: str) -> None:
    def program() -> object:
        connection = sqlite3.connect(":memory:")
        try:
            result = CALLS[name](connection)
        except BaseException as error:
            # Pickle names a class as its creator does: C with the module, Python without.
            error.args = tuple(str(arg).replace("'sqlite3.", "'") for arg in error.args)
            raise
        finally:
            connection.close()
        return result if not isinstance(result, sqlite3.Cursor) else type(result).__name__

    patched, plain = with_and_without(program)
    assert patched == plain


@pytest.mark.usefixtures("recording")
def test_the_classes_are_subclasses_with_the_same_name(connection: sqlite3.Connection) -> None:
    cursor = connection.cursor()

    assert isinstance(connection, sqlite3.Connection)
    assert isinstance(cursor, sqlite3.Cursor)
    assert isinstance(connection.execute("SELECT 1"), sqlite3.Cursor)
    assert repr(connection).startswith("<sqlite3.Connection object at 0x")
    assert repr(cursor).startswith("<sqlite3.Cursor object at 0x")
    assert cursor.connection is connection
    assert weakref.ref(cursor)() is cursor


@pytest.mark.usefixtures("recording")
def test_a_connection_can_be_backed_up_into_another(connection: sqlite3.Connection) -> None:
    connection.execute(INSERT, ("Ada",))
    connection.commit()
    for factory in (sqlite3.connect, sqlite3.Connection):
        other = factory(":memory:")
        connection.backup(other)
        assert other.execute("SELECT name FROM users").fetchall() == [("Ada",)]
        other.close()


@pytest.mark.usefixtures("recording")
def test_types_are_detected() -> None:
    connection = sqlite3.connect(":memory:", detect_types=sqlite3.PARSE_COLNAMES)
    sqlite3.register_converter("shout", lambda text: text.decode().upper())

    assert connection.execute("SELECT 'ada' AS \"name [shout]\"").fetchone() == ("ADA",)
    connection.close()


@pytest.mark.usefixtures("recording")
def test_a_function_keeps_its_signature_and_pickles() -> None:
    connect = sqlite3.connect

    assert connect == sqlite3.dbapi2.connect
    assert signature_of(connect) == signature_of(connect.__wrapped__)  # type: ignore[attr-defined]
    assert (connect.__name__, connect.__module__) == ("connect", "_sqlite3")
    assert inspect.isbuiltin(connect)
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        assert pickle.loads(pickle.dumps(connect, protocol)) is connect  # noqa: S301  its own
    assert copy.deepcopy([connect])[0] is connect


def signature_of(function: Callable[..., object]) -> object:
    try:
        return inspect.signature(function)
    except ValueError as error:  # C code need not tell
        return str(error)


def test_what_is_bound_before_unpatching_runs_untouched_after_it(recording: Recording) -> None:
    connect = sqlite3.connect
    connection = connect(":memory:")
    unpatch_all()

    assert not hasattr(sqlite3.connect, "__wrapped__")
    assert connection.execute("SELECT 1").fetchone() == (1,)
    plain = connect(":memory:")
    assert type(plain) is sqlite3.Connection
    plain.close()
    connection.close()
    assert recording.spans() == []


def test_patching_twice_is_patching_once(recording: Recording) -> None:
    patched = sqlite3.connect
    for module in ("sqlite3.dbapi2", "sqlite3") * 2:
        instrumentors()["sqlite3"].patch(module)

    assert sqlite3.connect is patched
    assert not hasattr(patched.__wrapped__, "__wrapped__")  # type: ignore[attr-defined]
    connection = patched(":memory:")
    connection.execute("SELECT 1")
    connection.close()
    assert names(recording) == ["SELECT"]


# Classes of the program.


class Shouting(sqlite3.Cursor):
    """A cursor that does more."""

    def execute(self, sql: str, values: Any = ()) -> Shouting:
        super().execute(sql, values)
        return self

    def shout(self) -> list[str]:
        return [str(column).upper() for row in self.fetchall() for column in row]


class Shop(sqlite3.Connection):
    """A connection with cursors of its own, whose method takes no class."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.opened = 0

    def cursor(self) -> Shouting:  # type: ignore[override]
        self.opened += 1
        return super().cursor(Shouting)


class Slotted(sqlite3.Connection):
    """A connection that lays its instances out."""

    __slots__ = ("shop",)


class Refusing(sqlite3.Connection):
    """A connection of which there are no further kinds."""

    def __init_subclass__(cls) -> None:
        message = "final"
        raise TypeError(message)


def test_a_class_of_the_program_s_cursors_is_recorded(
    recording: Recording, connection: sqlite3.Connection
) -> None:
    for cursor in (connection.cursor(Shouting), connection.cursor(factory=Shouting)):
        assert isinstance(cursor, Shouting)
        assert type(cursor).__qualname__ == "Shouting"
        assert type(cursor).__module__ == __name__
        assert cursor.execute("SELECT 'ada'").shout() == ["ADA"]

    assert names(recording) == ["SELECT"] * 2


def test_a_class_of_the_program_s_connections_is_recorded(recording: Recording) -> None:
    connection = sqlite3.connect(":memory:", factory=Shop)
    assert isinstance(connection, Shop)
    assert type(connection).__qualname__ == "Shop"

    cursor = connection.cursor()
    assert cursor.execute("SELECT 'ada'").shout() == ["ADA"]
    assert connection.opened == 1
    assert vars(connection) == {"opened": 1}
    assert namespace(recording) == ":memory:"

    recording.forget()
    connection.execute("SELECT 1")
    assert names(recording) == ["SELECT"]
    connection.close()


def connection_of(*args: Any, **kwargs: Any) -> sqlite3.Connection:
    return sqlite3.Connection(*args, **kwargs)


def test_a_class_that_minds_its_attributes_is_not_asked_for_ours(recording: Recording) -> None:
    class Strict(sqlite3.Connection):
        def __setattr__(self, name: str, value: object) -> None:
            assert name == "row_factory"
            super().__setattr__(name, value)

    connection = sqlite3.connect(":memory:", factory=Strict)
    connection.execute("SELECT 1")
    connection.close()

    assert recording.span().attributes["db.namespace"] == ":memory:"


@pytest.mark.parametrize("factory", [Slotted, Refusing, connection_of])
def test_what_cannot_be_derived_from_works_and_is_not_recorded(
    recording: Recording, factory: Any
) -> None:
    connection = sqlite3.connect(":memory:", factory=factory)

    assert connection.execute("SELECT 1").fetchone() == (1,)
    if isinstance(factory, type):
        assert type(connection) is factory
    connection.close()
    assert recording.spans() == []


@pytest.mark.usefixtures("recording")
def test_a_factory_that_is_a_function_is_called_as_it_was(connection: sqlite3.Connection) -> None:
    seen: list[object] = []
    connect: Any = sqlite3.connect

    def factory(*args: Any, **kwargs: Any) -> sqlite3.Connection:
        seen.append((args, kwargs))
        return connection_of(*args, **kwargs)

    connect(":memory:", timeout=1, factory=factory).close()
    assert seen == [((":memory:",), {"timeout": 1, "factory": factory})]
    assert isinstance(connection.cursor(lambda owner: sqlite3.Cursor(owner)), sqlite3.Cursor)  # noqa: PLW0108  no class


def test_a_class_made_of_ours_is_recorded_once(
    recording: Recording, connection: sqlite3.Connection
) -> None:
    kind: Any = type("Further", (type(connection),), {})
    cursor_kind: Any = type("FurtherCursor", (type(connection.cursor()),), {})
    further: Any = sqlite3.connect(":memory:", factory=kind)

    assert type(further) is kind
    further.cursor(cursor_kind).execute("SELECT 1")
    sqlite3.connect(":memory:", factory=type(connection)).close()
    further.close()
    assert names(recording) == ["SELECT"]


@pytest.mark.usefixtures("recording")
def test_the_factory_can_be_anything_that_it_can_be_without_us() -> None:
    for factory in (None, 1, dict, "Connection", object):
        patched, plain = with_and_without(
            lambda factory=factory: sqlite3.connect(":memory:", factory=factory)  # type: ignore[misc]
        )
        assert patched == plain


@pytest.mark.usefixtures("recording")
def test_connecting_again_and_again_makes_no_classes() -> None:
    def connect(times: int) -> None:
        for _ in range(times):
            for factory in (sqlite3.Connection, Shop):
                connection = sqlite3.connect(":memory:", factory=factory)
                connection.cursor()
                connection.close()

    def subclasses() -> list[type]:
        gc.collect()
        kinds = (sqlite3.Connection, sqlite3.Cursor, Shop, Shouting)
        return [kind for original in kinds for kind in original.__subclasses__()]

    connect(2)
    classes, objects = subclasses(), len(gc.get_objects())
    connect(5_000)
    for module in ("sqlite3.dbapi2", "sqlite3"):
        instrumentors()["sqlite3"].unpatch()
        instrumentors()["sqlite3"].patch(module)
    connect(2)

    assert subclasses() == classes
    assert len(gc.get_objects()) < objects + 500


@pytest.mark.usefixtures("recording")
def test_a_class_that_the_program_lets_go_goes() -> None:
    kind: Any = type("Brief", (sqlite3.Connection,), {})
    sqlite3.connect(":memory:", factory=kind).close()
    reference = weakref.ref(kind)
    del kind
    gc.collect()

    assert reference() is None


# Warnings.


# In processes of their own: in this one, the warnings are every thread's.
WARNED = """
import datetime, sqlite3, sys
class Shop(sqlite3.Connection): pass
today = datetime.date(2026, 1, 1)
connection = sqlite3.connect(":memory:", 5.0)
if sys.version_info < (3, 15):
    sqlite3.connect(":memory:", 5.0, 0, None, True, Shop).close()
connection.execute("SELECT ?", (today,))
connection.cursor().execute("SELECT ?", (today,))
connection.close()
"""


@pytest.mark.skipif(sys.version_info < (3, 12), reason="the first that warns")
def test_a_warning_is_of_the_line_that_calls(programs: Programs) -> None:
    (programs.folder / "warned.py").write_text(WARNED)
    command = ["-W", "always", "warned.py"]
    patched, plain = (programs.run(command, launcher=launcher).stderr for launcher in (True, False))

    assert patched == plain
    assert "DeprecationWarning" in plain


def test_a_program_that_turns_warnings_into_errors_sees_none(programs: Programs) -> None:
    program = f"""
        import gc, sqlite3
        class Shop(sqlite3.Connection): pass
        for factory in (sqlite3.Connection, Shop):
            connection = sqlite3.connect(":memory:", factory=factory)
            connection.execute({TABLE!r})
            connection.executemany({INSERT!r}, [("Ada",), ("Grace",)])
            print(connection.execute({SELECT!r}, ("Ada",)).fetchall())
            connection.close()
        gc.collect()
    """
    results = [
        programs.run(program, launcher=launcher, env={"PYTHONWARNINGS": "error"})
        for launcher in (True, False)
    ]

    traced, plain = [(run.returncode, run.stdout, run.stderr) for run in results]
    assert traced == plain == (0, "[('Ada',)]\n[('Ada',)]\n", "")
