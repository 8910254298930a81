"""The network as arrays: nodes, straight edges, components, and who may be attached to."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

__all__ = ["Network", "build_network"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Network:
    """An undirected network of straight edges in a metric coordinate system.

    Parameters
    ----------
    x, y : numpy.ndarray of float, shape (n,)
        Nodes, in metres.
    u, v : numpy.ndarray of int, shape (m,)
        Ends of each edge; parallel edges and loops are allowed.
    length_m : numpy.ndarray of float, shape (m,)
        Planar length.
    component : numpy.ndarray of int, shape (n,)
        Connected component of each node.
    component_m : numpy.ndarray of float, shape (c,)
        Metres of road of each component.
    eligible : numpy.ndarray of bool, shape (m,)
        Edges that points may attach to: of a component of at least ``min_component_m``, and the
        first such between the same two nodes, since the others lie on it.
    min_component_m : float
    """

    x: Floats
    y: Floats
    u: Ints
    v: Ints
    length_m: Floats
    component: Ints
    component_m: Floats
    eligible: NDArray[np.bool_]
    min_component_m: float


def build_network(
    x: ArrayLike,
    y: ArrayLike,
    u: ArrayLike,
    v: ArrayLike,
    *,
    min_component_m: float = 1000.0,
    attachable: ArrayLike | None = None,
) -> Network:
    """Build a network from nodes and straight edges.

    Parameters
    ----------
    x, y : array_like of float, shape (n,)
        Nodes, in metres.
    u, v : array_like of int, shape (m,)
        Ends of each edge.
    min_component_m : float
        Components with less road than this are kept but not attached to.
    attachable : array_like of bool, shape (m,), optional
        Edges that points may attach to, where not all are.

    Returns
    -------
    Network

    Raises
    ------
    ValueError
        If an edge names a node that is not there, a coordinate is not finite, or shapes differ.

    Examples
    --------
    >>> network = build_network([0, 100, 100], [0, 0, 50], [0, 1], [1, 2], min_component_m=0)
    >>> network.length_m.tolist(), network.component_m.tolist()
    ([100.0, 50.0], [150.0])
    >>> build_network([], [], [], []).eligible.size
    0
    """
    x, y = np.asarray(x, np.float64), np.asarray(y, np.float64)
    u, v = np.asarray(u, np.int64), np.asarray(v, np.int64)
    n = x.size
    if x.shape != y.shape or u.shape != v.shape:
        raise ValueError(f"x {x.shape} and y {y.shape}, u {u.shape} and v {v.shape} must match")
    if u.size and (min(u.min(), v.min()) < 0 or max(u.max(), v.max()) >= n):
        raise ValueError(f"edges name nodes outside 0 … {n - 1}")
    if not (np.isfinite(x).all() and np.isfinite(y).all()):
        raise ValueError(f"{int((~np.isfinite(x + y)).sum())} nodes have no finite coordinates")
    length = np.hypot(x[v] - x[u], y[v] - y[u])
    if n:
        joined = coo_array((np.ones(u.size, bool), (u, v)), shape=(n, n)).tocsr()
        count, labels = connected_components(joined, directed=False)
    else:
        count, labels = 0, np.empty(0, np.int64)
    component = labels.astype(np.int64)
    open_to = np.ones(u.size, np.bool_) if attachable is None else np.asarray(attachable, np.bool_)
    component_m = np.bincount(component[u], weights=length, minlength=count).astype(np.float64)
    return Network(
        x=x,
        y=y,
        u=u,
        v=v,
        length_m=length,
        component=component,
        component_m=component_m,
        eligible=_firsts(n, u, v, open_to & (component_m[component[u]] >= min_component_m)),
        min_component_m=min_component_m,
    )


def _firsts(n: int, u: Ints, v: Ints, wanted: NDArray[np.bool_]) -> NDArray[np.bool_]:
    # Of two edges drawn in opposite directions rounding would choose by the point, and the way
    # between two points on one line would lead around its end.
    rows = np.flatnonzero(wanted)
    pairs = np.minimum(u[rows], v[rows]) * n + np.maximum(u[rows], v[rows])
    first = np.zeros(u.size, np.bool_)
    first[rows[np.unique(pairs, return_index=True)[1]]] = True
    return first
