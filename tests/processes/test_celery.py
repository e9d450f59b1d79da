"""Celery's prefork workers, which leave without Python's end: what each task did arrives, once."""

from __future__ import annotations

import re
import signal
from typing import TYPE_CHECKING

import pytest

from processes.log import PATIENCE, Log

if TYPE_CHECKING:
    from collections.abc import Iterator

    from collector import Collector
    from programs import Programs

# A broker that is a folder; each task says who did it, and so does the end of each worker.
SHOP = """
import os, sqlite3
from celery import Celery
from celery.signals import worker_process_shutdown

app = Celery("shop", broker="filesystem://")
app.conf.broker_transport_options = {
    "data_folder_in": "broker", "data_folder_out": "broker", "control_folder": "control"
}
os.makedirs("broker", exist_ok=True)

def ask(name):
    connection = sqlite3.connect(":memory:")
    connection.execute(f"SELECT 1 AS {name}")
    connection.close()

@app.task
def take(number):
    ask(f"task_{number}")
    return f"task_{number} by {os.getpid()}"

@worker_process_shutdown.connect
def count(pid, **more):
    ask("ending")

if __name__ == "__main__":
    for number in range(7):
        take.delay(number)
"""
DONE = r"succeeded in [\d.e-]+s: '(\w+) by (\d+)'"


@pytest.fixture
def worker(programs: Programs) -> Iterator[Log]:
    """A worker of two processes, each of which is replaced after two of seven tasks."""
    (programs.folder / "shop.py").write_text(SHOP)
    assert programs.run(["shop.py"], launcher=False).returncode == 0
    options = ["--concurrency", "2", "--max-tasks-per-child", "2", "--loglevel", "INFO"]
    process = programs.start(["-m", "celery", "-A", "shop", "worker", *options])
    log = Log(process)
    log.await_line(DONE, 7)
    process.send_signal(signal.SIGTERM)
    try:
        assert process.wait(PATIENCE) == 0, str(log)
        yield log
    finally:
        programs.close()
        log.close()


def test_what_tasks_did_arrives_from_workers_that_are_replaced_and_that_end(
    collector: Collector, worker: Log
) -> None:
    done = {(name, int(pid)) for name, pid in re.findall(DONE, str(worker))}
    spans = collector.spans()
    asked = [
        (span.attributes["db.query.text"].rpartition(" ")[2], span.resource["process.pid"])
        for span in spans
    ]
    pids = {pid for _, pid in done}

    assert sorted(one for one in asked if one[0] != "ending") == sorted(done)
    assert len(pids) >= 4
    # Those that never had a task end as well.
    assert pids <= {pid for name, pid in asked if name == "ending"}
    assert len({span.resource["service.instance.id"] for span in spans}) == len(
        {pid for _, pid in asked}
    )
    assert "internal error" not in str(worker)
