"""How near and how far the facilities may be whose place is only known to some metres."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from servicecircle.measure.access import Points, straight_distances
from servicecircle.network.travel import Travel

__all__ = ["BOUND_COLUMNS", "position_bounds", "position_errors"]

Floats = NDArray[np.float64]

BOUND_COLUMNS = (
    "metres_least",
    "metres_most",
    "seconds_least",
    "seconds_most",
    "straight_least",
    "straight_most",
)


def position_errors(facilities: pd.DataFrame, ids: NDArray[np.object_]) -> Floats:
    """Return the position error of some facilities, 0 where none is known.

    Parameters
    ----------
    facilities : pandas.DataFrame
        Columns facility_id and position_error_m.
    ids : numpy.ndarray of str, shape (f,)

    Examples
    --------
    >>> table = pd.DataFrame({"facility_id": ["a", "b"], "position_error_m": [np.nan, 50.0]})
    >>> position_errors(table, np.array(["b", "a", "b"], object)).tolist()
    [50.0, 0.0, 50.0]
    """
    error = facilities.set_index("facility_id")["position_error_m"].reindex(ids)
    return error.fillna(0.0).to_numpy(np.float64)


def position_bounds(
    measure: Callable[[Points], pd.DataFrame],
    demand: Points,
    facilities: Points,
    *,
    error_m: Floats,
    travel: Travel | None,
    seconds_per_metre: float,
) -> dict[str, Floats]:
    """Return the least and the most that each demand point may be from its nearest facility.

    A facility whose place is known to ``e`` metres is taken to be ``e`` metres nearer, or farther,
    along the way: least is the smallest of (way − e) over all facilities, not below 0, and most
    the smallest of (way + e). Both are found by a search of their own, in which the access legs of
    the facilities are longer; so an exact facility behind a vague one counts. A facility that is
    too far from the network may be on it: it bounds the least by the straight line, which no road
    undercuts.

    Parameters
    ----------
    measure : callable
        Facilities → table of access, see :func:`servicecircle.measure.access.layer_access`.
    demand, facilities : Points
    error_m : numpy.ndarray of float, shape (f,)
        Of each facility, 0 or more.
    travel : Travel, optional
        None: straight distances only.
    seconds_per_metre : float
        Of an access leg.

    Returns
    -------
    dict of str to numpy.ndarray of float, shape (d,)
        :data:`BOUND_COLUMNS`; NaN where there is no number.

    Examples
    --------
    >>> def at(*x):
    ...     return Points(ids=np.empty(len(x), object), x=np.array(x), y=np.zeros(len(x)), at=None)
    >>> none = pd.DataFrame({"metres": [np.nan], "seconds": [np.nan]})
    >>> bounds = position_bounds(
    ...     lambda points: none, at(0.0), at(500.0, 900.0), error_m=np.array([0.0, 600.0]),
    ...     travel=None, seconds_per_metre=1.0,
    ... )
    >>> bounds["straight_least"].tolist(), bounds["straight_most"].tolist()
    ([300.0], [500.0])
    """
    bounds = {
        "straight_least": _straight(demand, facilities, -error_m),
        "straight_most": _straight(demand, facilities, error_m),
    }
    most_m = float(np.max(error_m, initial=0.0))
    farther = measure(_shifted(facilities, error_m))
    nearer = measure(_shifted(facilities, most_m - error_m))
    for column, shift in (("metres", most_m), ("seconds", most_m * seconds_per_metre)):
        least = np.maximum(nearer[column].to_numpy(np.float64) - shift, 0.0)
        if travel is not None and facilities.at is not None:
            loose = np.flatnonzero(~facilities.at.attached & (error_m > 0.0))
            crow = _straight(demand, facilities.take(loose), -error_m[loose])
            # Nothing is faster than the fastest road, nor shorter than the straight line.
            timed = travel.unit == "seconds"
            quickest = 1.0 / travel.metres_per_cost if timed else seconds_per_metre
            least = np.fmin(least, crow * (quickest if column == "seconds" else 1.0))
        bounds[f"{column}_least"] = least
        bounds[f"{column}_most"] = farther[column].to_numpy(np.float64)
    return bounds


def _shifted(points: Points, shift_m: Floats) -> Points:
    """Return points with longer access legs."""
    if points.at is None:
        return points
    legs = points.at.leg_m + shift_m[points.at.owners]
    return replace(points, at=replace(points.at, leg_m=legs))


def _straight(demand: Points, facilities: Points, shift_m: Floats) -> Floats:
    """Return the smallest of (straight distance + shift), not below 0; NaN without facilities."""
    best = np.full(demand.x.size, np.nan)
    here = np.flatnonzero(np.isfinite(demand.x) & np.isfinite(demand.y))
    x, y = demand.x[here], demand.y[here]
    found = np.full(here.size, np.inf)
    exact = (shift_m == 0.0) & np.isfinite(facilities.x)
    if exact.any() and here.size:
        near = straight_distances(demand, facilities.take(np.flatnonzero(exact)))
        found = near[here]
    shapes = facilities.shapes
    places = np.asarray(shapely.points(x, y))
    for at in np.flatnonzero(~exact & np.isfinite(facilities.x)).tolist():
        away = shapely.distance(places, shapes[at]) + shift_m[at]
        found = np.minimum(found, np.maximum(away, 0.0))
    best[here] = np.where(np.isfinite(found), found, np.nan)
    return best
