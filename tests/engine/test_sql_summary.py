"""The summary, operation and collection of a statement."""

from __future__ import annotations

import pytest

from otel_run.engine.sql import GENERIC, SQLITE, Dialect, Statement, describe

# What stands in the semantic conventions, "Generating a summary of the query".
SPECIFICATION = (
    (
        "SELECT *\nFROM wuser_table\nWHERE username = ?",
        Statement(
            "SELECT * FROM wuser_table WHERE username = ?",
            "SELECT wuser_table",
            "SELECT",
            "wuser_table",
        ),
    ),
    (
        (
            "INSERT INTO shipping_details\n (order_id,\n address)\n"
            "SELECT order_id,\n address\nFROM orders\nWHERE order_id = ?"
        ),
        Statement(
            "INSERT INTO shipping_details (order_id, address) "
            "SELECT order_id, address FROM orders WHERE order_id = ?",
            "INSERT shipping_details SELECT orders",
            "",
            "",
        ),
    ),
    (
        "SELECT *\nFROM songs,\n artists\nWHERE songs.artist_id == artists.id",
        Statement(
            "SELECT * FROM songs, artists WHERE songs.artist_id == artists.id",
            "SELECT songs artists",
            "",
            "",
        ),
    ),
    (
        (
            "SELECT order_date\nFROM (SELECT *\n FROM orders o\n JOIN customers c\n"
            " ON o.customer_id = c.customer_id)"
        ),
        Statement(
            "SELECT order_date FROM (SELECT * FROM orders o JOIN customers c"
            " ON o.customer_id = c.customer_id)",
            "SELECT SELECT orders customers",
            "",
            "",
        ),
    ),
    (
        "SELECT *\nFROM \"song list\",\n 'artists'",
        Statement(
            "SELECT * FROM \"song list\", 'artists'", "SELECT \"song list\" 'artists'", "", ""
        ),
    ),
    (
        "{call some_stored_procedure}",
        Statement("{call some_stored_procedure}", "call some_stored_procedure", "call", ""),
    ),
    (
        "EXECUTE some_stored_procedure",
        Statement("EXECUTE some_stored_procedure", "EXECUTE some_stored_procedure", "EXECUTE", ""),
    ),
)

