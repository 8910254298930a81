"""Queues of costs for compiled searches, a heap and slots before it, and arrays that grow."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from servicecircle.network.compiled import compiled

__all__ = ["drop_first", "push", "put_off", "wider_floats", "wider_heads"]

Floats = NDArray[np.float64]
Heads = NDArray[np.int32]
Items = NDArray[np.integer[Any]]
Index = int | np.integer[Any]


@compiled()
def push(keys: Floats, items: Items, size: int, key: float, item: int) -> None:
    """Put an entry into a heap of ``size`` entries, four children to a parent; there must be room.

    Examples
    --------
    >>> keys, items = np.empty(2), np.empty(2, np.int32)
    >>> push(keys, items, 0, 5.0, 50)
    >>> push(keys, items, 1, 3.0, 30)
    >>> keys.tolist(), items.tolist()
    ([3.0, 5.0], [30, 50])
    """
    at = size
    while at > 0:
        parent = (at - 1) >> 2
        if keys[parent] <= key:
            break
        keys[at], items[at] = keys[parent], items[parent]
        at = parent
    keys[at], items[at] = key, item


@compiled()
def drop_first(keys: Floats, items: Items, size: int) -> None:
    """Take the least entry off a heap of ``size`` entries.

    Examples
    --------
    >>> keys, items = np.array([3.0, 5.0]), np.array([30, 50], np.int32)
    >>> drop_first(keys, items, 2)
    >>> float(keys[0]), int(items[0])
    (5.0, 50)
    """
    last = size - 1
    key, item = keys[last], items[last]
    at = 0
    while True:
        child = 4 * at + 1
        if child >= last:
            break
        least = child
        for other in range(child + 1, min(child + 4, last)):
            if keys[other] < keys[least]:
                least = other
        if keys[least] >= key:
            break
        keys[at], items[at] = keys[least], items[least]
        at = least
    keys[at], items[at] = key, item


@compiled()
def put_off(
    slots: Heads, after: Heads, keys: Floats, items: Items, count: Index, slot: Index, key: float,
    item: Index,
) -> None:  # fmt: skip
    """Put an entry, the last of ``count``, into a slot, to be sorted when that slot's turn comes.

    ``slots`` holds the last entry of each slot, ``after`` the one before it; -1 where there is
    none.

    Examples
    --------
    >>> slots, after = np.full(3, -1, np.int32), np.empty(2, np.int32)
    >>> keys, items = np.empty(2), np.empty(2, np.int32)
    >>> put_off(slots, after, keys, items, 0, 2, 9.0, 90)
    >>> put_off(slots, after, keys, items, 1, 2, 8.0, 80)
    >>> slots.tolist(), after.tolist(), keys.tolist()
    ([-1, -1, 1], [-1, 0], [9.0, 8.0])
    """
    keys[count], items[count] = key, item
    after[count] = slots[slot]
    slots[slot] = count


@compiled()
def wider_floats(old: Floats) -> Floats:
    """Return an array twice as long that begins with the old one.

    Examples
    --------
    >>> wider_floats(np.array([3.0])).size
    2
    """
    new = np.empty(2 * old.size, np.float64)
    new[: old.size] = old
    return new


@compiled()
def wider_heads(old: Heads) -> Heads:
    """Return an array twice as long that begins with the old one.

    Examples
    --------
    >>> wider_heads(np.array([3, 4], np.int32)).size
    4
    """
    new = np.empty(2 * old.size, np.int32)
    new[: old.size] = old
    return new
