"""Runs the same parameterised statement N times on one cursor."""

from __future__ import annotations

import sqlite3
import sys

cursor = sqlite3.connect(":memory:").cursor()
cursor.connection.executescript(
    "CREATE TABLE product (id INTEGER PRIMARY KEY, name TEXT);"
    "INSERT INTO product VALUES (1, 'lamp'), (2, 'chair');"
)
for _ in range(int(sys.argv[1])):
    cursor.execute("SELECT name FROM product WHERE id = ?", (2,)).fetchone()