ONE = (
    # SQL, summary, operation, collection
    ("SELECT 1", "SELECT", "SELECT", ""),
    ("select a from T", "select T", "select", "T"),
    ('SELECT a FROM b.c."d e" x', 'SELECT b.c."d e"', "SELECT", 'b.c."d e"'),
    ("SELECT a FROM `b` WHERE 'c' = d", "SELECT `b`", "SELECT", "`b`"),
    ("SELECT a FROM ONLY b", "SELECT b", "SELECT", "b"),
    ("SELECT a FROM f(1, 'b')", "SELECT f", "SELECT", "f"),
    ("SELECT extract(year FROM a) FROM b", "SELECT b", "SELECT", "b"),
    ("SELECT a FROM b FOR UPDATE", "SELECT b", "SELECT", "b"),
    ("SELECT a FROM user GROUP BY c, d ORDER BY e, f LIMIT 1, 2", "SELECT user", "SELECT", "user"),
    ("SELECT replace(a, 'b', 'c'), t.select FROM d", "SELECT d", "SELECT", "d"),
    ("INSERT INTO a VALUES (1)", "INSERT a", "INSERT", "a"),
    ("INSERT OR REPLACE INTO a (b) VALUES (1)", "INSERT a", "INSERT", "a"),
    ("INSERT INTO a DEFAULT VALUES", "INSERT a", "INSERT", "a"),
    (
        "INSERT INTO a (b) VALUES (1) ON CONFLICT (b) DO UPDATE SET b = 2",
        "INSERT a",
        "INSERT",
        "a",
    ),
    ("REPLACE INTO a VALUES (1)", "REPLACE a", "REPLACE", "a"),
    ("UPDATE a SET b = 1 WHERE c = 2", "UPDATE a", "UPDATE", "a"),
    ("UPDATE OR IGNORE a SET b = 1", "UPDATE a", "UPDATE", "a"),
    ("Delete From a Where b = 1", "Delete a", "Delete", "a"),
    ("TRUNCATE TABLE a", "TRUNCATE a", "TRUNCATE", "a"),
    ("CREATE TABLE IF NOT EXISTS a (b INT)", "CREATE TABLE a", "CREATE TABLE", "a"),
    ("CREATE TEMP TABLE a (b REFERENCES c(d))", "CREATE TABLE a", "CREATE TABLE", "a"),
    ("create or replace view a (b) as values (1)", "create view a", "create view", "a"),
    ("DROP TABLE IF EXISTS a.b", "DROP TABLE a.b", "DROP TABLE", "a.b"),
    ("ALTER TABLE a ADD COLUMN b INT DEFAULT 1", "ALTER TABLE a", "ALTER TABLE", "a"),
    ("DROP INDEX a", "DROP INDEX a", "DROP INDEX", ""),
    ("CREATE USER a IDENTIFIED BY 'b'", "CREATE USER", "CREATE USER", ""),
    ("PRAGMA foo", "PRAGMA foo", "PRAGMA", ""),
    ("PRAGMA table_info(a)", "PRAGMA table_info", "PRAGMA", ""),
    ("PRAGMA key = 'a'", "PRAGMA key", "PRAGMA", ""),
    ("BEGIN", "BEGIN", "BEGIN", ""),
    ("COMMIT;", "COMMIT", "COMMIT", ""),
    ("ROLLBACK TO SAVEPOINT a", "ROLLBACK", "ROLLBACK", ""),
    ("SAVEPOINT sa_1", "SAVEPOINT", "SAVEPOINT", ""),
    ("SET a = 'b'", "SET", "SET", ""),
    ("SHOW TABLES FROM 'a'", "SHOW", "SHOW", ""),
    ("GRANT SELECT ON a TO b", "GRANT", "GRANT", ""),
    ("VALUES (1), (2)", "VALUES", "VALUES", ""),
    ("EXPLAIN", "EXPLAIN", "EXPLAIN", ""),
    (
        "CREATE TRIGGER a AFTER INSERT ON b BEGIN UPDATE c SET d = 1; DELETE FROM e; END",
        "CREATE TRIGGER a",
        "CREATE TRIGGER",
        "",
    ),
    ("", "", "", ""),
    (" ", "", "", ""),
    ("/* ping */", "", "", ""),
    ("-- SELECT a FROM b", "", "", ""),
    ("please select nothing", "select", "select", ""),
    ("secret words", "", "", ""),
    ("'SELECT a FROM b'", "", "", ""),
)

