"""From roads as they were read to one network per mode, and to travel by a profile on it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from servicecircle.inputs.raw_roads import Mode, RawRoads
from servicecircle.network.gated import gated_travel
from servicecircle.network.graph import Network, build_network
from servicecircle.network.profiles import Profile, class_speeds, drive_kmh
from servicecircle.network.slope import bridged_heights, slope_factors, steepness
from servicecircle.network.travel import Travel, metres_travel, timed_travel

__all__ = ["ModeNetwork", "mode_network", "profile_travel"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_FORWARD, _BACKWARD = 1, 2
_STEPS = 65_535
_SPREAD = ((8, 0x00FF00FF), (4, 0x0F0F0F0F), (2, 0x33333333), (1, 0x55555555))
_BY_CAR_ONLY = frozenset({"motorway", "motorway_link"})


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class ModeNetwork:
    """What one mode may travel.

    Parameters
    ----------
    mode : str
    network : Network
        A node that the mode may not pass is one dead end for each edge there.
    segment : numpy.ndarray of int, shape (m,)
        Segment of the roads that each edge is.
    node : numpy.ndarray of int, shape (n,)
        Node of the roads that each node is.
    """

    mode: Mode
    network: Network
    segment: Ints
    node: Ints


def mode_network(
    roads: RawRoads, x: Floats, y: Floats, *, mode: Mode, min_component_m: float = 1000.0
) -> ModeNetwork:
    """Build the network of a mode.

    Ferries, and motorways by car, are travelled, but nothing is attached to them: nobody gets on
    there.

    Parameters
    ----------
    roads : RawRoads
    x, y : numpy.ndarray of float
        Its nodes in the metric coordinate system; NaN where that does not reach.
    mode : {"walk", "wheelchair", "ebike", "cycle", "drive"}
    min_component_m : float

    Returns
    -------
    ModeNetwork
        Edges in the order of the segments; without any, where the mode may use none.
    """
    use = (roads.allowed[mode] > 0) & np.isfinite(x[roads.u] + x[roads.v])
    segment = np.flatnonzero(use)
    u, v = roads.u[segment].copy(), roads.v[segment].copy()
    stops = np.zeros(x.size, np.bool_)
    stops[roads.barred[mode]] = True
    node = np.arange(x.size)
    for ends in (u, v):
        stopped = np.flatnonzero(stops[ends])
        copies = ends[stopped]
        ends[stopped] = node.size + np.arange(stopped.size)
        node = np.concatenate([node, copies])
    used = np.zeros(node.size, np.bool_)
    used[u] = used[v] = True
    node = node[used]
    # Neighbours stand side by side in memory: searches are a third faster for it.
    order = _near_order(x[node], y[node])
    new = np.empty(used.size, np.int64)
    new[np.flatnonzero(used)[order]] = np.arange(order.size)
    node = node[order]
    motorway = [mode == "drive" and name in _BY_CAR_ONLY for name in roads.class_names]
    closed = np.array([*motorway, False])
    network = build_network(
        x[node],
        y[node],
        new[u],
        new[v],
        min_component_m=min_component_m,
        attachable=~(closed[roads.way_class[segment]] | roads.ferry[segment]),
    )
    return ModeNetwork(mode=mode, network=network, segment=segment, node=node)


def _near_order(x: Floats, y: Floats) -> Ints:
    """Return points along a Z-order curve."""
    if not x.size:
        return np.empty(0, np.int64)
    side = max(float(np.ptp(x)), float(np.ptp(y)), 1.0)
    code = np.zeros(x.size, np.int64)
    for shift, values in enumerate((x, y)):
        steps = ((values - values.min()) * (_STEPS / side)).astype(np.int64)
        for bits, mask in _SPREAD:
            steps = (steps | (steps << bits)) & mask
        code |= steps << shift
    return np.argsort(code, kind="stable")


def profile_travel(
    laid: ModeNetwork,
    roads: RawRoads,
    profile: Profile,
    *,
    heights_m: Floats | None = None,
    to_door: bool = False,
) -> Travel:
    """Return travel by a profile over the network of its mode.

    With one speed, on flat ground and on foot, travel costs metres; else seconds. A ferry goes at
    the speed of its timetable, else at that of the packaged table.

    Parameters
    ----------
    laid : ModeNetwork
    roads : RawRoads
        That it was built from.
    profile : Profile
        Of its mode.
    heights_m : numpy.ndarray of float, optional
        Heights of the ground at the nodes of the roads, NaN where unknown; None: all is flat.
        Bridges and tunnels rise evenly between their ends.
    to_door : bool
        Private ways are for those who start or end there: see
        :mod:`servicecircle.network.gated`.

    Returns
    -------
    Travel
    """
    travel = _open_travel(laid, roads, profile, heights_m)
    return gated_travel(travel, roads.private[laid.mode][laid.segment]) if to_door else travel


def _open_travel(
    laid: ModeNetwork, roads: RawRoads, profile: Profile, heights_m: Floats | None
) -> Travel:
    network, segment = laid.network, laid.segment
    ferry, pushed = roads.ferry[segment], roads.pushed[segment]
    uneven = heights_m is not None and profile.hilly
    if profile.one_speed and not uneven and not ferry.any():
        return metres_travel(network)
    stated = roads.speed_kmh[segment]
    if profile.class_kmh:
        speed = class_speeds(profile.class_kmh, roads.class_names, roads.way_class[segment])
        speed = np.where(stated > 0.0, stated, speed)
    else:
        speed = np.full(segment.size, profile.speed_kmh)
        if profile.mode in ("cycle", "ebike"):
            speed[pushed] = profile.access_kmh
    boat = profile.class_kmh.get("ferry", drive_kmh()["ferry"])
    speed[ferry] = np.where(stated[ferry] > 0.0, stated[ferry], boat)
    seconds = network.length_m * 3.6 / speed
    codes = roads.allowed[laid.mode][segment]
    there = np.where(codes & _FORWARD, seconds, np.inf)
    back = np.where(codes & _BACKWARD, seconds, np.inf)
    if heights_m is not None and profile.hilly:
        heights_m = bridged_heights(network, heights_m[laid.node], roads.structure[segment])
        slope = steepness(network, heights_m, level=ferry)
        there, back = there * slope_factors(slope), back * slope_factors(-slope)
        steep = np.abs(slope) > profile.max_slope
        there[steep] = back[steep] = np.inf
    return timed_travel(network, there, back, leg_kmh=profile.access_kmh)
