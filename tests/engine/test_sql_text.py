"""The text of a statement: what becomes of literals, names, comments and white space."""

from __future__ import annotations

import pytest

from otel_run.engine.sql import GENERIC, SQLITE, Dialect, describe

BOTH = (
    # strings
    ("SELECT 'a'", "SELECT ?"),
    ("SELECT ''", "SELECT ?"),
    ("SELECT 'it''s', 'b'", "SELECT ?, ?"),
    ("SELECT 'a' 'b'", "SELECT ? ?"),
    ("SELECT 'say \"hi\" -- /* not a comment'", "SELECT ?"),
    ("SELECT 'no end", "SELECT ?"),
    ("SELECT 'no end''", "SELECT ?"),
    ("SELECT '", "SELECT ?"),
    ("SELECT x'AB01', X'ab'", "SELECT ?, ?"),
    ("SELECT x'AB", "SELECT ?"),
    ("SELECT 'ключ', 'émoji 🙂'", "SELECT ?, ?"),
    # numbers
    ("SELECT 1, 1.5, .5, 5., 1e5, 1E-5, 1.5e+10", "SELECT ?, ?, ?, ?, ?, ?, ?"),
    ("SELECT 0xAB, 1_000, 10L", "SELECT ?, ?, ?"),
    ("SELECT -1, +1, - 1", "SELECT ?, ?, - ?"),
    ("WHERE a = -1 AND b<-2 OR c IN (-3)", "WHERE a = ? AND b<? OR c IN (?)"),
    ("SELECT a-1, a - 1, (b)-1, 2-1", "SELECT a-?, a - ?, (b)-?, ?-?"),
    ("SELECT t1, col_2, a1.b2 FROM t3", "SELECT t1, col_2, a1.b2 FROM t3"),
    ("LIMIT 10 OFFSET 20", "LIMIT ? OFFSET ?"),
    ("a:1", "a:?"),
    # booleans, NULL, dates
    ("SELECT TRUE, false, NULL, null", "SELECT ?, ?, NULL, null"),
    ("SELECT t.true, truest", "SELECT t.true, truest"),
    ("SELECT DATE '2024-01-02', TIME '10:00'", "SELECT DATE ?, TIME ?"),
    ("SELECT TIMESTAMP'2024-01-02'", "SELECT TIMESTAMP?"),
    ("SELECT INTERVAL '1 day', INTERVAL 1 DAY", "SELECT INTERVAL ?, INTERVAL ? DAY"),
    ("SELECT 'a'::text, b::int", "SELECT ?::text, b::int"),
    # placeholders
    ("a = ? AND b = ?1 AND c = :name", "a = ? AND b = ?1 AND c = :name"),
    ("a = @name AND b = $1 AND c = $name", "a = @name AND b = $1 AND c = $name"),
    ("a = %s AND b = %(name)s", "a = %s AND b = %(name)s"),
    ("a = %(4)s AND b = ?123456789", "a = %(?)s AND b = ??"),
    # lists
    ("a IN (1, 2, 3)", "a IN (?)"),
    ("a in (?, ?)", "a in (?)"),
    ("a IN (\n  'x',\n  'y'\n)", "a IN (?)"),
    ("a IN (:a, %(b)s, $1, -1, TRUE)", "a IN (?)"),
    ("a IN (/* one */ 1, -- two\n 2)", "a IN (?)"),
    ("a IN (:a)", "a IN (:a)"),
    ("a IN ()", "a IN ()"),
    ("a IN (1, NULL)", "a IN (?, NULL)"),
    ("a IN (1, b)", "a IN (?, b)"),
    ("a IN ((1, 2), (3, 4))", "a IN ((?, ?), (?, ?))"),
    ("f(1, 2)", "f(?, ?)"),
    # comments and white space
    ("SELECT 1 -- it's\nFROM t", "SELECT ? FROM t"),
    ("SELECT /* it's */ 1/**/FROM t", "SELECT ? FROM t"),
    ("SELECT 1 /* no end 'a'", "SELECT ?"),
    ("SELECT 1 -- no end 'a'", "SELECT ?"),
    ("  SELECT\n\t1\r\n ,  2  ", "SELECT ? , ?"),
    ("a -- b\n /* c */ -- d\n e", "a e"),
    ("", ""),
    (" ", ""),
    ("/* ping */", ""),
    # names in quotes
    ('SELECT "t"."a b", "t".c, d."e" FROM f', 'SELECT "t"."a b", "t".c, d."e" FROM f'),
    ('SELECT a AS "b c" FROM "d e" AS "f"', 'SELECT a AS "b c" FROM "d e" AS "f"'),
    ('INSERT INTO "t" ("a", "b") VALUES (?, 1)', 'INSERT INTO "t" ("a", "b") VALUES (?, ?)'),
    ('UPDATE "t" SET "a" = 1, "b" = "c"', 'UPDATE "t" SET "a" = ?, "b" = ?'),
    (
        'CREATE TABLE "t" ("a" TEXT DEFAULT "x", "b" INT CHECK ("b" > 1))',
        'CREATE TABLE "t" ("a" TEXT DEFAULT ?, "b" INT CHECK (? > ?))',
    ),
    ('WITH "x" ("a") AS (SELECT 1) SELECT 2', 'WITH "x" ("a") AS (SELECT ?) SELECT ?'),
    ("SELECT `a 1`.`b` FROM `c``d`", "SELECT `a 1`.`b` FROM `c``d`"),
    # ... which may be strings
    ('SELECT "a", f("b"), "c" || "d"', "SELECT ?, f(?), ? || ?"),
    ('WHERE a = "b" AND "c" LIKE "d%"', "WHERE a = ? AND ? LIKE ?"),
    ('INSERT INTO t VALUES ("a", "b")', "INSERT INTO t VALUES (?, ?)"),
    ('a IN ("b", "c")', "a IN (?)"),
    ('SELECT a FROM "no end', "SELECT a FROM ?"),
    ("SELECT a FROM `no end", "SELECT a FROM ?"),
    ('PRAGMA key("a")', "PRAGMA key(?)"),
    # strings where FROM and INTO name no table
    ("extract(year FROM '2020-01-01')", "extract(year FROM ?)"),
    ("SELECT trim(both 'x' FROM 'a') FROM t", "SELECT trim(both ? FROM ?) FROM t"),
    ("SELECT a IS DISTINCT FROM 'b' FROM t", "SELECT a IS DISTINCT FROM ? FROM t"),
    ("SELECT a FROM t WHERE b IS DISTINCT FROM 'c'", "SELECT a FROM t WHERE b IS DISTINCT FROM ?"),
    ("SELECT a FROM t ORDER BY b, 'c'", "SELECT a FROM t ORDER BY b, ?"),
    ("SELECT a FROM (VALUES ('b'), ('c')) AS t", "SELECT a FROM (VALUES (?), (?)) AS t"),
    ("SELECT a FROM f('b', 'c'), d", "SELECT a FROM f(?, ?), d"),
    ("SELECT a INTO OUTFILE '/b' FROM t", "SELECT a INTO OUTFILE ? FROM t"),
    ("COPY t FROM '/a'", "COPY t FROM ?"),
    ("PREPARE a FROM 'b'", "PREPARE a FROM ?"),
    ("EXECUTE IMMEDIATE \"a 'b'\"", "EXECUTE IMMEDIATE ?"),
    ("VACUUM INTO '/a'", "VACUUM INTO ?"),
    ("ATTACH '/a' AS b", "ATTACH ? AS b"),
    # what is no SQL
    ("\x00\x01 \ud800", "\x00\x01 \ud800"),
    (";;; ) ) (", ";;; ) ) ("),
)

