"""A request that crosses services of different frameworks, servers and clients is one trace."""

from __future__ import annotations

import signal
import socket
import threading
from contextlib import ExitStack
from http.client import HTTPConnection
from time import monotonic
from typing import TYPE_CHECKING

from closed_port import closed_port

if TYPE_CHECKING:
    import subprocess

    from collector import Collector
    from programs import Programs

FRONT = """
import os, fastapi, httpx
app = fastapi.FastAPI()

@app.get("/orders/{item}")
async def order(item: int):
    async with httpx.AsyncClient() as client:
        return (await client.get(f"{os.environ['BASKET']}/baskets/{item}")).json()
"""
BASKET = """
import os, flask, requests
app = flask.Flask("basket")

@app.get("/baskets/<int:item>")
def basket(item):
    return requests.get(f"{os.environ['PRICES']}/prices/{item}").json()
"""
PRICES = """
import os, aiohttp, django
from django.conf import settings
from django.http import JsonResponse
from django.urls import path

settings.configure(ROOT_URLCONF=__name__, ALLOWED_HOSTS=["*"])

async def price(request, item):
    async with aiohttp.ClientSession() as session:
        async with session.get(f"{os.environ['STOCK']}/stock/{item}") as response:
            return JsonResponse(await response.json())

urlpatterns = [path("prices/<int:item>", price)]
django.setup()
from django.core.handlers.asgi import ASGIHandler
app = ASGIHandler()
"""
STOCK = """
import os, sqlite3
from aiohttp import web

async def stock(request):
    [[count]] = sqlite3.connect(":memory:").execute("SELECT ? + 1", (request.match_info["item"],))
    return web.json_response({"count": count})

app = web.Application()
app.add_routes([web.get("/stock/{item}", stock)])
web.run_app(app, host="127.0.0.1", port=int(os.environ["STOCK"].rpartition(":")[2]), print=None)
"""
COMMANDS = {
    "front": ("-m", "uvicorn", "front:app", "--port", "{port}"),
    "basket": ("-m", "gunicorn", "basket:app", "--bind", "127.0.0.1:{port}"),
    "prices": ("-m", "hypercorn", "prices:app", "--bind", "127.0.0.1:{port}"),
    "stock": ("stock.py",),
}
# From the outermost to the innermost, each the parent of the next.
SPANS = [
    ("front", "server", "GET /orders/{item}", "uvicorn"),
    ("front", "client", "GET", "httpx"),
    ("basket", "server", "GET /baskets/<int:item>", "gunicorn"),
    ("basket", "client", "GET", "requests"),
    ("prices", "server", "GET /prices/<int:item>", "hypercorn"),
    ("prices", "client", "GET", "aiohttp.client"),
    ("stock", "server", "GET /stock/{item}", "aiohttp.web"),
    ("stock", "client", "SELECT", "sqlite3"),
]


def test_a_request_through_five_frameworks_is_one_trace(
    programs: Programs, collector: Collector
) -> None:
    for name, source in zip(COMMANDS, (FRONT, BASKET, PRICES, STOCK), strict=True):
        (programs.folder / f"{name}.py").write_text(source)
    with ExitStack() as stack:
        ports = {name: stack.enter_context(closed_port()) for name in COMMANDS}
        serve_order(programs, ports)

    collector.wait_for(lambda received: len(received.spans()) >= len(SPANS))
    spans = {span.parent_id: span for span in collector.spans()}
    found, parent = [], ""
    while parent in spans:
        span = spans.pop(parent)
        scope = span.scope.removeprefix("otel_run_instrumentors.")
        found.append((span.resource["service.name"], span.kind, span.name, scope))
        parent = span.span_id
    assert found == SPANS
    assert spans == {}
    assert len({span.trace_id for span in collector.spans()}) == 1


def serve_order(programs: Programs, ports: dict[str, int]) -> None:
    """Have the shop serve one, from the beginning of its services to their end."""
    places = {name.upper(): f"http://127.0.0.1:{port}" for name, port in ports.items()}
    services = [
        programs.start(
            [word.format(port=ports[name]) for word in command],
            env={**places, "OTEL_SERVICE_NAME": name},
        )
        for name, command in COMMANDS.items()
    ]
    for name, service in zip(COMMANDS, services, strict=True):
        wait_for(service, ports[name])

    connection = HTTPConnection("127.0.0.1", ports["front"], timeout=30)
    connection.request("GET", "/orders/7")
    response = connection.getresponse()
    assert (response.status, response.read()) == (200, b'{"count":8}')
    connection.close()
    for service in services:
        service.send_signal(signal.SIGTERM)
    for service in services:
        assert "internal error" not in service.communicate(timeout=30)[1]


def wait_for(service: subprocess.Popen[str], port: int) -> None:
    """Wait until somebody listens; a service that ends instead says why."""
    until = monotonic() + 30
    pause = threading.Event()
    while monotonic() < until:
        assert service.poll() is None, service.communicate()[1]
        with socket.socket() as attempt:
            if attempt.connect_ex(("127.0.0.1", port)) == 0:
                return
        pause.wait(0.02)
    raise TimeoutError(port)
