"""Whatever a statement looks like: no literal of it gets out, and nothing is raised."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from otel_run.engine.sql import GENERIC, SQLITE, Dialect, describe

# Stand in literals and nowhere else.
LETTER = "\u0416"
DIGIT = "7"

both_dialects = pytest.mark.parametrize("dialect", [GENERIC, SQLITE], ids=["generic", "sqlite"])

STRINGS = (
    "'ЖЖ'",
    "'Ж''Ж'",
    "'''Ж'''",
    "'Ж -- Ж'",
    "'/* Ж'",
    "'Ж \"Ж\" Ж */'",
    "'\nЖ\n'",
    "'$$Ж'",
    "'Ж;Ж'",
    "'Ж) FROM Ж'",
    "x'77'",
    "X'7A7'",
)
NUMBERS = ("77", "7.7", ".77", "7e7", "7E-7", "7_7", "0x7A7", "-7", "+7", "- 7", "7.7e+77", "7L")
TEMPORAL = ("DATE '77-7-7'", "TIME'7:7'", "TIMESTAMP '7Ж'", "INTERVAL '7 Ж'", "INTERVAL 7 DAY")
DOUBLE_QUOTED = ('"Ж"', '"Ж""Ж"', '"Ж\'Ж"', '"Ж -- Ж"', '"Ж.Ж"', '"Ж"".Ж"')
GENERIC_FORMS = (
    "N'Ж'",
    "E'Ж\\'Ж'",
    "'Ж\\'Ж'",
    "'Ж\\\\'",
    "U&'Ж'",
    "B'7'",
    "q'[Ж'Ж]'",
    "nq'(Ж'Ж)'",
    "$$Ж'Ж$$",
    "$a$Ж$$Ж$b$Ж$a$",
    '"Ж\\"Ж"',
)
LITERALS = {
    GENERIC: STRINGS + NUMBERS + TEMPORAL + DOUBLE_QUOTED + GENERIC_FORMS,
    SQLITE: STRINGS + NUMBERS + TEMPORAL + DOUBLE_QUOTED,
}
NO_END = ("'Ж", "'Ж''", "'Ж''Ж", "x'77", '"Ж', '"Ж""', "'", "'Ж\n-- Ж", "`Ж 7", "a.\"Ж 'Ж")

TEMPLATES = (
    "SELECT {0}",
    "SELECT {0} AS a, {1} b FROM t",
    "SELECT a FROM t WHERE b = {0} AND {1} <> c OR d LIKE {2}",
    "SELECT a FROM t WHERE b={0}",
    "SELECT a FROM t WHERE b BETWEEN {0} AND {1}",
    "SELECT a FROM t WHERE b IN ({0}, {1}, {2})",
    "SELECT a FROM t WHERE b IN ({0},{1})",
    "SELECT a FROM t WHERE (b, c) IN (({0}, {1}), ({2}, ?))",
    "SELECT a FROM t WHERE b IS NOT DISTINCT FROM {0}",
    "SELECT a FROM t JOIN u ON t.b = {0} AND f({1}, {2}) WHERE c",
    "SELECT a FROM t ORDER BY b, {0} LIMIT {1} OFFSET {2}",
    "SELECT a FROM t GROUP BY b HAVING c > {0}, {1}",
    "SELECT a FROM f({0}, {1}) x, u",
    "SELECT a FROM (VALUES ({0}, {1}), ({2}, ?)) v",
    "SELECT a FROM (SELECT {0} FROM t WHERE b = {1}) u WHERE c = {2}",
    "SELECT extract(year FROM {0}), substring({1} FROM {2})",
    "SELECT trim(both {0} FROM {1}) FROM t",
    "SELECT overlay(a PLACING {0} FROM {1} FOR {2})",
    "SELECT CASE a WHEN {0} THEN {1} ELSE {2} END FROM t",
    "SELECT a || {0} || {1}, CAST({2} AS text)",
    "SELECT a INTO OUTFILE {0} FROM t",
    "WITH x AS (SELECT {0}) SELECT {1} FROM x WHERE a = {2}",
    "INSERT INTO t VALUES ({0}, {1}), ({2}, NULL)",
    "INSERT INTO t (a, b) VALUES ({0}, {1}) ON CONFLICT DO UPDATE SET a = {2}",
    "INSERT INTO t SELECT {0}, {1} FROM u WHERE a = {2}",
    "INSERT INTO t SET a = {0}, b = {1}",
    "REPLACE INTO t VALUES ({0})",
    "UPDATE t SET a = {0}, b = f({1}) WHERE c = {2}",
    "UPDATE t SET a = b IS DISTINCT FROM {0}",
    "DELETE FROM t WHERE extract(year FROM {0}) = {1}",
    "MERGE INTO t USING u ON t.a = {0} WHEN MATCHED THEN UPDATE SET b = {1}",
    "CREATE TABLE t (a TEXT DEFAULT {0}, b INT CHECK (b > {1}))",
    "CREATE INDEX i ON t (a) WHERE b = {0}",
    "CREATE VIEW v AS SELECT {0} FROM t",
    "CREATE USER u IDENTIFIED BY {0}",
    "ALTER TABLE t ALTER a SET DEFAULT {0}",
    "PRAGMA key = {0}",
    "PRAGMA key({0})",
    "CALL p({0}, {1})",
    "{{call p({0}, {1})}}",
    "EXECUTE IMMEDIATE {0}",
    "VALUES ({0}, {1})",
    "SET a = {0}",
    "COPY t FROM {0}",
    "PREPARE p FROM {0}",
    "VACUUM INTO {0}",
    "ATTACH {0} AS b",
    "COMMENT ON TABLE t IS {0}",
    "EXPLAIN SELECT a FROM t WHERE b = {0}",
    "LOAD DATA INFILE {0} INTO TABLE t",
    "SHOW TABLES FROM t LIKE {0}",
    "GRANT SELECT ON t TO {0}",
    "{0}",
    "nonsense {0} {1}",
)

COMMENTS = (" ", "\n", "\t ", " /* it's \" ` */ ", " -- it's\n", "/**/ ", "\r\n")


def leaks(sql: str, dialect: Dialect) -> bool:
    told = repr(describe(sql, parameterised=False, dialect=dialect).fields())
    return LETTER in told or DIGIT in told


def cased(text: str, upper: int) -> str:
    return text.upper() if upper == 2 else text.lower() if upper == 1 else text


@st.composite
def statements(draw: st.DrawFn, dialect: Dialect) -> str:
    """One to three statements full of literals, with gaps and letter cases of all kinds."""
    whole = []
    for _ in range(draw(st.integers(1, 3))):
        template = cased(draw(st.sampled_from(TEMPLATES)), draw(st.integers(0, 2)))
        gap = draw(st.sampled_from(COMMENTS))
        literals = [draw(st.sampled_from(LITERALS[dialect])) for _ in range(3)]
        whole.append(template.replace(" ", gap).format(*literals))
    return "; ".join(whole)


@both_dialects
@given(st.data())
def test_no_literal_of_a_statement_gets_out(dialect: Dialect, data: st.DataObject) -> None:
    sql = data.draw(statements(dialect))

    assert not leaks(sql, dialect)


@both_dialects
@given(st.data())
def test_no_literal_of_a_statement_that_was_cut_gets_out(
    dialect: Dialect, data: st.DataObject
) -> None:
    sql = data.draw(statements(dialect))
    kept = data.draw(st.integers(0, len(sql)))

    assert not leaks(sql[:kept], dialect)
    assert not leaks(" " * (8192 - kept) + sql, dialect)


@both_dialects
@pytest.mark.parametrize("template", TEMPLATES)
def test_no_literal_without_an_end_gets_out(template: str, dialect: Dialect) -> None:
    for literal in NO_END:
        assert not leaks(template.format(literal, "b", "c"), dialect), literal


@both_dialects
@pytest.mark.parametrize("template", TEMPLATES)
def test_no_literal_gets_out_of_any_place(template: str, dialect: Dialect) -> None:
    for literal in LITERALS[dialect]:
        assert not leaks(template.format(literal, literal, literal), dialect), literal


# What ends elsewhere, or begins, in one database than in all others.
STRANGE = (
    "SELECT '''it's Ж'''",
    'SELECT """say "Ж" again"""',
    "SELECT a // it's no operator\nFROM t WHERE b = 'Ж'",
    "SELECT [it's], [5\" pipe] FROM t WHERE a = 'Ж' OR b = '\"Ж'",
    "UPDATE t SET price = $77.7",
)


@pytest.mark.parametrize("sql", STRANGE)
def test_no_literal_of_one_database_s_own_rules_gets_out(sql: str) -> None:
    assert not leaks(sql, GENERIC)


def test_brackets_that_hold_values_are_no_names() -> None:
    sql = "SELECT ARRAY['a', 'b'], c['key'], d[1] FROM t"

    told = describe(sql, parameterised=False)
    assert told.text == "SELECT ARRAY[?, ?], c[?], d[?] FROM t"


WORDS = [
    "SELECT",
    "FROM",
    "WHERE",
    "JOIN",
    "ON",
    "USING",
    "INTO",
    "INSERT",
    "UPDATE",
    "DELETE",
    "MERGE",
    "SET",
    "VALUES",
    "WITH",
    "RECURSIVE",
    "AS",
    "IN",
    "DISTINCT",
    "CREATE",
    "DROP",
    "ALTER",
    "TABLE",
    "VIEW",
    "INDEX",
    "TRIGGER",
    "IF",
    "NOT",
    "EXISTS",
    "PRAGMA",
    "CALL",
    "EXPLAIN",
    "OR",
    "REPLACE",
    "TRUE",
    "NULL",
    "UNION",
    "a",
    "b.c",
    "t1",
    "(",
    ")",
    ",",
    ";",
    ".",
    "-",
    "+",
    "=",
    "*",
    "?",
    "?1",
    ":n",
    "%s",
    "%(n)s",
    "$1",
    "@v",
    "::",
    "1",
    ".5",
    "-1",
    "'x'",
    "''",
    '"y"',
    '"y".z',
    "`w`",
    "[v]",
    "x'00'",
    "N'n'",
    "$$d$$",
    "$t$d$t$",
    "$",
    "#",
    ":",
    "@",
    "%",
    "[",
    "]",
    "{",
    "}",
    "\\",
    "/",
    "/*c*/",
    "--c\n",
    "/*",
    "'",
    '"',
    "`",
    "\n",
]
soup = st.lists(st.tuples(st.sampled_from(WORDS), st.sampled_from(["", " ", "  "])), max_size=40)


@both_dialects
@given(st.one_of(st.text(), soup.map(lambda words: "".join(map("".join, words)))), st.booleans())
@example("\ud800'\udfff", False)  # noqa: FBT003, an example's arguments have no names
def test_any_text_is_described(dialect: Dialect, sql: str, parameterised: bool) -> None:  # noqa: FBT001
    told = describe(sql, parameterised=parameterised, dialect=dialect)

    assert len(told.text) <= len(sql)
    assert len(told.summary) <= 255
    assert told.text == sql or not parameterised


@both_dialects
@given(soup.map(lambda words: "".join(map("".join, words))))
def test_describing_a_described_text_changes_nothing(dialect: Dialect, sql: str) -> None:
    once = describe(sql, parameterised=False, dialect=dialect)

    assert describe(once.text, parameterised=False, dialect=dialect) == once


@both_dialects
@given(st.data())
def test_describing_a_described_statement_changes_nothing(
    dialect: Dialect, data: st.DataObject
) -> None:
    once = describe(data.draw(statements(dialect)), parameterised=False, dialect=dialect)

    assert describe(once.text, parameterised=False, dialect=dialect) == once


@both_dialects
@given(
    st.lists(
        st.sampled_from(["?", "?1", ":name", "@name", "$1", "$n", "%s", "%(name)s", "@@sys"]),
        min_size=3,
    )
)
def test_placeholders_survive(dialect: Dialect, placeholders: list[str]) -> None:
    sql = f"SELECT {', '.join(placeholders)} FROM t WHERE a = {placeholders[0]}"  # noqa: S608

    assert describe(sql, parameterised=False, dialect=dialect).text == sql
