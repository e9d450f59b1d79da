"""otel-run in an environment of its own records programs of others, and brings them nothing."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import pytest

from bare_python import interpreter, interpreters, is_supported
from building import VirtualEnvironment

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from collector import Collector
    from environments.conftest import Launch

# The environments are made for one Python's tests; they hold other Pythons themselves.
pytestmark = pytest.mark.skipif(sys.version_info[:2] != (3, 11), reason="made once")

SUPPORTED = {name: path for name, path in interpreters().items() if is_supported(name)}
OURS = {"otel_run", "otel_run_bootstrap", "otel_run_instrumentors"}
# Serves a page, and asks for it, by the command `flask --app shop ask`.
SHOP = """
import json, sys, threading
from importlib.util import find_spec
import requests
from flask import Flask
from werkzeug.serving import make_server

app = Flask(__name__)

@app.get("/<name>")
def greet(name):
    return f"hello {name}"

def ask():
    server = make_server("127.0.0.1", 0, app)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    text = requests.get(f"http://127.0.0.1:{server.server_port}/you").text
    server.shutdown()
    thread.join()
    server.server_close()
    print(json.dumps([text, *sys.version_info[:2]]))
    print(json.dumps([find_spec(name) is not None for name in ("opentelemetry", "wrapt")]))
    print(json.dumps(sorted(sys.modules)))

app.cli.command("ask")(ask)

if __name__ == "__main__":
    ask()
"""
WAYS: dict[str, Callable[[VirtualEnvironment], list[str | Path]]] = {
    "script": lambda environment: [environment.python, "shop.py"],
    "module": lambda environment: [environment.python, "-m", "flask", "--app", "shop", "ask"],
    "console script": lambda environment: [environment.bin / "flask", "--app", "shop", "ask"],
}


@pytest.fixture(scope="module", params=SUPPORTED)
def shop(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> VirtualEnvironment:
    """An environment of each Python, with what the shop needs."""
    folder = tmp_path_factory.mktemp("shop")
    return VirtualEnvironment(folder, SUPPORTED[request.param], "flask", "requests")


@pytest.mark.parametrize("way", WAYS)
def test_a_program_of_another_environment_is_recorded_and_brought_nothing(
    otel_run: Path,
    shop: VirtualEnvironment,
    launch: Launch,
    collector: Collector,
    tmp_path: Path,
    way: str,
) -> None:
    (tmp_path / "shop.py").write_text(SHOP)
    command = WAYS[way](shop)
    bare = launch(*command)
    recorded = launch(otel_run, *command)
    *said, modules = recorded.stdout.splitlines()
    *said_without, modules_without = bare.stdout.splitlines()
    brought = {
        name.partition(".")[0]
        for name in set(json.loads(modules)) - set(json.loads(modules_without))
    }
    client, server = sorted(collector.spans(), key=lambda span: span.kind)

    assert (recorded.returncode, said) == (bare.returncode, said_without) == (0, said)
    assert json.loads(said[1]) == [False, False]
    assert brought - sys.stdlib_module_names == OURS
    assert (server.name, client.name) == ("GET /<name>", "GET")
    assert server.trace_id == client.trace_id


# What a program may be pinned to, of all that agents bring along or build upon.
PINNED = (
    "deprecated==1.2.13",
    "opentelemetry-api==1.12.0",
    "protobuf==3.20.3",
    "requests==2.25.0",
    "setuptools==65.5.0",
    "typing_extensions==4.0.0",
    "urllib3==1.26.5",
    "wrapt==1.14.1",
)
OLD = """
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from importlib.metadata import version

import google.protobuf, opentelemetry.trace, requests, typing_extensions, urllib3, wrapt
from google.protobuf.struct_pb2 import Struct

class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", "5")
        self.end_headers()
        self.wfile.write(b"hello")
    def log_message(self, *arguments):
        pass

@wrapt.decorator
def twice(wrapped, instance, args, kwargs):
    return 2 * wrapped(*args, **kwargs)

@twice
def fetch(url):
    with opentelemetry.trace.get_tracer("shop").start_as_current_span("fetch") as span:
        assert not span.is_recording()
        return requests.get(url).text

server = HTTPServer(("127.0.0.1", 0), Handler)
thread = threading.Thread(target=server.serve_forever)
thread.start()
print(fetch(f"http://127.0.0.1:{server.server_port}/"))
server.shutdown()
thread.join()
message = Struct()
message["of"] = "protobuf 3"
print(Struct.FromString(message.SerializeToString())["of"])
for name in ("opentelemetry-api", "protobuf", "requests", "typing_extensions", "urllib3", "wrapt"):
    print(name, version(name))
