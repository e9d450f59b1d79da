"""The document's last word, and the exit status that goes with it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from otel_run_bootstrap.doctor.finding import PROBLEM, WARNING

if TYPE_CHECKING:
    from otel_run_bootstrap.doctor.finding import Finding

FINE, WRONG = 0, 1


def conclude(document: dict[str, Any]) -> tuple[str, int]:
    """Return one line, and FINE or WRONG."""
    findings: list[Finding] = document["findings"]
    problems = count(findings, PROBLEM)
    warnings = count(findings, WARNING)
    parts = [plural(problems, "problem")] if problems else []
    if warnings:
        parts.append(plural(warnings, "warning"))
    if problems:
        return f"something is wrong: {' and '.join(parts)}", WRONG
    patched = sum(row["state"] == "patched" for row in document.get("libraries", ()))
    fine = f"fine: {plural(patched, 'library', 'libraries')} can be recorded"
    return f"{fine}, {parts[0]}" if parts else fine, FINE


def count(findings: list[Finding], level: str) -> int:
    return sum(one["level"] == level for one in findings)


def plural(number: int, noun: str, nouns: str = "") -> str:
    return f"{number} {noun if number == 1 else nouns or noun + 's'}"
