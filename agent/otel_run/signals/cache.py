"""A bounded mapping of what was seen lately."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Hashable
    from typing import Generic, TypeVar

    Key = TypeVar("Key", bound=Hashable)
    Item = TypeVar("Item")
else:
    # At run time `typing` is not imported.
    Generic, Key, Item = {(None, None): object}, None, None


class Cache(Generic[Key, Item]):
    """Two generations: what is used moves to the young one; the old one is let go as a whole.

    `limit` bounds the weight of a generation, so that the whole holds at most twice that. Looking
    up takes one dictionary access for what is in use; no order is kept and no lock is needed: two
    threads that meet at the border forget something at worst. The hot path looks
    at `young` by itself before it asks.
    """

    __slots__ = ("_limit", "_old", "_weigh", "_weight", "young")

    def __init__(self, limit: int, weigh: Callable[[Key, Item], int] | None = None) -> None:
        self._limit = limit
        self._weigh = weigh
        self._weight = 0
        self.young: dict[Key, Item] = {}
        self._old: dict[Key, Item] = {}

    def get(self, key: Key) -> Item | None:
        """Return what was put under the key, or None."""
        found = self.young.get(key)
        if found is None:
            found = self._old.get(key)
            if found is not None:
                self.put(key, found)
        return found

    def put(self, key: Key, item: Item) -> None:
        """Keep the item, and let the old generation go when the young one is full."""
        self._weight += self._weigh(key, item) if self._weigh else 1
        if self._weight > self._limit:
            self._old, self.young, self._weight = self.young, {}, 0
        self.young[key] = item

    def __len__(self) -> int:
        return len(self.young) + len(self._old)
