"""What has arrived from the processes of a program."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from served import name_of, parents

if TYPE_CHECKING:
    from collector import Collector

# Programs import `served` from there; what they are warned of on account of threads is their own.
ENV = {"PYTHONPATH": str(Path(__file__).parents[1]), "PYTHONWARNINGS": "ignore"}


def landed(collector: Collector) -> dict[str, str]:
    """Under what each question and each request landed; each has come once."""
    spans = collector.spans()
    found = parents(spans)
    assert len(found) == len(spans), sorted(map(name_of, spans))
    return found


def processes(collector: Collector) -> set[frozenset[str]]:
    """What each process has recorded; each has an instance id of its own."""
    names: dict[tuple[str, int], set[str]] = {}
    for span in collector.spans():
        process = span.resource["service.instance.id"], span.resource["process.pid"]
        names.setdefault(process, set()).add(name_of(span))
    assert len({instance for instance, _ in names}) == len({pid for _, pid in names}) == len(names)
    return {frozenset(one) for one in names.values()}
