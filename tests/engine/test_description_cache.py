"""What is kept of statements stays within its bound, however long they are as they come."""

from __future__ import annotations

import sys

import pytest

from otel_run.engine.call import Call
from otel_run.engine.database import CACHE_BYTES, DatabaseClient, same_database
from otel_run.engine.sql import GENERIC

DATABASE = same_database("generic", "shop", "", 0, GENERIC)


@pytest.mark.parametrize("size", [400, 4_000, 30_000])
def test_texts_that_are_always_new_are_forgotten_in_time(size: int) -> None:
    convention = DatabaseClient(lambda call: (call.args[0], None, DATABASE, 1), lambda _: "")
    convention.bind("generic", 0)
    values = ", ".join(map(str, range(10_000, 10_000 + size // 7)))
    for number in range(3 * CACHE_BYTES // size):
        text = f"VALUES ({number}, {values})"
        call = Call(print, None, (text,), {})
        operation = convention.begin(call)
        assert operation is not None
        convention.finish(operation, call, None)

    descriptions = convention._descriptions
    kept = [key[0] for keys in (descriptions.young, descriptions._old) for key in keys]
    assert sum(map(sys.getsizeof, kept)) <= 2 * CACHE_BYTES
