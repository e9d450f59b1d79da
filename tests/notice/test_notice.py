"""Lines on stderr: where they land, and that they never harm."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

import otel_run
from otel_run.notice import Ration, escape

if TYPE_CHECKING:
    from collections.abc import Callable

AGENT = str(Path(otel_run.__file__).parents[1])


def run(
    code: str,
    stderr: int | None = subprocess.PIPE,
    before: Callable[[], object] | None = None,
    **environ: str,
) -> subprocess.CompletedProcess[bytes]:
    """Run a program that may call `say`, `inform` and `complain`."""
    return subprocess.run(
        [sys.executable, "-c", f"from otel_run.notice import *\n{code}"],
        env={"PYTHONPATH": AGENT} | environ,
        stdout=subprocess.PIPE,
        stderr=stderr,
        preexec_fn=before,
        timeout=60,
        check=False,
    )


def test_a_line_goes_to_stderr_with_our_name() -> None:
    done = run("say('a batch was dropped')")

    assert (done.returncode, done.stdout, done.stderr) == (
        0,
        b"",
        b"otel-run: a batch was dropped\n",
    )


def test_a_line_never_lands_in_what_the_program_captures() -> None:
    done = run(
        "import contextlib, io\n"
        "with contextlib.redirect_stderr(io.StringIO()) as captured:\n"
        "    say('ours')\n"
        "print(repr(captured.getvalue()))"
    )

    assert (done.returncode, done.stdout, done.stderr) == (0, b"''\n", b"otel-run: ours\n")


def test_a_line_stays_one_line() -> None:
    done = run(r"say('a\nb\x1b[31m\u202e\udc80' + 'x' * 9000)")

    assert done.stderr.startswith(rb"otel-run: a\nb\x1b[31m\u202e\udc80xxx")
    assert done.stderr.endswith(b"xxx\n")
    assert len(done.stderr) == 4096


def test_what_the_encoding_lacks_is_spelled_out() -> None:
    done = run(r"say('caf\xe9 \u20ac')", PYTHONIOENCODING="latin-1")

    assert done.stderr == b"otel-run: caf\xe9 \\u20ac\n"


@pytest.mark.parametrize(
    "before",
    [
        "import sys; sys.stderr.close()",
        "import sys; sys.__stderr__ = None",
        "import os; os.close(2)",
        "import sys; sys.__stderr__ = object()",
    ],
)
def test_a_program_without_a_stderr_goes_on(before: str) -> None:
    done = run(f"{before}\nsay('lost')\nprint('on')")

    assert (done.returncode, done.stdout, done.stderr) == (0, b"on\n", b"")


def test_a_file_that_took_the_place_of_stderr_is_left_alone() -> None:
    done = run(
        "import tempfile, os\n"
        "with tempfile.TemporaryFile() as file:\n"
        "    print(file.fileno())\n"
        "    say('ours')\n"
        "    print(os.fstat(file.fileno()).st_size)",
        stderr=None,
        before=lambda: os.close(2),
    )

    assert (done.returncode, done.stdout) == (0, b"2\n0\n")


@pytest.mark.parametrize("blocking", [True, False])
def test_a_pipe_that_nobody_reads_neither_hangs_nor_fails_the_program(blocking: bool) -> None:  # noqa: FBT001
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    try:
        while True:
            os.write(writer, b"x" * 4096)
    except BlockingIOError:
        os.set_blocking(writer, blocking)
    try:
        done = run("say('lost')\nprint('on')", stderr=writer)
    finally:
        os.close(reader)
        os.close(writer)

    assert (done.returncode, done.stdout) == (0, b"on\n")


def test_a_broken_pipe_does_not_end_a_program_that_restored_the_signal() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    try:
        done = run(
            "import signal; signal.signal(signal.SIGPIPE, signal.SIG_DFL)\n"
            "say('lost')\nprint('on')",
            stderr=writer,
        )
    finally:
        os.close(writer)

    assert (done.returncode, done.stdout) == (0, b"on\n")


@pytest.mark.parametrize(
    ("verbosity", "stderr"),
    [
        ("-1", b"otel-run: a complaint\n"),
        ("0", b"otel-run: news\notel-run: a complaint\n"),
    ],
)
def test_quiet_silences_news_but_no_complaint(verbosity: str, stderr: bytes) -> None:
    done = run(
        "inform('news')\ncomplain('export', 'a complaint')",
        OTEL_RUN_VERBOSITY=verbosity,
    )

    assert done.stderr == stderr


def test_a_complaint_that_comes_again_and_again_is_said_once_a_minute() -> None:
    done = run("for _ in range(1000): complain('export', 'the collector is down')")

    assert done.stderr == b"otel-run: the collector is down\n"


def test_a_sum_of_losses_that_was_withheld_is_told_at_the_end() -> None:
    done = run("""
complain('traces', 'the collector is down')
for lost in range(1, 1000):
    complain_of_loss('traces', f'{lost} spans dropped')
    complain_of_loss('metrics', f'{lost} exports dropped')
conclude()
conclude()
""")

    assert done.stderr.splitlines() == [
        b"otel-run: the collector is down",
        b"otel-run: 999 spans dropped; 999 exports dropped",
    ]


def test_a_sum_of_losses_that_was_told_is_not_told_again() -> None:
    done = run("complain_of_loss('traces', '1 span dropped')\nconclude()")

    assert done.stderr == b"otel-run: 1 span dropped\n"


def test_a_ration_is_one_a_minute_and_tells_what_it_withheld() -> None:
    ration = Ration()

    assert [
        ration.draw("export", 0.0),
        ration.draw("export", 1.0),
        ration.draw("export", 59.9),
        ration.draw("export", 60.0),
        ration.draw("store", 61.0),
        ration.draw("export", 62.0),
        ration.draw("export", 120.0),
        ration.draw("export", 180.0),
    ] == [
        "",
        None,
        None,
        " (+2 more in the last minute)",
        None,
        None,
        " (+2 more in the last minute, also of store)",
        "",
    ]


def test_a_ration_of_endlessly_many_kinds_stays_small() -> None:
    ration = Ration()
    for kind in range(1000):
        ration.draw(str(kind), 0.0)

    assert len(ration.kinds) == 8


@given(st.text())
def test_nothing_that_a_terminal_obeys_is_left(text: str) -> None:
    escaped = escape(text)

    assert escaped.isprintable()
    if text.isprintable():
        assert escaped == text
