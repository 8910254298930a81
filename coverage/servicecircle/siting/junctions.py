"""Road junctions as candidates, and places thinned so that none is too near another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from servicecircle.inputs.raw_roads import Mode, RawRoads

__all__ = ["Junctions", "road_junctions", "thinned"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Junctions:
    """Nodes at which roads meet.

    Parameters
    ----------
    node : numpy.ndarray of int, shape (k,)
        Of the roads as they were read.
    roads : numpy.ndarray of int, shape (k,)
        How many meet there.
    names : tuple of str, length k
        Of the roads, joined by " / "; "" where none has a name.
    """

    node: Ints
    roads: Ints
    names: tuple[str, ...]


def road_junctions(
    roads: RawRoads, *, mode: Mode, least: int = 3, classes: Sequence[str] = ()
) -> Junctions:
    """Return the nodes at which enough roads meet that a mode may use.

    A road that passes through counts twice, so that a crossroads has four and a T-junction three.

    Parameters
    ----------
    roads : RawRoads
    mode : {"walk", "wheelchair", "ebike", "cycle", "drive"}
    least : int
        Least number of roads.
    classes : sequence of str
        Road classes that count; none: all.

    Returns
    -------
    Junctions
        By node.

    Examples
    --------
    >>> from servicecircle.inputs.raw_roads import MODES
    >>> u, v, no = np.array([0, 0, 0, 3]), np.array([1, 2, 3, 4]), np.zeros(4, bool)
    >>> cross = RawRoads(
    ...     lon=np.zeros(5), lat=np.zeros(5), u=u, v=v,
    ...     way_class=np.array([0, 0, 1, 1], np.int16), class_names=("path", "street"),
    ...     oneway=np.zeros(4, np.int8), allowed=dict.fromkeys(MODES, np.full(4, 3, np.int8)),
    ...     private=dict.fromkeys(MODES, no), pushed=no, speed_kmh=np.full(4, np.nan), ferry=no,
    ...     structure=no, barred=dict.fromkeys(MODES, np.empty(0, np.int64)),
    ...     name_index=np.array([1, -1, 0, 0], np.int32), road_names=("A Road", "B Road"),
    ...     source="", counts={},
    ... )
    >>> found = road_junctions(cross, mode="walk")
    >>> found.node.tolist(), found.roads.tolist(), found.names
    ([0], [3], ('A Road / B Road',))
    >>> road_junctions(cross, mode="walk", classes=["street"]).node.size
    0
    """
    use = (roads.allowed[mode] > 0) & ~roads.ferry
    if classes:
        wanted = np.array([name in set(classes) for name in roads.class_names] or [False])
        use &= wanted[roads.way_class]
    low = np.minimum(roads.u[use], roads.v[use])
    high = np.maximum(roads.u[use], roads.v[use])
    # Lines drawn twice between the same two nodes are one road.
    _, first = np.unique(low * roads.lon.size + high, return_index=True)
    segment = np.flatnonzero(use)[first]
    ends = np.concatenate([roads.u[segment], roads.v[segment]])
    count = np.bincount(ends, minlength=roads.lon.size)
    node = np.flatnonzero(count >= least)
    name = np.concatenate([roads.name_index[segment], roads.name_index[segment]])
    named = (name >= 0) & (count[ends] >= least)
    pairs = np.unique(np.column_stack([ends[named], name[named]]), axis=0)
    begin = np.searchsorted(pairs[:, 0], node, side="left").tolist()
    end = np.searchsorted(pairs[:, 0], node, side="right").tolist()
    titles = [roads.road_names[at] for at in pairs[:, 1].tolist()]
    return Junctions(
        node=node.astype(np.int64),
        roads=count[node].astype(np.int64),
        names=tuple(" / ".join(titles[a:b]) for a, b in zip(begin, end, strict=True)),
    )


def thinned(x: Floats, y: Floats, *, least_m: float) -> Bools:
    """Return which places to keep so that no two are nearer to each other than a distance.

    Parameters
    ----------
    x, y : numpy.ndarray of float, shape (k,)
        In metres; of two that are too near the earlier one is kept.
    least_m : float
        0 keeps all.

    Returns
    -------
    numpy.ndarray of bool, shape (k,)

    Examples
    --------
    >>> thinned(np.array([0.0, 60.0, 120.0]), np.zeros(3), least_m=100.0).tolist()
    [True, False, True]
    >>> thinned(np.empty(0), np.empty(0), least_m=100.0).size
    0
    """
    keep = np.ones(x.size, np.bool_)
    if least_m <= 0.0 or x.size == 0:
        return keep
    tree = cKDTree(np.column_stack([x, y]))
    near = tree.query_pairs(least_m, output_type="ndarray")
    near = near[np.hypot(x[near[:, 0]] - x[near[:, 1]], y[near[:, 0]] - y[near[:, 1]]) < least_m]
    near.sort(axis=1)
    order = np.lexsort((near[:, 1], near[:, 0]))
    for one, other in near[order].tolist():
        if keep[one]:
            keep[other] = False
    return keep
