"""Children of multiprocessing: all that they record arrives once, under what started them."""

from __future__ import annotations

import copy
import pickle
import signal
import sys
from typing import TYPE_CHECKING

import pytest

from contracts.origin import Origin
from otel_run.engine.travel import Traveller
from otel_run.signals.context import SUPPRESSED, Node
from otel_run.signals.ticket import issue, redeem
from processes.arrived import ENV, landed, processes
from programs import without_introduction

if TYPE_CHECKING:
    from collections.abc import Iterator

    from collector import Collector
    from programs import Programs

METHODS = ["fork", "forkserver", "spawn"]


@pytest.fixture
def origin() -> Iterator[Origin]:
    """Whom children ask."""
    with Origin() as origin:
        yield origin


PROCESSES = """
import multiprocessing, sys
import requests
from served import ask, serve

context = multiprocessing.get_context(sys.argv[1])

def work(name):
    ask(name)
    requests.get(sys.argv[2], timeout=30)

class Working(context.Process):
    def run(self):
        ask("subclass")
        print(sorted(vars(self)))

def fail():
    ask("failing")
    raise LookupError("the program's")

def leave():
    ask("leaving")
    sys.exit(3)

def run(process):
    before = set(vars(process))
    process.start()
    process.join()
    print(process.exitcode, set(vars(process)) == before)

def work_of_the_request():
    run(context.Process(target=work, args=("plain",)))
    run(Working())
    run(context.Process(target=fail))
    run(context.Process(target=leave))

if __name__ == "__main__":
    serve("/", work_of_the_request)
    run(context.Process(target=ask, args=("alone",)))
"""


@pytest.mark.parametrize("method", METHODS)
def test_a_process_goes_on_from_where_it_was_started(
    programs: Programs, collector: Collector, origin: Origin, method: str
) -> None:
    bare = programs.run(PROCESSES, method, origin.url(), env=ENV, launcher=False)
    result = programs.run(PROCESSES, method, origin.url(), env=ENV)

    assert (result.returncode, result.stdout, result.stderr) == (0, bare.stdout, bare.stderr)
    children = ("plain", "GET", "subclass", "failing", "leaving")
    assert landed(collector) == {"/": "", **dict.fromkeys(children, "/"), "alone": ""}
    recorded = ({"/"}, {"plain", "GET"}, {"subclass"}, {"failing"}, {"leaving"}, {"alone"})
    assert processes(collector) == set(map(frozenset, recorded))
    (asked,) = (one for one in collector.spans() if one.scope.endswith("requests"))
    assert [one.headers["traceparent"] for one in origin.received[1:]] == [
        [f"00-{asked.trace_id}-{asked.span_id}-01"]
    ]


LATE = """
import multiprocessing, sys
from concurrent.futures import ProcessPoolExecutor

def ask_late(name):
    from served import ask
    return ask(name)

def work():
    context = multiprocessing.get_context(sys.argv[1])
    process = context.Process(target=ask_late, args=("process",))
    process.start()
    process.join()
    with context.Pool(1) as pool:
        pool.apply(ask_late, ("pool",))
    with ProcessPoolExecutor(1, mp_context=context) as executor:
        executor.submit(ask_late, "executor").result()

if __name__ == "__main__":
    from served import serve
    serve("/", work)
"""


@pytest.mark.parametrize("method", METHODS)
def test_so_it_does_where_nothing_is_imported_before_its_work_begins(
    programs: Programs, collector: Collector, method: str
) -> None:
    result = programs.run(LATE, method, env=ENV)

    assert (result.returncode, result.stderr) == (0, "")
    assert landed(collector) == {"/": "", "process": "/", "pool": "/", "executor": "/"}


MANAGER = """
import multiprocessing, sys
from multiprocessing.managers import BaseManager
from served import ask, serve

class Manager(BaseManager):
    pass

Manager.register("ask", ask)

def work():
    manager = Manager(ctx=multiprocessing.get_context(sys.argv[1]))
    manager.start()
    manager.ask("first")
    return manager

if __name__ == "__main__":
    manager = serve("/", work)
    manager.ask("second")
    manager.shutdown()
"""


