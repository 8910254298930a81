"""A heap of costs for compiled searches, and arrays that grow."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from servicecircle.network.compiled import compiled

__all__ = ["drop_first", "push", "wider_floats", "wider_heads"]

Floats = NDArray[np.float64]
Heads = NDArray[np.int32]


@compiled()
def push(keys: Floats, items: Heads, size: int, key: float, item: int) -> None:
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
def drop_first(keys: Floats, items: Heads, size: int) -> None:
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
