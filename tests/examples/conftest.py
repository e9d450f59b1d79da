"""The example is written for today's libraries, as a newcomer's program would be."""

from __future__ import annotations

import sqlalchemy

if sqlalchemy.__version__ < "2":
    collect_ignore = ["test_shop.py"]
