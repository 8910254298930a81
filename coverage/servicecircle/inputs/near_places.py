"""Places near one another: each held against its nearest few, however many there are."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

__all__ = ["near_places"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

_EARTH_M = 6_371_008.8
_BLOCK = 100_000
# A sphere is off by less than one per cent.
_SPARE = 1.01
# Cells a little wider than that, so that who is near stands in the same cell or one beside it.
_CELL = 1.02
# Cells of degrees meet neither at the poles nor where 180° is −180°.
_WHOLE_TURN, _POLAR = 359.0, 85.0
# Points of one tile of so many cells a side are asked for together: they find the same branches.
_TILE = 64


def near_places(lon: Floats, lat: Floats, *, within_m: float, most: int) -> tuple[Ints, Ints]:
    """Return the pairs of places of which one is among the other's nearest few.

    Places without any other in the cells around them are left at once; the rest is asked for in
    a tree, in the order of the cells. The work grows as the number of places, however dense.

    Parameters
    ----------
    lon, lat : numpy.ndarray of float, shape (n,)
        Degrees, finite.
    within_m : float
        How far the nearest few are looked for, metres on a sphere; up to one per cent farther,
        since the ellipsoid may be shorter: whoever needs it exactly measures the pairs.
    most : int
        How many nearest ones of each place.

    Returns
    -------
    one, other : numpy.ndarray of int, shape (m,)
        Positions, ``one < other``, every pair once, sorted.

    Examples
    --------
    >>> lon, lat = np.array([120.0, 120.0, 121.0, 120.0]), np.array([30.0, 30.0003, 30.0, 30.001])
    >>> one, other = near_places(lon, lat, within_m=50.0, most=6)
    >>> one.tolist(), other.tolist()
    ([0], [1])
    >>> near_places(lon[:0], lat[:0], within_m=50.0, most=6)[0].shape
    (0,)
    """
    nobody = np.empty(0, dtype=np.int64)
    if lon.size < 2 or most < 1:  # noqa: PLR2004 - a pair
        return nobody, nobody
    which = _in_company(lon, lat, cell_m=_CELL * within_m)
    if which.size < 2:  # noqa: PLR2004 - a pair
        return nobody, nobody
    across, along = np.radians(lon[which]), np.radians(lat[which])
    sphere = np.column_stack(
        [np.cos(along) * np.cos(across), np.cos(along) * np.sin(across), np.sin(along)]
    )
    # In tiles already: balancing the tree would take longer than it saves.
    tree = cKDTree(sphere * _EARTH_M, balanced_tree=False, compact_nodes=False)
    found = []
    for start in range(0, which.size, _BLOCK):
        block = np.arange(start, min(start + _BLOCK, which.size))
        # The nearest one is the place itself.
        _, near = tree.query(
            tree.data[block],
            k=min(most + 1, which.size),
            distance_upper_bound=_SPARE * within_m,
        )
        row, rank = np.nonzero(near < which.size)
        one, other = which[block[row]], which[near[row, rank]]
        pair = np.minimum(one, other) * lon.size + np.maximum(one, other)
        found.append(pair[one != other])
    pairs = np.unique(np.concatenate(found))
    return pairs // lon.size, pairs % lon.size


def _in_company(lon: Floats, lat: Floats, *, cell_m: float) -> Ints:
    """Return the places with another one in their cell or the eight around it, by tile."""
    height = np.degrees(cell_m / _EARTH_M)
    polar = np.abs(lat).max() > _POLAR
    if polar or lon.max() - lon.min() > _WHOLE_TURN:
        return np.arange(lon.size)
    width = height / np.cos(np.radians(np.abs(lat).max()))
    column = ((lon - lon.min()) // width).astype(np.int64) + 1
    row = ((lat - lat.min()) // height).astype(np.int64) + 1
    # A column is free on either side, so that the end of a row does not touch the next one.
    columns = int(column.max()) + 2
    cell = row * columns + column
    order = np.argsort(cell)
    cell = cell[order]
    company = np.zeros(lon.size, dtype=bool)
    beside = np.diff(cell) <= 1
    company[1:] |= beside
    company[:-1] |= beside
    for step in (-columns, columns):
        first = np.searchsorted(cell, cell + (step - 1)).clip(max=lon.size - 1)
        company |= (cell[first] >= cell + (step - 1)) & (cell[first] <= cell + (step + 1))
    which = order[company]
    tile = (row[which] // _TILE) * columns + column[which] // _TILE
    return np.asarray(which[np.argsort(tile, kind="stable")], dtype=np.int64)
