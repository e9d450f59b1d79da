"""What `otel-run show` draws."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from otel_run_viewer.screen import count_cells

if TYPE_CHECKING:
    from collections.abc import Callable

    from viewer.conftest import Service, Store

SERVER, CLIENT, PRODUCER = 2, 3, 4
QUERY: dict[str, Any] = {"kind": CLIENT, "db__system__name": "sqlite"}
CALL: dict[str, Any] = {"kind": CLIENT, "http__request__method": "GET"}

GOLDEN = """\
20261122T140311-shop · 2026-11-22 · 1 trace · 37 spans

14:03:12.481 · 182 ms · 37 spans · shop, stock · 2 errors           00000000000000000000000000000001
  182 ms ━━━━━━━━━━━━━━━━━━━━  ✗ GET /orders/<int:order_id>  shop · 500 · /orders/7
                               │  OutOfStock: no more left of 'blue mug'
                               │  3 HTTP calls one after another, 148 ms in all
 1.21 ms ╸                     ├─ SELECT orders  SELECT orders.id, orders.customer_id, orders.creat…
 22.1 ms ━━━                   ├─ SELECT items ×25  12.2 ms in all · N+1? · SELECT items.id, items.…
 48.0 ms    ━━━━━╸             ├─ GET  200 · http://127.0.0.1:5001/stock/1
 45.5 ms    ━━━━━╸             │  └─ GET /stock/<int:item>  stock · 200 · /stock/1
 42.0 ms    ━━━━━╸             │     └─ SELECT stock  SELECT amount FROM stock WHERE item = ?
 51.0 ms         ━━━━━━        ├─ GET  200 · http://127.0.0.1:5001/stock/2
 48.5 ms         ╺━━━━━        │  └─ GET /stock/<int:item>  stock · 200 · /stock/2
 45.0 ms         ╺━━━━━        │     └─ SELECT stock  SELECT amount FROM stock WHERE item = ?
 49.5 ms               ━━━━━╸  ├─ ✗ GET  404 · http://127.0.0.1:5001/stock/3
 47.0 ms               ━━━━━╸  │  └─ GET /stock/<int:item>  stock · 404 · /stock/3
 43.5 ms               ━━━━━╸  │     └─ SELECT stock  SELECT amount FROM stock WHERE item = ?
 2.00 ms                    ╺  └─ render_invoice
