"""What recording leaves to Python's garbage collector: nothing."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from programs import Programs

PROGRAM = """
import gc, json, sys, time

{setup}

def collections():
    return [generation["collections"] for generation in gc.get_stats()]

def settle():
    # Until no more than a batch is left, however busy the machine is.
    pipeline = sys.modules.get("otel_run.export.pipeline")
    while pipeline and len(pipeline.PIPELINE.queue) >= 512:
        time.sleep(0.001)

work(1000)
settle()
gc.collect()
before = collections()
for _ in range(20):
    work(500)
    settle()
after = collections()
gc.collect()
gc.disable()
work(1000)
print(json.dumps([[b - a for a, b in zip(before, after)], gc.collect()]))
"""

SQLITE = """
import sqlite3
cursor = sqlite3.connect(":memory:").cursor()
def work(count):
    for number in range(count):
        cursor.execute("SELECT ?", (number,)).fetchall()
"""

FLASK = """
import io
from flask import Flask
from werkzeug.test import EnvironBuilder
app = Flask("shop")
@app.get("/items/<int:number>")
def item(number):
    return "item"
environ = EnvironBuilder("/items/7").get_environ()
def work(count):
    for _ in range(count):
        body = app({**environ, "wsgi.input": io.BytesIO()}, lambda *_: None)
        assert b"".join(body) == b"item"
        body.close()
"""

STARLETTE = """
import asyncio
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route
async def item(request):
    return PlainTextResponse("item")
app = Starlette(routes=[Route("/items/{item}", item)])
async def receive():
    return {"type": "http.request"}
async def send(message):
    pass
async def serve(count):
    for _ in range(count):
        scope = {"type": "http", "method": "GET", "path": "/items/7", "headers": [(b"a", b"b")]}
        await app(scope, receive, send)
loop = asyncio.new_event_loop()
def work(count):
    loop.run_until_complete(serve(count))
"""

# A span is let go of with its batch: some 500 of them wait, each of two or three objects that the
# collector counts, and it looks after 700. So a batch may bring it up to three times, and every
# eleventh time it looks at the next generation too.
BATCHES = 20
YOUNGEST = 3 * BATCHES
ALL = YOUNGEST * 12 / 11


@pytest.mark.parametrize("setup", [SQLITE, FLASK, STARLETTE], ids=["sqlite3", "flask", "starlette"])
def test_recording_makes_no_garbage(programs: Programs, setup: str) -> None:
    program = PROGRAM.format(setup=setup)
    plain, recorded = (
        json.loads(programs.run(program, launcher=launcher).stdout) for launcher in (False, True)
    )
    caused = [more - less for more, less in zip(recorded[0], plain[0], strict=True)]

    assert caused[2] == 0
    assert sum(caused) <= ALL
    assert recorded[1] == plain[1], "reference cycles"
