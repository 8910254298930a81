"""The path that a plan lays from its baseline over its targets.

Time is counted in fractional years in which a year ends at the next whole number: a baseline of
2020 stands at the end of 2020 (2021.0), a target of 2025 is due at the end of 2025 (2026.0).
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Sequence
from itertools import pairwise

from servicecircle.standards.plan import Operator, Target

__all__ = ["expected_at", "path_of", "year_point"]

Path = tuple[tuple[float, float], ...]


def year_point(day: dt.date) -> float:
    """Return a date in years, the end of a year being the next whole number.

    Examples
    --------
    >>> year_point(dt.date(2025, 12, 31)), year_point(dt.date(2023, 3, 14))
    (2026.0, 2023.2)
    """
    start, end = dt.date(day.year, 1, 1), dt.date(day.year, 12, 31)
    return day.year + ((day - start).days + 1) / ((end - start).days + 1)


def path_of(
    baseline: tuple[int, float] | None, targets: Sequence[Target], *, operator: Operator
) -> Path:
    """Return the points between which a plan's path runs straight.

    Where the baseline is already beyond the first target the path starts at that target: the plan
    asks to keep it, not to fall back to it. A target of the baseline's own year takes its place.

    Parameters
    ----------
    baseline : tuple of (int, float), optional
        Year, at the end of which it stands, and value.
    targets : sequence of Target
        In the order of their years.
    operator : {"at_least", "at_most"}

    Returns
    -------
    tuple of (float, float)
        Points of time as :func:`year_point` has them, and values.

    Examples
    --------
    >>> path_of((2020, 20.0), [Target(year=2025, value=60)], operator="at_least")
    ((2021.0, 20.0), (2026.0, 60))
    >>> path_of((2020, 64.5), [Target(year=2022, value=50)], operator="at_least")
    ((2021.0, 50), (2023.0, 50))
    >>> path_of(None, [], operator="at_least")
    ()
    """
    points = [(target.year + 1.0, target.value) for target in targets]
    if baseline is not None:
        start, value = baseline[0] + 1.0, baseline[1]
        if not points:
            return ((start, value),)
        if points[0][0] > start:
            first = points[0][1]
            kept = min(value, first) if operator == "at_least" else max(value, first)
            points.insert(0, (start, kept))
    return tuple(points)


def expected_at(path: Path, point: float) -> float:
    """Return where a path is at a point of time: straight between points, level after the last.

    Before the first point nothing is expected: NaN.

    Examples
    --------
    >>> path = ((2021.0, 20.0), (2023.0, 30.0), (2026.0, 60.0))
    >>> [expected_at(path, point) for point in (2020.5, 2021.0, 2022.0, 2024.5, 2030.0)]
    [nan, 20.0, 25.0, 45.0, 60.0]
    >>> expected_at((), 2024.0)
    nan
    """
    if not path or point < path[0][0]:
        return math.nan
    for (start, low), (end, high) in pairwise(path):
        if start <= point < end:
            return low + (high - low) * (point - start) / (end - start)
    return path[-1][1]
