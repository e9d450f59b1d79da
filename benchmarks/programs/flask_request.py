"""Serves N requests in process, through Flask's test client."""

from __future__ import annotations

import sys

from flask import Flask

app = Flask(__name__)


@app.get("/products/<int:number>")
def product(number: int) -> dict[str, int]:
    """Answer with what the route held."""
    return {"id": number}


client = app.test_client()
for _ in range(int(sys.argv[1])):
    client.get("/products/2").close()
