from __future__ import annotations

import sys

import pytest

from bare_python import AUTOLOAD, BarePython

# A pipeline that says what it is told, and in which process.
PIPELINE = """
import os, sys, types
class Pipeline:
    def __getattr__(self, event):
        where = "parent" if os.getpid() == root else "child"
        return lambda: os.write(1, f"{event} in {where}\\n".encode())
def load_pipeline(in_child=False):
    global root
    # A child may not have the memory of its parent.
    root = 0 if in_child else root
    module = types.ModuleType("otel_run.export.pipeline")
    module.PIPELINE = Pipeline()
    sys.modules[module.__name__] = module
root = os.getpid()
"""


def run(python: BarePython, program: str) -> tuple[int, list[str], str]:
    (python.folder / "program.py").write_text(PIPELINE + program)
    result = python.run("program.py", path=(AUTOLOAD,))
    return result.returncode, result.stdout.splitlines(), result.stderr


def test_the_pipeline_shuts_down_after_the_programs_own_exit_functions(python: BarePython) -> None:
    program = "import atexit; atexit.register(os.write, 1, b'own\\n'); load_pipeline()"

    assert run(python, program) == (0, ["own", "shutdown in parent"], "")


@pytest.mark.parametrize(("way", "status"), [("sys.exit(3)", 3), ("1 / 0", 1), ("os._exit(4)", 4)])
def test_the_exit_status_stays(python: BarePython, way: str, status: int) -> None:
    returncode, lines, stderr = run(python, f"load_pipeline(); {way}")

    assert returncode == status
    assert lines == ([] if "_exit" in way else ["shutdown in parent"])
    assert ("ZeroDivisionError" in stderr) == (way == "1 / 0")


def test_without_a_record_there_is_nothing_to_do(python: BarePython) -> None:
    program = "pid = os.fork(); pid and os.waitpid(pid, 0); print('otel_run.export' in sys.modules)"

    assert run(python, program) == (0, ["False", "False"], "")


def test_a_fork_is_told_closest_to_the_fork_itself(python: BarePython) -> None:
    program = """
def tell(when):
    return lambda: os.write(1, f"{when}\\n".encode())
os.register_at_fork(before=tell("own"))
os.register_at_fork(after_in_parent=tell("own in parent"), after_in_child=tell("own in child"))
load_pipeline()
pid = os.fork()
if pid == 0:
    os._exit(0)
os.waitpid(pid, 0)
"""
    _, lines, stderr = run(python, program)

    assert stderr == ""
    assert lines[:2] == ["own", "before_fork in parent"]
    assert [line for line in lines[2:] if "parent" in line] == [
        "after_fork_in_parent in parent",
        "own in parent",
        "shutdown in parent",
    ]
    assert [line for line in lines if "child" in line] == [
        "after_fork_in_child in child",
        "own in child",
    ]


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
@pytest.mark.parametrize("ending", ["pass", "sys.exit(3)", "raise SystemExit", "1 / 0"])
def test_children_of_multiprocessing_shut_down(
    python: BarePython, method: str, ending: str
) -> None:
    program = f"""
import multiprocessing
from multiprocessing import util
def work():
    load_pipeline(in_child=True)
    util.Finalize(None, os.write, args=(1, b"own\\n"), exitpriority=0)
    util.Finalize(None, os.write, args=(1, b"own, later\\n"), exitpriority=-10)
    {ending}
if __name__ == "__main__":
    context = multiprocessing.get_context({method!r})
    process = context.Process(target=work)
    process.start()
    process.join()
    print(process.exitcode)
"""
    _, lines, _ = run(python, program)

    assert lines[:3] == ["own", "own, later", "shutdown in child"]
    assert lines[-1] == {"sys.exit(3)": "3", "1 / 0": "1"}.get(ending, "0")


def test_workers_of_a_pool_shut_down(python: BarePython) -> None:
    program = """
from concurrent.futures import ProcessPoolExecutor
def work(number):
    load_pipeline(in_child=True)
    return number + 1
if __name__ == "__main__":
    with ProcessPoolExecutor(1) as pool:
        os.write(1, f"{pool.submit(work, 1).result()}\\n".encode())
"""
    _, lines, stderr = run(python, program)

    assert (lines[:2], stderr) == (["2", "shutdown in child"], "")


def test_a_pipeline_that_fails_is_not_noticed(python: BarePython) -> None:
    program = """
load_pipeline()
def fail(self, event):
    raise RuntimeError(event)
Pipeline.__getattr__ = fail
pid = os.fork()
if pid == 0:
    sys.exit(0)
print(os.waitpid(pid, 0)[1])
"""
    assert run(python, program) == (0, ["0"], "")


@pytest.mark.parametrize("name", ["stat", "getpid", "write", "urandom", "environ"])
def test_a_program_that_breaks_the_system_for_itself_sees_nothing_of_us(
    python: BarePython, name: str
) -> None:
    (python.folder / "program.py").write_text(
        "import os, sqlite3\n"
        "sqlite3.connect(':memory:').execute('SELECT 1')\n"
        f"os.{name} = lambda *_: 1 / 0\n"
    )
    result = python.otel_run(sys.executable, "program.py")

    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")


def test_a_fork_warns_of_no_threads(python: BarePython) -> None:
    (python.folder / "program.py").write_text("import os\npid = os.fork()\npid and os.wait()")
    result = python.run("-Werror", "program.py", path=(AUTOLOAD,))

    assert (result.returncode, result.stderr) == (0, "")
