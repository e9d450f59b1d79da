"""Reads a statement's tokens once: writes its text without literals, and collects its summary."""

from __future__ import annotations

from otel_run.engine.sql import clause
from otel_run.engine.sql.keywords import KEYWORDS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from otel_run.engine.sql.dialect import Dialect
    from otel_run.engine.sql.lexer import Lexer, Token

INSERTED = {clause.INSERT: clause.COLUMNS_NEXT, clause.CREATE: clause.COLUMNS_NEXT}
WANTED_NEXT = {
    clause.TABLES: clause.TEXT,
    clause.CONDITION: clause.WORD,
    clause.WITH: clause.NAME,
}
SIGNS = ("-", "+")
# After these a minus is the sign of a number; after a name or a value it subtracts.
OPERAND_NEXT = frozenset("(,=<>+-*/%|&!~^[") | frozenset(
    """ALL AND AS BETWEEN BY CASE DEFAULT DISTINCT ELSE HAVING IN IS LIKE LIMIT NOT OFFSET ON OR
    RETURN RETURNING SELECT SET THEN TOP VALUES WHEN WHERE""".split()  # noqa: SIM905, read as a row
)


class Reader:
    """The position in one statement, and what was read so far."""

    __slots__ = (
        "before",
        "clause",
        "collects",
        "expressions",
        "lexer",
        "list_start",
        "loose_quotes",
        "operations",
        "parts",
        "scopes",
        "signed",
        "summary",
        "targets",
        "verb",
        "want",
    )

    def __init__(self, lexer: Lexer, dialect: Dialect) -> None:
        """Begin at the start of a statement."""
        self.lexer = lexer
        self.loose_quotes = dialect.loose_name_quotes
        self.parts: list[str] = []
        self.before = ""
        self.clause = clause.START
        self.want = clause.WORD
        self.scopes: list[str] = []
        self.list_start = 0
        self.signed = False
        self.verb = ""
        self.operations: list[str] = []
        self.targets: list[str] = []
        self.summary: list[str] = []
        self.collects = True
        self.expressions: set[str] = set()

    def read(self, tokens: Iterable[Token]) -> None:
        """Take each token in the order of the text."""
        append = self.parts.append
        keywords = KEYWORDS
        for gap, word, name, literal, _, other in tokens:
            piece = word
            if word:
                upper = word.upper()
                keyword = keywords.get(upper)
                if keyword is not None:
                    piece = keyword(self, word) or word
                elif self.want:
                    self.target(word)
                self.before = upper
            elif other:
                punctuate = PUNCTUATION.get(other)
                if punctuate is not None:
                    gap = punctuate(self, gap)  # noqa: PLW2901, nothing else changes a gap
                    self.before = other
                else:
                    self.operand(other)
                piece = other
            elif name or literal:
                piece = self.text(gap, name, literal)
            else:
                # Comments, with the white space around them, or the end of the text.
                gap, piece = "", " "  # noqa: PLW2901
            if gap:
                append(" ")
            append(piece)

    def operation(self, word: str, *, collects: bool = True) -> None:
        self.verb = word.upper()
        self.operations.append(word)
        self.summary.append(word)
        self.collects = collects
        self.want = clause.NOTHING

    def extend_operation(self, word: str, *, collects: bool) -> None:
        self.operations[-1] = self.summary[-1] = f"{self.operations[-1]} {word}"
        self.collects = collects

    def target(self, name: str) -> None:
        """Take the name that was wanted."""
        self.want = clause.NOTHING
        if self.clause == clause.START:
            self.clause = clause.OTHER
        elif self.clause == clause.WITH:
            self.expressions.add(bare(name))
        elif not self.expressions or bare(name) not in self.expressions:
            self.targets.append(name)
            self.summary.append(name)
        self.clause = INSERTED.get(self.clause, self.clause)

    def operand(self, token: str) -> None:
        """Pass an operator, a placeholder or a literal: the name that was wanted does not come."""
        self.signed = self.before in OPERAND_NEXT
        self.before = token
        self.want = clause.NOTHING
        if self.clause == clause.TABLES:
            self.clause = clause.CONDITION

    def text(self, gap: str, name: str, literal: str) -> str:
        """Take what is quoted or a number; return what may be shown of it."""
        if name or self.is_name(literal):
            if self.want:
                self.target(name or literal)
            self.before = "name"
            return name or literal
        if not gap and self.signed and self.parts[-1] in SIGNS and literal[0] in ".0123456789":
            self.parts.pop()
        self.operand("?")
        return "?"

    def is_name(self, literal: str) -> bool:
        """Tell a name from a string of the same look by its place; in doubt it is a string.

        SQLite takes "a" for a string where no column is called so, and MySQL takes it for one
        always: it is a name only where no value may stand. 'a' is one only in place of a table.
        """
        quote = literal[:1]
        if quote == "'":
            return self.want == clause.TEXT and is_plain(literal)
        if not quote or quote not in self.loose_quotes or not is_whole(literal, quote):
            return False
        return self.want >= clause.NAME or self.names_column_or_alias()

    def names_column_or_alias(self) -> bool:
        before = self.before
        if self.clause == clause.COLUMNS:
            return before in ("(", ",", ".")
        if self.clause == clause.ASSIGNMENTS:
            return before in ("SET", ",", ".")
        return before == "." or (before == "AS" and self.clause in clause.WITH_ALIASES)

    def open(self, gap: str) -> str:
        inner = self.inner()
        self.scopes.append(self.clause)
        if inner == clause.COLUMNS and self.clause == clause.COLUMNS_NEXT:
            self.scopes[-1] = clause.OTHER
        self.clause = inner
        self.want = min(self.want, clause.NAME) if inner == clause.TABLES else clause.NOTHING
        self.list_start = len(self.parts) + len(gap[:1] + "(") if self.before == "IN" else 0
        return gap

    def inner(self) -> str:
        """Return the clause that parentheses open here."""
        outer = self.clause
        if outer == clause.TABLES:
            return outer if self.want else clause.OTHER
        if outer == clause.WITH:
            return clause.START if self.before in ("AS", "MATERIALIZED") else clause.COLUMNS
        if outer == clause.COLUMNS_NEXT:
            return clause.COLUMNS
        return outer if outer in clause.SILENT or outer in clause.OPENING else clause.OTHER

    def close(self, gap: str) -> str:
        self.want = clause.NOTHING
        if self.scopes:
            self.clause = self.scopes.pop()
        start, self.list_start = self.list_start, 0
        if not start or not self.lexer.list_of_values("".join(self.parts[start:])):
            return gap
        self.parts[start:] = ["?"]
        return ""

    def comma(self, gap: str) -> str:
        self.want = WANTED_NEXT.get(self.clause, clause.NOTHING)
        return gap

    def semicolon(self, gap: str) -> str:
        if self.clause != clause.BODY:
            self.clause = clause.START
            self.want = clause.WORD
            self.expressions.clear()
        self.scopes.clear()
        return gap


def is_whole(text: str, quote: str) -> bool:
    """Tell whether quoted text has its closing quote: the text may have been cut."""
    return len(text) > 1 and text[-1] == quote and quote not in text[1:-1].replace(quote * 2, "")


def is_plain(text: str) -> bool:
    """Tell whether single quotes hold one name: with a quote inside, a cut text might seem to."""
    inside = text[1:-1]
    return inside != "" and "'" not in inside and text == f"'{inside}'"


def bare(name: str) -> str:
    return name.strip('"`[]').lower()


PUNCTUATION: dict[str, Callable[[Reader, str], str]] = {
    "(": Reader.open,
    ")": Reader.close,
    ",": Reader.comma,
    ";": Reader.semicolon,
}
