"""What is recorded while Python collects garbage leaves the context that it collects in intact."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from programs import Programs

# Python before 3.12 collects wherever it makes an object: while a context variable is set, too.
PROGRAM = """
    import gc
    import sqlite3
    from contextvars import ContextVar, copy_context

    OWN = ContextVar("own")
    OWN.set("value")
    connection = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)

    class Resource:
        def __init__(self):
            self.itself = self

        def __del__(self):
            connection.execute("SELECT 1")

    for threshold in range(1, 40):
        gc.set_threshold(threshold)
        for _ in range(100):
            Resource()
            assert len(copy_context()) == 1
            connection.execute("SELECT 2")
            assert len(copy_context()) == 1
    gc.disable()
    print(dict(copy_context()) == {OWN: "value"})
"""


def test_a_finalizer_leaves_context_variables_intact(programs: Programs) -> None:
    result = programs.run(PROGRAM)

    assert (result.returncode, result.stdout) == (0, "True\n"), result.stderr
