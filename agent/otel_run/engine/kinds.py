"""Classes of a library, of which subclasses may do what they do in another way."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable


class Kinds:
    """The classes of these names in the modules of a package, each looked at once.

    The hot path looks at `known` by itself before it asks.
    """

    def __init__(self, package: str, *names: str) -> None:
        self._package = package
        self._names = names
        self.known: set[type] = set()

    def include(self, objects: Iterable[object]) -> bool:
        """Tell whether all of the objects are of these very classes."""
        return all(map(self._is_one, {*map(type, objects)}))

    def _is_one(self, kind: type) -> bool:
        package = kind.__module__.partition(".")[0]
        is_one = package == self._package and kind.__name__ in self._names
        if is_one:
            self.known.add(kind)
        return is_one
