"""The stock service: says how many of a product are left, and puts some aside for an order.

    python stock.py

It prints its address once it can be reached, and serves until it is terminated.
"""

from __future__ import annotations

import logging
import sqlite3
import time
from http import HTTPStatus
from typing import TYPE_CHECKING

from flask import Flask, abort
from werkzeug.serving import make_server

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue

app = Flask("stock")
shelves = sqlite3.connect(":memory:")


@app.get("/products/<int:product>")
def left(product: int) -> ResponseReturnValue:
    """Say how many are left."""
    row = shelves.execute("SELECT pieces FROM shelves WHERE product = ?", (product,)).fetchone()
    if row is None:
        abort(HTTPStatus.NOT_FOUND)
    return {"left": row[0]}


@app.post("/products/<int:product>/reservations")
def reserve(product: int) -> ResponseReturnValue:
    """Put one aside."""
    time.sleep(0.04)  # somebody walks to the shelf
    with shelves:
        shelves.execute(
            "UPDATE shelves SET pieces = pieces - 1 WHERE product = ? AND pieces > 0", (product,)
        )
    return {}, HTTPStatus.CREATED


def main() -> None:
    """Fill the shelves and serve."""
    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    with shelves:
        shelves.execute("CREATE TABLE shelves (product INTEGER PRIMARY KEY, pieces INTEGER)")
        shelves.executemany("INSERT INTO shelves VALUES (?, ?)", [(n, 10 + n) for n in range(1, 7)])
    server = make_server("127.0.0.1", 0, app)
    print(f"http://127.0.0.1:{server.server_port}", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
