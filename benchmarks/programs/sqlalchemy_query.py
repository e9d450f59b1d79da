"""Runs the same Core query N times on one connection, SQLite below it."""

from __future__ import annotations

import sys

from sqlalchemy import Column, Integer, MetaData, Table, Text, create_engine, insert, select

metadata = MetaData()
product = Table(
    "product",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", Text),
)
query = select(product.c.name).where(product.c.id == 2)  # noqa: PLR2004
engine = create_engine("sqlite://")
metadata.create_all(engine)
with engine.connect() as connection:
    connection.execute(insert(product), {"id": 2, "name": "chair"})
    for _ in range(int(sys.argv[1])):
        connection.execute(query).scalar_one()
