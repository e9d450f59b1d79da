"""What each keyword does to the reader's position, and whether it is an operation."""

from __future__ import annotations

from otel_run.engine.sql import clause

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeAlias

    from otel_run.engine.sql.reader import Reader

    Keyword: TypeAlias = Callable[[Reader, str], "str | None"]


def select(reader: Reader, word: str) -> None:
    if reader.clause not in clause.SILENT:
        reader.operation(word)
        reader.clause = clause.SELECT_LIST


def command(after: str, want: int = clause.NOTHING, *, collects: bool = True) -> Keyword:
    """Make an operation of a keyword where a statement begins, and a mere word elsewhere."""

    def take(reader: Reader, word: str) -> None:
        if reader.clause in clause.OPENING:
            reader.operation(word, collects=collects)
            reader.clause = after
            reader.want = want
        elif reader.want and reader.before != "OR":
            reader.target(word)

    return take


begin_set = command(clause.OTHER)


def assign(reader: Reader, word: str) -> None:
    if reader.clause in clause.OPENING:
        begin_set(reader, word)
    elif reader.verb in CHANGES and reader.clause not in clause.SILENT:
        reader.clause = clause.ASSIGNMENTS
        reader.want = clause.NOTHING


def from_(reader: Reader, word: str) -> None:  # noqa: ARG001, the shape of all keywords
    # "IS DISTINCT FROM 'a'" compares, and in parentheses "extract(year FROM 'a')" has no clause.
    if reader.clause in FROM_CLAUSES and reader.before != "DISTINCT":
        reader.clause = clause.TABLES
        reader.want = clause.TEXT
    elif reader.clause not in clause.SILENT:
        reader.want = clause.NOTHING


def into(reader: Reader, word: str) -> None:  # noqa: ARG001
    if reader.clause == clause.INSERT:
        reader.want = clause.TEXT
    elif reader.clause == clause.SELECT_LIST:
        reader.want = clause.WORD


def join(reader: Reader, word: str) -> None:  # noqa: ARG001
    if reader.clause in (clause.TABLES, clause.CONDITION):
        reader.clause = clause.TABLES
        reader.want = clause.TEXT


def on(reader: Reader, word: str) -> None:  # noqa: ARG001
    if reader.clause == clause.TABLES:
        reader.clause = clause.CONDITION
    reader.want = clause.NAME if reader.clause == clause.INDEX else clause.NOTHING


def using(reader: Reader, word: str) -> None:  # noqa: ARG001
    tables = (clause.TABLES, clause.COLUMNS_NEXT)
    if reader.verb in ("MERGE", "DELETE") and reader.clause in tables:
        reader.clause = clause.TABLES
        reader.want = clause.NAME
    elif reader.clause == clause.TABLES:
        reader.clause = clause.CONDITION


def with_(reader: Reader, word: str) -> None:  # noqa: ARG001
    begins = reader.clause in clause.OPENING or reader.clause == clause.COLUMNS_NEXT
    if begins or (reader.before == "AS" and reader.clause not in clause.SILENT):
        reader.clause = clause.WITH
        reader.want = clause.NAME


def end(reader: Reader, word: str) -> None:  # noqa: ARG001
    """End the tables, as WHERE does."""
    if reader.clause not in STAY:
        reader.clause = clause.OTHER
    reader.want = clause.NOTHING


def values(reader: Reader, word: str) -> None:
    if reader.clause == clause.START:
        reader.operation(word)
    end(reader, word)


def skip(reader: Reader, word: str) -> None:
    """Stand between an operation and its target, or mean nothing here."""


def no_target(reader: Reader, word: str) -> None:  # noqa: ARG001
    reader.want = clause.NOTHING


def boolean(reader: Reader, word: str) -> str:  # noqa: ARG001
    reader.operand("?")
    return "?"


def kind(created: str, want: int, *, collects: bool = False) -> Keyword:
    """Make the kind of object a part of the operation: CREATE TABLE, DROP INDEX."""

    def take(reader: Reader, word: str) -> None:
        if reader.clause == clause.DEFINITION:
            reader.extend_operation(word, collects=collects)
            reader.clause = created if reader.verb == "CREATE" else DEFINED.get(created, created)
            reader.want = want
        elif reader.want and word.upper() != "TABLE":
            reader.target(word)

    return take


