"""Whatever of ours breaks or answers rubbish, the program comes to what it comes to without us."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import http.client
import io
import itertools
import sqlite3
import sys
import threading
import urllib.error
import urllib.request
import warnings
from collections.abc import Callable
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any
from wsgiref.handlers import SimpleHandler

import a2wsgi
import aiohttp
import httpcore
import httpx
import pytest
import requests
import sqlalchemy as sa
import urllib3
from aiohttp import web
from asgiref.wsgi import WsgiToAsgi
from botocore.awsrequest import AWSRequest
from botocore.httpsession import URLLib3Session
from fastapi import APIRouter, FastAPI
from flask import Flask, abort
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.responses import PlainTextResponse, StreamingResponse
from starlette.routing import Mount, Route
from starlette.testclient import TestClient
from werkzeug.middleware.dispatcher import DispatcherMiddleware

from closed_port import closed_port
from contracts import django_shop
from contracts.aiohttp_server import serve_aiohttp
from contracts.asgi_server import live
from contracts.asgi_servers import serve_hypercorn, serve_uvicorn
from contracts.async_http_client import run
from contracts.database import outcome_of
from contracts.gunicorn_server import Sync, serving
from contracts.http_client import unchecked
from contracts.http_server import minimal_environ
from contracts.origin import Origin
from contracts.wire import answer_to, request_bytes, without_date
from contracts.wsgi_servers import serve_waitress, serve_werkzeug
from otel_run import guard
from otel_run.engine.http_client import HttpClient
from otel_run.engine.travel import ContextCarrier
from otel_run.engine.url import Urls
from otel_run.export.pipeline import PIPELINE
from otel_run.signals.cache import Cache
from otel_run.signals.context import CURRENT
from recording import Recording, instrumentors, patch_imported, unpatch_all

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # it is on its way out
    from starlette.middleware.wsgi import WSGIMiddleware

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from otel_run.engine import Instrumentor

Program = Callable[[], object]

httpx2: Any = import_module("httpx2") if find_spec("httpx2") else None
httpcore2: Any = import_module("httpcore2") if find_spec("httpcore2") else None


class Hostile:  # noqa: PLW1641  it has one, that fails
    """Whatever is done with it fails."""

    def __getattribute__(self, name: str) -> Any:
        raise LookupError(name)

    def __bool__(self) -> bool:
        raise LookupError("bool")

    __hash__ = __len__ = __iter__ = __str__ = __repr__ = __call__ = __bool__  # type: ignore[assignment]

    def __eq__(self, other: object) -> bool:
        raise LookupError("eq")

    __ne__ = __lt__ = __gt__ = __le__ = __ge__ = __add__ = __contains__ = __eq__


# The programs: each returns all that it gets to see.


@pytest.fixture(scope="module")
def origin() -> Iterator[Origin]:
    """The server that is asked."""
    with Origin() as origin:
        yield origin


def ask(request: Callable[[str], object], origin: Origin) -> object:
    """What comes of an answer, of a redirect to one, of a challenge, and of none."""
    answers = [request(origin.url(target)) for target in ("/ok", "/redirect/1", "/digest")]
    with closed_port() as port:
        refusal = outcome_of(lambda: request(f"http://127.0.0.1:{port}/"))[0]
    return answers, type(refusal)


def with_requests(url: str) -> object:
    response = requests.get(url, timeout=20)
    return response.status_code, response.content


def with_urllib3(url: str) -> object:
    with urllib3.PoolManager(retries=False) as pool:
        response = pool.request("GET", url)
        return response.status, response.data


def with_http_client(url: str) -> object:
    _, _, host, path = url.split("/", 3)
    connection = http.client.HTTPConnection(host, timeout=20)
    try:
        connection.request("GET", f"/{path}", headers={"accept": "*/*"})
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


def with_urllib(url: str) -> object:
    try:
        with urllib.request.urlopen(url, timeout=20) as response:  # noqa: S310  its own server
            return response.status, response.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read()


def with_httpx(url: str, module: Any = httpx) -> object:
    with module.Client(verify=False, follow_redirects=True) as client:
        response = client.get(url, auth=module.DigestAuth("me", "secret"))
        return response.status_code, response.content


def with_httpcore(url: str, module: Any = httpcore) -> object:
    with module.ConnectionPool() as pool:
        response = pool.request("GET", url)
        return response.status, response.content


def with_successors(origin: Origin) -> dict[str, Program]:
    """Programs of httpx2 and httpcore2, where they are installed."""
    return {
        "httpx2": lambda: ask(partial(with_httpx, module=httpx2), origin),
        "httpcore2": lambda: ask(partial(with_httpcore, module=httpcore2), origin),
    }


def with_aiohttp(url: str) -> object:
    async def main() -> object:
        async with aiohttp.ClientSession() as session, session.get(url) as response:
            return response.status, await response.read()

    return run(main())


def with_botocore(url: str) -> object:
    session: Any = URLLib3Session()
    try:
        response = session.send(AWSRequest("GET", url).prepare())
        return response.status_code, response.content
    finally:
        session._manager.clear()  # nothing else closes it


def query(execute: Callable[..., Any]) -> object:
    """What comes of statements that work, and of one that does not."""
    execute("CREATE TABLE t (a UNIQUE)")
    execute("INSERT INTO t VALUES (?)", (1,))
    found = [tuple(row) for row in execute("SELECT a FROM t WHERE a > 0")]
    return found, outcome_of(lambda: execute("INSERT INTO t VALUES (?)", (1,)))


def with_sqlite3() -> object:
    with contextlib.closing(sqlite3.connect(":memory:")) as connection:
        first = query(connection.execute)
    with contextlib.closing(sqlite3.connect(":memory:", factory=OwnConnection)) as connection:
        return first, query(connection.cursor().execute)


class OwnConnection(sqlite3.Connection):
    """The program may have classes of its own."""


def with_sqlalchemy() -> object:
    engine = sa.create_engine("sqlite://", pool_pre_ping=True)
    try:
        with engine.connect() as connection:
            return query(connection.exec_driver_sql)
    finally:
        engine.dispose()


def with_flask() -> object:
    app = Flask("shop")
    app.logger.disabled = True
    app.add_url_rule("/ok", "ok", lambda: "ok")
    app.add_url_rule("/stream", "stream", lambda: iter(["a", "b"]))
    app.add_url_rule("/fail", "fail", lambda: str(1 / 0))
    app.add_url_rule("/busy", "busy", lambda: abort(503))
    client = Flask("outer").test_client()
    serve = client.application.wsgi_app
    client.application.wsgi_app = DispatcherMiddleware(  # type: ignore[method-assign]
        serve, {"/in": lambda environ, start_response: app({**environ}, start_response)}
    )
    paths = ("/ok", "/stream", "/fail", "/busy", "/nowhere")
    answers = [app.test_client().get(path) for path in paths]
    answers.append(client.get("/in/ok"))
    return [(answer.status_code, answer.data) for answer in answers]


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterator[bytes]:
    start_response("200 OK", [("content-type", "text/plain"), ("content-length", "2")])
    yield environ["PATH_INFO"][:1].encode()
    yield b"k"


def with_wsgiref() -> object:
    environ = {
        "REQUEST_METHOD": "GET",
        "PATH_INFO": "/ok",
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
    }
    output = io.BytesIO()
    handler = SimpleHandler(io.BytesIO(), output, io.StringIO(), environ)
    handler.run(application)
    return [line for line in output.getvalue().splitlines() if not line.startswith(b"Date")]


async def answer_as_asgi(scope: Any, receive: Any, send: Any) -> None:
    if scope["path"] == "/fail":
        raise LookupError
    await receive()
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"o", "more_body": True})
    await send({"type": "http.response.body", "body": b"k"})


def with_a2wsgi() -> object:
    """An application of each kind, served as one of the other."""
    answers: list[object] = [answers_of(a2wsgi.WSGIMiddleware(application))]  # type: ignore[arg-type]
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        wsgi: Any = a2wsgi.ASGIMiddleware(answer_as_asgi, loop=loop)
        for path in ("/ok", "/fail"):
            output = io.BytesIO()
            environ = {**minimal_environ(), "PATH_INFO": path, "QUERY_STRING": ""}
            SimpleHandler(io.BytesIO(), output, io.StringIO(), environ).run(wsgi)
            answers.append(without_date(output.getvalue()))
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
    return answers


def with_werkzeug() -> object:
    with serve_werkzeug(application) as (host, port):
        return with_http_client(f"http://{host}:{port}/ok")


async def asgi_application(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] == "lifespan":
        await live(receive, send)
        return
    if scope["path"] == "/fail":
        raise LookupError
    if scope["path"] == "/nothing":
        return
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"o", "more_body": True})
    await send({"type": "http.response.body", "body": b"k"})


def served_by(serve: Callable[..., Any]) -> Callable[[], object]:
    """A program that serves an application of ASGI, and one of WSGI within it."""

    def program() -> object:
        answers = []
        for served in (asgi_application, with_starlette_routes()):
            with serve(served) as (host, port):
                for path in ("ok", "fail", "nothing"):
                    with contextlib.closing(http.client.HTTPConnection(host, port)) as connection:
                        connection.request("GET", f"/{path}")
                        answer = connection.getresponse()
                        answers.append((answer.status, answer.read()))
        return answers

    return program


def with_hypercorn() -> object:
    answers = served_by(serve_hypercorn)()
    with serve_hypercorn(application) as (host, port):
        return answers, with_http_client(f"http://{host}:{port}/ok")


def with_uvicorn() -> object:
    answers = served_by(serve_uvicorn)()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # newer ones would rather not
        with serve_uvicorn(application, interface="wsgi") as (host, port):
            return answers, with_http_client(f"http://{host}:{port}/ok")


def with_starlette_routes() -> Starlette:
    """An application that does all that there is."""
    done: list[int] = []

    def answer(_: Any) -> PlainTextResponse:
        return PlainTextResponse("ok", background=BackgroundTask(done.append, 1))

    async def fail(_: Any) -> PlainTextResponse:
        return PlainTextResponse(str(1 / 0))

    async def fail_afterwards(_: Any) -> PlainTextResponse:
        return PlainTextResponse("ok", background=BackgroundTask(done.index, 2))

    async def broken() -> AsyncIterator[str]:
        yield "ok"
        raise LookupError

    async def fail_in_the_middle(_: Any) -> StreamingResponse:
        return StreamingResponse(broken())

    routes = [Route("/ok", answer), Route("/fail", fail), Route("/late", fail_afterwards)]
    wsgi = Mount("/wsgi", WSGIMiddleware(application))
    mounted = Starlette(routes=list(routes))

    async def copying(scope: Any, receive: Any, send: Any) -> None:
        await mounted({**scope}, receive, send)

    inner = Mount("/in", copying)
    return Starlette(routes=[*routes, Route("/middle", fail_in_the_middle), inner, wsgi])


def with_starlette() -> object:
    return answers_of(with_starlette_routes())


def with_fastapi() -> object:
    app = FastAPI()
    router = APIRouter(prefix="/in", routes=[])
    for path in ("/ok", "/wsgi/ok", "/late"):
        router.add_api_route(path, lambda: "ok")
    app.include_router(router)
    app.add_api_route("/ok", lambda: "ok")
    app.add_api_route("/fail", lambda: 1 / 0)
    return answers_of(app)


def answers_of(app: Any) -> object:
    client = TestClient(app, raise_server_exceptions=False)
    paths = ("/ok", "/fail", "/late", "/middle", "/in/ok", "/wsgi/ok", "/nowhere")
    return [(answer.status_code, answer.text) for answer in map(client.get, paths)]


def with_gunicorn() -> object:
    with serving(Sync, 1, application) as (host, port):
        return with_http_client(f"http://{host}:{port}/ok")


def with_waitress() -> object:
    with serve_waitress(application) as (host, port):
        return with_http_client(f"http://{host}:{port}/ok")


async def answer_later(request: web.Request) -> web.StreamResponse:
    if request.path == "/fail":
        raise LookupError
    response = web.StreamResponse()
    await response.prepare(request)
    await response.write(b"o")
    if request.path == "/middle":
        raise LookupError
    await response.write(b"k")
    return response


def with_aiohttp_web() -> object:
    app = web.Application()
    for path in ("/ok", "/fail", "/middle"):
        app.router.add_get(path, answer_later)
    with serve_aiohttp(app) as address:
        return [
            without_date(answer_to(address, request_bytes(path)))
            for path in ("/ok", "/fail", "/middle", "/nowhere")
        ]


def with_django() -> object:
    """Requests of both test clients, and of what servers call."""
    answers: list[object] = []

    async def ask_asynchronously() -> None:
        client = django_shop.async_client()
        for path in ("/later/7", "/fail-later"):
            answer = await client.get(path)
            answers.append((answer.status_code, answer.content))

    for path in ("/items/7/", "/fail", "/nowhere"):
        answer = django_shop.client().get(path)
        answers.append((answer.status_code, answer.content))
    asyncio.run(ask_asynchronously())
    wsgi = django_shop.as_wsgi()
    for path in ("/items/7/", "/stream", "/break-off"):
        output = io.BytesIO()
        environ = {**minimal_environ(), "PATH_INFO": path, "HTTP_HOST": "shop.example"}
        SimpleHandler(io.BytesIO(), output, io.StringIO(), environ).run(wsgi)
        answers.append(without_date(output.getvalue()))
    return answers


@pytest.fixture(scope="module")
def programs(origin: Origin) -> dict[str, Program]:
    """A program for each library."""
    return {
        "requests": lambda: ask(with_requests, origin),
        "urllib3": lambda: ask(with_urllib3, origin),
        "http.client": lambda: ask(with_http_client, origin),
        "urllib.request": lambda: ask(with_urllib, origin),
        "httpx": lambda: ask(with_httpx, origin),
        "httpcore": lambda: ask(with_httpcore, origin),
        **({} if httpx2 is None else with_successors(origin)),
        "aiohttp.client": lambda: ask(with_aiohttp, origin),
        "botocore": lambda: ask(with_botocore, origin),
        "sqlite3": with_sqlite3,
        "sqlalchemy": with_sqlalchemy,
        "aiohttp.web": with_aiohttp_web,
        "django": with_django,
        "flask": with_flask,
        "gunicorn": with_gunicorn,
        "waitress": with_waitress,
        "wsgiref": with_wsgiref,
        "werkzeug": with_werkzeug,
        "fastapi": with_fastapi,
        "a2wsgi": with_a2wsgi,
        "asgiref": lambda: answers_of(WsgiToAsgi(application)),  # type: ignore[no-untyped-call]
        "hypercorn": with_hypercorn,
        "starlette": with_starlette,
        "uvicorn": with_uvicorn,
    }


@pytest.fixture(scope="module")
def expected(programs: dict[str, Program]) -> dict[str, object]:
    """What the programs come to without us."""
    unpatch_all()
    return {library: program() for library, program in programs.items()}


# The faults: each makes of a function of ours one that is broken.


def raising(_: Callable[..., Any]) -> Callable[..., Any]:
    def broken(*args: object, **kwargs: object) -> object:
        return len(args) / 0 + len(kwargs)

    return broken


def returning(rubbish: object) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    return lambda _: lambda *_, **__: rubbish


def returning_broken_parts(function: Callable[..., Any]) -> Callable[..., Any]:
    """Make one part of the result after the other hostile."""
    turn = itertools.count()

    def broken(*args: Any, **kwargs: Any) -> Any:
        result = function(*args, **kwargs)
        if isinstance(result, tuple) and result:
            parts = list(result)
            parts[next(turn) % len(parts)] = Hostile()
            return tuple(parts)
        names = [name for name in getattr(type(result), "__slots__", ()) if name != "token"]
        if not names or hasattr(result, "span_id"):
            return Hostile()
        copied = object.__new__(type(result))
        for name in names:
            setattr(copied, name, getattr(result, name, None))
        setattr(copied, names[next(turn) % len(names)], Hostile())
        return copied

    return broken


FAULTS = {
    "raises": raising,
    "returns nothing": returning(None),
    "returns a text": returning("rubbish"),
    "returns what fails": returning(Hostile()),
    "returns what fails in parts": returning_broken_parts,
}
STEPS = ("begin", "start", "detail", "count_resends", "finish", "fail", "conclude")
# Steps that nothing in the library's program leads to.
NOT_TAKEN = {
    ("aiohttp.client", "HttpClient.begin"),
    ("aiohttp.client", "HttpClient.detail"),
    ("botocore", "HttpClient.detail"),
    *((library, "HttpClient.detail") for library in ("httpx", "httpx2")),
    *itertools.product(("httpcore", "httpcore2"), ("HttpClient.detail", "Detail.before")),
    # Another library has the span, and nobody patches that here.
    *itertools.product(
        ("asgiref", "fastapi"),
        (
            *(f"HttpServer.{step}" for step in ("begin", "detail", "fail", "finish", "conclude")),
            *(f"HttpServer.{step}" for step in ("observe", "is_hang_up", "is_same")),
            *("HttpServer.read_request", "Detail.before"),
        ),
    ),
    *(("a2wsgi", step) for step in ("Detail.before", "HttpServer.detail", "HttpServer.is_same")),
    ("flask", "HttpServer.fail"),
    ("hypercorn", "Detail.before"),  # for the threads of asyncio's executor have no context
    ("hypercorn", "HttpServer.detail"),
    ("gunicorn", "HttpServer.detail"),
    ("gunicorn", "HttpServer.fail"),
    ("http.client", "HttpClient.begin"),
    ("http.client", "HttpClient.detail"),
    ("requests", "HttpClient.detail"),
    ("sqlalchemy", "DatabaseClient.detail"),
    ("sqlite3", "DatabaseClient.detail"),
    ("urllib.request", "HttpClient.detail"),
    ("uvicorn", "Detail.before"),
    ("uvicorn", "HttpServer.detail"),
    ("urllib3", "Detail.before"),  # but where TLS begins
    ("urllib3", "HttpClient.detail"),
    ("waitress", "HttpServer.detail"),
    ("waitress", "HttpServer.fail"),
    ("werkzeug", "HttpServer.detail"),
    ("werkzeug", "HttpServer.fail"),
    ("wsgiref", "HttpServer.detail"),
    ("wsgiref", "HttpServer.fail"),
    *(
        (library, "HttpClient.count_resends")
        for library in ("http.client", "httpcore", "httpcore2", "urllib3", "botocore")
    ),
    # What hands on to it is not patched here.
    *(
        (library, f"HttpClient.{name}")
        for library, instrumentor in instrumentors().items()
        for name in ("write_into", "read_repeat", "read_part")
        if isinstance(instrumentor.convention, HttpClient)
    ),
    *(
        (library, "HttpServer.is_same")
        for library in ("django", "gunicorn", "hypercorn", "uvicorn")
    ),
    *((library, "HttpServer.is_same") for library in ("waitress", "werkzeug", "wsgiref")),
    *(  # nothing fails there
        (library, "HttpServer.is_hang_up")
        for library in ("gunicorn", "waitress", "werkzeug", "wsgiref")
    ),
}


def functions_of(instrumentor: Instrumentor) -> Iterator[tuple[Any, str]]:
    """Everything of ours that runs within a call: the convention's steps, and all readers."""
    convention = instrumentor.convention
    for name in (*STEPS, *vars(convention)):
        if callable(getattr(convention, name, None)):
            yield convention, name
    for target in targets_of(instrumentor):
        holders = (target, getattr(target, "subclass", None))
        for holder in filter(None, holders):
            for name, value in vars(holder).items():
                if name.startswith(("read_", "before", "after", "write")) and callable(value):
                    yield holder, name


