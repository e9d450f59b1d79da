"""The example of the README, under otel-run: two services, six visits, one trace each."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterable
    from subprocess import CompletedProcess

    from collector import Collector
    from otlp import Span
    from programs import Programs

SHOP = Path(__file__).parents[2] / "examples" / "shop"

STARS = ("app", "SELECT reviews")
RESERVATION = (
    "app",
    "POST",
    ("stock", "POST /products/<int:product>/reservations", ("stock", "UPDATE shelves")),
)

VISITS = {
    "GET /products": ("app", "GET /products", ("app", "SELECT products"), *[STARS] * 6),
    "GET /products/3": (
        "app",
        "GET /products/<int:product_id>",
        ("app", "SELECT products"),
        ("app", "GET", ("stock", "GET /products/<int:product>", ("stock", "SELECT shelves"))),
    ),
    "POST /orders": (
        "app",
        "POST /orders",
        *[RESERVATION] * 5,
        ("app", "INSERT orders"),
        *[("app", "INSERT order_lines")] * 5,
    ),
    "GET /products/99": ("app", "GET /products/<int:product_id>", ("app", "SELECT products")),
    "GET /vouchers/SPRING": ("app", "GET /vouchers/<code>"),
    "GET /report": ("app", "GET /report", ("app", "SELECT SELECT SELECT orders")),
}


def tree(root: Span, spans: Iterable[Span]) -> tuple[Any, ...]:
    """Service and name of a span, and the trees of its children in the order of their start."""
    children = sorted(
        (span for span in spans if span.parent_id == root.span_id), key=lambda span: span.start
    )
    service = root.resource["service.name"]
    return (service, root.name, *(tree(child, spans) for child in children))


@pytest.fixture
def finished(programs: Programs) -> CompletedProcess[str]:
    return programs.run(SHOP / "app.py")


@pytest.fixture
def visits(finished: CompletedProcess[str], collector: Collector) -> list[Span]:
    """The spans that a customer's request began, by time."""
    assert finished.returncode == 0
    servers = [span for span in collector.spans() if span.kind == "server" and not span.parent_id]
    return sorted(servers, key=lambda span: span.start)


def test_the_shop_says_what_it_says_without_otel_run(
    finished: CompletedProcess[str], programs: Programs
) -> None:
    untouched = programs.run(SHOP / "app.py", launcher=False)

    assert (finished.returncode, finished.stdout, finished.stderr) == (
        untouched.returncode,
        untouched.stdout,
        untouched.stderr,
    )


def test_each_visit_is_one_trace_through_both_services(
    visits: list[Span], collector: Collector
) -> None:
    spans = collector.spans()

    assert [tree(visit, spans) for visit in visits] == list(VISITS.values())


def test_what_went_wrong_shows(visits: list[Span]) -> None:
    assert [
        (visit.attributes["url.path"], visit.attributes["http.response.status_code"], visit.status)
        for visit in visits
        if visit.attributes["http.response.status_code"] not in (200, 201)
    ] == [("/products/99", 404, "unset"), ("/vouchers/SPRING", 500, "error")]

    (voucher,) = (visit for visit in visits if visit.status == "error")
    (event,) = voucher.events
    assert event.attributes["exception.type"] == "KeyError"
    assert event.attributes["exception.message"] == "'SPRING'"
    assert voucher.attributes["error.type"] == "KeyError"


def test_nothing_in_the_example_knows_of_telemetry() -> None:
    text = "".join(file.read_text(encoding="utf-8").lower() for file in SHOP.glob("*.*"))

    assert [word for word in ("telemetry", "otel", "tracer", "traceparent") if word in text] == []
