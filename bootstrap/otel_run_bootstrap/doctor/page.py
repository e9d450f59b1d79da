"""The document for a reader, in 80 columns."""

from __future__ import annotations

import shlex
import textwrap
from typing import TYPE_CHECKING, Any, TextIO

from otel_run_bootstrap.doctor.finding import NOTE, PROBLEM, WARNING
from otel_run_viewer.screen import Screen, Segment

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

WIDTH = 80
MARKS = {PROBLEM: ("✗", "x", "red"), WARNING: ("!", "!", "yellow"), NOTE: ("·", "-", "dim")}
STYLES = {"patched": "", "disabled": "dim", "broken": "yellow", "not patched": "red"}
# Shown although they are defaults.
ALWAYS = ("OTEL_SERVICE_NAME", "OTEL_TRACES_SAMPLER", "OTEL_PROPAGATORS", "OTEL_RUN_STORE")


class Page:
    """Lines on a screen: headings, and below each what is indented."""

    def __init__(self, screen: Screen) -> None:
        self.screen = screen
        self.width = min(screen.width, WIDTH)

    def heading(self, text: str) -> None:
        self.screen.write()
        self.screen.write([Segment(text, "bold")])

    def item(self, first: str, text: str, style: str = "", indent: int = 2) -> None:
        """Write `first`, and the text beside it in as many lines as it takes."""
        left = " " * indent + first
        lines = wrap(self.screen.show(text), max(20, self.width - len(left)))
        for place, line in enumerate(lines):
            self.screen.write([Segment(" " * len(left) if place else left), Segment(line, style)])


def wrap(text: str, width: int) -> list[str]:
    # A path or a URL is for copying: it stays in one piece where it can.
    return textwrap.wrap(text, width, break_on_hyphens=False) or [""]


def show(document: dict[str, Any], stream: TextIO, environ: Mapping[str, str]) -> None:
    screen = Screen(stream, environ)
    page = Page(screen)
    command = shlex.join(document["command"]) or "any program"
    title = screen.show(f"otel-run {document['otel_run']} doctor: {command}")
    screen.write([Segment(title, "bold")])
    show_python(page, document["python"])
    show_libraries(page, document.get("libraries", []))
    show_settings(page, document.get("settings", []))
    show_telemetry(page, document.get("telemetry", []))
    show_others(page, document.get("others"))
    show_findings(page, document["findings"])
    screen.write()
    style = "bold red" if document["exit_code"] else "bold"
    screen.write([Segment(screen.show(document["verdict"]), style)])


def show_python(page: Page, python: dict[str, Any]) -> None:
    page.heading("Python")
    version = f"{python.get('implementation', '')} {python.get('version', '')}".strip()
    wrapt = python.get("wrapt", {})
    rows = [
        ("executable", python["executable"]),
        ("version", version),
        ("otel-run", python.get("agent", "")),
        ("wrapt", wrapt.get("version") or wrapt.get("file", "")),
        ("PYTHONPATH", ", ".join(python.get("pythonpath", ()))),
        ("user site", python.get("user_site", "")),
        ("runs too", ", ".join(python.get("sitecustomize", ()))),
    ]
    for name, value in rows:
        if value:
            page.item(f"{name:12}", value)


def show_libraries(page: Page, rows: list[dict[str, Any]]) -> None:
    if not rows:
        return
    page.heading("Libraries")
    here = [row for row in rows if row["state"] != "not installed"]
    names, versions = width(here, "library"), width(here, "version")
    for row in here:
        first = f"{row['library']:{names}}  {page.screen.show(row['version']):{versions}}  "
        ranged = "" if row["within"] else f", tested is {row['tested']}"
        reason = f": {row['reason']}" if row["reason"] else ""
        page.item(first, f"{row['state']}{reason}{ranged}", STYLES[row["state"]])
    absent = [row["library"] for row in rows if row["state"] == "not installed"]
    if absent:
        page.item("not installed: ", ", ".join(absent), "dim")


def width(rows: Iterable[dict[str, Any]], key: str) -> int:
    return max((len(row[key]) for row in rows), default=0)


def show_settings(page: Page, rows: list[dict[str, Any]]) -> None:
    if not rows:
        return
    page.heading("Settings")
    told = [row for row in rows if row["source"] != "default" or row["name"] in ALWAYS]
    for row in told:
        source = row["source"]
        note = "" if source == row["name"] else f"  ({source})"
        page.item(f"{row['name']} = ", f"{row['value']}{note}")
    if len(rows) > len(told):
        page.item("", f"{len(rows) - len(told)} more have their defaults: --json shows them", "dim")


def show_telemetry(page: Page, rows: list[dict[str, Any]]) -> None:
    if not rows:
        return
    page.heading("Telemetry")
    for row in rows:
        where = f"{row['exporter']} {row['target']}".strip()
        style = "" if row["ok"] else "red" if row["target"] else "yellow"
        page.item(f"{row['signal']:9}", where)
        page.item(" " * 9, row["answer"], style)


def show_others(page: Page, rows: list[dict[str, Any]] | None) -> None:
    if rows is None:
        return
    page.heading("What else patches")
    for row in rows:
        version = f" {row['version']}" if row["version"] else ""
        page.item("", f"{row['name']}{version}: {row['active'] or 'installed'}")
    if not rows:
        page.item("", "nothing that is known here")


def show_findings(page: Page, findings: list[dict[str, Any]]) -> None:
    if not findings:
        return
    page.heading("Findings")
    for level in (PROBLEM, WARNING, NOTE):
        for one in findings:
            if one["level"] == level:
                mark, plain, style = MARKS[level]
                shown = mark if page.screen.glyphs.cross == "✗" else plain
                page.item(f"{shown} ", f"{one['thing']}: {one['value']}", style)
                page.item("", f"→ {one['remedy']}" if shown == mark else one["remedy"], indent=4)
