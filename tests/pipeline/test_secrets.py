"""A program that is full of secrets, and fails with them: not one of them leaves it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from collector import Collector
    from otlp import Span
    from programs import Programs

MARKER = "hunter2hunter"

PROGRAM = """
import os, sqlite3, sys, threading, urllib.request
from wsgiref.simple_server import WSGIRequestHandler, make_server
import flask, requests, sqlalchemy as sa

SECRET = sys.argv[1]
assert SECRET in os.environ.values()

def attempt(function, *arguments, **keywords):
    try:
        function(*arguments, **keywords)
    except Exception as error:
        return error
    raise AssertionError(arguments)

app = flask.Flask("shop")
app.logger.disabled = True

@app.route("/cookie")
def cookie():
    return "ok", 200, {"Set-Cookie": SECRET}

@app.route("/redirect")
def redirect():
    return flask.redirect(f"/cookie?token={SECRET}")

@app.route("/chain")
def chain():
    error = attempt(exec, f"raise KeyError('postgresql://ada:{SECRET}@db/shop')")
    raise RuntimeError(f"Authorization: Bearer {SECRET}") from error

@app.route("/group")
def group():
    error = attempt(insert)
    error.__notes__ = [f"password={SECRET}"]
    if sys.version_info >= (3, 11):
        raise ExceptionGroup(f"failed: {error}", [error, ValueError(f"api_key={SECRET}")])
    raise error

def insert():
    with sa.create_engine("sqlite://").begin() as connection:
        connection.execute(sa.text("CREATE TABLE t (a UNIQUE)"))
        for _ in range(2):
            connection.execute(sa.text("INSERT INTO t VALUES (:a)"), {"a": SECRET})

class Handler(WSGIRequestHandler):
    def log_message(self, *_):
        pass

server = make_server("127.0.0.1", 0, app, handler_class=Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
host = f"127.0.0.1:{server.server_port}"
keys = ("token", "X-Amz-Signature", "Api-Key", "user[pwd]")
query = "&".join(f"{key}={SECRET}" for key in keys)
for path in ("/cookie", "/redirect", "/chain", "/group"):
    url = f"http://ada:{SECRET}@{host}{path}?{query}#access_token={SECRET}"
    requests.get(url, headers={"Cookie": SECRET, "X-Auth-Token": SECRET})
requests.get(f"http://{host}/cookie", auth=("ada", SECRET))
for url in (f"http://ada:{SECRET}@127.0.0.1:1/?{query}", f"http://ada:{SECRET}/x@127.0.0.1:1/"):
    attempt(requests.get, url)
    attempt(urllib.request.urlopen, url)
proxies = {"http": f"http://ada:{SECRET}@127.0.0.1:1"}
attempt(requests.get, "http://shop.invalid/", proxies=proxies)

driver = sqlite3.connect(":memory:").cursor()
driver.execute("CREATE TABLE t (a UNIQUE)")
driver.execute("INSERT INTO t VALUES (?)", (SECRET,))
attempt(driver.execute, "INSERT INTO t VALUES (?)", (SECRET,))
attempt(driver.executemany, "INSERT INTO t VALUES (?)", [(SECRET,)])
attempt(driver.executescript, f"SELECT 1; INSERT INTO t VALUES ('{SECRET}');")
for sql in ("SELEC '{}'", "SELECT '{}", 'INSERT INTO u VALUES ("{}")', "SELECT json('{}')"):
    attempt(driver.execute, sql.format(SECRET))
"""


def test_no_secret_leaves_whatever_fails(programs: Programs, collector: Collector) -> None:
    kinds = ("CLIENT_REQUEST", "CLIENT_RESPONSE", "SERVER_REQUEST", "SERVER_RESPONSE")
    prefix = "OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS"
    env = {f"{prefix}_{kind}": ".*" for kind in kinds}
    result = programs.run(PROGRAM, MARKER, env={**env, "SHOP_PASSWORD": MARKER})

    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")
    spans = collector.spans()
    assert sum(bool(span.events) for span in spans) > 10
    assert b"REDACTED" in b"".join(request.content for request in collector.requests)
    texts = [text for span in spans for text in texts_in(span)]
    assert [text for text in texts if MARKER in text] == []
    assert not any(MARKER.encode() in request.content for request in collector.requests)


def texts_in(span: Span) -> Iterator[str]:
    yield span.name
    for attributes in (span.attributes, *(event.attributes for event in span.events)):
        for key, value in attributes.items():
            yield f"{span.name}: {key}={value}"
