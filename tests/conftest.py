"""Fixtures that every test may ask for."""

from __future__ import annotations

import signal
import ssl
import sys
from typing import TYPE_CHECKING

import hypothesis
import pytest
import trustme

from collector import Collector
from programs import Programs

pytest.register_assert_rewrite(
    "contracts.async_http_client",
    "contracts.asgi_server",
    "contracts.database",
    "contracts.http_client",
    "contracts.http_follower",
    "contracts.http_proxied",
    "contracts.http_server",
    "contracts.http_streamer",
    "contracts.instrumentor",
    "contracts.wsgi_bridge",
    "contracts.wsgi_framework",
    "processes.server",
)

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable, Iterator
    from pathlib import Path

# The first example imports what it needs, and two tests share two cores: time says nothing here.
hypothesis.settings.register_profile("no deadline", deadline=None)
hypothesis.settings.load_profile("no deadline")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what is not for this Python or these libraries, as its `skipif` says.

    A test that skips itself while it runs lacks something instead: it counts as skipped.
    """
    absent = [item for item in items if not is_for_here(item)]
    if absent:
        config.hook.pytest_deselected(items=absent)
        items[:] = [item for item in items if item not in absent]


def is_for_here(item: pytest.Item) -> bool:
    """Whether no condition of a `skipif` holds."""
    conditions = (condition for mark in item.iter_markers("skipif") for condition in mark.args)
    return not any(condition is True for condition in conditions)


@pytest.fixture(scope="session", autouse=True)
def _signals_as_in_a_shell() -> None:
    """Let the programs that tests start be ended by signals, however the tests were started."""
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM):
        if signal.getsignal(number) == signal.SIG_IGN:
            signal.signal(number, signal.SIG_DFL)


@pytest.fixture(autouse=True)
def _nothing_swallowed() -> Iterator[None]:
    """Fail the test in whose course the agent has hidden a mistake of its own from the program."""
    forget_errors()
    yield
    for error in forget_errors():
        raise error


def forget_errors() -> list[BaseException]:
    """Take what the agent's guard has caught so far, where the agent is loaded at all."""
    guard = sys.modules.get("otel_run.guard")
    if guard is None:
        return []
    errors = list(guard.ERRORS)
    guard.ERRORS.clear()
    guard.counts.clear()
    return errors


@pytest.fixture
def collector() -> Iterator[Collector]:
    """An OTLP/HTTP collector on a port of its own."""
    with Collector() as collector:
        yield collector


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    """Issues certificates that nobody trusts unless told to."""
    return trustme.CA()


@pytest.fixture
def secure_collector(authority: trustme.CA) -> Iterator[Collector]:
    """A collector that speaks https, as `localhost`."""
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(tls)
    with Collector(tls) as collector:
        yield collector


@pytest.fixture
def certificate(authority: trustme.CA, tmp_path: Path) -> Path:
    """The file that a client of `secure_collector` must trust."""
    path = tmp_path / "authority.pem"
    authority.cert_pem.write_to_path(str(path))
    return path


@pytest.fixture
def programs(tmp_path: Path, collector: Collector) -> Iterator[Programs]:
    """Starts programs whose telemetry goes to the test's collector."""
    programs = Programs(tmp_path, collector.endpoint)
    yield programs
    programs.close()


@pytest.fixture
def run_program(programs: Programs) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run a program under otel-run to its end; see `Programs.run`."""
    return programs.run


@pytest.fixture
def start_program(programs: Programs) -> Callable[..., subprocess.Popen[str]]:
    """Start a program under otel-run; see `Programs.start`."""
    return programs.start
