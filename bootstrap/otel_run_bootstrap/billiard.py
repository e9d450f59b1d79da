"""Celery's prefork workers, which leave by `os._exit` and run no finalizers: they flush before."""

from __future__ import annotations

import sys

from otel_run_bootstrap.lifecycle import shut_down

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def watch(module_name: str) -> None:
    """See to the workers, once `billiard.pool` has been executed.

    What the program does when it is told of their end comes first: it may still record.
    Afterwards the parent may kill them.
    """
    kind: Any = sys.modules[module_name].Worker
    leave = kind._do_exit  # noqa: SLF001 (which ends in `os._exit`)

    def do_exit(worker: Any, *arguments: Any) -> None:
        on_exit = worker.on_exit

        def tell(*told: Any) -> None:
            try:
                if on_exit is not None:
                    on_exit(*told)
            finally:
                shut_down()

        worker.on_exit = tell
        leave(worker, *arguments)

    kind._do_exit = do_exit  # noqa: SLF001
