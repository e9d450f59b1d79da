"""uWSGI, which runs a Python of its own, and may let no thread run there between requests.

Before 2.0.27 it does so unless it is asked for threads. A loop that is not its own, gevent's, waits
for requests as a Python program does.
"""

from __future__ import annotations

import sys


def adapt() -> None:
    """Have the export thread find its time, if this is such a host."""
    uwsgi = sys.modules.get("uwsgi")
    if getattr(uwsgi, "has_threads", 1) or getattr(uwsgi, "loop", None):
        return
    from otel_run.export.pipeline import PIPELINE
    from otel_run.export.turns import Turns
    from otel_run.settings import current

    Turns(PIPELINE, current().schedule_delay)
