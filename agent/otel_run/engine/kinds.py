"""Classes of a library, of which subclasses may do what they do in another way."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable


class Kinds:
    """The classes of a package that do something, by their names: each with its method for that.

    A subclass that leaves the method alone is as good. The hot path looks at `known`, the package's
    own, by itself before it asks.
    """

    def __init__(self, package: str, **methods: str) -> None:
        self._package = package
        self._methods = methods
        self.known: set[type] = set()

    def include(self, objects: Iterable[object]) -> bool:
        """Tell whether all of the objects do it as these very classes do."""
        return all(map(self._is_one, {*map(type, objects)}))

    def _is_one(self, kind: type) -> bool:
        base = next(filter(self._is_own, kind.__mro__), None)
        if base is None:
            return False
        if base is kind:
            self.known.add(kind)
            return True
        method = self._methods[base.__name__]
        return getattr(kind, method, None) is getattr(base, method, None)

    def _is_own(self, kind: type) -> bool:
        package = kind.__module__.partition(".")[0]
        return package == self._package and kind.__name__ in self._methods
