"""Classes of a library, by their package and name."""

from __future__ import annotations

from otel_run.engine.kinds import Kinds


def made(name: str, module: str) -> object:
    """An object of a class of this name and module."""
    return type(name, (), {"__module__": module})()


def test_a_class_of_the_package_is_known_from_then_on() -> None:
    kinds = Kinds("library", Sender="send", AsyncSender="send")
    ones = made("Sender", "library.deep.within"), made("AsyncSender", "library")

    assert kinds.include(ones)
    assert kinds.known == {*map(type, ones)}


def test_a_class_of_another_name_or_package_is_none_of_them() -> None:
    kinds = Kinds("library", Sender="send")
    one = made("Sender", "library")
    others = (
        made("Other", "library"),
        made("Sender", "library_of_mine"),
        made("Sender", "mine.library"),
        type("Sender", (type(one),), {"__module__": "mine", "send": str})(),
    )

    assert kinds.include((one,))
    assert [kinds.include((one, other)) for other in others] == [False] * 4
    assert kinds.known == {type(one)}


def test_a_subclass_is_one_as_long_as_it_does_it_in_the_same_way() -> None:
    kinds = Kinds("library", Sender="send")
    Sender = type("Sender", (), {"__module__": "library", "send": len})  # noqa: N806
    Mine = type("Mine", (Sender,), {"connect": str})  # noqa: N806
    Deeper = type("Deeper", (Mine,), {"send": str})  # noqa: N806

    assert kinds.include((Mine(),))
    assert not kinds.include((Mine(), Deeper()))
    assert kinds.known == set()  # a program may make classes without end
