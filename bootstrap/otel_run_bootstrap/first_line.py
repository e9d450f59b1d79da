"""The first line of a script, which says what runs it."""

from __future__ import annotations

import os

# The kernel reads no more of it; what pip writes where the path is longer continues on the second.
LONGEST = 4096
SHELL = "'''exec' "


def interpreter(path: str) -> list[str]:
    """Return the words of a script's first line: `python -s` for `#!/usr/bin/env python -s`."""
    try:
        with open(path, "rb") as file:
            lines = file.read(LONGEST).decode("utf-8", "replace").splitlines()
    except OSError:
        return []
    if not lines or not lines[0].startswith("#!"):
        return []
    words = lines[0][2:].split()
    if len(lines) > 1 and lines[1].startswith(SHELL):
        words = shell_words(lines[1].removeprefix(SHELL))
    if words and os.path.basename(words[0]) == "env":
        words = [word for word in words[1:] if word != "-S" and "=" not in word]
    return words


def shell_words(text: str) -> list[str]:
    """Return the words of `"/a long/path/python" "$0" "$@"` up to the script."""
    import shlex

    try:
        words = shlex.split(text)
    except ValueError:
        return []
    return words[: words.index("$0")] if "$0" in words else words[:1]
