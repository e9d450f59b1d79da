"""How a Python was started, read from a command line such as `sys.orig_argv`."""

from __future__ import annotations

import os

LETTERS_WITH_VALUE = "WX"
LONG_WITH_VALUE = "--check-hash-based-pycs"


class CommandLine:
    """`letters` are the single-letter options; of `module` and `script` one at most is set."""

    __slots__ = ("arguments", "letters", "module", "script")

    def __init__(self) -> None:
        self.letters = ""
        self.module = ""
        self.script = ""
        self.arguments: list[str] = []


def is_python(command: str) -> bool:
    """Whether a command is a Python by its name: `python`, `/usr/bin/python3.13t`, `pypy3`."""
    name = os.path.basename(command).lower().removesuffix(".exe")
    for interpreter in ("python", "pypy"):
        if name.startswith(interpreter):
            return not name[len(interpreter) :].strip("0123456789.tdwm")
    return False


def parse(argv: list[str]) -> CommandLine:
    """Read `python [options] target …`, or the command line of a console script."""
    line = CommandLine()
    if not argv:
        return line
    if is_python(argv[0]):
        _read_target(line, argv, _skip_options(line, argv))
    else:
        line.script, line.arguments = argv[0], argv[1:]
    return line


def _skip_options(line: CommandLine, argv: list[str]) -> int:
    """Return the position of the script, or of the option that holds `-c` or `-m`."""
    position = 1
    while position < len(argv):
        option = argv[position]
        if option == "--":
            return position + 1
        if option == "-" or not option.startswith("-"):
            return position
        letters = "" if option.startswith("--") else _letters(option)
        line.letters += letters
        if letters.endswith(("c", "m")):
            return position
        position += 2 if _takes_next(option, letters) else 1
    return position


def _letters(option: str) -> str:
    """Return the letters up to the first that takes a value: `-sWerror` is `sW`."""
    for index, letter in enumerate(option):
        if letter in "cm" or letter in LETTERS_WITH_VALUE:
            return option[1 : index + 1]
    return option[1:]


def _takes_next(option: str, letters: str) -> bool:
    if not letters:
        return option == LONG_WITH_VALUE
    return letters[-1] in LETTERS_WITH_VALUE and len(letters) == len(option) - 1


def _read_target(line: CommandLine, argv: list[str], position: int) -> None:
    rest = argv[position:]
    kind = line.letters[-1:]
    if rest and kind in ("c", "m"):
        value = rest[0][len(_letters(rest[0])) + 1 :]
        if not value:
            del rest[0]
        if kind == "m":
            line.module = value or "".join(rest[:1])
        line.arguments = rest[1:]
    elif rest and rest[0] != "-":
        line.script, line.arguments = rest[0], rest[1:]
