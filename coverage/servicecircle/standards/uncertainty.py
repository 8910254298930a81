"""What bounds a rule of travel: who is covered for certain, who may be, and which cause it is."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from servicecircle.measure.access import reaches
from servicecircle.standards.residual_bounds import Residuals, bounded_shares, sums_by

__all__ = [
    "CAUSES",
    "PEOPLE_CAUSES",
    "Bounds",
    "Journeys",
    "Width",
    "bounds_of",
    "named_causes",
    "times",
]

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]

PEOPLE_CAUSES = ("cell_size", "people_coordinates")
"""People of a raster's cell, and of another point whose place is known to some metres."""

CAUSES = (
    "definition",
    "speed",
    "unsnapped",
    "roads",
    "coordinates",
    *PEOPLE_CAUSES,
    "edge",
    "residuals",
)
"""In the order in which they are named."""

End = Literal["low", "high"]
_SAME = 1e-12


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Journeys:
    """What it takes each point to reach a layer, in the unit of a limit: metres or seconds.

    Parameters
    ----------
    taken : numpy.ndarray of float, shape (n,)
        Over the network, or along the straight line where that is what a rule means; NaN where
        there is no number.
    taken_least, taken_most : numpy.ndarray of float, shape (n,)
        With facilities as near, and as far, as the errors of their places allow.
    straight, straight_least : numpy.ndarray of float, shape (n,)
        Along the straight line, at the same speed.
    error : numpy.ndarray of float, shape (n,)
        How far from their point people may live.
    way_out, straight_out : numpy.ndarray of float, shape (n,)
        To the nearest place where a road leads to what no list may hold; NaN: none.
    unsnapped : numpy.ndarray of bool, shape (n,)
    limit : float
    quick, slow : float
        What the fastest and the slowest speed make of a time: at most and at least 1.
    """

    taken: Floats
    taken_least: Floats
    taken_most: Floats
    straight: Floats
    straight_least: Floats
    error: Floats
    way_out: Floats
    straight_out: Floats
    unsnapped: Bools
    limit: float
    quick: float = 1.0
    slow: float = 1.0

    def take(self, rows: Ints) -> Journeys:
        """Return those of some of the points."""
        return replace(
            self,
            taken=self.taken[rows],
            taken_least=self.taken_least[rows],
            taken_most=self.taken_most[rows],
            straight=self.straight[rows],
            straight_least=self.straight_least[rows],
            error=self.error[rows],
            way_out=self.way_out[rows],
            straight_out=self.straight_out[rows],
            unsnapped=self.unsnapped[rows],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Width:
    """What one cause does to the bounds of a value.

    Parameters
    ----------
    cause : str
    low_alone, high_alone : float
        The bounds if this cause were the only one.
    low_without, high_without : float
        The bounds if it were the only one that is not.
    """

    cause: str
    low_alone: float
    high_alone: float
    low_without: float
    high_without: float

    def scaled(self, scale: float) -> Width:
        """Return the same in another unit."""
        return Width(
            cause=self.cause,
            low_alone=scale * self.low_alone,
            high_alone=scale * self.high_alone,
            low_without=scale * self.low_without,
            high_without=scale * self.high_without,
        )


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Bounds:
    """Who is covered at least and at most, and why the two differ.

    Parameters
    ----------
    low, high : numpy.ndarray of bool, shape (n,)
        Whoever is in ``low`` is in ``high``.
    low_share, high_share : float
        Of the people, from 0 to 1; NaN without people.
    causes : tuple of str
        Of :data:`CAUSES`: those that alone make an end differ from the value, or without which
        an end would be another.
    widths : tuple of Width
        In shares, of each doubt that can be switched off and is a cause.
    """

    low: Bools
    high: Bools
    low_share: float
    high_share: float
    causes: tuple[str, ...]
    widths: tuple[Width, ...]


def times(journeys: Journeys, doubts: Collection[str], *, end: End) -> Floats:
    """Return what it takes at one end of what is in doubt; without doubts both ends are as it is.

    Parameters
    ----------
    journeys : Journeys
    doubts : collection of str
        Of :data:`CAUSES`. All hold at once: the slowest speed, the farthest place of the facility
        and the farthest home make the low end of a share.
    end : {"low", "high"}
        Of the share of people covered.

    Returns
    -------
    numpy.ndarray of float, shape (n,)
        In the unit of the limit; NaN where there is no number.

    Examples
    --------
    >>> none = np.full(3, np.nan)
    >>> metres = np.array([950.0, 1040.0, np.nan])
    >>> journeys = Journeys(
    ...     taken=metres, taken_least=metres, taken_most=metres, straight=metres - 30.0,
    ...     straight_least=metres - 30.0, error=np.full(3, 70.0), way_out=none, straight_out=none,
    ...     unsnapped=np.isnan(metres), limit=1000.0,
    ... )
    >>> times(journeys, (), end="low").tolist()
    [950.0, 1040.0, nan]
    >>> times(journeys, ["cell_size"], end="low").tolist()
    [1020.0, 1110.0, nan]
    >>> times(journeys, ["cell_size", "definition"], end="high").tolist()
    [850.0, 940.0, nan]
    """
    moved = not set(doubts).isdisjoint(PEOPLE_CAUSES)
    coordinates = "coordinates" in doubts
    if end == "low":
        if "roads" in doubts:
            return np.full(journeys.taken.size, np.nan)
        taken = journeys.taken_most if coordinates else journeys.taken
        taken = taken + journeys.error if moved else taken
        return taken * journeys.slow if "speed" in doubts else taken
    found = journeys.taken_least if coordinates else journeys.taken
    # No road is shorter than the straight line.
    by_crow: bool | Bools = not {"definition", "roads"}.isdisjoint(doubts)
    if "unsnapped" in doubts and not by_crow:
        by_crow = journeys.unsnapped
    if "edge" in doubts:
        found = np.fmin(found, journeys.way_out)
    if np.any(by_crow):
        straight = journeys.straight_least if coordinates else journeys.straight
        if "edge" in doubts:
            straight = np.fmin(straight, journeys.straight_out)
        found = np.fmin(found, np.where(by_crow, straight, np.nan))
    found = np.maximum(found - journeys.error, 0.0) if moved else found
    return found * journeys.quick if "speed" in doubts else found


def named_causes(
    ends: Callable[[Collection[str]], tuple[float, float]],
    doubts: Collection[str],
    *,
    always: Collection[str] = (),
) -> tuple[tuple[str, ...], tuple[Width, ...]]:
    """Return which doubts make the ends of a value differ from it, and how much each.

    A doubt is a cause if it alone moves an end, or if without it an end would be another: two
    doubts may each be enough for the same people, and others may only matter together.

    Parameters
    ----------
    ends : callable
        From the doubts that are on to the low and the high end.
    doubts : collection of str
        Of :data:`CAUSES`.
    always : collection of str
        Doubts that cannot be switched off, such as roads that are not there; always causes.

    Returns
    -------
    causes : tuple of str
        In the order of :data:`CAUSES`.
    widths : tuple of Width
        Of the causes that can be switched off.

    Examples
    --------
    >>> def ends(on):
    ...     return 50.0 - 5.0 * ("speed" in on), 50.0 + 9.0 * ("edge" in on)
    >>> causes, widths = named_causes(ends, ["edge", "cell_size", "speed"])
    >>> causes
    ('speed', 'edge')
    >>> widths[0]
    Width(cause='speed', low_alone=45.0, high_alone=50.0, low_without=50.0, high_without=59.0)
    >>> named_causes(ends, [])
    ((), ())
    """
    whole = [name for name in CAUSES if name in doubts or name in always]
    base, extremes = ends(always), ends(whole)
    causes, widths = [], []
    for name in whole:
        if name in always:
            causes.append(name)
            continue
        alone = ends([*always, name])
        without = ends([one for one in whole if one != name])
        if _differ(alone, base) or _differ(without, extremes):
            causes.append(name)
            widths.append(
                Width(
                    cause=name,
                    low_alone=alone[0],
                    high_alone=alone[1],
                    low_without=without[0],
                    high_without=without[1],
                )
            )
    return tuple(causes), tuple(widths)


def _differ(one: tuple[float, float], other: tuple[float, float]) -> bool:
    return bool(np.any(np.abs(np.subtract(one, other)) > _SAME * np.abs(other)))


def bounds_of(
    journeys: Journeys,
    weight: Floats,
    doubts: Collection[str],
    *,
    always: Collection[str] = (),
    residuals: Residuals | None = None,
) -> Bounds:
    """Return the bounds of the share of people covered, and which doubts make them.

    Parameters
    ----------
    journeys : Journeys
    weight : numpy.ndarray of float, shape (n,)
        People of each point.
    doubts : collection of str
        Of :data:`CAUSES`, but for ``residuals``.
    always : collection of str
        Those that cannot be switched off.
    residuals : Residuals, optional
        Of the points; adds the doubt ``residuals``.

    Returns
    -------
    Bounds

    Examples
    --------
    >>> metres = np.array([700.0, 800.0])
    >>> journeys = Journeys(
    ...     taken=metres, taken_least=metres, taken_most=metres, straight=metres,
    ...     straight_least=metres, error=np.full(2, 20.0), way_out=np.array([np.nan, 750.0]),
    ...     straight_out=np.array([np.nan, 750.0]), unsnapped=np.zeros(2, bool), limit=750.0,
    ... )
    >>> bounds = bounds_of(journeys, np.array([3.0, 2.0]), ["cell_size", "edge"])
    >>> bounds.low.tolist(), bounds.high.tolist(), bounds.causes
    ([True, False], [True, True], ('edge',))
    >>> bounds.low_share, bounds.high_share
    (0.6, 1.0)
    >>> bounds_of(journeys.take(np.arange(0)), np.empty(0), []).low_share
    nan
    """
    whole = [name for name in CAUSES if name in doubts or name in always]

    def within(ways: Journeys, on: Collection[str], end: End) -> Bools:
        return reaches(times(ways, on, end=end), ways.limit)

    low, high = within(journeys, whole, "low"), within(journeys, whole, "high")
    # Whatever is switched off, all others are as they are in the whole.
    rows = np.flatnonzero((low != high) & (weight > 0.0))
    some = journeys.take(rows)
    shares = _Shares(weight, low, rows, residuals)

    def ends(on: Collection[str]) -> tuple[float, float]:
        # Roads that are not there leave no value: nobody is sure to be covered, anybody may be.
        least, most = within(some, on, "low"), within(some, on, "high")
        return shares(least, most, with_residuals="residuals" in on)

    if residuals is not None:
        whole.append("residuals")
    causes, widths = named_causes(ends, whole, always=always)
    low_share, high_share = ends(whole)
    return Bounds(
        low=low,
        high=high,
        low_share=low_share,
        high_share=high_share,
        causes=causes,
        widths=widths,
    )


class _Shares:
    """Shares of people covered, of whom only some differ from one set of doubts to another."""

    def __init__(self, weight: Floats, low: Bools, rows: Ints, residuals: Residuals | None) -> None:
        self._residuals = residuals
        units = 0 if residuals is None else residuals.least.size
        unit = np.zeros(weight.size, np.int64) if residuals is None else residuals.unit
        # The last cell stands for people of no unit.
        cell = np.where(unit >= 0, unit, units)
        self._size = units + 1
        self._cell, self._weight = cell[rows], weight[rows]
        self._whole = sums_by(cell, weight, self._size)
        self._certain = sums_by(cell, weight * low, self._size)

    def __call__(self, low: Bools, high: Bools, *, with_residuals: bool) -> tuple[float, float]:
        part = [
            self._certain + sums_by(self._cell, self._weight * one, self._size)
            for one in (low, high)
        ]
        if with_residuals and self._residuals is not None:
            one = np.zeros(self._size, np.int64)
            least, most = bounded_shares(
                part[0],
                part[1],
                self._whole,
                self._residuals,
                unit=np.append(np.arange(self._size - 1), -1),
                group=one,
                groups=1,
                spare_of=one[:-1],
            )
            return float(least[0]), float(most[0])
        total = float(self._whole.sum())
        if not total > 0.0:
            return np.nan, np.nan
        return float(part[0].sum()) / total, float(part[1].sum()) / total
