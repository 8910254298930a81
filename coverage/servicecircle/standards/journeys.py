"""Tables of access as what a rule of travel compares with its limit."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from servicecircle.standards.evidence import ELDERLY_SPEED_RANGE_KMH, FASTEST_KMH, Evidence
from servicecircle.standards.plan import Plan
from servicecircle.standards.uncertainty import Journeys

__all__ = ["error_of", "farthest_m", "in_metres", "in_seconds", "speed_range"]

Floats = NDArray[np.float64]
_KMH = 3.6


def speed_range(profile: str, speed_kmh: float) -> tuple[float, float]:
    """Return how slowly and how fast a profile may go; older people differ, others do not.

    Examples
    --------
    >>> speed_range("elderly", 3.0), speed_range("walk", 4.0)
    ((2.5, 4.0), (4.0, 4.0))
    """
    if profile != "elderly":
        return speed_kmh, speed_kmh
    slow, fast = ELDERLY_SPEED_RANGE_KMH
    return min(speed_kmh, slow), max(speed_kmh, fast)


def farthest_m(plans: Iterable[Plan], speeds: Mapping[str, float]) -> float:
    """Return how far the rules of distance and travel time look, in metres; 0 without such rules.

    Parameters
    ----------
    plans : iterable of Plan
    speeds : mapping
        Profile → km/h, NaN where it goes by road class.

    Examples
    --------
    >>> from servicecircle.standards.indicators import load_plan
    >>> round(farthest_m([load_plan("shangcheng")], {"walk": 4.0, "elderly": 3.0}))
    1000
    >>> farthest_m([], {})
    0.0
    """
    farthest = 0.0
    for plan in plans:
        for indicator in plan.indicators:
            limit = indicator.threshold or 0.0
            if indicator.kind == "distance":
                farthest = max(farthest, limit)
            elif indicator.kind == "travel_time":
                names = [indicator.profile] if indicator.profile else list(speeds)
                fastest = [speed_range(name, speeds.get(name, FASTEST_KMH))[1] for name in names]
                known = [FASTEST_KMH if np.isnan(speed) else speed for speed in fastest]
                farthest = max(farthest, limit * max(known, default=0.0) * 1000.0 / 60.0)
    return farthest


def error_of(people: pd.DataFrame) -> Floats:
    """Return how far people may live from their points, 0 where that is not known, in metres.

    Examples
    --------
    >>> error_of(pd.DataFrame({"position_error_m": [70.7, np.nan]})).tolist()
    [70.7, 0.0]
    >>> error_of(pd.DataFrame({"elderly": [1.0]})).tolist()
    [0.0]
    """
    if "position_error_m" not in people:
        return np.zeros(len(people))
    error = people["position_error_m"].to_numpy(np.float64)
    return np.where(np.isnan(error), 0.0, error)


def _column(access: pd.DataFrame, name: str, other: str | None = None) -> Floats:
    """Return a column, another one where it has no value, NaN where there is neither."""
    stand_in = np.full(len(access), np.nan)
    if other is not None:
        stand_in = access[other].to_numpy(np.float64)
    if name not in access:
        return stand_in
    values = access[name].to_numpy(np.float64)
    return np.where(np.isnan(values), stand_in, values)


def in_metres(
    access: pd.DataFrame, people: pd.DataFrame, *, limit: float, straight: bool = False
) -> Journeys:
    """Return the ways of a rule of distance.

    Parameters
    ----------
    access : pandas.DataFrame
        The access contract of one layer; with ``metres_least`` … where places are vague, and
        ``exit_metres``, ``exit_straight`` where roads lead out.
    people : pandas.DataFrame
        ``position_error_m``; rows as in ``access``.
    limit : float
        In metres.
    straight : bool
        Whether the rule means the straight line.

    Examples
    --------
    >>> access = pd.DataFrame({
    ...     "metres": [900.0], "straight_metres": [700.0], "status": ["reached"],
    ...     "metres_least": [800.0], "metres_most": [950.0], "exit_straight": [300.0],
    ... })
    >>> ways = in_metres(access, pd.DataFrame({"elderly": [1.0]}), limit=1000.0)
    >>> ways.taken.tolist(), ways.taken_least.tolist(), ways.straight_least.tolist()
    ([900.0], [800.0], [700.0])
    >>> in_metres(access, access, limit=1000.0, straight=True).way_out.tolist()
    [300.0]
    """
    crow = access["straight_metres"].to_numpy(np.float64)
    crow_least = _column(access, "straight_least", "straight_metres")
    out = _column(access, "exit_straight")
    return Journeys(
        taken=crow if straight else access["metres"].to_numpy(np.float64),
        taken_least=crow_least if straight else _column(access, "metres_least", "metres"),
        taken_most=_column(access, "straight_most", "straight_metres")
        if straight
        else _column(access, "metres_most", "metres"),
        straight=crow,
        straight_least=crow_least,
        error=error_of(people),
        way_out=out if straight else _column(access, "exit_metres"),
        straight_out=out,
        unsnapped=(access["status"] == "unsnapped").to_numpy(np.bool_),
        limit=limit,
    )


def in_seconds(
    access: pd.DataFrame, people: pd.DataFrame, *, profile: str, evidence: Evidence, limit: float
) -> Journeys:
    """Return the ways of a rule of travel time.

    Straight lines go at the profile's speed, or faster than any car where that goes by road
    class. A home that lies some metres off is walked to.

    Parameters
    ----------
    access, people
        See :func:`in_metres`.
    profile : str
    evidence : Evidence
        Its ``speeds``.
    limit : float
        In seconds.

    Examples
    --------
    >>> import datetime as dt
    >>> nothing = pd.DataFrame()
    >>> evidence = Evidence(
    ...     as_of=dt.date(2025, 12, 31), units=nothing, facilities=nothing, demand=nothing,
    ...     access=nothing, layers=frozenset(),
    ... )
    >>> access = pd.DataFrame(
    ...     {"seconds": [900.0], "straight_metres": [500.0], "status": ["reached"]}
    ... )
    >>> people = pd.DataFrame({"position_error_m": [50.0]})
    >>> ways = in_seconds(access, people, profile="elderly", evidence=evidence, limit=900.0)
    >>> ways.straight.tolist(), ways.error.tolist(), ways.quick, ways.slow
    ([600.0], [60.0], 0.75, 1.2)
    """
    speed = evidence.speeds[profile]
    known = speed > 0.0
    slow, fast = speed_range(profile, speed)
    crow = _KMH / (speed if known else FASTEST_KMH)
    # Legs are walked, also by those who ride or drive.
    legs = np.fmin(speed, evidence.speeds.get("walk", speed))
    return Journeys(
        taken=access["seconds"].to_numpy(np.float64),
        taken_least=_column(access, "seconds_least", "seconds"),
        taken_most=_column(access, "seconds_most", "seconds"),
        straight=access["straight_metres"].to_numpy(np.float64) * crow,
        straight_least=_column(access, "straight_least", "straight_metres") * crow,
        error=error_of(people) * (_KMH / float(legs)),
        way_out=_column(access, "exit_seconds"),
        straight_out=_column(access, "exit_straight") * crow,
        unsnapped=(access["status"] == "unsnapped").to_numpy(np.bool_),
        limit=limit,
        quick=speed / fast if known else 1.0,
        slow=speed / slow if known else 1.0,
    )
