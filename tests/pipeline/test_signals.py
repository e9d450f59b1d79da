"""A signal of the program's comes to the program's threads alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.records import RECORD

if TYPE_CHECKING:
    from collector import Collector
    from programs import Programs

AWAITS = f"""{RECORD}
import signal
record(1)
signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGUSR1,))
for _ in range(20):
    os.kill(os.getpid(), signal.SIGUSR1)
    print(signal.sigwait((signal.SIGUSR1,)) == signal.SIGUSR1)
    record(600)
"""


def test_a_signal_that_the_program_waits_for_is_not_our_thread_s(
    programs: Programs, collector: Collector
) -> None:
    result = programs.run(AWAITS, env={"OTEL_BSP_SCHEDULE_DELAY": "10"})

    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout == "True\n" * 20
    assert len(collector.spans()) == 1 + 20 * 600


MASK = f"""{RECORD}
import signal
record(1)
print(sorted(signal.pthread_sigmask(signal.SIG_BLOCK, ())))
record(1)
"""


def test_the_program_s_own_thread_blocks_no_more_than_before(programs: Programs) -> None:
    result = programs.run(MASK)

    assert (result.returncode, result.stdout, result.stderr) == (0, "[]\n", "")