CHANGES = frozenset(("INSERT", "MERGE", "REPLACE", "UPDATE", "UPSERT"))
FROM_CLAUSES = frozenset((clause.SELECT_LIST, clause.DELETE, clause.ASSIGNMENTS))
STAY = frozenset((*clause.SILENT, clause.COLUMNS))
# DROP TABLE a, b; what ALTER TABLE changes has no further table.
DEFINED = {clause.CREATE: clause.TABLES, clause.BODY: clause.OTHER}

# ruff: noqa: SIM905, lists of words are read in rows
NO_TARGET = """
    ABORT ATTACH BEGIN CHECKPOINT CLOSE CLUSTER COMMENT COMMIT COPY DEALLOCATE DECLARE DETACH
    DISCARD DO END FLUSH IMPORT KILL LISTEN LOAD LOCK NOTIFY OPEN OPTIMIZE PREPARE REFRESH REINDEX
    RELEASE RENAME REPAIR RESET ROLLBACK SAVEPOINT SHOW START UNLISTEN UNLOCK VACUUM
""".split()
ENDS = """
    EXCEPT FETCH FOR GROUP HAVING INTERSECT LIMIT MINUS OFFSET ORDER PREWHERE QUALIFY RETURNING
    UNION WHEN WHERE WINDOW
""".split()
SKIPPED = """
    CONCURRENTLY DELAYED EXISTS FAIL HIGH_PRIORITY IF IGNORE LATERAL LOW_PRIORITY NOT ONLY OR
    OVERWRITE QUICK RECURSIVE
""".split()

KEYWORDS: dict[str, Keyword] = {
    **dict.fromkeys(NO_TARGET, command(clause.OTHER)),
    **dict.fromkeys(ENDS, end),
    **dict.fromkeys(SKIPPED, skip),
    **dict.fromkeys(("ALTER", "CREATE", "DROP"), command(clause.DEFINITION)),
    **dict.fromkeys(
        ("CALL", "EXEC", "EXECUTE"), command(clause.OTHER, clause.NAME, collects=False)
    ),
    **dict.fromkeys(("ANALYZE", "DESC", "DESCRIBE", "EXPLAIN"), command(clause.EXPLAIN)),
    **dict.fromkeys(("DATABASE", "SCHEMA", "SEQUENCE"), kind(clause.OTHER, clause.NAME)),
    **dict.fromkeys(("DUMPFILE", "IMMEDIATE", "OUTFILE"), no_target),
    **dict.fromkeys(("FALSE", "TRUE"), boolean),
    **dict.fromkeys(("FUNCTION", "PROCEDURE", "TRIGGER"), kind(clause.BODY, clause.NAME)),
    **dict.fromkeys(("GRANT", "REVOKE"), command(clause.GRANT)),
    **dict.fromkeys(("INSERT", "MERGE", "REPLACE", "UPSERT"), command(clause.INSERT, clause.NAME)),
    **dict.fromkeys(("JOIN", "STRAIGHT_JOIN"), join),
    **dict.fromkeys(("PRAGMA", "USE"), command(clause.OTHER, clause.NAME, collects=False)),
    **dict.fromkeys(("ROLE", "USER"), kind(clause.OTHER, clause.NOTHING)),
    **dict.fromkeys(("TABLE", "VIEW"), kind(clause.CREATE, clause.NAME, collects=True)),
    "DELETE": command(clause.DELETE, clause.NAME),
    "FROM": from_,
    "INDEX": kind(clause.INDEX, clause.NAME),
    "INTO": into,
    "ON": on,
    "SELECT": select,
    "SET": assign,
    "TRUNCATE": command(clause.TABLES, clause.NAME),
    "UPDATE": command(clause.TABLES, clause.TEXT),
    "USING": using,
    "VALUES": values,
    "WITH": with_,
}
