"""What README.md and docs/ show and point to is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from otel_run.settings import FIXED, VARIABLES
from otel_run.settings.names import KNOWN
from otel_run_bootstrap.help import help_text

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
PAGES = [README, *sorted((ROOT / "docs").glob("*.md"))]

# A link to a place of ours; those to others are not asked for.
LINK = re.compile(r"\]\((?!https?:)([^)#]*)#?([^)]*)\)")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
VARIABLE = re.compile(r"`(OTEL_[A-Z_0-9]+)[`=]")


def anchors(page: Path) -> set[str]:
    headings = HEADING.findall(page.read_text(encoding="utf-8"))
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_somewhere(page: Path) -> None:
    dead = []
    for path, anchor in LINK.findall(page.read_text(encoding="utf-8")):
        target = page.parent / path if path else page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            dead.append(f"{path}#{anchor}")

    assert dead == []


def test_every_page_is_linked_from_the_readme() -> None:
    linked = {path for path, _ in LINK.findall(README.read_text(encoding="utf-8"))}

    assert {f"docs/{page.name}" for page in PAGES[1:]} - linked == set()


def test_the_readme_shows_the_help_as_it_is() -> None:
    assert f"$ otel-run --help\n{help_text()}```" in README.read_text(encoding="utf-8")


def test_the_readme_tells_of_every_setting() -> None:
    told = set(VARIABLE.findall(README.read_text(encoding="utf-8")))
    ours = {name for name in KNOWN if name.startswith("OTEL_RUN_")}
    settings = {name for _, names, _, _ in VARIABLES for name in names}

    assert (ours | settings | {name for name, _ in FIXED}) - told == set()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_no_page_tells_of_a_setting_that_there_is_not(page: Path) -> None:
    told = set(VARIABLE.findall(page.read_text(encoding="utf-8")))

    assert {name for name in told - KNOWN if not name.endswith("_")} == set()