@pytest.mark.parametrize("method", METHODS)
def test_a_manager_serves_whoever_comes(
    programs: Programs, collector: Collector, method: str
) -> None:
    result = programs.run(MANAGER, method, env=ENV)

    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")
    assert landed(collector) == {"/": "", "first": "", "second": ""}
    assert processes(collector) == {frozenset({"/"}), frozenset({"first", "second"})}


# How children end.

ENDINGS = """
import multiprocessing, signal, sys
from served import ask

def work(asked):
    ask("before")
    asked.set()
    signal.pause()

if __name__ == "__main__":
    context = multiprocessing.get_context(sys.argv[1])
    asked = context.Event()
    process = context.Process(target=work, args=(asked,))
    process.start()
    asked.wait()
    getattr(process, sys.argv[2])()
    process.join()
    print(process.exitcode)
"""


@pytest.mark.parametrize("method", METHODS)
def test_a_child_that_is_terminated_sends_what_it_has(
    programs: Programs, collector: Collector, method: str
) -> None:
    result = programs.run(ENDINGS, method, "terminate", env=ENV)

    assert (result.returncode, result.stdout, result.stderr) == (0, "-15\n", "")
    assert landed(collector) == {"before": ""}


def test_a_child_that_is_killed_loses_what_it_had_not_sent(
    programs: Programs, collector: Collector
) -> None:
    result = programs.run(ENDINGS, "fork", "kill", env=ENV)

    assert (result.stdout, result.stderr) == (f"{-signal.SIGKILL}\n", "")
    assert landed(collector) == {}


LEAVING = """
import multiprocessing, os, sys
from served import ask

def leave():
    ask("sent")
    os.read(0, 1)
    ask("lost")
    os._exit(7)

if __name__ == "__main__":
    process = multiprocessing.get_context("fork").Process(target=leave)
    process.start()
    process.join()
    print(process.exitcode)
"""


def test_a_child_that_leaves_by_os_exit_loses_what_it_had_not_sent(
    programs: Programs, collector: Collector
) -> None:
    process = programs.start(LEAVING, env=ENV, stdin=-1)
    collector.wait_for(lambda one: one.spans())
    stdout, stderr = process.communicate("go", timeout=60)

    assert (process.returncode, stdout, without_introduction(stderr)) == (0, "7\n", "")
    assert landed(collector) == {"sent": ""}


ARMED = """
import multiprocessing, os, signal, sqlite3, sys, time

def tell(number, frame):
    os.write(1, b"the program's\\n")
    sys.exit(5)

def work(ready):
    signal.signal(signal.SIGTERM, tell)
    ready.set()
    time.sleep(60)

if __name__ == "__main__":
    context = multiprocessing.get_context(sys.argv[1])
    ready = context.Event()
    process = context.Process(target=work, args=(ready,))
    process.start()
    ready.wait()
    process.terminate()
    process.join()
    print(process.exitcode)
"""


@pytest.mark.parametrize("method", METHODS)
def test_a_child_that_handles_its_termination_is_told_once(programs: Programs, method: str) -> None:
    result = programs.run(ARMED, method, env=ENV)

    assert (result.stdout, result.stderr) == ("the program's\n5\n", "")


# Pools.

POOLS = """
import multiprocessing, sys
from served import ask, serve

def ask_both(first, second):
    return ask(first) + ask(second)

def work():
    print(pool.apply(ask, ("apply",)))
    print(pool.apply_async(func=ask, kwds={"name": "apply_async"}).get())
    print(pool.map(ask, ["map_a", "map_b", "map_c"], chunksize=2))
    print(pool.map_async(ask, ["map_async"]).get())
    print(pool.starmap(ask_both, [("star_a", "star_b")]))
    print(list(pool.imap(ask, ["imap_a", "imap_b"])))
    print(list(pool.imap(ask, ["imap_c", "imap_d"], chunksize=2)))
    print(sorted(pool.imap_unordered(ask, ["unordered_a", "unordered_b"])))

def initialise(name):
    ask(name)

def make():
    context = multiprocessing.get_context(sys.argv[1])
    return context.Pool(1, initialise, ("initialised",))

if __name__ == "__main__":
    pool = serve("/none", make)
    serve("/one", work)
    pool.apply(ask, ("alone",))
    getattr(pool, sys.argv[2])()
    pool.join()
"""
TASKS = [
    *("apply", "apply_async", "map_a", "map_b", "map_c", "map_async", "star_a", "star_b"),
    *("imap_a", "imap_b", "imap_c", "imap_d", "unordered_a", "unordered_b"),
]


