"""Where telemetry goes, and whether it arrives: tried out, with one span, by the agent's own means.

Nothing of it stays in the local store.
"""

from __future__ import annotations

import os
import threading
from time import monotonic, time_ns
from typing import TYPE_CHECKING, Any

from otel_run.export import failures
from otel_run.export.destinations import SIGNALS
from otel_run.export.otlp import Encoder, request, resource
from otel_run.export.replies import read_rejection
from otel_run.export.store_file import SIGNALS as FRAMES
from otel_run.export.store_file import StoreFile
from otel_run.export.transport import Transport
from otel_run.signals import ids
from otel_run.signals.description import Description, Outcome, Scope
from otel_run.signals.resource import attributes
from otel_run.signals.span import INTERNAL, UNSET, Span
from otel_run_bootstrap.doctor.finding import PROBLEM, WARNING, Finding, finding

if TYPE_CHECKING:
    from otel_run.settings import Endpoint, Settings

# Seconds for one request; looking up a name, which has no time-out, may take as much again.
PATIENCE = 5.0
NAME = "otel-run doctor"
TAKEN = {"traces": "takes a test span", "metrics": "takes an empty request"}
OK = range(200, 300)
SILENCE = "no answer in time"


def examine(settings: Settings) -> tuple[list[dict[str, Any]], list[Finding]]:
    """Try each destination of each signal."""
    rows: list[dict[str, Any]] = []
    for signal in SIGNALS:
        names = settings.exporters[signal]
        rows += [row(settings, signal, name) for name in names or ("none",)]
    return rows, [judge(row) for row in rows if not row["ok"]]


def row(settings: Settings, signal: str, exporter: str) -> dict[str, Any]:
    target, failure, answer = "", "", ""
    if exporter == "otlp":
        endpoint = settings.endpoints[signal]
        target = endpoint.url.partition("?")[0]
        failure, answer = send(endpoint, signal, payload(settings, signal)), TAKEN[signal]
    elif exporter == "local":
        target = os.path.dirname(settings.run_folder)
        failure, answer = store(settings.run_folder), "can be written"
    elif exporter == "console":
        target, answer = "stdout", "a line for each record"
    else:
        failure = f"OTEL_{signal.upper()}_EXPORTER=none: they go nowhere"
    return {
        "signal": signal,
        "exporter": exporter,
        "target": target,
        "ok": not failure,
        "answer": failure or answer,
    }


def payload(settings: Settings, signal: str) -> bytes:
    """Return a request with one span; for another signal an empty one, which is valid."""
    if signal != "traces":
        return b""
    scope = Scope("otel_run.doctor", "")
    description = Description(scope, NAME, INTERNAL, {}, {})
    trace_id, span_id = ids.draw(128) or 1, ids.draw(64) or 1
    span = Span(trace_id, span_id, 0, True, False, "", None, description, time_ns())  # noqa: FBT003
    span.end = span.start + 1
    span.outcome = Outcome(NAME, {}, UNSET, None)
    encoded = Encoder(settings).span(span)
    return request(resource(attributes(settings)), [(scope, encoded)])


def send(endpoint: Endpoint, signal: str, content: bytes) -> str:
    """Send a request; return why it did not arrive, "" where it did."""
    answers: list[str] = []

    def attempt() -> None:
        answers.append(exchange(endpoint, signal, content))

    # Whoever looks up a name waits as long as the name server likes.
    thread = threading.Thread(target=attempt, daemon=True)
    thread.start()
    thread.join(2 * PATIENCE)
    return answers[0] if answers else SILENCE


def exchange(endpoint: Endpoint, signal: str, content: bytes) -> str:
    try:
        transport = Transport(endpoint)
        transport.load()
        reply = transport.send(content, monotonic() + PATIENCE)
        transport.close()
    except Exception as error:
        return failures.of_error(error, endpoint.url)
    if reply.status not in OK:
        return failures.of_reply(reply)
    rejection = read_rejection(reply.body, 1) if signal == "traces" else None
    if rejection is not None and rejection.count:
        return f"rejected: {rejection.message or 'no reason given'}"
    return ""


def store(folder: str) -> str:
    """Write into a run's folder, and take away what was not there before; return what fails."""
    missing = new_folders(folder)
    try:
        file = StoreFile(folder)
        try:
            file.append(FRAMES["tally"], b"")
        finally:
            file.close()
    except OSError as error:
        return f"cannot be written: {error.strerror or error}"
    finally:
        remove(folder, missing)
    return ""


def new_folders(folder: str) -> list[str]:
    """Return the folders that are not there yet, the innermost first."""
    missing = []
    while not os.path.exists(folder):
        missing.append(folder)
        folder = os.path.dirname(folder)
    return missing


def remove(folder: str, missing: list[str]) -> None:
    try:
        for name in os.listdir(folder):
            os.unlink(os.path.join(folder, name))
        for made in missing:
            os.rmdir(made)
    except OSError:
        return  # it was never made, or another run has begun in it


def judge(row: dict[str, Any]) -> Finding:
    signal, exporter = row["signal"], row["exporter"]
    thing = f"{signal} to {row['target']}" if row["target"] else signal
    if exporter == "none":
        return finding(WARNING, thing, row["answer"], "unset it, if that is not what you want")
    if exporter == "local":
        remedy = "make the folder writable, or set OTEL_RUN_STORE to one that is"
        return finding(PROBLEM, thing, row["answer"], remedy)
    first = "set it right" if "OTEL_" in row["answer"] else "see that a collector runs there"
    remedy = f"{first}, or correct {source(signal)}"
    return finding(PROBLEM, thing, row["answer"], remedy)


def source(signal: str) -> str:
    """Return the variable that says where a signal goes."""
    own = f"OTEL_EXPORTER_OTLP_{signal.upper()}_ENDPOINT"
    return own if os.environ.get(own, "").strip() else "OTEL_EXPORTER_OTLP_ENDPOINT"
