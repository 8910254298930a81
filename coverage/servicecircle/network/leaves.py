"""Leaves of refined squares: the smaller squares that are drawn in their place."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["Leaves", "joined_rows", "no_leaves", "some_rows"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


class Leaves(NamedTuple):
    """Leaves of refined squares, by row and column of the square.

    ``row_starts`` (rows + 1), ``column`` (k): the squares; ``starts`` (k + 1): where the leaves of
    each begin; ``depth``, ``south``, ``west`` (n): each is one of 4 ** depth by 4 ** depth parts of
    its square; ``total``, ``leg`` (n, 4): at its corners, against the sun from the south-western.
    """

    row_starts: Ints
    column: Ints
    starts: Ints
    depth: NDArray[np.int8]
    south: NDArray[np.int16]
    west: NDArray[np.int16]
    total: Floats
    leg: Floats


def no_leaves(rows: int) -> Leaves:
    """Return leaves of no square.

    Examples
    --------
    >>> no_leaves(2).row_starts.tolist()
    [0, 0, 0]
    """
    none = np.empty((0, 4))
    return Leaves(
        np.zeros(rows + 1, np.int64), np.empty(0, np.int64), np.zeros(1, np.int64),
        np.empty(0, np.int8), np.empty(0, np.int16), np.empty(0, np.int16), none, none,
    )  # fmt: skip


def some_rows(leaves: Leaves, first: int, last: int) -> Leaves:
    """Return the leaves of some rows, without what their corners cost.

    Examples
    --------
    >>> some_rows(no_leaves(5), 1, 3).row_starts.tolist()
    [0, 0, 0]
    """
    begin, end = leaves.row_starts[[first, last]].tolist()
    part = slice(*leaves.starts[[begin, end]].tolist())
    return Leaves(
        leaves.row_starts[first : last + 1] - begin, leaves.column[begin:end],
        leaves.starts[begin : end + 1] - part.start, leaves.depth[part], leaves.south[part],
        leaves.west[part], np.empty((0, 4)), leaves.leg[part],
    )  # fmt: skip


def joined_rows(parts: Sequence[Leaves]) -> Leaves:
    """Return leaves of rows that follow one another as one.

    Examples
    --------
    >>> joined_rows([no_leaves(2), no_leaves(1)]).row_starts.tolist()
    [0, 0, 0, 0]
    >>> joined_rows([]).column.size
    0
    """
    parts = [no_leaves(0), *parts]

    def shifted(starts: Sequence[Ints]) -> Ints:
        ends = np.cumsum([0, *(part[-1] for part in starts)])
        held = [part[1:] + end for part, end in zip(starts, ends[:-1], strict=True)]
        return np.concatenate([np.zeros(1, np.int64), *held])

    row_starts = shifted([part.row_starts for part in parts])
    starts = shifted([part.starts for part in parts])
    return Leaves(
        row_starts, np.concatenate([part.column for part in parts]), starts,
        np.concatenate([part.depth for part in parts]),
        np.concatenate([part.south for part in parts]),
        np.concatenate([part.west for part in parts]),
        np.empty((0, 4)), np.concatenate([part.leg for part in parts]),
    )  # fmt: skip
