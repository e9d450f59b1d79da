"""What `otel-run --help` prints; it fits a screen of 24 lines and 80 columns."""

from __future__ import annotations

from otel_run_bootstrap.flags import FLAGS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from otel_run_bootstrap.flags import Flag

USAGE = "usage: otel-run [flags] COMMAND [ARGS...]"
SUBCOMMANDS = """\
       otel-run show [RUN]     what was recorded in this run, else in the last
       otel-run doctor [-- COMMAND...]  what would be recorded, what is wrong
       otel-run libraries      the libraries that are recorded
       otel-run payload DIR    a folder that PYTHONPATH alone activates
Records what COMMAND and the Pythons that it starts do: otel-run python app.py"""
NOTES = "Flags win over variables. A command called like ours: otel-run -- show"


def help_text() -> str:
    flags = "\n".join(line(flag) for flag in FLAGS)
    return f"{USAGE}\n{SUBCOMMANDS}\n\n{flags}\n{NOTES}\n"


def line(flag: Flag) -> str:
    return f"  {flag.name + ' ' + flag.value:30}{flag.meaning}"