@pytest.mark.parametrize("end", ["close", "terminate"])
@pytest.mark.parametrize("method", METHODS)
def test_a_task_of_a_pool_goes_on_from_where_it_was_given(
    programs: Programs, collector: Collector, method: str, end: str
) -> None:
    bare = programs.run(POOLS, method, end, env=ENV, launcher=False)
    result = programs.run(POOLS, method, end, env=ENV)

    assert (result.returncode, result.stdout, result.stderr) == (0, bare.stdout, "")
    roots = dict.fromkeys(("/none", "/one", "initialised", "alone"), "")
    assert landed(collector) == {**roots, **dict.fromkeys(TASKS, "/one")}
    assert processes(collector) == {
        frozenset({"/none", "/one"}),
        frozenset({"initialised", "alone", *TASKS}),
    }


RENEWED = """
import multiprocessing, sys
from served import ask, serve

def work():
    with multiprocessing.get_context(sys.argv[1]).Pool(2, maxtasksperchild=1) as pool:
        pool.map(ask, [f"task_{number}" for number in range(6)], chunksize=1)
        pool.close()
        pool.join()

if __name__ == "__main__":
    serve("/", work)
"""


@pytest.mark.parametrize("method", METHODS)
def test_workers_that_are_replaced_lose_nothing(
    programs: Programs, collector: Collector, method: str
) -> None:
    result = programs.run(RENEWED, method, env=ENV)

    assert (result.returncode, result.stderr) == (0, "")
    assert landed(collector) == {"/": "", **{f"task_{number}": "/" for number in range(6)}}
    assert len(processes(collector)) == 7


TERMINATED = """
import multiprocessing
from served import ask

for number in range(25):
    with multiprocessing.get_context("fork").Pool(2) as pool:
        pool.map(ask, [f"asked_{number}_{task}" for task in range(4)], chunksize=1)
    pool.join()
"""


def test_a_pool_that_is_terminated_as_its_workers_begin_to_wait_ends(
    programs: Programs, collector: Collector
) -> None:
    """Python leaves a signal unhandled that comes just before a system call that waits.

    A hundred workers that end at once may take longer than the second that a signal leaves them to
    send what they have: nothing of it arrives twice.
    """
    result = programs.run(TERMINATED, env=ENV)

    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")
    asked = {f"asked_{number}_{task}": "" for number in range(25) for task in range(4)}
    assert landed(collector).items() <= asked.items()


EXECUTORS = """
import asyncio, multiprocessing, sys
from concurrent.futures import ProcessPoolExecutor
from served import ask, serve

def make():
    context = multiprocessing.get_context(sys.argv[1])
    return ProcessPoolExecutor(1, context, initializer=ask, initargs=("initialised",))

async def run():
    return await asyncio.get_running_loop().run_in_executor(executor, ask, "asyncio")

def work():
    print(executor.submit(ask, "submit").result())
    print(executor.submit(ask, name="by_name").result())
    print(list(executor.map(ask, ["map_a", "map_b", "map_c"], chunksize=2)))
    print(asyncio.run(run()))

if __name__ == "__main__":
    with serve("/none", make) as executor:
        serve("/one", work)
        executor.submit(ask, "alone").result()
"""


@pytest.mark.parametrize("method", METHODS)
def test_what_is_submitted_to_processes_goes_on_from_where_it_was_submitted(
    programs: Programs, collector: Collector, method: str
) -> None:
    bare = programs.run(EXECUTORS, method, env=ENV, launcher=False)
    result = programs.run(EXECUTORS, method, env=ENV)

    assert (result.returncode, result.stdout, result.stderr) == (0, bare.stdout, "")
    roots = dict.fromkeys(("/none", "/one", "initialised", "alone"), "")
    tasks = dict.fromkeys(("submit", "by_name", "map_a", "map_b", "map_c", "asyncio"), "/one")
    assert landed(collector) == {**roots, **tasks}


# What the program sees.

