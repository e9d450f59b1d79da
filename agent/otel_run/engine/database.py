"""Database client spans and their metric (semantic conventions 1.44, db/sql.md)."""

from __future__ import annotations

import sys

from otel_run.engine.convention import Convention
from otel_run.engine.failure import describe_failure, error_type
from otel_run.engine.operation import Operation, is_suppressed
from otel_run.engine.sql import describe
from otel_run.signals.cache import Cache
from otel_run.signals.context import get_current, set_current
from otel_run.signals.description import Description
from otel_run.signals.span import CLIENT, ERROR, UNSET

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    from otel_run.engine.call import Call
    from otel_run.engine.sql import Dialect
    from otel_run.signals.description import Outcome
    from otel_run.signals.values import Value

    # What is about to be executed: text, bind values, where, and the number of sets of values, each
    # an operation of its own; 1 is no batch. (An object would cost a tenth of a microsecond more.)
    Statement = tuple[object, object, "Database", int]
    # Text, where, whether bind values came along, whether it is a batch.
    Key = tuple[str, "Database", bool, bool]

NAME = "database"

# Seconds (semantic conventions, db/database-metrics.md).
DURATION_BOUNDARIES = (0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0)

# The cache of descriptions: two generations of a mebibyte. A text that would take a good part of
# one is described each time.
CACHE_BYTES = 1 << 20
CACHED_TEXT = 32 * 1024
DESCRIPTION_BYTES = 1024

# A text that is not cached counts towards the bound of the record queue, at what is kept of it.
KEPT_TEXT = 8 * 1024

# Looked at to keep them out of an exception's text: bind values, characters of the statement.
VALUE_LIMIT = 256
LITERAL_LIMIT = 1 << 20

# What holds the values of one operation.
SETS = frozenset((tuple, list, dict))

# Bind values of these modules are written in a message as `str` has them.
PLAIN_MODULES = frozenset(("datetime", "decimal", "uuid"))


class Database:
    """Where statements go: one object for all connections to the same database.

    `address` is a host name, an IP address or a socket's path, "" for an embedded database; `port`
    is 0 where it is the system's own.
    """

    __slots__ = ("address", "dialect", "namespace", "port", "system")

    def __init__(
        self, system: str, namespace: str, address: str, port: int, dialect: Dialect
    ) -> None:
        self.system = system
        self.namespace = namespace
        self.address = address
        self.port = port
        self.dialect = dialect


_databases: Cache[tuple[str, str, str, int], Database] = Cache(1024)


def same_database(
    system: str, namespace: str, address: str, port: int, dialect: Dialect
) -> Database:
    """Return the one object for this database, however many connections there are."""
    key = (system, namespace, address, port)
    found = _databases.get(key)
    if found is None:
        found = Database(*key, dialect)
        _databases.put(key, found)
    return found