ONLY_GENERIC = (
    ("SELECT N'a', E'b', U&'c', B'01'", "SELECT ?, ?, ?, ?"),
    ("SELECT $$it's$$, $a$b $$ c$a$ FROM t", "SELECT ?, ? FROM t"),
    ("SELECT $a$no end", "SELECT ?"),
    # Where databases disagree, the rest is taken for one literal.
    ("SELECT 'it\\'s', b FROM t", "SELECT ?"),
    ("SELECT 'c:\\\\', b FROM t", "SELECT ?, b FROM t"),
    ('SELECT "it\\"s", b FROM t', "SELECT ?"),
    ("SELECT q'[it's]', b FROM t", "SELECT ?"),
    ("SELECT 1 /* a /* b */ c */, 2", "SELECT ?"),
    ("SELECT 1 # two 2\n, 3", "SELECT ? , ?"),
    ("SELECT 1 # it's\n, 3", "SELECT ?"),
    ("SELECT a #> b, c #- d", "SELECT a #> b, c #- d"),
    ("SELECT a[1], ARRAY[2, 'b']", "SELECT a[?], ARRAY[?, ?]"),
)

ONLY_SQLITE = (
    ("SELECT 'c:\\', b FROM t", "SELECT ?, b FROM t"),
    ("SELECT [a 1], [b].[c] FROM [d e]", "SELECT [a 1], [b].[c] FROM [d e]"),
    ("SELECT [no end", "SELECT ?"),
    ("SELECT 1 /* a /* b */, 2", "SELECT ? , ?"),
    ("SELECT a # b, 'c'", "SELECT a # b, ?"),
)

