"""How many people a single place can have around it, at most."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

__all__ = ["most_within"]

Floats = NDArray[np.float64]

_STEPS = 24
_MOST_CELLS = 4_000_000


def most_within(
    x: Floats, y: Floats, weight: Floats, radius_m: float, *, steps: int = _STEPS
) -> float:
    """Return an upper bound of the weight within a straight-line radius of any one place.

    Points are counted in square cells of ``radius / steps``. Whatever place is taken, its cell's
    centre lies within half a diagonal of it, and so does each point from the centre of its own
    cell: all that is within the radius of the place lies in cells whose centres are within radius
    + one diagonal of that centre. The greatest such sum over all cells is the bound; with 24 steps
    a circle of 1.059 radii. Places outside the points' bounding box have no more than its border.

    Parameters
    ----------
    x, y : numpy.ndarray of float, shape (n,)
        Metres; points without a place (NaN) count as being near every place.
    weight : numpy.ndarray of float, shape (n,)
        Not negative.
    radius_m : float
    steps : int
        Cells a radius; fewer where the area would need more than four million.

    Returns
    -------
    float
        At least the truth, at most the sum of all weights.

    Examples
    --------
    Two people 300 m apart are both within 200 m of the place between them; a third is far away:

    >>> x, y = np.array([0.0, 300.0, 5000.0]), np.zeros(3)
    >>> most_within(x, y, np.array([10.0, 5.0, 12.0]), 200.0)
    15.0
    >>> most_within(x, y, np.array([10.0, 5.0, 12.0]), 100.0)
    12.0
    >>> most_within(x[:0], y[:0], x[:0], 100.0)
    0.0
    """
    counted = weight > 0.0
    placed = counted & np.isfinite(x) & np.isfinite(y)
    nowhere = float(weight[counted & ~placed].sum())
    total = float(weight[counted].sum())
    if not placed.any() or not radius_m > 0.0:
        return total
    east, north = x[placed] - x[placed].min(), y[placed] - y[placed].min()
    cell = radius_m / steps
    wide, high = float(east.max()), float(north.max())
    while (wide / cell + 1.0) * (high / cell + 1.0) > _MOST_CELLS:
        cell *= 1.25
    columns, rows = int(wide // cell) + 1, int(high // cell) + 1
    at = (north // cell).astype(np.int64) * columns + (east // cell).astype(np.int64)
    cells = np.bincount(at, weights=weight[placed], minlength=rows * columns)
    reach = radius_m / cell + math.sqrt(2.0)
    # Beside the cells of a row stand nothing and all of it, as far as a strip may run over.
    edge = int(reach)
    sums = np.zeros((rows, edge + columns + 1 + edge))
    inner = sums[:, edge + 1 : edge + 1 + columns]
    np.cumsum(cells.reshape(rows, columns), axis=1, out=inner)
    sums[:, edge + 1 + columns :] = inner[:, -1:]
    around = np.zeros((rows, columns))
    for step in range(-min(int(reach), rows - 1), min(int(reach), rows - 1) + 1):
        half = int(math.sqrt(reach**2 - step**2))
        first, last = max(0, -step), rows - max(0, step)
        strip = sums[first + step : last + step]
        right, left = edge + half + 1, edge - half
        around[first:last] += strip[:, right : right + columns] - strip[:, left : left + columns]
    return min(float(around.max()) + nowhere, total)
