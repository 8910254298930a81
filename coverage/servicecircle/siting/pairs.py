"""Which candidates each demand point reaches within a limit, and which stand too near each other.

The truths are those of the measures: over the network with access legs, entrances and barriers,
or in a straight line. So what a set of candidates covers here is what a run would find with
facilities in their places.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.spatial import cKDTree

from servicecircle.measure.access import Points, reaches
from servicecircle.measure.ground import Ground
from servicecircle.measure.ways import Way
from servicecircle.network.matrix import travel_matrix
from servicecircle.network.travel import Arcs, Direction, Travel, sorted_arcs
from servicecircle.siting.candidates import Candidates

__all__ = ["Criterion", "apart_pairs", "candidate_pairs", "straight_pairs"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
_BLOCK = 512
Criterion = Literal["seconds", "metres", "straight_metres"]


def candidate_pairs(
    ground: Ground,
    candidates: Candidates,
    *,
    limit: float,
    criterion: Criterion,
    profile: str | None = None,
    layer: str | None = None,
) -> csr_array:
    """Return the cost between each demand point and each candidate within a limit.

    Parameters
    ----------
    ground : Ground
    candidates : Candidates
    limit : float
        Seconds or metres, inclusive with the slack of the measures.
    criterion : {"seconds", "metres", "straight_metres"}
        What the limit and the costs are in. Where a profile goes by seconds (by car, on slopes),
        metres are those of the shortest way that it may take.
    profile : str, optional
        That people travel with; else the layer's.
    layer : str, optional
        Whose service is wanted, and in its direction of travel: existing facilities of other
        layers serve nobody.

    Returns
    -------
    scipy.sparse.csr_array, shape (d, c)
        Rows as in ``ground.demand``, columns as in ``candidates.frame``, ascending in each row; a
        stored 0 is a cost of 0. Empty for points and candidates that are not on the network.

    Raises
    ------
    ValueError
        If the limit is negative or NaN.
    """
    if not limit >= 0.0:
        raise ValueError(f"limit {limit}: must be 0 or more")
    serving = np.arange(len(candidates.frame))
    if layer is not None:
        frame = candidates.frame
        serving = np.flatnonzero((~candidates.existing | (frame["layer"] == layer)).to_numpy(bool))
    points = candidates.points.take(serving)
    if criterion == "straight_metres":
        found = straight_pairs(ground.demand_points, points, limit_m=limit)
    else:
        found = _network_pairs(
            ground.way(profile or candidates.profile),
            ground,
            points,
            limit=limit,
            criterion=criterion,
            direction=candidates.directions.get(layer or "", candidates.direction),
        )
    whole = csr_array(
        (found.data, serving[found.indices], found.indptr),
        shape=(found.shape[0], len(candidates.frame)),
    )
    whole.sort_indices()
    return whole


def _network_pairs(
    way: Way | None,
    ground: Ground,
    points: Points,
    *,
    limit: float,
    criterion: Criterion,
    direction: Direction,
) -> csr_array:
    if way is None or way.demand.at is None:
        return csr_array((ground.demand_points.x.size, points.x.size), dtype=np.float64)
    # Another profile's roads are other roads: what is attached to one is not to the other.
    at = way.attach(Points(ids=points.ids, x=points.x, y=points.y, at=None, doors=points.doors)).at
    if at is None:
        return csr_array((way.demand.x.size, points.x.size), dtype=np.float64)
    travel, pace = way.travel, way.profile.metres_per_second
    timed = travel.unit == "seconds"
    if timed and criterion == "metres":
        travel = _by_metres(travel)
    most = limit * pace if criterion == "seconds" and not timed else limit
    # A hair more than the limit, so that the comparison with it is the measures' own.
    found = travel_matrix(
        travel, way.demand.at, at, limit=most * (1.0 + 1e-9) + 1e-5, direction=direction
    )
    cost = found.data / pace if criterion == "seconds" and not timed else found.data
    return _within(found, cost, limit)


def _within(found: csr_array, cost: Floats, limit: float) -> csr_array:
    """Return a matrix with other costs, and only those within the limit."""
    keep = reaches(cost, limit)
    starts = np.zeros(found.indptr.size, np.int64)
    np.cumsum(keep, out=(counted := np.zeros(keep.size, np.int64)))
    starts[1:] = np.concatenate([[0], counted])[found.indptr[1:]]
    return csr_array((cost[keep], found.indices[keep], starts), shape=found.shape)


def _by_metres(travel: Travel) -> Travel:
    """Return travel over the same ways that costs their metres, whatever the time takes."""
    network = travel.network
    length = network.length_m

    def arcs_of(old: Arcs) -> Arcs:
        tails = np.repeat(np.arange(old.starts.size - 1), np.diff(old.starts))
        heads = old.heads.astype(np.int64)
        return sorted_arcs(old.starts.size - 1, tails, heads, old.metres, old.metres)

    outward = arcs_of(travel.outward)
    closed = (np.isinf(travel.forward), np.isinf(travel.backward))
    return replace(
        travel,
        forward=np.where(closed[0], np.inf, length),
        backward=np.where(closed[1], np.inf, length),
        forward_rate=np.where(closed[0], np.inf, 1.0),
        backward_rate=np.where(closed[1], np.inf, 1.0),
        leg_cost=1.0,
        unit="metres",
        metres_per_cost=1.0,
        outward=outward,
        inward=outward if travel.both_ways else arcs_of(travel.inward),
    )


def straight_pairs(demand: Points, targets: Points, *, limit_m: float) -> csr_array:
    """Return the straight distance between points and targets within a limit.

    That to a target with entrances or an outline is the distance to these; within it is 0.

    Parameters
    ----------
    demand, targets : Points
        Not finite: nowhere.
    limit_m : float

    Returns
    -------
    scipy.sparse.csr_array, shape (d, t)

    Examples
    --------
    >>> def at(*x):
    ...     return Points(ids=np.empty(len(x), object), x=np.array(x), y=np.zeros(len(x)), at=None)
    >>> found = straight_pairs(at(0.0, 7.0, np.nan), at(3.0, 7.0), limit_m=4.0)
    >>> found.toarray().tolist(), found.nnz
    ([[3.0, 0.0], [4.0, 0.0], [0.0, 0.0]], 3)
    >>> straight_pairs(at(0.0), at(), limit_m=4.0).shape
    (1, 0)
    """
    shape = (demand.x.size, targets.x.size)
    here = np.flatnonzero(np.isfinite(demand.x) & np.isfinite(demand.y))
    there = np.flatnonzero(np.isfinite(targets.x) & np.isfinite(targets.y))
    if not here.size or not there.size:
        return csr_array(shape, dtype=np.float64)
    tree = cKDTree(np.column_stack([demand.x[here], demand.y[here]]))
    rows, columns, metres = [], [], []
    reach_m = limit_m * (1.0 + 1e-9) + 1e-5 + targets.spread_m
    for block in np.array_split(there, max(there.size // _BLOCK, 1)):
        places = np.column_stack([targets.x[block], targets.y[block]])
        near = tree.query_ball_point(places, reach_m, return_sorted=True)
        count = np.fromiter((len(one) for one in near), np.int64, block.size)
        row = here[np.fromiter((at for one in near for at in one), np.int64, int(count.sum()))]
        column = np.repeat(block, count)
        away = np.hypot(demand.x[row] - targets.x[column], demand.y[row] - targets.y[column])
        if targets.doors is not None:
            own = np.flatnonzero(~shapely.is_missing(targets.doors[column]))
            people = np.asarray(shapely.points(demand.x[row[own]], demand.y[row[own]]))
            away[own] = shapely.distance(targets.doors[column[own]], people)
        keep = reaches(away, limit_m)
        rows.append(row[keep])
        columns.append(column[keep])
        metres.append(away[keep])
    row, column, away = np.concatenate(rows), np.concatenate(columns), np.concatenate(metres)
    order = np.lexsort((column, row))
    starts = np.zeros(shape[0] + 1, np.int64)
    np.cumsum(np.bincount(row, minlength=shape[0]), out=starts[1:])
    return csr_array((away[order], column[order], starts), shape=shape)


def apart_pairs(candidates: Candidates, *, spacing_m: float, existing_m: float = 0.0) -> Ints:
    """Return pairs of candidates of which at most one may be open: they stand too near.

    Parameters
    ----------
    candidates : Candidates
    spacing_m : float
        Least straight distance between new sites; two exactly so far apart may both be open.
    existing_m : float
        Least straight distance of a new site from an existing one.

    Returns
    -------
    numpy.ndarray of int64, shape (k, 2)
        Columns of the candidates, the lower one first, in order; never two existing ones.
    """
    x, y, old = candidates.points.x, candidates.points.y, candidates.existing
    widest = max(spacing_m, existing_m)
    if widest <= 0.0 or x.size < 2:  # noqa: PLR2004 - a pair
        return np.empty((0, 2), np.int64)
    near = cKDTree(np.column_stack([x, y])).query_pairs(widest, output_type="ndarray")
    near = near.astype(np.int64)
    near.sort(axis=1)
    away = np.hypot(x[near[:, 0]] - x[near[:, 1]], y[near[:, 0]] - y[near[:, 1]])
    count = old[near].sum(axis=1)
    least = np.array([spacing_m, existing_m, 0.0])[count]
    near = near[away < least - 1e-9]
    return np.asarray(near[np.lexsort((near[:, 1], near[:, 0]))])