MYSQL = Dialect(
    string_quotes="'\"",
    string_prefixes=("[BbNnXx]",),
    name_quotes="`",
    loose_name_quotes="",
    backslash_escapes=True,
    line_comments=(r"--(?=\s)[^\n]*", r"#[^\n]*"),
)

POSTGRESQL = Dialect(name_quotes='"', loose_name_quotes="", nested_comments=True)

OTHER_RULES = (
    (MYSQL, "SELECT 'it\\'s', \"b\\\"c\" # it's\nFROM `t`", "SELECT ?, ? FROM `t`"),
    (MYSQL, "SELECT 5--3, 'no end\\", "SELECT ?-?, ?"),
    (POSTGRESQL, 'SELECT "a" /* b /* c */ \'d */ FROM "t"', 'SELECT "a" FROM "t"'),
    (POSTGRESQL, "SELECT a /* b /* c */ no end", "SELECT a"),
)


@pytest.mark.parametrize("dialect", [GENERIC, SQLITE], ids=["generic", "sqlite"])
@pytest.mark.parametrize(("sql", "text"), BOTH)
def test_text_has_no_literals(sql: str, text: str, dialect: Dialect) -> None:
    assert describe(sql, parameterised=False, dialect=dialect).text == text


@pytest.mark.parametrize(("sql", "text"), ONLY_GENERIC)
def test_generic_text_has_no_literals(sql: str, text: str) -> None:
    assert describe(sql, parameterised=False).text == text


@pytest.mark.parametrize(("sql", "text"), ONLY_SQLITE)
def test_sqlite_text_has_no_literals(sql: str, text: str) -> None:
    assert describe(sql, parameterised=False, dialect=SQLITE).text == text


@pytest.mark.parametrize(("dialect", "sql", "text"), OTHER_RULES)
def test_a_dialect_is_only_data(dialect: Dialect, sql: str, text: str) -> None:
    assert describe(sql, parameterised=False, dialect=dialect).text == text


@pytest.mark.parametrize("dialect", [GENERIC, SQLITE], ids=["generic", "sqlite"])
def test_parameterised_text_stays_as_it_is(dialect: Dialect) -> None:
    sql = "  SELECT 'a',  1 -- b\n FROM t WHERE c IN (?, ?) "

    assert describe(sql, parameterised=True, dialect=dialect).text == sql


def test_text_is_cut_to_8_kib_first() -> None:
    sql = "SELECT " + "a, " * 2728 + "'secret'"

    assert describe(sql, parameterised=True).text == sql[:8192]
    assert describe(sql, parameterised=False).text == sql[: sql.index("'")] + "?"
