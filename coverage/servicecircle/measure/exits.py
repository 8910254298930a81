"""How far each demand point is from where roads lead out to what no list of the project holds."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from servicecircle.measure.access import Points
from servicecircle.measure.edge import Exits
from servicecircle.measure.ground import Ground
from servicecircle.measure.quality import edge_limit_m
from servicecircle.measure.ways import Way, profile_of
from servicecircle.network.reach import nearest
from servicecircle.network.travel import Direction
from servicecircle.project import LEVELS, Project

__all__ = ["EXIT_COLUMNS", "exit_ways", "open_exits", "straight_out"]

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]

EXIT_COLUMNS = ("exit_metres", "exit_seconds", "exit_straight")

Key = tuple[str, str]


def open_exits(exits: Exits, beyond: tuple[Floats, Floats], *, limit_m: float) -> Ints:
    """Return the exits beyond which no facility is known, and those at which roads are cut off.

    Parameters
    ----------
    exits : Exits
    beyond : pair of numpy.ndarray of float, shape (f,)
        Places of the facilities of a layer that lie outside the area.
    limit_m : float
        A facility speaks for the exits within this distance.

    Returns
    -------
    numpy.ndarray of int, shape (k,)

    Examples
    --------
    >>> exits = Exits(
    ...     x=np.array([0.0, 5000.0, 9000.0]), y=np.zeros(3), crossings=2, cut=1, short=0,
    ...     road_m_beyond=800.0,
    ... )
    >>> open_exits(exits, (np.array([100.0, 8990.0]), np.zeros(2)), limit_m=1000.0).tolist()
    [1, 2]
    >>> open_exits(exits, (np.empty(0), np.empty(0)), limit_m=1000.0).tolist()
    [0, 1, 2]
    """
    chosen = np.ones(exits.x.size, np.bool_)
    if beyond[0].size and exits.x.size:
        tree = cKDTree(np.column_stack(beyond))
        metres = tree.query(np.column_stack([exits.x, exits.y]))[0]
        chosen = metres > limit_m
        # Where a road is cut off, no way to a facility beyond is known either.
        chosen[exits.crossings :] = True
    return np.flatnonzero(chosen)


def straight_out(
    x: Floats, y: Floats, out: tuple[Floats, Floats] | shapely.Geometry, *, limit_m: float
) -> Floats:
    """Return the straight distance of points to the nearest way out, NaN beyond a limit.

    Parameters
    ----------
    x, y : numpy.ndarray of float, shape (n,)
    out : pair of numpy.ndarray of float, or shapely.Geometry
        Exits; or, without roads, the whole border.
    limit_m : float

    Examples
    --------
    >>> x, y = np.array([0.0, 300.0, np.nan]), np.zeros(3)
    >>> straight_out(x, y, (np.array([40.0]), np.zeros(1)), limit_m=100.0).tolist()
    [40.0, nan, nan]
    >>> straight_out(x, y, shapely.LineString([(400, -9), (400, 9)]), limit_m=100.0).tolist()
    [nan, 100.0, nan]
    """
    metres = np.full(x.size, np.nan)
    here = np.flatnonzero(np.isfinite(x) & np.isfinite(y))
    if isinstance(out, shapely.Geometry):
        if here.size and not shapely.is_empty(out):
            shapely.prepare(out)
            places = np.asarray(shapely.points(x[here], y[here]))
            near = np.flatnonzero(shapely.dwithin(out, places, limit_m))
            metres[here[near]] = shapely.distance(out, places[near])
        return metres
    if not out[0].size or not here.size:
        return metres
    # Most points are far from every exit: the box around all exits is looked up first.
    low_x, high_x = out[0].min() - limit_m, out[0].max() + limit_m
    low_y, high_y = out[1].min() - limit_m, out[1].max() + limit_m
    here = here[(x[here] >= low_x) & (x[here] <= high_x) & (y[here] >= low_y) & (y[here] <= high_y)]
    tree = cKDTree(np.column_stack(out))
    found = tree.query(
        np.column_stack([x[here], y[here]]), distance_upper_bound=limit_m * (1.0 + 1e-12)
    )[0]
    metres[here] = np.where(np.isfinite(found), found, np.nan)
    return metres


def exit_ways(
    project: Project, ground: Ground, keys: Iterable[Key], *, limit_m: float
) -> dict[Key, dict[str, Floats]]:
    """Measure the ways from all demand points to the open exits of each layer.

    A way to anything beyond the border leads over an exit, so whoever is farther from every exit
    than a limit reaches nothing beyond within it.

    Parameters
    ----------
    project : Project
    ground : Ground
    keys : iterable of (layer, profile)
    limit_m : float
        The farthest that any rule looks; what lies beyond has no number.

    Returns
    -------
    dict of (layer, profile) to dict of str to numpy.ndarray of float, shape (n,)
        :data:`EXIT_COLUMNS`; without an open exit of the layer there is no entry, without roads
        only ``exit_straight``, to the border itself.
    """
    found: dict[Key, dict[str, Floats]] = {}
    done: dict[tuple[bytes, str, str], dict[str, Floats]] = {}
    x, y = ground.demand_points.x, ground.demand_points.y
    for layer, name in keys:
        way = ground.way(name)
        if ground.exits is None or way is None:
            if way is None and not shapely.is_empty(ground.area):
                border = shapely.boundary(ground.area)
                straight = straight_out(x, y, border, limit_m=limit_m)
                if np.isfinite(straight).any():
                    found[layer, name] = {"exit_straight": straight}
            continue
        beyond = _beyond(ground, layer, edge_limit_m(project))
        rows = open_exits(ground.exits, beyond, limit_m=edge_limit_m(project))
        direction = project.facilities[layer].direction
        key = (rows.tobytes(), name, direction)
        if key not in done:
            done[key] = _ways(project, ground, way, rows, limit_m=limit_m, direction=direction)
        if done[key]:
            found[layer, name] = done[key]
    return found


def _beyond(ground: Ground, layer: str, limit_m: float) -> tuple[Floats, Floats]:
    """Return the places of a layer's open facilities that lie outside all units, but near."""
    table = ground.facilities
    x, y = ground.facility_points.x, ground.facility_points.y
    beyond = np.isfinite(x) & np.isfinite(y) & table["open"].to_numpy(np.bool_)
    beyond &= (table["layer"] == layer).to_numpy(np.bool_)
    for level in LEVELS:
        if f"unit_{level}" in table:
            beyond &= table[f"unit_{level}"].isna().to_numpy(np.bool_)
    beyond[beyond] = shapely.dwithin(ground.area, shapely.points(x[beyond], y[beyond]), limit_m)
    return x[beyond], y[beyond]


