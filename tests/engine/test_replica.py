"""Copies that otel-run writes into."""

from __future__ import annotations

from otel_run.engine.replica import replica


class Library:
    def __init__(self) -> None:
        self.body = b"12"


class Program(Library):
    __slots__ = ("__mine", "unset")

    def __init__(self) -> None:
        super().__init__()
        self.__mine = 1

    @property
    def mine(self) -> int:
        """What only this class knows by its name."""
        return self.__mine


def test_a_replica_has_the_same_attributes_and_takes_others_alone() -> None:
    original = Library()
    made = replica(original)
    made.headers = {}  # type: ignore[attr-defined]

    assert type(made) is Library
    assert made.body is original.body
    assert vars(original) == {"body": b"12"}


def test_what_a_subclass_holds_in_slots_is_copied_as_well() -> None:
    made = replica(Program())

    assert (made.body, made.mine) == (b"12", 1)
    assert not hasattr(made, "unset")
