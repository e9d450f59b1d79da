"""Spans grow into trees, whatever their parents say."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from otel_run_viewer.telemetry import Resource, Scope, Span
from otel_run_viewer.trace import Node, Trace, assemble

if TYPE_CHECKING:
    from collections.abc import Iterator


def make_span(span: str, parent: str = "", *, start: int = 0, trace: str = "t") -> Span:
    return Span(
        trace_id=trace,
        span_id=span,
        parent_span_id=parent,
        trace_state="",
        flags=0,
        name=span,
        kind=1,
        start=start,
        end=start + 1,
        attributes={},
        dropped_attributes=0,
        events=(),
        dropped_events=0,
        links=(),
        dropped_links=0,
        status=0,
        status_message="",
        resource=Resource({}, 0),
        scope=Scope("", "", {}, 0),
    )


def walk(roots: list[Node]) -> Iterator[Node]:
    nodes = list(roots)
    while nodes:
        node = nodes.pop()
        yield node
        nodes.extend(node.children)


def outline(roots: list[Node]) -> list[object]:
    return [(node.span.name, outline(node.children)) for node in roots]


@given(st.lists(st.tuples(st.sampled_from("abcdef "), st.sampled_from("abcdefgh "))))
def test_every_span_is_in_the_trees_exactly_once(ids: list[tuple[str, str]]) -> None:
    spans = [make_span(span.strip(), parent.strip()) for span, parent in ids]

    for trace in assemble(spans):
        roots = trace.grow()
        found = sorted(id(node.span) for node in walk(roots))
        assert found == sorted(map(id, spans))
        assert sum(root.size for root in roots) == len(spans)


def test_children_come_in_the_order_in_which_they_started() -> None:
    spans = [
        make_span("late", "root", start=3),
        make_span("early", "root", start=2),
        make_span("leaf", "late", start=4),
        make_span("root", start=1),
    ]

    assert outline(Trace("t", spans).grow()) == [
        ("root", [("early", []), ("late", [("leaf", [])])])
    ]


def test_a_span_whose_parent_is_elsewhere_is_a_marked_root() -> None:
    roots = Trace("t", [make_span("a"), make_span("b", "gone", start=1)]).grow()

    assert [(root.span.name, root.orphan) for root in roots] == [("a", False), ("b", True)]


def test_parents_that_go_round_are_cut_open_at_the_first_span() -> None:
    spans = [make_span("a", "c"), make_span("b", "a", start=1), make_span("c", "b", start=2)]

    (root,) = Trace("t", spans).grow()
    assert outline([root]) == [("a", [("b", [("c", [])])])]
    assert root.orphan


def test_a_span_that_is_its_own_parent_is_a_root() -> None:
    (root,) = Trace("t", [make_span("a", "a")]).grow()

    assert (outline([root]), root.orphan) == ([("a", [])], True)


def test_a_failure_below_is_known_above() -> None:
    spans = [make_span("a"), make_span("b", "a"), make_span("c", "b")._replace(status=2)]

    nodes = {node.span.name: node.failed for node in walk(Trace("t", spans).grow())}
    assert nodes == {"a": True, "b": True, "c": True}


def test_traces_come_by_start_time() -> None:
    spans = [make_span("a", start=5, trace="x"), make_span("b", start=2, trace="y")]

    assert [trace.trace_id for trace in assemble(spans)] == ["y", "x"]
