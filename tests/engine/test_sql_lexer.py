"""The lexer takes any text apart without losing or rereading a character."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from otel_run.engine.sql import GENERIC, SQLITE, Dialect, describe
from otel_run.engine.sql.lexer import lexer_of
from otel_run.engine.sql.reader import Reader

NESTING = Dialect(name_quotes='"', loose_name_quotes="", nested_comments=True, dollar_quotes=True)
ESCAPING = Dialect(string_quotes="'\"", loose_name_quotes="", backslash_escapes=True)
DIALECTS = [GENERIC, SQLITE, NESTING, ESCAPING]
NAMES = ["generic", "sqlite", "nesting", "escaping"]

# Where a lexer might look for an end that does not come, again and again: at this size one that
# does meets the time limit of its test.
SIZE = 512 * 1024
ENDLESS = [
    "'",
    '"',
    "`",
    "[",
    "#",
    "# ",
    "/*",
    "/*/",
    "/*a*/",
    "\\'",
    "$a",
    "$a$a",
    '"a".',
    "a.[",
    "[a",
    "[a ",
    "//",
    "''",
    "q'",
]
HOSTILE = [
    *"'\"`[(#-/*$:%.?eE1a\\\n ,;=@&|",
    "/*",
    "*/",
    "/* a */",
    "/*/",
    "--",
    "- ",
    "''",
    "'a",
    "\\'",
    "a'",
    '""',
    'a."',
    "a.`",
    "a.[",
    "a.a",
    '"a".',
    "$a",
    "$$",
    "$a$",
    "$a$a",
    "$a $b$ ",
    "1e+",
    "1.",
    "%(",
    "%(a",
    "?1",
    "# ",
    "#/",
    "#>",
    "N'",
    "q'",
    "IN(",
    "IN(1,",
    "IN(1 , 2)",
    "FROM a,",
    "FROM(",
    "WITH a AS(",
    "SELECT ",
    "- 1",
]


@pytest.mark.parametrize("dialect", DIALECTS, ids=NAMES)
@pytest.mark.parametrize("piece", ENDLESS)
def test_lexing_time_grows_with_the_length_alone(piece: str, dialect: Dialect) -> None:
    text = piece * (SIZE // len(piece))

    assert len(lexer_of(dialect).tokens(text)) <= len(text) + 2


@pytest.mark.parametrize("dialect", DIALECTS, ids=NAMES)
@pytest.mark.parametrize("piece", HOSTILE)
def test_reading_writes_a_part_for_each_token_and_gap(piece: str, dialect: Dialect) -> None:
    lexer = lexer_of(dialect)
    tokens = lexer.tokens(piece * (8192 // len(piece)))
    reader = Reader(lexer, dialect)
    reader.read(tokens)

    assert len(reader.parts) <= 2 * len(tokens)


@pytest.mark.parametrize("dialect", DIALECTS, ids=NAMES)
def test_a_text_without_comments_is_the_sum_of_its_tokens(dialect: Dialect) -> None:
    text = "SELECT a.\"b\", 'c', 1.5e-3, $a$d$a$,\n x'00' FROM `e` WHERE f IN (?, :g) -1 'no end"

    tokens = lexer_of(dialect).tokens(text)

    assert "".join("".join((*token[:4], token[5])) for token in tokens) == text


@pytest.mark.parametrize("dialect", DIALECTS, ids=NAMES)
@given(st.text(st.sampled_from("aN1'\"`[]$.\\-/*#\n ?:%(),;eE\u0416")))
def test_no_character_is_lost_but_those_of_comments(dialect: Dialect, text: str) -> None:
    tokens = lexer_of(dialect).tokens(text)

    rest = iter(text)
    for token in tokens:
        for character in "".join((*token[:4], token[5])):
            assert character in rest, "tokens follow each other as in the text"
    if "-" not in text and "/" not in text and "#" not in text:
        assert "".join(rest) == ""


def test_deep_parentheses_are_no_recursion() -> None:
    sql = "SELECT " + "(" * 4000 + "1" + ")" * 4000

    assert describe(sql, parameterised=False).text == sql.replace("1", "?")