SEVERAL = (
    ("SELECT a FROM b JOIN c ON b.d = c.d LEFT OUTER JOIN e.f USING (g)", "SELECT b c e.f"),
    ("SELECT a FROM b x JOIN b y ON x.c = y.c, d", "SELECT b b d"),
    ("SELECT a FROM b AS x, c y, (SELECT 1 FROM d) z, e", "SELECT b c SELECT d e"),
    ("SELECT a FROM (b JOIN c ON 1 = 1)", "SELECT b c"),
    ("SELECT a FROM b WHERE c IN (SELECT d FROM e) AND f", "SELECT b SELECT e"),
    ("SELECT a FROM b UNION ALL SELECT c FROM d ORDER BY 1", "SELECT b SELECT d"),
    ("(SELECT a FROM b) EXCEPT (SELECT c FROM d)", "SELECT b SELECT d"),
    ("SELECT a, (SELECT max(b) FROM c) FROM d", "SELECT SELECT c d"),
    ("SELECT a FROM b CROSS JOIN LATERAL (SELECT c FROM d) e", "SELECT b SELECT d"),
    ("SELECT a INTO b FROM c", "SELECT b c"),
    ("UPDATE a SET b = c.b FROM c WHERE a.d = c.d", "UPDATE a c"),
    ("UPDATE a JOIN b ON a.c = b.c SET a.d = 1, b.d = 2", "UPDATE a b"),
    ("UPDATE a SET b = (SELECT c FROM d), e = 1", "UPDATE a SELECT d"),
    ("DELETE FROM a USING b WHERE a.c = b.c", "DELETE a b"),
    ("DELETE FROM a WHERE b NOT IN (SELECT c FROM d)", "DELETE a SELECT d"),
    (
        (
            "MERGE INTO a USING b ON a.c = b.c WHEN MATCHED THEN UPDATE SET d = 1 "
            "WHEN NOT MATCHED THEN INSERT (c) VALUES (1)"
        ),
        "MERGE a b",
    ),
    ("CREATE VIEW a AS SELECT b FROM c", "CREATE VIEW a SELECT c"),
    ("CREATE TABLE a AS SELECT b FROM c", "CREATE TABLE a SELECT c"),
    ("CREATE UNIQUE INDEX a ON b (c, d)", "CREATE INDEX a b"),
    ("DROP TABLE a, b CASCADE", "DROP TABLE a b"),
    ("EXPLAIN QUERY PLAN SELECT a FROM b", "EXPLAIN SELECT b"),
    ("EXPLAIN ANALYZE DELETE FROM b", "EXPLAIN ANALYZE DELETE b"),
    ("INSERT INTO a SELECT b FROM c; DELETE FROM d; COMMIT", "INSERT a SELECT c DELETE d COMMIT"),
    ("WITH a AS (SELECT 1 FROM b) SELECT * FROM a JOIN c", "SELECT b SELECT c"),
    (
        (
            'WITH RECURSIVE a(n) AS (SELECT 1 UNION SELECT n FROM A), "b" AS (SELECT * FROM c) '
            'DELETE FROM d WHERE e IN (SELECT f FROM "b")'
        ),
        "SELECT SELECT SELECT c DELETE d SELECT",
    ),
    ("INSERT INTO a WITH b AS (SELECT 1) SELECT * FROM b, c", "INSERT a SELECT SELECT c"),
    ("WITH a AS (DELETE FROM b RETURNING *) SELECT * FROM a", "DELETE b SELECT"),
)


@pytest.mark.parametrize("dialect", [GENERIC, SQLITE], ids=["generic", "sqlite"])
@pytest.mark.parametrize(("sql", "statement"), SPECIFICATION)
def test_examples_of_the_specification(sql: str, statement: Statement, dialect: Dialect) -> None:
    assert describe(sql, parameterised=False, dialect=dialect) == statement


@pytest.mark.parametrize("parameterised", [False, True])
@pytest.mark.parametrize("dialect", [GENERIC, SQLITE], ids=["generic", "sqlite"])
@pytest.mark.parametrize(("sql", "summary", "operation", "collection"), ONE)
def test_one_operation_on_one_target(
    sql: str,
    summary: str,
    operation: str,
    collection: str,
    dialect: Dialect,
    *,
    parameterised: bool,
) -> None:
    told = describe(sql, parameterised=parameterised, dialect=dialect)

    assert told == Statement(told.text, summary, operation, collection)


@pytest.mark.parametrize("parameterised", [False, True])
@pytest.mark.parametrize("dialect", [GENERIC, SQLITE], ids=["generic", "sqlite"])
@pytest.mark.parametrize(("sql", "summary"), SEVERAL)
def test_several_operations_or_targets_have_only_a_summary(
    sql: str, summary: str, dialect: Dialect, *, parameterised: bool
) -> None:
    told = describe(sql, parameterised=parameterised, dialect=dialect)

    assert told == Statement(told.text, summary, "", "")


def test_summary_ends_with_the_last_whole_target_within_255_characters() -> None:
    tables = [f"table_{number:04}" for number in range(40)]

    told = describe(", ".join(["SELECT * FROM first", *tables]), parameterised=True)

    assert told.summary == "SELECT first " + " ".join(tables[:22])
    assert len(told.summary) + len(" " + tables[22]) > 255


def test_summary_of_one_endless_name_is_its_operation() -> None:
    assert describe("SELECT 1 FROM " + "a" * 300, parameterised=True).summary == "SELECT"
