"""aiosqlite: connections whose threads serve many requests."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Any

import aiosqlite
import aiosqlite.core
import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import create_async_engine

from contracts.instrumentor import InstrumentorContract
from served import ask as ask_sqlite
from served import name_of, parents, serve

if TYPE_CHECKING:
    from collections.abc import Coroutine
    from pathlib import Path

    from recording import Recording


def request(path: str, work: Coroutine[Any, Any, object]) -> asyncio.Task[object]:
    """Do the work in a task that a request starts."""
    return serve(path, lambda: asyncio.create_task(work))


class TestAiosqlite(InstrumentorContract):
    """Patched in place, and restored."""

    library = "aiosqlite"

    def test_a_connection_serves_each_request_in_its_own_trace(self, recording: Recording) -> None:
        async def program() -> None:
            connections: list[aiosqlite.Connection] = []

            async def connect() -> None:
                connections.append(await aiosqlite.connect(":memory:"))
                await connections[0].execute("SELECT 1 AS first")

            async def ask(name: str) -> None:
                async with connections[0].execute(f"SELECT 1 AS {name}") as cursor:
                    assert [tuple(row) for row in await cursor.fetchall()] == [(1,)]

            await request("/one", connect())
            await asyncio.gather(request("/two", ask("second")), request("/three", ask("third")))
            await ask("fourth")
            await connections[0].close()

        asyncio.run(program())

        assert parents(recording.spans()) == {
            "/one": "",
            "/two": "",
            "/three": "",
            "first": "/one",
            "second": "/two",
            "third": "/three",
            "fourth": "",
        }

    def test_a_pooled_connection_does_too(self, recording: Recording, tmp_path: Path) -> None:
        async def program() -> None:
            engine = create_async_engine(f"sqlite+aiosqlite:///{tmp_path / 'shop.db'}")

            async def ask(name: str) -> None:
                async with engine.connect() as connection:
                    await connection.execute(sa.text(f"SELECT 1 AS {name}"))

            await request("/one", ask("first"))
            await request("/two", ask("second"))
            await engine.dispose()

        asyncio.run(program())

        traces: dict[str, set[str]] = {}
        for span in recording.spans():
            traces.setdefault(span.trace_id, set()).add(name_of(span))
        asked = [{name for name in names if "PRAGMA" not in name} for names in traces.values()]
        assert asked == [{"/one", "first"}, {"/two", "second"}]

    @pytest.mark.skipif(
        sa.__version__.startswith("1."), reason="1.4.26 runs statements in a copy of the context"
    )
    def test_what_a_statement_that_nobody_waits_for_leads_to_is_recorded(
        self, recording: Recording, tmp_path: Path
    ) -> None:
        begun, given_up = threading.Event(), threading.Event()

        def hold() -> int:
            begun.set()
            assert given_up.wait(20)
            ask_sqlite("later")
            return 1

        async def program() -> None:
            engine = create_async_engine(f"sqlite+aiosqlite:///{tmp_path / 'shop.db'}")
            async with engine.connect() as connection:
                driver = (await connection.get_raw_connection()).driver_connection
                assert driver is not None
                await driver.create_function("hold", 0, hold)
                asked = asyncio.create_task(connection.execute(sa.text("SELECT hold() AS asked")))
                await asyncio.to_thread(begun.wait, 20)
                asked.cancel()
                while not recording.spans():  # noqa: ASYNC110 (nobody tells)
                    await asyncio.sleep(0)
                given_up.set()
                with pytest.raises(asyncio.CancelledError):
                    await asked
            await engine.dispose()

        asyncio.run(program())

        asked, later = recording.spans()
        assert [asked.scope, later.scope] == [
            "otel_run_instrumentors.sqlalchemy",
            "otel_run_instrumentors.sqlite3",
        ]
        assert later.parent_id == asked.span_id