class DatabaseClient(Convention):
    """Client spans: one for each statement, or batch of one statement.

    `read_statement` says what is executed and where; `read_code` reads the database's own code
    from the exception it answered with.
    """

    name = NAME
    metric = ("db.client.operation.duration", "Duration of database client operations.",
              DURATION_BOUNDARIES)  # fmt: skip

    def __init__(
        self,
        read_statement: Callable[[Call], Statement],
        read_code: Callable[[BaseException], str],
    ) -> None:
        self.read_statement = read_statement
        self.read_code = read_code
        self._descriptions: Cache[Key, Description] = Cache(CACHE_BYTES, _weigh)

    def begin(self, call: Call) -> Operation | None:
        """Start to record the statement."""
        parent = get_current()
        if parent is not None and is_suppressed(parent, self):
            return None
        text, values, database, batch = self.read_statement(call)
        if type(text) is not str:
            text = _text_of(text)
        if type(values) is tuple and values and type(values[0]) not in SETS:
            bound = True  # as most are
        else:
            bound = _are_bound(values)
        key = (text, database, bound, batch != 1)
        description = self._descriptions.young.get(key) or self._description(key)
        operation = Operation()
        operation.begin(self, parent, description)
        if batch != 1 and operation.sampled:
            operation.attributes = {"db.operation.batch.size": batch}
        if len(text) > CACHED_TEXT:
            operation.add_weight(KEPT_TEXT)
        operation.token = set_current(operation)
        return operation

    def finish(self, operation: Operation, call: Call, result: object) -> None:  # noqa: ARG002
        """Record that the statement was executed."""
        description = operation.description
        operation.end_with(description.outcomes.get(None) or self._conclude(description, None))

    def fail(self, operation: Operation, call: Call, error: BaseException) -> None:
        """Record that it was not."""
        key = None
        if isinstance(error, Exception):
            key = (error_type(error), self.read_code(error))
            if operation.sampled:
                text, values, *_ = self.read_statement(call)
                secrets = _secrets(text, values, operation.description)
                operation.add_failure(describe_failure(error, secrets))
        description = operation.description
        operation.end_with(description.outcomes.get(key) or self._conclude(description, key))

    def _description(self, key: Key) -> Description:
        """Look for what is not in use, and describe what is new."""
        return self._descriptions.get(key) or self._describe(key)

    def _describe(self, key: Key) -> Description:
        text, database, parameterised, batched = key
        statement = describe(text, parameterised=parameterised, dialect=database.dialect)
        prefix = "BATCH " if batched else ""
        attributes: dict[str, Value] = {"db.system.name": database.system}
        if database.namespace:
            attributes["db.namespace"] = database.namespace
        if database.address:
            attributes["server.address"] = database.address
            if database.port:
                attributes["server.port"] = database.port
        if statement.operation:
            attributes["db.operation.name"] = prefix + statement.operation
        if statement.collection:
            attributes["db.collection.name"] = statement.collection
        if statement.summary:
            attributes["db.query.summary"] = prefix + statement.summary
        facts = dict(attributes)
        if statement.text:
            attributes["db.query.text"] = statement.text
        name = prefix + (statement.summary or _target(database))
        description = Description(self.scope, name, CLIENT, attributes, facts)
        if len(text) <= CACHED_TEXT:
            self._descriptions.put(key, description)
        return description

    def _conclude(self, description: Description, key: tuple[str, str] | None) -> Outcome:
        attributes: dict[str, Value] = {}
        if key is not None:
            kind, code = key
            attributes["error.type"] = kind
            if code:
                attributes["db.response.status_code"] = code
        return self.conclude(description, key, attributes, UNSET if key is None else ERROR)


def _weigh(key: Key, description: Description) -> int:
    # The text as it came; as it is recorded, it is kept as text, and encoded for an ending or two.
    kept = str(description.attributes.get("db.query.text", ""))
    return DESCRIPTION_BYTES + sys.getsizeof(key[0]) + 3 * len(kept)


def _target(database: Database) -> str:
    """Return the name of a span whose statement says nothing."""
    if database.namespace:
        return database.namespace
    if database.address:
        return f"{database.address}:{database.port}" if database.port else database.address
    return database.system


def _text_of(text: object) -> str:
    """Return a statement that is not a `str` as one; the driver decides whether it takes it."""
    if isinstance(text, str):
        return str.__str__(text)
    return bytes(text).decode("utf-8", "replace") if isinstance(text, (bytes, bytearray)) else ""


def _are_bound(values: Any) -> bool:
    """Tell whether there are bind values, which a batch of empty sets has not."""
    if values is None:
        return False
    if not hasattr(values, "__len__"):
        return True  # an iterator: nobody knows before the driver
    if not len(values):
        return False
    first = values[0] if isinstance(values, (tuple, list)) else None
    return not isinstance(first, (tuple, list, dict)) or bool(first)


def _secrets(text: object, values: object, description: Description) -> set[str]:
    """Return what an error message could repeat: the bind values, or the text's own literals."""
    found = {form for value in _values(values) for form in _forms(value)}
    if not _are_bound(values):
        import re

        words = re.compile(r"\w+").findall
        masked = description.attributes.get("db.query.text", "")
        found.update(words(_text_of(text)[:LITERAL_LIMIT]))
        found.difference_update(words(str(masked)))
    return {form for form in found if len(form) > 1}


def _values(values: Any) -> Iterator[object]:
    left = VALUE_LIMIT
    pending = [values]
    while pending and left:
        left -= 1
        value = pending.pop()
        if isinstance(value, dict):
            pending.extend(list(value.values())[:left])
        elif isinstance(value, (list, tuple)):
            pending.extend(value[:left])
        else:
            yield value


def _forms(value: object) -> Iterator[str]:
    """Give the ways to write a value, without running code of the program's own."""
    for kind in (str, bytes, int, float):
        if isinstance(value, kind):
            yield kind.__repr__(value)
            yield kind.__str__(value)
    if isinstance(value, bytes):
        yield bytes.decode(value, "utf-8", "replace")
    if type(value).__module__ in PLAIN_MODULES:
        yield str(value)
