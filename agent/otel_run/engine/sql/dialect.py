"""What a database's lexical rules are, as data. A new dialect is one more constant here.

Where databases disagree about where a string or a comment ends, a wrong guess would turn the
inside of literals out. A rule that is not known is therefore `None` or a doubt, and the lexer
takes all that follows such a place for one literal.
"""

from __future__ import annotations

PLACEHOLDERS = (
    r"\?(?:[0-9]{1,6}(?![0-9]))?",
    r"\$[0-9]{1,6}(?![0-9]|\.[0-9])",
    r"[:$][^\W0-9]\w*",
    r"@@?[^\W0-9]\w*",
    r"%s\b",
    r"%\([^\W0-9]\w*\)s",
)


class Dialect:
    """Lexical rules. Prefixes, comments, placeholders and doubts are regular expressions."""

    __slots__ = (
        "backslash_escapes",
        "dollar_quotes",
        "doubts",
        "line_comments",
        "loose_name_quotes",
        "name_quotes",
        "nested_comments",
        "placeholders",
        "string_prefixes",
        "string_quotes",
    )

    def __init__(
        self,
        *,
        string_quotes: str = "'",
        string_prefixes: tuple[str, ...] = (),
        name_quotes: str = "",
        loose_name_quotes: str = '"',
        backslash_escapes: bool | None = False,
        line_comments: tuple[str, ...] = (r"--[^\n]*",),
        nested_comments: bool | None = False,
        dollar_quotes: bool = False,
        placeholders: tuple[str, ...] = PLACEHOLDERS,
        doubts: tuple[str, ...] = (),
    ) -> None:
        """Name the quotes that hold names; the loose ones hold a string in some places."""
        self.string_quotes = string_quotes
        self.string_prefixes = string_prefixes
        self.name_quotes = name_quotes
        self.loose_name_quotes = loose_name_quotes
        self.backslash_escapes = backslash_escapes
        self.line_comments = line_comments
        self.nested_comments = nested_comments
        self.dollar_quotes = dollar_quotes
        self.placeholders = placeholders
        self.doubts = doubts


GENERIC = Dialect(
    string_prefixes=("[BbEeNnQqXx]", "[Uu]&", "[Nn][Qq]"),
    name_quotes="`",
    backslash_escapes=None,
    # MySQL's comment is an operator or part of a name elsewhere; #> and #- are PostgreSQL's.
    line_comments=(
        r"--[^\n]*",
        r"#(?![>-])[^\n'\"`$/]*(?:/(?!\*)[^\n'\"`$/]*)*(?:['\"`$/].*)?",
    ),
    nested_comments=None,
    dollar_quotes=True,
    # Oracle's q'[it's]' and BigQuery's '''it's''' end where no other database's string does;
    # Snowflake's comment // it's an operator elsewhere; [it's] is one of SQL Server's names.
    doubts=("[Nn]?[Qq]'.*", "(?:'''|\"\"\").*", "//.*", r"\[[^\[\]'\"]*\w['\"].*"),
)

SQLITE = Dialect(string_prefixes=("[Xx]",), name_quotes="`[")
