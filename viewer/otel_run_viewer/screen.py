"""The terminal, or what stands for it: its width, its colours, and which characters it can show.

Everything that comes from data passes `escape` before it is shown: a span's name must not be able
to clear the screen, forge a line or reverse the text after it.
"""

from __future__ import annotations

import os
import unicodedata
from typing import TYPE_CHECKING, NamedTuple, TextIO

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

DEFAULT_WIDTH = 100  # where there is no terminal to ask
NARROWEST = 20
LONGEST_TEXT = 2000  # characters of one value; no terminal is wider

SGR = {"bold": "1", "dim": "2", "red": "31", "yellow": "33", "cyan": "36", "bold red": "1;31"}


class Glyphs(NamedTuple):
    """What the trees are drawn with."""

    tee: str
    corner: str
    pipe: str
    gap: str
    bar: str
    bar_left: str
    bar_right: str
    cross: str
    times: str
    dot: str
    cut: str
    micro: str


UNICODE = Glyphs(
    "├─ ", "└─ ", "│  ", "   ", "━", "╸", "╺", "✗", "\N{MULTIPLICATION SIGN}", " · ", "…", "µs"
)
ASCII = Glyphs("|- ", "`- ", "|  ", "   ", "=", "-", "-", "x", "x", " - ", "~", "us")


class Segment(NamedTuple):
    """A piece of a line in one style: a key of `SGR`, or none."""

    text: str
    style: str = ""


class Screen:
    """Writes lines that fit. Colours only where a terminal will show them."""

    def __init__(self, stream: TextIO, environ: Mapping[str, str]) -> None:
        self._stream = stream
        self._encoding = getattr(stream, "encoding", None) or "utf-8"
        self.glyphs = UNICODE if _can_encode("".join(UNICODE), self._encoding) else ASCII
        self.terminal = stream.isatty()
        self.colour = (
            self.terminal and not environ.get("NO_COLOR") and environ.get("TERM") != "dumb"
        )
        self.width = _measure_width(stream, environ.get("COLUMNS", ""))

    def show(self, text: str) -> str:
        """Give a value from data as one line that this screen can show."""
        escaped = escape(" ".join(text[:LONGEST_TEXT].split()))
        if escaped.isascii():
            return escaped
        return escaped.encode(self._encoding, "backslashreplace").decode(self._encoding)

    def write(self, line: Sequence[Segment] = ()) -> None:
        """Write one line, cut where the screen ends."""
        fitting = fit(line, self.width, self.glyphs.cut)
        self._stream.write("".join(map(self._paint, fitting)).rstrip(" ") + "\n")

    def _paint(self, segment: Segment) -> str:
        if not (self.colour and segment.style and segment.text):
            return segment.text
        return f"\x1b[{SGR[segment.style]}m{segment.text}\x1b[0m"


def escape(text: str) -> str:
    r"""Write what is not printable (controls, bidi overrides, lone surrogates) as \x1b, \u202e."""
    if text.isprintable():
        return text
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode("ascii")
        for char in text
    )


def count_cells(text: str) -> int:
    """Count the columns that a text takes on a terminal."""
    return len(text) if text.isascii() else sum(map(_width, text))


def fit(line: Sequence[Segment], width: int, cut: str) -> list[Segment]:
    """Cut a line to a width, with a mark where something is missing."""
    fitting: list[Segment] = []
    left = width
    total = sum(count_cells(segment.text) for segment in line)
    for segment in line:
        cells = count_cells(segment.text)
        if total > left and cells > left - len(cut):
            text = _take(segment.text, left - len(cut)) + cut
            return [*fitting, Segment(text, segment.style)]
        fitting.append(segment)
        left -= cells
        total -= cells
    return fitting


def _take(text: str, width: int) -> str:
    for index, char in enumerate(text):
        width -= _width(char)
        if width < 0:
            return text[:index]
    return text


def _width(char: str) -> int:
    if unicodedata.category(char) in ("Mn", "Me"):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


def _can_encode(text: str, encoding: str) -> bool:
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return False
    return True


def _measure_width(stream: TextIO, columns: str) -> int:
    if columns.isascii() and columns.isdigit() and int(columns[:6]) > 0:
        return max(NARROWEST, int(columns[:6]))
    try:
        return max(NARROWEST, os.get_terminal_size(stream.fileno()).columns or DEFAULT_WIDTH)
    except (OSError, ValueError):
        return DEFAULT_WIDTH