"""  # noqa: RUF001 - the sign that multiplies


def record_order(shop: Service, stock: Service) -> None:
    """Record one request that reads its items one by one and asks another service three times."""
    shop.span(
        1,
        "GET /orders/<int:order_id>",
        0,
        182.4,
        kind=SERVER,
        error="",
        exception=("OutOfStock", "no more left of 'blue mug'"),
        http__request__method="GET",
        http__response__status_code=500,
        url__path="/orders/7",
        error__type="OutOfStock",
    )
    orders = "SELECT orders.id, orders.customer_id,\n  orders.created FROM orders WHERE id = ?"
    shop.span(2, "SELECT orders", 1.2, 2.41, parent=1, db__query__text=orders, **QUERY)
    items = {"db__query__text": "SELECT items.id, items.name FROM items WHERE id = ?", **QUERY}
    for number in range(25):
        start = 3 + 0.9 * number
        shop.span(10 + number, "SELECT items", start, start + 0.49, parent=1, **items)
    call_stock(shop, stock, 1, (28, 76), http__response__status_code=200)
    call_stock(shop, stock, 2, (76.6, 127.6), http__response__status_code=200)
    call_stock(
        shop, stock, 3, (128.2, 177.7), http__response__status_code=404, error="", error__type="404"
    )
    shop.span(80, "render_invoice", 178.3, 180.3, parent=1)


def call_stock(
    shop: Service, stock: Service, item: int, when: tuple[float, float], **ended: Any
) -> None:
    start, end = when
    url = f"http://127.0.0.1:5001/stock/{item}"
    shop.span(50 + item, "GET", start, end, parent=1, url__full=url, **ended, **CALL)
    stock.span(
        60 + item,
        "GET /stock/<int:item>",
        start + 1.5,
        end - 1,
        parent=50 + item,
        kind=SERVER,
        url__path=f"/stock/{item}",
        http__response__status_code=ended["http__response__status_code"],
    )
    query = {"db__query__text": "SELECT amount FROM stock WHERE item = ?", **QUERY}
    stock.span(70 + item, "SELECT stock", start + 3, end - 3, parent=60 + item, **query)


def test_a_trace_of_two_services_is_one_tree(
    store: Store, service: Callable[[str], Service]
) -> None:
    shop, stock = service("shop"), service("stock")
    record_order(shop, stock)
    store.put("20261122T140311-shop", "12-5d2c9a01.otlp", shop.file)
    store.put("20261122T140311-shop", "14-0b77e3f2.otlp", stock.file)

    assert store.show() == (0, GOLDEN, "")


def test_a_narrow_screen_has_no_bars(store: Store, service: Callable[[str], Service]) -> None:
    shop = service("shop")
    shop.span(1, "GET /", 0, 12, kind=SERVER, http__response__status_code=200)
    shop.span(2, "SELECT", 1, 2, parent=1, db__query__text="SELECT " + "a, " * 50, **QUERY)

    assert store.draw(shop, columns=40) == [
        "14:03:12.481 · 12.0 ms · 2 spans",
        " 12.0 ms  GET /  shop · 200",
        " 1.00 ms  └─ SELECT  SELECT a, a, a, a,…",
    ]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(columns=st.integers(20, 200), text=st.text(st.characters(codec="utf-8")))
def test_no_line_is_wider_than_the_screen(
    store: Store, service: Callable[[str], Service], columns: int, text: str
) -> None:
    shop = service(text)
    shop.span(1, text, 0, 5, error=text, exception=(text, text))
    for number in range(2, 9):
        shop.span(number, text, number, 10**9, parent=number - 1, url__full=text, kind=SERVER)

    lines = store.draw(shop, columns=columns)
    assert max(map(count_cells, lines)) <= columns
    assert all(line.isprintable() for line in lines)


def test_what_could_command_the_terminal_is_written_out(
    store: Store, service: Callable[[str], Service]
) -> None:
    shop = service("sh\x07op")
    exception = ("E\r", "\u202ereversed\x9b")
    shop.span(1, "a\x1b[2Jb\nc", error="", exception=exception, url__full="\u2028x")

    assert [line[31:] for line in store.draw(shop)[1:]] == [
        r"✗ a\x1b[2Jb c  sh\x07op · x",
        r"   E : \u202ereversed\x9b",
    ]


def test_a_span_whose_parent_is_not_here_says_so(
    store: Store, service: Callable[[str], Service]
) -> None:
    shop = service("shop")
    shop.span(2, "work", parent=1)

    assert store.draw(shop)[1][31:] == "work  its parent is not in this run · shop"


def test_a_span_that_was_open_when_its_process_ended_says_so(
    store: Store, service: Callable[[str], Service]
) -> None:
    shop = service("shop")
    shop.span(1, "GET", **CALL, otel_run__incomplete=True)

    assert store.draw(shop)[1][31:] == "GET  shop · open when its process ended"


def test_the_kind_is_told_where_nothing_else_tells_it(
    store: Store, service: Callable[[str], Service]
) -> None:
    shop = service("shop")
    shop.span(1, "main", 0, 5)
    shop.span(2, "GET", 1, 2, parent=1, kind=SERVER)
    topic: dict[str, Any] = {"messaging__destination__name": "orders"}
    shop.span(3, "send orders", 2, 3, parent=1, kind=PRODUCER, **topic)
    peer: dict[str, Any] = {"server__address": "10.0.0.1", "error__type": "timeout"}
    shop.span(4, "ask", 3, 4, parent=1, kind=CLIENT, **peer)

    assert [line[31:] for line in store.draw(shop)[2:]] == [
        "├─ GET  server",
        "├─ send orders  producer",
        "└─ ask  client · timeout · 10.0.0.1",
    ]


def test_equal_siblings_in_a_row_are_folded_but_not_those_that_failed(
    store: Store, service: Callable[[str], Service]
) -> None:
    shop = service("shop")
    shop.span(1, "import", 0, 100)
    for number in range(2, 21):
        other = "INSERT INTO a (b) VALUES (?)" if number % 2 else "INSERT INTO a (c) VALUES (?)"
        text = "INSERT INTO a VALUES (?)" if number < 9 else other
        error = "locked" if number == 8 else None
        query = {"db__query__text": text, "error": error, **QUERY}
        shop.span(number, "INSERT a", number, number + 1, parent=1, **query)
        shop.span(100 + number, "ping", number, number + 1, parent=number)

    assert [line[33:] for line in store.draw(shop, columns=110)[2:]] == [
        "├─ INSERT a ×6  6.00 ms in all · 6 spans inside · INSERT INTO a VALUES (?)",  # noqa: RUF001
        "├─ ✗ INSERT a  INSERT INTO a VALUES (?)",
        "│  │  locked",
        "│  └─ ping",
        "└─ INSERT a ×12  12.0 ms in all · 12 spans inside",  # noqa: RUF001 - as above
    ]


@pytest.mark.parametrize(
    ("calls", "told"),
    [
        ([(0, 1), (1, 2), (2, 3)], "3 HTTP calls one after another, 3.00 ms in all"),
        ([(0, 1), (1, 2)], ""),
        ([(0, 2), (1, 3), (2, 4), (4, 5)], ""),
        ([(0, 9), (1, 3), (4, 5), (6, 7)], "3 HTTP calls one after another, 4.00 ms in all"),
    ],
)
def test_calls_that_wait_for_each_other_are_told_where_three_or_more_do(
    store: Store, service: Callable[[str], Service], calls: list[tuple[int, int]], told: str
) -> None:
    shop = service("shop")
    shop.span(1, "main", 0, 10)
    for number, (start, end) in enumerate(calls, 2):
        shop.span(number, "GET", start, end, parent=1, **CALL)

    hints = [line[34:] for line in store.draw(shop) if "HTTP calls" in line]
    assert hints == [told] * bool(told)


def test_redirects_and_retries_are_not_taken_for_calls_that_could_run_together(
    store: Store, service: Callable[[str], Service]
) -> None:
    shop = service("shop")
    shop.span(1, "main", 0, 10)
    shop.span(2, "GET", 0, 1, parent=1, http__response__status_code=302, **CALL)
    shop.span(3, "GET", 1, 2, parent=1, http__response__status_code=503, **CALL)
    shop.span(4, "GET", 2, 3, parent=1, http__request__resend_count=1, **CALL)

    assert not any("HTTP calls" in line for line in store.draw(shop))


def test_five_thousand_spans_deep_keeps_room_for_the_names(
    store: Store, service: Callable[[str], Service]
) -> None:
    shop = service("shop")
    for number in range(1, 5001):
        shop.span(number, f"level {number}", 0, 5, parent=number - 1)

    lines = store.draw(shop)
    assert len(lines) == 5001
    assert lines[-1][31:] == "…" + " " * 30 + "└─ level 5000"


def test_ten_thousand_siblings_are_a_line_each(
    store: Store, service: Callable[[str], Service]
) -> None:
    shop = service("shop")
    shop.span(1, "root", 0, 10_000)
    for number in range(2, 10_002):
        shop.span(number, f"child {number}", number, number + 1, parent=1)

    lines = store.draw(shop)
    assert len(lines) == 10_002
    assert lines[-1][31:] == "└─ child 10001"


def test_spans_without_a_sane_clock_are_drawn(
    store: Store, service: Callable[[str], Service]
) -> None:
    shop = service("shop")
    shop.span(1, "", 0, 5).end_time_unix_nano = 2**64 - 1
    shop.span(2, "never", trace=2).start_time_unix_nano = 2**64 - 1
    shop.span(3, "zero", trace=3).end_time_unix_nano = 0

    assert [line for line in store.draw(shop) if line.endswith("shop")] == [
        "192724 d ━━━━━━━━━━━━━━━━━━━━  (no name)  shop",
        "    0 ns ╸                     zero  shop",
        "    0 ns ╸                     never  shop",
    ]


@pytest.mark.parametrize(
    ("stack", "told"),
    [
        ('  File "{cwd}/shop/app.py", line 73, in Shop.buy\n', "shop/app.py:73, in Shop.buy"),
        (
            '  File "/srv/a.py", line 7, in f\n  File "/v/lib/python3.11/x.py", line 8, in g\n',
            "/srv/a.py:7, in f",
        ),
        ('  File "/v/site-packages/x.py", line 8, in g\n  File "<string>", line 1, in h\n', ""),
        ('  File "/a\x1b[2J.py", line 7, in f\n', r"/a\x1b[2J.py:7, in f"),
        ("no stack at all", ""),
    ],
)
def test_a_failure_is_told_with_the_program_s_own_line(
    store: Store, service: Callable[[str], Service], stack: str, told: str
) -> None:
    shop = service("shop")
    stack = f"Traceback (most recent call last):\n{stack.format(cwd=Path.cwd())}E: wrong\n"
    shop.span(1, "buy", 0, 5, error="", exception=("E", "wrong"), stack=stack)

    assert [line.strip() for line in store.draw(shop)[2:]] == ["E: wrong", *filter(None, [told])]
