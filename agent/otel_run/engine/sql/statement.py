"""What telemetry says of a SQL statement (semantic conventions, database client spans)."""

from __future__ import annotations

from otel_run.engine.sql.dialect import GENERIC, Dialect
from otel_run.engine.sql.lexer import lexer_of
from otel_run.engine.sql.reader import Reader

TEXT_LIMIT = 8192
SUMMARY_LIMIT = 255


class Statement:
    """A described statement; operation and collection are empty unless there is exactly one."""

    __slots__ = ("collection", "operation", "summary", "text")

    def __init__(self, text: str, summary: str, operation: str, collection: str) -> None:
        """Hold db.query.text, db.query.summary, db.operation.name and db.collection.name."""
        self.text = text
        self.summary = summary
        self.operation = operation
        self.collection = collection

    def fields(self) -> tuple[str, str, str, str]:
        return self.text, self.summary, self.operation, self.collection

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Statement) and self.fields() == other.fields()

    def __hash__(self) -> int:
        return hash(self.fields())

    def __repr__(self) -> str:
        return f"Statement{self.fields()!r}"


def describe(sql: str, *, parameterised: bool, dialect: Dialect = GENERIC) -> Statement:
    """Describe a statement of any text; never raises.

    A parameterised text, one whose values were passed beside it, stays as it is. In any other
    each literal becomes `?`. Both are cut to 8,192 characters first.
    """
    text = sql[:TEXT_LIMIT]
    lexer = lexer_of(dialect)
    reader = Reader(lexer, dialect)
    reader.read(lexer.tokens(text))
    if not parameterised:
        text = "".join(reader.parts).strip(" ")
    return Statement(text, shortened(reader.summary), *only(reader))


def only(reader: Reader) -> tuple[str, str]:
    """Return the one operation and its one collection, where there is just one."""
    if len(reader.operations) != 1 or len(reader.targets) > 1:
        return "", ""
    collection = reader.targets[0] if reader.targets and reader.collects else ""
    return reader.operations[0], collection


def shortened(words: list[str]) -> str:
    """Join, and leave out what does not fit as a whole."""
    summary = " ".join(words)
    while len(summary) > SUMMARY_LIMIT:
        words = words[:-1]
        summary = " ".join(words)
    return summary
