"""Access: from each demand point to the nearest facility of a layer, over roads and straight."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from servicecircle.network.graph import Network
from servicecircle.network.profiles import Profile
from servicecircle.network.reach import nearest
from servicecircle.network.snap import Attachment

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
    """

    ids: NDArray[np.object_]
    x: Floats
    y: Floats
    at: Attachment | None

    def take(self, rows: NDArray[np.int64]) -> Points:
        """Return some of the points."""
        at = self.at.take(rows) if self.at is not None else None
        return Points(ids=self.ids[rows], x=self.x[rows], y=self.y[rows], at=at)


def straight_distances(points: Points, targets: Points) -> Floats:
    """Return the straight distance of each point to its nearest target; NaN without targets.

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
    metres = np.full(points.x.size, np.nan)
    here = np.isfinite(points.x) & np.isfinite(points.y)
    if placed.any() and here.any():
        tree = cKDTree(np.stack([targets.x[placed], targets.y[placed]], axis=1))
        metres[here] = tree.query(np.stack([points.x[here], points.y[here]], axis=1))[0]
    return metres


def layer_access(
    demand: Points, facilities: Points, *, layer: str, profile: Profile, network: Network | None
) -> pd.DataFrame:
    """Return the access table of one layer, one row a demand point in the given order.

    Parameters
    ----------
    demand, facilities : Points
        The open facilities of the layer that have a place.
    layer : str
    profile : Profile
    network : Network, optional
        None: straight distances only; network columns are NaN and status is ``unsnapped``.

    Returns
    -------
    pandas.DataFrame
        demand_id, layer, profile, criterion, metres, straight_metres, seconds, facility_id,
        snap_m, status, within_count (0 here; counted with the circles). ``reached``,
        ``unreachable`` (attached, but no facility in its component) or ``unsnapped``; the latter
        two have no number.

    Examples
    --------
    >>> from servicecircle.network.graph import build_network
    >>> from servicecircle.network.profiles import profile
    >>> from servicecircle.network.snap import attach
    >>> street = build_network([0, 3000], [0, 0], [0], [1])
    >>> def at(name, x, y):
    ...     x, y = np.array(x, float), np.array(y, float)
    ...     return Points(ids=np.full(x.size, name, object), x=x, y=y, at=attach(street, x, y))
    >>> homes, care_home = at("home", [50, 50], [30, 9000]), at("care", [850], [20])
    >>> speed = profile("walk")
    >>> found = layer_access(homes, care_home, layer="care_home", profile=speed, network=street)
    >>> found[["metres", "seconds", "facility_id", "status"]].values.tolist()
    [[850.0, 765.0, 'care', 'reached'], [nan, nan, '', 'unsnapped']]
    """
    k = demand.x.size
    metres = np.full(k, np.nan)
    facility = np.full(k, "", object)
    status = np.full(k, "unsnapped", object)
    snap = np.full(k, np.nan)
    if network is not None and demand.at is not None and facilities.at is not None:
        snap = demand.at.leg_m
        found = nearest(network, demand.at, facilities.at)
        metres = found.metres
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
            "criterion": "metres",
            "metres": metres,
            "straight_metres": straight_distances(demand, facilities),
            "seconds": metres / profile.metres_per_second,
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
