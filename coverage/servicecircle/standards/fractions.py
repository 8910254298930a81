"""Bounds of a fraction whose parts are not all known: which of the parts make it least and most."""

from __future__ import annotations

import math
from collections.abc import Iterable

__all__ = ["least_fraction", "most_fraction"]

Part = tuple[float, float]
"""What one thing adds above and below the line."""


def most_fraction(sure: Iterable[Part], unsure: Iterable[Part]) -> float:
    """Return the largest fraction that some parts make, each of the unsure ones being there or not.

    The largest fraction takes the unsure parts by their own fraction, from the largest down, as
    long as each raises it.

    Parameters
    ----------
    sure, unsure : iterable of (float, float)
        What each part adds above and below the line, neither negative; a part of which nothing
        stands below the line has nothing above it.

    Returns
    -------
    float
        NaN where nothing stands below the line.

    Examples
    --------
    >>> most_fraction([(1, 4)], [(1, 1), (0, 3)])
    0.4
    >>> most_fraction([], [])
    nan
    """
    return _extreme(list(sure), list(unsure), most=True)


def least_fraction(sure: Iterable[Part], unsure: Iterable[Part]) -> float:
    """Return the smallest fraction that some parts make, each unsure one being there or not.

    Examples
    --------
    >>> least_fraction([(1, 4)], [(1, 1), (0, 6)])
    0.1
    >>> least_fraction([], [(2, 4)])
    0.5
    """
    return _extreme(list(sure), list(unsure), most=False)


def _extreme(sure: list[Part], unsure: list[Part], *, most: bool) -> float:
    above = math.fsum(part[0] for part in sure)
    below = math.fsum(part[1] for part in sure)
    sign = 1.0 if most else -1.0

    def fraction(part: Part) -> float:
        return sign * part[0] / part[1] if part[1] > 0.0 else 0.0

    for part in sorted(unsure, key=fraction, reverse=True):
        if below == 0.0 or sign * ((above + part[0]) * below - above * (below + part[1])) > 0.0:
            above, below = above + part[0], below + part[1]
    return above / below if below > 0.0 else math.nan
