"""Where in a statement a token stands, and what kind of name may stand there."""

from __future__ import annotations

# One for each pair of parentheses that is open, and one outside of them.
START = "a statement begins"
EXPLAIN = "what is explained begins"
WITH = "common table expressions, then a statement"
SELECT_LIST = "what is selected: FROM opens the tables"
TABLES = "tables: each comma is followed by one"
CONDITION = "how tables are joined"
DELETE = "after DELETE: FROM opens the tables"
INSERT = "after INSERT: INTO comes before the table"
CREATE = "after CREATE TABLE or VIEW: its name comes"
COLUMNS_NEXT = "parentheses would hold names of columns"
COLUMNS = "names of columns, each after ( or a comma"
ASSIGNMENTS = "SET: each comma is followed by a column"
DEFINITION = "CREATE, DROP or ALTER: the kind of object comes"
INDEX = "after the index: ON comes before the table"
GRANT = "names of operations that do not happen: until the end of the statement"
BODY = "statements that do not happen: until the end of the text"
OTHER = "nothing of interest"

OPENING = frozenset((START, EXPLAIN, WITH))
SILENT = frozenset((GRANT, BODY))
WITH_ALIASES = frozenset((SELECT_LIST, TABLES, CONDITION, COLUMNS_NEXT))

# What may be taken for the name that is wanted.
NOTHING = 0
WORD = 1
NAME = 2  # a double-quoted text too
TEXT = 3  # a single-quoted text too
