"""Runs N parameterised statements, and nothing else: a program that is soon over."""

from __future__ import annotations

import sqlite3
import sys

cursor = sqlite3.connect(":memory:").cursor()
for number in range(int(sys.argv[1])):
    cursor.execute("SELECT ? + 1", (number,)).fetchone()
