"""One regular expression a dialect, which cuts any text into tokens in linear time.

Every alternative either matches at once, or fails at most once in a text: what has no end runs
to the end of the text. `tests/engine/test_sql_lexer.py` holds this.
"""

from __future__ import annotations

import re

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeAlias

    from otel_run.engine.sql.dialect import Dialect

    # gap, word, name, literal, a dollar quote's tag, placeholder or any other character
    Token: TypeAlias = tuple[str, str, str, str, str, str]

WORD = r"[^\W0-9][\w$]*"
NUMBER = r"\.?[0-9](?:[eE][+-](?=[0-9])|[\w.])*"
DOLLAR_QUOTED = r"\$(?P<tag>(?:[^\W0-9]\w*)?)\$(?s:.*?)(?:\$(?P=tag)\$|\Z)"
NEVER = "(?!)"
NO_TAG = f"{NEVER}(?P<tag>)"
COMMENT_DEPTH = 6
CLOSING = {"[": "]"}


class Lexer:
    """The compiled rules of one dialect."""

    __slots__ = ("list_of_values", "tokens")

    def __init__(self, dialect: Dialect) -> None:
        """Compile, which takes about 2 ms."""
        self.tokens = re.compile(token_pattern(dialect), re.DOTALL).findall
        value = "|".join(dialect.placeholders)
        self.list_of_values = re.compile(rf"(?: ?(?:{value}) ?(?:,|\Z)){{2,}}").fullmatch


LEXERS: dict[Dialect, Lexer] = {}


def lexer_of(dialect: Dialect) -> Lexer:
    """Compiled at first use: no program uses every dialect."""
    lexer = LEXERS.get(dialect)
    if lexer is None:
        lexer = LEXERS[dialect] = Lexer(dialect)
    return lexer


def token_pattern(dialect: Dialect) -> str:
    quotes = dialect.loose_name_quotes + dialect.name_quotes
    part = "|".join([WORD, *whole_names(dialect, quotes)])
    prefix = "|".join(dialect.string_prefixes)
    word = rf"(?!(?:{prefix})'){WORD}(?:\.(?:{part}))*"
    name = name_pattern(dialect, part)
    literal = "|".join(literal_patterns(dialect, prefix))
    comment = comment_pattern(dialect)
    # The frequent ones first: each alternative before them costs a look at every comma.
    other = "|".join(["[(),;=*<>]", "::", *dialect.placeholders, ".", r"\Z"])
    return rf"(\s*)(?:({word})|({name})|({literal})|(?:{comment}\s*)+|({other}))"


def name_pattern(dialect: Dialect, part: str) -> str:
    """Certainly names: a loosely quoted one is certain only when a dot and a name follow."""
    loose = "|".join(whole_names(dialect, dialect.loose_name_quotes)) or NEVER
    certain = "|".join(whole_names(dialect, dialect.name_quotes)) or NEVER
    return rf"(?:{loose})(?:\.(?:{part}))+|(?:{certain})(?:\.(?:{part}))*"


def whole_names(dialect: Dialect, quotes: str) -> list[str]:
    """Quoted names that have an end. Only what may be a string can hold an escape."""
    unsure = dialect.backslash_escapes is not False
    return [whole(q, unsure=unsure and q in dialect.loose_name_quotes) for q in quotes]


def whole(quote: str, *, unsure: bool) -> str:
    q = quote
    if q in CLOSING:
        return rf"\{q}[^\{CLOSING[q]}]*\{CLOSING[q]}"
    if unsure:
        return rf"{q}[^{q}\\]*(?:(?:{q}{q}|\\(?!{q}))[^{q}\\]*)*{q}(?!{q})"
    return rf"{q}[^{q}]*(?:{q}{q}[^{q}]*)*{q}(?!{q})"


def literal_patterns(dialect: Dialect, prefix: str) -> list[str]:
    escapes = dialect.backslash_escapes
    strings = [rf"(?:{prefix})?{quoted(quote, escapes)}" for quote in dialect.string_quotes]
    loose = [quoted(quote, escapes) for quote in dialect.loose_name_quotes]
    endless = [rf"\{quote}.*" for quote in dialect.name_quotes]
    dollars = DOLLAR_QUOTED if dialect.dollar_quotes else NO_TAG
    return [*dialect.doubts, *strings, NUMBER, *loose, *endless, dollars]


def quoted(quote: str, escapes: bool | None) -> str:  # noqa: FBT001, a rule of the dialect
    r"""Match to the closing quote or the end; with unknown escapes \' takes all that follows."""
    q = quote
    if escapes is False:
        return rf"{q}[^{q}]*(?:{q}{q}[^{q}]*)*(?:{q}|\Z)"
    if escapes:
        return rf"{q}[^{q}\\]*(?:(?:{q}{q}|\\.)[^{q}\\]*)*(?:{q}|\\?\Z)"
    return rf"{q}[^{q}\\]*(?:(?:{q}{q}|\\[^{q}])[^{q}\\]*)*(?:{q}|\\?\Z|\\{q}.*)"


def comment_pattern(dialect: Dialect) -> str:
    comments = "|".join([*dialect.line_comments, block_comment(dialect.nested_comments)])
    return f"(?:{comments})"


def block_comment(nested: bool | None) -> str:  # noqa: FBT001, a rule of the dialect
    """Match to the end of the comment; with unknown nesting, a second /* takes all that follows."""
    if nested is False:
        return r"/\*[^*]*(?:\*(?!/)[^*]*)*(?:\*/|\Z)"
    flat = r"[^*/]|\*(?!/)|/(?!\*)"
    if nested is None:
        return rf"/\*(?:{flat})*(?:\*/|\Z|/\*.*)"
    comment = rf"/\*(?:{flat})*\*/"
    for _ in range(COMMENT_DEPTH):
        comment = rf"/\*(?:{flat}|{comment})*\*/"
    return rf"{comment}|/\*.*"
