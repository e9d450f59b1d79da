"""What it costs to describe a statement that was never seen before."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from otel_run.engine.sql import SQLITE, describe

if TYPE_CHECKING:
    from pytest_benchmark.fixture import BenchmarkFixture

SHORT = "SELECT name FROM product WHERE id = ?"
OF_200_CHARACTERS = (
    "SELECT o.id, o.total, c.name FROM orders AS o JOIN customers AS c ON c.id = o.customer_id "
    "WHERE o.total > 100.50 AND c.country IN ('DE', 'FR', 'IT') AND o.placed > '2025-01-01' "
    "ORDER BY o.id LIMIT 50"
)
OF_8_KIB = ", ".join(["INSERT INTO numbers VALUES (0, 0)", *(f"({n}, 'n{n}')" for n in range(600))])


@pytest.mark.parametrize(
    "text", [SHORT, OF_200_CHARACTERS, OF_8_KIB], ids=["short", "200", "8 KiB"]
)
def test_a_statement_is_described(benchmark: BenchmarkFixture, text: str) -> None:
    assert benchmark(describe, text, parameterised=False, dialect=SQLITE).summary
