"""Children that multiprocessing starts anew are of the same service as their parent."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collector import Collector
    from programs import Programs

CLERK = """
import multiprocessing, sqlite3, sys

def ask():
    connection = sqlite3.connect(":memory:")
    connection.execute("SELECT 1")
    connection.close()

def main():
    ask()
    process = multiprocessing.get_context(sys.argv[1]).Process(target=ask)
    process.start()
    process.join()
    sys.exit(process.exitcode)

if __name__ == "__main__":
    main()
"""
# How it is started, and what that is called.
WAYS = {
    "clerk": ["clerk.py"],
    "shop": ["-m", "shop"],
    "shop.clerk": ["-m", "shop.clerk"],
    "unknown_service:python": ["-c", "from clerk import main; main()"],
}


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
@pytest.mark.parametrize("name", WAYS)
def test_a_child_has_the_name_of_its_parent(
    programs: Programs, collector: Collector, method: str, name: str
) -> None:
    package = programs.folder / "shop"
    package.mkdir()
    (programs.folder / "clerk.py").write_text(CLERK)
    (package / "clerk.py").write_text(CLERK)
    (package / "__main__.py").write_text("from clerk import main\nmain()")
    result = programs.run([*WAYS[name], method])

    assert (result.returncode, result.stderr) == (0, "")
    spans = collector.spans()
    assert [span.resource["service.name"] for span in spans] == [name, name]
    assert len({span.resource["process.pid"] for span in spans}) == 2
