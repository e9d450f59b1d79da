"""A small tea shop: a web shop with a database, and a stock service that it asks for what is left.

    python app.py

It opens, a few customers come by, and it closes. Some of its pages are slow and one is broken, for
reasons that are easily overlooked in the code.
"""

from __future__ import annotations

import logging
import subprocess
import sys
import tempfile
import threading
from contextlib import contextmanager
from datetime import datetime, timezone
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING

import requests
from flask import Flask, abort, request
from sqlalchemy import create_engine, select, text
from sqlalchemy.orm import Session, sessionmaker
from werkzeug.serving import make_server

from browser import visit
from catalogue import Order, OrderLine, Product, fill

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flask.typing import ResponseReturnValue

VISITS = (
    ("GET", "/products"),
    ("GET", "/products/3"),
    ("POST", "/orders?product=1&product=3&product=4&product=5&product=6"),
    ("GET", "/products/99"),
    ("GET", "/vouchers/SPRING"),
    ("GET", "/report"),
)

# Sales by hour of the day, by looking at each minute of two months, whether anything sold or not.
REPORT = text("""
    WITH RECURSIVE minutes (minute) AS (
        SELECT datetime('now', '-60 days')
        UNION ALL
        SELECT datetime(minute, '+1 minute') FROM minutes WHERE minute < datetime('now')
    )
    SELECT strftime('%H', minute) AS hour, count(orders.id) AS sold
    FROM minutes LEFT JOIN orders ON orders.placed BETWEEN minute AND datetime(minute, '+1 minute')
    GROUP BY hour ORDER BY hour
""")

VOUCHERS = {"WELCOME": 10}

app = Flask("shop")
session_of = sessionmaker[Session]()


@app.get("/products")
def list_products() -> ResponseReturnValue:
    """Show everything, with the stars that it got."""
    with session_of() as session:
        return [
            {"name": product.name, "stars": average(review.stars for review in product.reviews)}
            for product in session.scalars(select(Product))
        ]


@app.get("/products/<int:product_id>")
def show_product(product_id: int) -> ResponseReturnValue:
    """Show one product, and how many of it are left."""
    with session_of() as session:
        product = session.get(Product, product_id)
        if product is None:
            abort(HTTPStatus.NOT_FOUND)
        stock = requests.get(f"{app.config['STOCK']}/products/{product_id}", timeout=5)
        return {"name": product.name, "cents": product.cents, **stock.json()}


@app.post("/orders")
def place_order() -> ResponseReturnValue:
    """Reserve what is in the basket, and note the order down."""
    basket = request.args.getlist("product", type=int)
    for product_id in basket:
        url = f"{app.config['STOCK']}/products/{product_id}/reservations"
        requests.post(url, timeout=5).raise_for_status()
    with session_of.begin() as session:
        lines = [OrderLine(product_id=product_id) for product_id in basket]
        session.add(Order(placed=datetime.now(timezone.utc), lines=lines))
    return {"lines": len(basket)}, HTTPStatus.CREATED


@app.get("/vouchers/<code>")
def show_voucher(code: str) -> ResponseReturnValue:
    """Say what a voucher is worth, in per cent."""
    return {"percent": VOUCHERS[code]}


@app.get("/report")
def report() -> ResponseReturnValue:
    """Show what was sold in each hour of the day."""
    with session_of() as session:
        return {row.hour: row.sold for row in session.execute(REPORT)}


def average(stars: Iterator[int]) -> float:
    """Mean of the stars, one decimal."""
    given = list(stars)
    return round(sum(given) / len(given), 1) if given else 0.0


@contextmanager
def stock_service() -> Iterator[str]:
    """Run the stock service beside the shop; gives its address."""
    command = [sys.executable, str(Path(__file__).with_name("stock.py"))]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.terminate()


@contextmanager
def open_shop(folder: Path) -> Iterator[tuple[str, int]]:
    """Serve customers for a while; gives host and port."""
    engine = create_engine(f"sqlite:///{folder / 'shop.db'}")
    session_of.configure(bind=engine)
    fill(engine)
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield "127.0.0.1", server.server_port
    finally:
        server.shutdown()
        thread.join()
        engine.dispose()


def main() -> None:
    """Open both services, let the customers in, and close."""
    with tempfile.TemporaryDirectory() as folder, stock_service() as stock:
        logging.basicConfig(filename=Path(folder, "shop.log"), level=logging.INFO)
        app.config["STOCK"] = stock
        with open_shop(Path(folder)) as address:
            for method, path in VISITS:
                print(f"{method:4} {path} → {visit(address, method, path)}")


if __name__ == "__main__":
    main()