def targets_of(instrumentor: Instrumentor) -> list[Any]:
    """The objects that an instrumentor's wrappers come from."""
    cells = [cell for _, wrap in instrumentor._wraps for cell in wrap.__closure__ or ()]
    found = [cell.cell_contents for cell in cells if hasattr(cell.cell_contents, "wraps")]
    return list({id(target): target for target in found}.values())


def cases() -> Iterator[Any]:
    for library, instrumentor in instrumentors().items():
        if find_spec(library.partition(".")[0]) is None:
            continue
        if isinstance(instrumentor.convention, ContextCarrier):
            continue  # reads nothing; what may go wrong with it is in tests/context
        points = {f"{type(holder).__name__}.{name}" for holder, name in functions_of(instrumentor)}
        for point in sorted(points):
            for fault in FAULTS:
                yield pytest.param(library, point, fault, id=f"{library}-{point}-{fault}")


@pytest.fixture
def _afterwards(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Iterator[None]:
    """Give back what turning an instrumentor off takes away for good."""
    monkeypatch.setattr(guard, "counts", {})
    monkeypatch.setattr(guard, "turn_off", dict(guard.turn_off))
    for instrumentor in instrumentors().values():
        monkeypatch.setattr(instrumentor, "_wraps", list(instrumentor._wraps))
        guard.turn_off[instrumentor.library] = instrumentor.turn_off
        # A port may come again, and what is described for it already would not be again.
        if hasattr(instrumentor.convention, "_urls"):
            monkeypatch.setattr(instrumentor.convention, "_urls", Urls())
    unpatch_all()
    if request.node.name.find("[sqlite3-") > 0:
        gc.collect()  # the classes made for another test have its functions
    yield
    unpatch_all()
    CURRENT.set(None)
    PIPELINE.queue.clear()  # of what nobody can encode
    guard.ERRORS.clear()


def break_point(
    monkeypatch: pytest.MonkeyPatch, instrumentor: Instrumentor, point: str, fault: str
) -> None:
    if hasattr(instrumentor.convention, "_urls"):  # what a port of another test led to is kept
        monkeypatch.setattr(instrumentor.convention, "_urls", Urls())
    for holder, name in functions_of(instrumentor):
        if f"{type(holder).__name__}.{name}" == point:
            monkeypatch.setattr(holder, name, FAULTS[fault](getattr(holder, name)))


@pytest.mark.usefixtures("_afterwards")
@pytest.mark.parametrize(("library", "point", "fault"), [*cases()])
def test_the_program_never_notices(
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    programs: dict[str, Program],
    expected: dict[str, object],
    library: str,
    point: str,
    fault: str,
) -> None:
    program = programs[library]
    instrumentor = instrumentors()[library]
    break_point(monkeypatch, instrumentor, point, fault)
    # What other tests have had described would be described no more.
    for known in ("_callers", "_descriptions"):
        monkeypatch.setattr(instrumentor.convention, known, Cache(512), raising=False)
    for module in instrumentor.modules:
        if module in sys.modules:
            instrumentor.patch(module)
    assert instrumentor.is_patched

    with Recording():
        assert program() == expected[library]
        for _ in range(guard.LIMIT):
            if 0 < guard.counts.get(library, 0) < guard.LIMIT:
                assert program() == expected[library]

    lines = [line for line in capfd.readouterr().err.splitlines() if f" in {library}, " in line]
    if fault == "raises" and (library, point) not in NOT_TAKEN:
        assert guard.counts[library] >= guard.LIMIT
    if guard.counts.get(library, 0) >= guard.LIMIT:
        assert len(lines) == 1
        assert "internal errors in" in lines[0]
        assert lines[0].endswith("; it is turned off; the program is not affected")
        assert instrumentor.patched == ()
    else:
        assert lines == []


@pytest.mark.usefixtures("_afterwards")
def test_the_programs_are_recorded_when_nothing_is_broken(
    programs: dict[str, Program], expected: dict[str, object]
) -> None:
    patch_imported()
    for library, program in programs.items():
        with Recording() as recording:
            assert program() == expected[library]
            assert unchecked(recording), library  # a test client may be httpx's, without a peer
        assert guard.counts == {}