def _ways(
    project: Project, ground: Ground, way: Way, rows: Ints, *, limit_m: float, direction: Direction
) -> dict[str, Floats]:
    exits = ground.exits
    if exits is None or not rows.size or way.demand.at is None:
        return {}
    out = Points(ids=np.full(rows.size, "", object), x=exits.x[rows], y=exits.y[rows], at=None)
    straight = straight_out(
        ground.demand_points.x, ground.demand_points.y, (out.x, out.y), limit_m=limit_m
    )
    near = np.flatnonzero(np.isfinite(straight))
    if not near.size:
        return {}
    at = way.attach(out).at
    metres, seconds = np.full((2, straight.size), np.nan)
    if at is not None:
        # An exit lies on a road, and one that the mode may not use has another one close by.
        at = replace(at, leg_m=0.0 * at.leg_m)
        profile = profile_of(project, way.profile.name)
        timed = way.travel.unit == "seconds"
        ways = nearest(
            way.travel,
            way.demand.at.take(near),
            at,
            direction=direction,
            limit=np.inf if timed else limit_m,
        )
        metres[near] = ways.metres
        seconds[near] = ways.cost if timed else ways.metres / profile.metres_per_second
        metres[near] = np.where(metres[near] > limit_m, np.nan, metres[near])
        seconds = np.where(np.isnan(metres), np.nan, seconds)
    return {"exit_metres": metres, "exit_seconds": seconds, "exit_straight": straight}
