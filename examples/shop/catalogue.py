"""What the shop sells and what it has sold, in tables."""

from __future__ import annotations

from datetime import datetime  # noqa: TC003 (SQLAlchemy reads the annotations of its tables)

from sqlalchemy import Engine, ForeignKey, insert
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, relationship


class Table(DeclarativeBase):
    """What all tables are listed under."""


class Product(Table):
    """Something to buy."""

    __tablename__ = "products"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    cents: Mapped[int]
    reviews: Mapped[list[Review]] = relationship()


class Review(Table):
    """What a customer thought of it, in stars."""

    __tablename__ = "reviews"

    id: Mapped[int] = mapped_column(primary_key=True)
    product_id: Mapped[int] = mapped_column(ForeignKey("products.id"))
    stars: Mapped[int]


class Order(Table):
    """What a customer has bought at once."""

    __tablename__ = "orders"

    id: Mapped[int] = mapped_column(primary_key=True)
    placed: Mapped[datetime]
    lines: Mapped[list[OrderLine]] = relationship()


class OrderLine(Table):
    """One product of an order."""

    __tablename__ = "order_lines"

    id: Mapped[int] = mapped_column(primary_key=True)
    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id"))
    product_id: Mapped[int] = mapped_column(ForeignKey("products.id"))


PRODUCTS = {
    "teapot": 2900,
    "kettle": 4500,
    "cup": 800,
    "saucer": 600,
    "spoon": 350,
    "strainer": 700,
}
STARS = (5, 4, 3, 5, 1, 4)


def fill(engine: Engine) -> None:
    """Make the tables and put the products on the shelves."""
    Table.metadata.create_all(engine, checkfirst=False)
    with Session(engine) as session:
        session.execute(
            insert(Product),
            [{"name": name, "cents": cents} for name, cents in PRODUCTS.items()],
        )
        session.execute(
            insert(Review),
            [
                {"product_id": product, "stars": stars}
                for product in range(1, len(PRODUCTS) + 1)
                for stars in STARS[product % 3 :]
            ],
        )
        session.commit()