for module in (google.protobuf, opentelemetry.trace, typing_extensions, urllib3, wrapt):
    print(module.__file__)
print(wrapt.FunctionWrapper.__module__, type(fetch).__module__, urllib3.__version__)
"""


@pytest.fixture(scope="module")
def pinned(tmp_path_factory: pytest.TempPathFactory) -> VirtualEnvironment:
    """An environment that nothing newer may come into."""
    return VirtualEnvironment(tmp_path_factory.mktemp("pinned"), interpreter(), *PINNED)


@pytest.mark.parametrize("way", ["command", "payload"])
def test_a_program_that_is_pinned_to_what_is_old_keeps_it(
    otel_run: Path,
    payload: Path,
    pinned: VirtualEnvironment,
    launch: Launch,
    collector: Collector,
    tmp_path: Path,
    way: str,
) -> None:
    (tmp_path / "old.py").write_text(OLD)
    command = [pinned.python, "-W", "ignore", "old.py"]
    bare = launch(*command)
    recorded = (
        launch(otel_run, *command)
        if way == "command"
        else launch(*command, env={"PYTHONPATH": str(payload)})
    )

    assert bare.stdout.startswith("hellohello\nprotobuf 3\nopentelemetry-api 1.12.0\n")
    assert (recorded.returncode, recorded.stdout, recorded.stderr) == (0, bare.stdout, bare.stderr)
    assert [(span.name, span.kind) for span in collector.spans()] == [("GET", "client")]


QUERY = """
import sqlite3, sys
from importlib.util import find_spec
import lamp
assert lamp.is_on
print(sqlite3.connect(":memory:").execute("SELECT 6 * 7").fetchone(), lamp.__file__)
print(*(find_spec(name) is not None for name in ("wrapt", "otel_run_viewer")))
"""


def test_what_is_in_the_users_site_is_there(
    otel_run: Path, launch: Launch, collector: Collector, tmp_path: Path
) -> None:
    """A virtual environment has no such site: this is about a Python of the system."""
    site = f"user/lib/python{sys.version_info[0]}.{sys.version_info[1]}/site-packages"
    (tmp_path / site).mkdir(parents=True)
    (tmp_path / site / "lamp.py").write_text("is_on = True")
    (tmp_path / "app.py").write_text(QUERY)
    env = {"PYTHONUSERBASE": str(tmp_path / "user")}
    bare = launch(interpreter(), "app.py", env=env)
    recorded = launch(otel_run, interpreter(), "app.py", env=env)

    assert (recorded.returncode, recorded.stdout, recorded.stderr) == (0, bare.stdout, "")
    assert recorded.stdout.startswith(f"(42,) {tmp_path / site}/lamp.py\n")
    assert [span.name for span in collector.spans()] == ["SELECT"]


def test_an_environment_made_by_ours_has_nothing_of_it(
    otel_run: Path, launch: Launch, collector: Collector, tmp_path: Path
) -> None:
    inner = VirtualEnvironment(tmp_path / "inner", otel_run.parent / "python")
    (tmp_path / "lamp.py").write_text("is_on = True")
    (tmp_path / "app.py").write_text(QUERY)
    result = launch(otel_run, inner.python, "app.py")

    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout == f"(42,) {tmp_path}/lamp.py\nFalse False\n"
    assert [span.name for span in collector.spans()] == ["SELECT"]


def test_pip_installs_under_it_as_ever(otel_run: Path, launch: Launch, tmp_path: Path) -> None:
    """What it starts to build a package is left alone, and not slowed down."""
    (tmp_path / "lamp.py").write_text("is_on = True")
    (tmp_path / "pyproject.toml").write_text(
        '[project]\nname = "lamp"\nversion = "1"\n'
        '[build-system]\nrequires = ["hatchling"]\nbuild-backend = "hatchling.build"\n'
        '[tool.hatch.build.targets.wheel]\nonly-include = ["lamp.py"]\n'
    )
    target = tmp_path / "target"
    command = ("-m", "pip", "install", "--quiet", "--no-build-isolation", "--target", target, ".")
    result = launch(otel_run, sys.executable, *command)

    assert (result.returncode, result.stdout) == (0, ""), result.stderr
    assert (target / "lamp.py").is_file()