FAILING = """
import multiprocessing, sys
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from served import ask, serve

class Failing:
    def __call__(self, *arguments):
        raise LookupError("the program's", arguments)

class Unpicklable:
    def __call__(self):
        pass
    def __reduce__(self):
        raise TypeError("not this one")

def attempt(call):
    try:
        print(call())
    except Exception as error:
        cause = str(error.__cause__).strip().splitlines()
        print(repr(error), [line for line in cause if "otel_run" not in line])

def work():
    for call in (executor_call, pool_call):
        attempt(partial(call, Failing(), 1))
        attempt(partial(call, Unpicklable()))
        attempt(partial(call, lambda: None))
        attempt(partial(call, sys.stdout.write, "a pickle has no file"))
        attempt(partial(call, 42))
        attempt(partial(call, partial(partial(pow, 2), 3), 5))
        attempt(partial(call, sorted, [2, 1]))
        attempt(partial(call, type, call))
    attempt(lambda: executor.submit())

def executor_call(function, *arguments):
    return executor.submit(function, *arguments).result()

def pool_call(function, *arguments):
    return pool.apply(function, arguments)

if __name__ == "__main__":
    context = multiprocessing.get_context(sys.argv[1])
    with ProcessPoolExecutor(1, context) as executor, context.Pool(1) as pool:
        ask("something")
        serve("/", work)
"""


@pytest.mark.parametrize("method", METHODS)
def test_the_program_sees_what_it_would_see(programs: Programs, method: str) -> None:
    bare, result = (
        programs.run(FAILING, method, env=ENV, launcher=launcher) for launcher in (False, True)
    )

    assert (result.returncode, result.stdout, result.stderr) == (0, bare.stdout, bare.stderr)
    assert "the program's" in result.stdout


BARE_CHILD = """
import multiprocessing, os, sys, traceback
from concurrent.futures import ProcessPoolExecutor
from served import ask, serve

def look(name):
    frames = [frame.name for frame in traceback.extract_stack()]
    return ask(name), [name for name in sys.modules if name.startswith("otel_run")], frames[-2:]

def work():
    process = context.Process(target=look, args=("process",))
    process.start()
    process.join()
    print(process.exitcode)
    print(executor.submit(look, "executor").result())
    print(pool.apply(look, ("pool",)))

if __name__ == "__main__":
    os.environ["OTEL_SDK_DISABLED"] = "true"
    context = multiprocessing.get_context(sys.argv[1])
    with ProcessPoolExecutor(1, context) as executor, context.Pool(1) as pool:
        serve("/", work)
"""


@pytest.mark.parametrize("method", ["forkserver", "spawn"])
def test_a_child_without_the_agent_is_given_the_function_itself(
    programs: Programs, collector: Collector, method: str
) -> None:
    result = programs.run(BARE_CHILD, method, env=ENV)

    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.splitlines() == [
        "0",
        "('executor', [], ['_process_worker', 'look'])",
        "('pool', [], ['worker', 'look'])",
    ]
    assert landed(collector) == {"/": ""}


NODES = {
    "a span": Node(1 << 127, 1 << 63, sampled=True, trace_state="a=b"),
    "one that is not recorded": Node(1, 2),
    "baggage alone": Node(values={"baggage": {"key": ("a value", "property")}}),
    "nothing may be recorded": SUPPRESSED,
}


@pytest.mark.parametrize("name", NODES)
def test_a_ticket_holds_plain_values_and_all_that_is_needed(name: str) -> None:
    node = NODES[name]
    pickled = pickle.dumps(issue(node))
    again = redeem(pickle.loads(pickled))  # noqa: S301  it was pickled here

    assert b"otel_run" not in pickled
    assert (again is SUPPRESSED) == (node is SUPPRESSED)
    assert (again.remote, again.convention) == (node is not SUPPRESSED, None)
    for attribute in ("trace_id", "span_id", "sampled", "trace_state", "values"):
        assert getattr(again, attribute) == getattr(node, attribute)


def test_what_arrives_is_the_function_itself_where_the_agent_is_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pickled = pickle.dumps(Traveller(sorted, NODES["a span"]))
    again = pickle.loads(pickled)  # noqa: S301  it was pickled here
    copied = copy.copy(again)
    monkeypatch.delitem(sys.modules, "otel_run.signals.ticket")

    assert pickle.loads(pickled) is sorted  # noqa: S301
    for one in (again, copied):
        assert (type(one), one.function, one.node.trace_id) == (Traveller, sorted, 1 << 127)
