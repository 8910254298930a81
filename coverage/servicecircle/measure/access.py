"""Access: from each demand point to the nearest facility of a layer, over roads and straight."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from servicecircle.network.profiles import Profile
from servicecircle.network.reach import nearest
from servicecircle.network.snap import Attachment
from servicecircle.network.travel import Direction, Travel

__all__ = ["SLACK", "Points", "layer_access", "reaches", "straight_distances"]

Floats = NDArray[np.float64]

SLACK = 1e-6
"""Covered is inclusive with this slack: 750 m at 3 km/h is 900.0000000000001 s."""

COLUMNS = (
    "demand_id",
    "layer",
    "profile",
    "criterion",
    "metres",
    "straight_metres",
    "seconds",
    "facility_id",
    "snap_m",
    "status",
    "within_count",
)


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Points:
    """Points of one kind, as the measures take them.

    Parameters
    ----------
    ids : numpy.ndarray of str, shape (k,)
    x, y : numpy.ndarray of float, shape (k,)
        In the run's metric coordinate system.
    at : Attachment, optional
        Where they meet the network; None without roads.
    doors : numpy.ndarray of shapely.Geometry, shape (k,), optional
        Entrances or outline of each, None where it is its place alone; None: all are.
    """

    ids: NDArray[np.object_]
    x: Floats
    y: Floats
    at: Attachment | None
    doors: NDArray[np.object_] | None = None

    def take(self, rows: NDArray[np.int64]) -> Points:
        """Return some of the points."""
        at = self.at.take(rows) if self.at is not None else None
        doors = self.doors[rows] if self.doors is not None else None
        return Points(ids=self.ids[rows], x=self.x[rows], y=self.y[rows], at=at, doors=doors)

    @property
    def shapes(self) -> NDArray[np.object_]:
        """What each is measured to in a straight line; None where it has no place."""
        shapes = np.full(self.x.size, None, object)
        placed = np.flatnonzero(np.isfinite(self.x) & np.isfinite(self.y))
        shapes[placed] = shapely.points(self.x[placed], self.y[placed])
        if self.doors is not None:
            own = placed[~shapely.is_missing(self.doors[placed])]
            shapes[own] = self.doors[own]
        return shapes

    @property
    def spread_m(self) -> float:
        """How far from its place the farthest door is."""
        if self.doors is None:
            return 0.0
        own = np.flatnonzero(~shapely.is_missing(self.doors) & np.isfinite(self.x))
        corners, row = shapely.get_coordinates(self.doors[own], return_index=True)
        away = np.hypot(corners[:, 0] - self.x[own][row], corners[:, 1] - self.y[own][row])
        return float(away.max(initial=0.0))


def straight_distances(points: Points, targets: Points) -> Floats:
    """Return the straight distance of each point to its nearest target; NaN without targets.

    That to a target with entrances or an outline is the distance to these; within it is 0.

    Parameters
    ----------
    points, targets : Points

    Returns
    -------
    numpy.ndarray of float, shape (k,)

    Examples
    --------
    >>> def at(*x):
    ...     return Points(ids=np.empty(len(x), object), x=np.array(x), y=np.zeros(len(x)), at=None)
    >>> straight_distances(at(0.0, 7.0, np.nan), at(3.0, 9.0)).tolist()
    [3.0, 2.0, nan]
    >>> straight_distances(at(0.0), at()).tolist()
    [nan]
    """
    placed = np.isfinite(targets.x) & np.isfinite(targets.y)
    if targets.doors is not None:
        entered = placed & ~shapely.is_missing(targets.doors)
        placed &= ~entered
    metres = np.full(points.x.size, np.nan)
    here = np.isfinite(points.x) & np.isfinite(points.y)
    if placed.any() and here.any():
        tree = cKDTree(np.stack([targets.x[placed], targets.y[placed]], axis=1))
        metres[here] = tree.query(np.stack([points.x[here], points.y[here]], axis=1))[0]
    if targets.doors is not None and entered.any() and here.any():
        tree_of_doors = shapely.STRtree(targets.doors[entered])
        places = np.asarray(shapely.points(points.x[here], points.y[here]))
        row, away = tree_of_doors.query_nearest(places, return_distance=True, all_matches=False)
        to_door = np.full(places.size, np.inf)
        to_door[row[0]] = away
        metres[here] = np.fmin(metres[here], to_door)
    return metres


def layer_access(
    demand: Points,
    facilities: Points,
    *,
    layer: str,
    profile: Profile,
    travel: Travel | None,
    direction: Direction = "to",
) -> pd.DataFrame:
    """Return the access table of one layer, one row a demand point in the given order.

    Parameters
    ----------
    demand, facilities : Points
        The open facilities of the layer that have a place.
    layer : str
    profile : Profile
    travel : Travel, optional
        By the profile. None: straight distances only; network columns are NaN and status is
        ``unsnapped``.
    direction : {"to", "from"}
        Whether people travel to the facility, or it comes to them.

    Returns
    -------
    pandas.DataFrame
        demand_id, layer, profile, criterion, metres, straight_metres, seconds, facility_id,
        snap_m, status, within_count (0 here; counted with the circles). ``criterion`` says what
        the nearest facility is least in; the other is of the same way. ``reached``,
        ``unreachable`` (attached, but no way to a facility) or ``unsnapped``; the latter two have
        no number.

    Examples
    --------
    >>> from servicecircle.network.graph import build_network
    >>> from servicecircle.network.profiles import profile
    >>> from servicecircle.network.snap import attach
    >>> from servicecircle.network.travel import metres_travel
    >>> street = build_network([0, 3000], [0, 0], [0], [1])
    >>> def at(name, x, y):
    ...     x, y = np.array(x, float), np.array(y, float)
    ...     return Points(ids=np.full(x.size, name, object), x=x, y=y, at=attach(street, x, y))
    >>> homes, care_home = at("home", [50, 50], [30, 9000]), at("care", [850], [20])
    >>> speed, travel = profile("walk"), metres_travel(street)
    >>> found = layer_access(homes, care_home, layer="care_home", profile=speed, travel=travel)
    >>> found[["metres", "seconds", "facility_id", "status"]].values.tolist()
    [[850.0, 765.0, 'care', 'reached'], [nan, nan, '', 'unsnapped']]
    """
    k = demand.x.size
    metres, seconds = np.full((2, k), np.nan)
    facility = np.full(k, "", object)
    status = np.full(k, "unsnapped", object)
    snap = np.full(k, np.nan)
    if travel is not None and demand.at is not None and facilities.at is not None:
        snap = demand.at.leg_m
        found = nearest(travel, demand.at, facilities.at, direction=direction)
        metres = found.metres
        timed = travel.unit == "seconds"
        seconds = found.cost if timed else metres / profile.metres_per_second
        reached = found.target >= 0
        facility[reached] = facilities.ids[found.target[reached]]
        status = np.where(
            reached, "reached", np.where(demand.at.snapped, "unreachable", "unsnapped")
        ).astype(object)
    return pd.DataFrame(
        {
            "demand_id": demand.ids,
            "layer": layer,
            "profile": profile.name,
            "criterion": "metres" if travel is None else travel.unit,
            "metres": metres,
            "straight_metres": straight_distances(demand, facilities),
            "seconds": seconds,
            "facility_id": facility,
            "snap_m": snap,
            "status": status,
            "within_count": np.zeros(k, np.int64),
        },
        columns=list(COLUMNS),
    )


def reaches(values: Floats, limit: float) -> NDArray[np.bool_]:
    """Return which values are within a limit, inclusive with slack; NaN is not.

    Parameters
    ----------
    values : numpy.ndarray of float, shape (k,)
        In the unit of the limit: seconds or metres.
    limit : float

    Returns
    -------
    numpy.ndarray of bool, shape (k,)

    Examples
    --------
    >>> reaches(np.array([900.0000000000001, np.nan, 901.0]), 900.0).tolist()
    [True, False, False]
    """
    return np.asarray(values <= limit + SLACK)
