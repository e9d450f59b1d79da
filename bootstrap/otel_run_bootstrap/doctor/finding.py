"""A finding: what is wrong with a thing, and the way out."""

from __future__ import annotations

from typing import Any

Finding = dict[str, Any]

# With a problem something is not recorded, or goes nowhere; a warning may be as the user wants it;
# a note is good to know.
PROBLEM, WARNING, NOTE = "problem", "warning", "note"


def finding(level: str, thing: str, value: str, remedy: str) -> Finding:
    """Return it as it is in the document."""
    return {"level": level, "thing": thing, "value": value, "remedy": remedy}
