"""What holds for every SQL client: spans, metric, secrets, and no trace of us in the program."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, ClassVar

import pytest
from flask import Flask

from contracts.instrumentor import check_plain
from otel_run.engine.frames import UNSEEN
from otel_run.signals.context import CURRENT, Node
from recording import instrumentors

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from otlp import Span
    from recording import Recording

TRACE_ID = 0x0AF7651916CD43DD8448EB211C80319C
SPAN_ID = 0xB7AD6B7169203331
BOUNDARIES = (0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10)

INSERT = "INSERT INTO users (name) VALUES (?)"
SELECT = "SELECT name FROM users WHERE name = ?"

# sqlite3 tells the database's own code from Python 3.11 on.
CODES = sys.version_info >= (3, 11)


class DatabaseContract:
    """Subclass it, name the library, and give the calls on an SQLite database of their own.

    The database is in memory and has the table `users` of `id` and the unique `name`.
    `integrity_error` is what the program gets for a name that is there already.
    """

    library: ClassVar[str]
    integrity_error: ClassVar[type[Exception]]

    def open(self) -> Any:
        """Connect to a new database and create the table."""
        raise NotImplementedError

    def close(self, database: Any) -> None:
        """Disconnect."""
        raise NotImplementedError

    def execute(self, database: Any, sql: str, values: tuple[Any, ...] = ()) -> list[Any]:
        """Execute the text as it is, and return the rows as tuples."""
        raise NotImplementedError

    def execute_many(self, database: Any, sql: str, sets: Sequence[tuple[Any, ...]]) -> None:
        """Execute the text once for each set of values."""
        raise NotImplementedError

    @pytest.fixture
    def database(self, recording: Recording) -> Iterator[Any]:
        """A database that is ready; what that took has been forgotten."""
        database = self.open()
        recording.forget()
        yield database
        self.close(database)

    @pytest.fixture
    def unsampled(self) -> Iterator[None]:
        """What is current: a remote parent that is not sampled."""
        token = CURRENT.set(Node(TRACE_ID, SPAN_ID, sampled=False, remote=True))
        yield
        CURRENT.reset(token)

    def attributes(self, **more: Any) -> dict[str, Any]:
        """Those of a statement that selects from `users`, with some of them different."""
        attributes = {
            "db.system.name": "sqlite",
            "db.namespace": ":memory:",
            "db.operation.name": "SELECT",
            "db.collection.name": "users",
            "db.query.summary": "SELECT users",
            "db.query.text": SELECT,
        }
        for name, value in more.items():
            attributes[name.replace("__", ".")] = value
        return {name: value for name, value in attributes.items() if value is not None}

    def inserting(self, **more: Any) -> dict[str, Any]:
        """The attributes of a statement that inserts into `users`."""
        insert = {
            "db__operation__name": "INSERT",
            "db__query__summary": "INSERT users",
            "db__query__text": INSERT,
        }
        return self.attributes(**{**insert, **more})

    def failed(self, **more: Any) -> dict[str, Any]:
        """The attributes of an insert that breaks the constraint."""
        attributes = self.inserting(error__type="sqlite3.IntegrityError", **more)
        if CODES:
            attributes["db.response.status_code"] = "SQLITE_CONSTRAINT_UNIQUE"
        return attributes

    def insert_twice(self, database: Any, name: Any = "Ada") -> Exception:
        """Insert a name that is there already, and return what that raises."""
        self.execute(database, INSERT, (name,))
        with pytest.raises(self.integrity_error) as raised:
            self.execute(database, INSERT, (name,))
        return raised.value

    def test_a_statement_is_one_client_span(self, recording: Recording, database: Any) -> None:
        assert self.execute(database, SELECT, ("Ada",)) == []

        span = recording.span()
        assert span.attributes == self.attributes()
        check_plain(span, self.library, "SELECT users", "client")

    def test_the_program_gets_its_rows(self, recording: Recording, database: Any) -> None:
        self.execute_many(database, INSERT, [("Ada",), ("Grace",)])

        rows = self.execute(database, "SELECT id, name FROM users ORDER BY id")

        assert rows == [(1, "Ada"), (2, "Grace")]
        assert len(recording.spans()) == 2

    def test_without_bind_values_every_literal_is_masked(
        self, recording: Recording, database: Any
    ) -> None:
        sql = "SELECT name FROM users WHERE name IN ('Ada', 'Grace') AND id > 471142 -- hunter2"
        self.execute(database, sql)

        assert recording.span().attributes == self.attributes(
            db__query__text="SELECT name FROM users WHERE name IN (?) AND id > ?"
        )
        exported = recording.exported()
        assert not any(word in exported for word in (b"Ada", b"Grace", b"471142", b"hunter2"))

    def test_with_bind_values_the_text_is_the_program_s_own_and_the_values_stay_inside(
        self, recording: Recording, database: Any
    ) -> None:
        sql = "SELECT name FROM users WHERE name = ? AND id > 42"
        self.execute(database, sql, ("hunter2",))

        assert recording.span().attributes == self.attributes(db__query__text=sql)
        assert b"hunter2" not in recording.exported()

    def test_a_statement_on_two_tables_has_neither_operation_nor_collection(
        self, recording: Recording, database: Any
    ) -> None:
        sql = "INSERT INTO users (name) SELECT name || '!' FROM users"
        self.execute(database, sql)

        span = recording.span()
        assert span.name == "INSERT users SELECT users"
        assert span.attributes == self.attributes(
            db__operation__name=None,
            db__collection__name=None,
            db__query__summary="INSERT users SELECT users",
            db__query__text="INSERT INTO users (name) SELECT name || ? FROM users",
        )

    def test_a_statement_for_several_sets_of_values_is_a_batch(
        self, recording: Recording, database: Any
    ) -> None:
        self.execute_many(database, INSERT, [("Ada",), ("Grace",), ("hunter2",)])

        span = recording.span()
        assert span.name == "BATCH INSERT users"
        assert span.attributes == self.inserting(
            db__operation__batch__size=3,
            db__operation__name="BATCH INSERT",
            db__query__summary="BATCH INSERT users",
        )
        assert b"hunter2" not in recording.exported()

    def test_for_one_set_of_values_it_is_none(self, recording: Recording, database: Any) -> None:
        self.execute_many(database, INSERT, [("Ada",)])

        span = recording.span()
        assert (span.name, span.attributes) == ("INSERT users", self.inserting())

    def test_a_failure_is_an_error_with_the_database_s_code_and_an_event(
        self, recording: Recording, database: Any
    ) -> None:
        self.insert_twice(database)

        _, span = recording.spans()
        assert span.attributes == self.failed()
        assert (span.name, span.status) == ("INSERT users", "error")
        assert span.status_message == "UNIQUE constraint failed: users.name"
        (event,) = span.events
        stack = event.attributes.pop("exception.stacktrace")
        assert event.name == "exception"
        assert event.attributes == {
            "exception.type": "sqlite3.IntegrityError",
            "exception.message": "UNIQUE constraint failed: users.name",
        }
        assert stack.startswith("Traceback (most recent call last):\n")
        assert stack.endswith("\nsqlite3.IntegrityError: UNIQUE constraint failed: users.name\n")
        assert f'File "{__file__}"' in stack
        assert UNSEEN not in stack
        assert span.start <= event.time <= span.end

    def test_a_failing_batch_is_one_span(self, recording: Recording, database: Any) -> None:
        with pytest.raises(self.integrity_error):
            self.execute_many(database, INSERT, [("hunter2",), ("hunter2",)])

        assert recording.span().attributes == self.failed(
            db__operation__batch__size=2,
            db__operation__name="BATCH INSERT",
            db__query__summary="BATCH INSERT users",
        )
        assert b"hunter2" not in recording.exported()

    @pytest.mark.parametrize(
        ("sql", "values"),
        [
            ("SELECT 'hunter2' FROM nowhere WHERE a = 4711", ()),
            ("SELECT name FROM users WHERE name = 'it''s hunter2'' and more", ()),
            ("SELECT nowhere('hunter2') FROM users", ()),
            ("INSERT INTO users (id) VALUES ('hunter2')", ()),
            ("SELECT json_extract('{hunter2', '$')", ()),
            ("INSERT INTO users (id) VALUES (?)", ("hunter2",)),
            ("INSERT INTO users (id) VALUES (?)", (b"hunter2",)),
            ("SELECT ?, ?", ("hunter2",)),
            ("SELECT json_extract(?, '$')", ("{hunter2",)),
        ],
        ids=repr,
    )
    def test_no_value_leaves_with_a_failure(
        self, recording: Recording, database: Any, sql: str, values: tuple[Any, ...]
    ) -> None:
        with pytest.raises(Exception):  # noqa: B017, PT011  each of another kind
            self.execute(database, sql, values)

        assert recording.span().status == "error"
        assert b"hunter2" not in recording.exported()
        assert b"4711" not in recording.exported()

    def test_no_value_leaves_with_the_request_that_fails_for_it(
        self, recording: Recording, database: Any
    ) -> None:
        app = Flask("shop")

        @app.route("/users", methods=["POST"])
        def add() -> str:
            try:
                self.insert_twice_unhandled(database, "hunter2")
            except self.integrity_error as error:
                message = "cannot add hunter2"
                raise LookupError(message) from error
            return "added"

        response = app.test_client().post("/users", buffered=True)

        request, *statements = recording.spans()
        assert response.status_code == 500
        assert request.attributes["error.type"] == "LookupError"
        assert request.events[0].attributes["exception.message"] == "cannot add ?"
        assert "sqlite3.IntegrityError" in request.events[0].attributes["exception.stacktrace"]
        assert [span.parent_id for span in statements] == [request.span_id, request.span_id]
        assert b"hunter2" not in recording.exported()

    def insert_twice_unhandled(self, database: Any, name: str) -> None:
        """Insert a name that is there already."""
        self.execute(database, INSERT, (name,))
        self.execute(database, INSERT, (name,))

    def test_an_error_whose_text_cannot_be_had_is_still_an_error(
        self, recording: Recording, database: Any
    ) -> None:
        class Unspeakable(str):
            """A value that breaks whoever writes it."""

            __slots__ = ()

            def __str__(self) -> str:
                raise RuntimeError

            __repr__ = __str__

        self.execute(database, INSERT, ("hunter2",))
        raised: Any = None
        try:
            self.execute(database, INSERT, (Unspeakable("hunter2"),))
        except Exception as error:
            raised = error

        assert raised is not None
        assert recording.spans()[-1].attributes == self.failed()
        assert b"hunter2" not in recording.exported()

    def test_a_statement_that_says_nothing_is_named_after_the_database(
        self, recording: Recording, database: Any
    ) -> None:
        for sql in (" ", "/* ping */", "-- ping", ";"):
            outcome = outcome_of(lambda sql=sql: self.execute(database, sql))  # type: ignore[misc]
            instrumentors()[self.library].unpatch()
            try:
                expected = outcome_of(lambda sql=sql: self.execute(database, sql))  # type: ignore[misc]
            finally:
                self.patch()
            assert outcome == expected

        assert {span.name for span in self.library_s_own(recording)} == {":memory:"}

    def library_s_own(self, recording: Recording) -> list[Span]:
        """The spans that come from this library, and no other that may be below it."""
        scope = f"otel_run_instrumentors.{self.library}"
        return [span for span in recording.spans() if span.scope == scope]

    def patch(self) -> None:
        """Patch as the import hook does."""
        for module in instrumentors()[self.library].modules:
            instrumentors()[self.library].patch(module)

    def test_within_a_request_it_is_the_request_s_child(
        self, recording: Recording, database: Any
    ) -> None:
        app = Flask("shop")

        @app.route("/users")
        def users() -> dict[str, int]:
            return {"found": len(self.execute(database, SELECT, ("Ada",)))}

        assert app.test_client().get("/users").get_json() == {"found": 0}

        request, statement = recording.spans()
        assert request.name == "GET /users"
        assert (statement.trace_id, statement.parent_id) == (request.trace_id, request.span_id)

    def test_durations_are_counted_by_statement_and_error(
        self, recording: Recording, database: Any
    ) -> None:
        self.insert_twice(database)
        self.execute(database, SELECT, ("Ada",))
        self.execute(database, SELECT, ("Grace",))

        (metric,) = recording.metrics()
        assert (metric.name, metric.unit, metric.kind) == (
            "db.client.operation.duration",
            "s",
            "histogram",
        )
        assert (metric.description, metric.cumulative) == (
            "Duration of database client operations.",
            True,
        )
        found = {tuple(point.attributes.items()): point for point in metric.points}
        expected = {
            tuple(sorted(counted(attributes).items())): count
            for attributes, count in (
                (self.inserting(), 1),
                (self.failed(), 1),
                (self.attributes(), 2),
            )
        }
        assert {tuple(sorted(key)): point.count for key, point in found.items()} == expected
        for point in metric.points:
            assert point.bounds == BOUNDARIES
            assert sum(point.buckets) == point.count
            assert point.min is not None
            assert point.max is not None
            assert 0 < point.min <= point.max <= point.sum

    def test_the_size_of_a_batch_makes_no_series(self, recording: Recording, database: Any) -> None:
        self.execute_many(database, INSERT, [("Ada",), ("Grace",)])
        self.execute_many(database, INSERT, [("Alan",), ("Edsger",), ("Barbara",)])

        ((point,),) = (metric.points for metric in recording.metrics())
        assert point.count == 2
        assert point.attributes == counted(
            self.inserting(
                db__operation__name="BATCH INSERT", db__query__summary="BATCH INSERT users"
            )
        )

    @pytest.mark.usefixtures("unsampled")
    def test_what_is_not_sampled_is_counted_all_the_same(
        self, recording: Recording, database: Any
    ) -> None:
        self.execute(database, SELECT, ("Ada",))
        self.insert_twice(database, "hunter2")

        assert recording.spans() == []
        (metric,) = recording.metrics()
        assert sum(point.count for point in metric.points) == 3
        assert b"hunter2" not in recording.exported()

    def test_what_is_unpatched_is_not_recorded(self, recording: Recording, database: Any) -> None:
        for instrumentor in instrumentors().values():
            instrumentor.unpatch()

        assert self.execute(database, SELECT, ("Ada",)) == []
        assert recording.spans() == []
        assert recording.metrics() == []


def counted(attributes: dict[str, Any]) -> dict[str, Any]:
    """The attributes of the metric, of those of the span."""
    return {key: value for key, value in attributes.items() if key != "db.query.text"}


def outcome_of(call: Callable[[], object]) -> tuple[object, ...]:
    """What a call returns, or the type, the text and the cause of what it raises."""
    try:
        return (call(),)
    except Exception as error:
        return type(error), str(error), repr(error.__cause__)
