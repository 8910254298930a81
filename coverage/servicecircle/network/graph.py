"""The network as arrays: nodes, straight edges, components, and the matrix that searches run on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import csr_array
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
        first of those between the same two nodes, since the others lie on it.
    min_component_m : float
    matrix : scipy.sparse.csr_array, shape (n, n)
        Shortest of the parallel edges between two nodes, both ways.
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
    matrix: csr_array


def build_network(
    x: ArrayLike, y: ArrayLike, u: ArrayLike, v: ArrayLike, *, min_component_m: float = 1000.0
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
    matrix = _matrix(n, u, v, length)
    if n:
        count, labels = connected_components(matrix, directed=False)
    else:
        count, labels = 0, np.empty(0, np.int64)
    component = labels.astype(np.int64)
    component_m = np.bincount(component[u], weights=length, minlength=count).astype(np.float64)
    return Network(
        x=x,
        y=y,
        u=u,
        v=v,
        length_m=length,
        component=component,
        component_m=component_m,
        eligible=(component_m[component[u]] >= min_component_m) & _firsts(n, u, v),
        min_component_m=min_component_m,
        matrix=matrix,
    )


def _firsts(n: int, u: Ints, v: Ints) -> NDArray[np.bool_]:
    # Of two edges drawn in opposite directions rounding would choose by the point, and the way
    # between two points on one line would lead around its end.
    pairs = np.minimum(u, v) * n + np.maximum(u, v)
    first = np.zeros(u.size, np.bool_)
    first[np.unique(pairs, return_index=True)[1]] = True
    return first


def _matrix(n: int, u: Ints, v: Ints, length: Floats) -> csr_array:
    # scipy adds up duplicate entries, so the shortest of parallel edges is chosen here.
    loops = u == v
    low, high = np.minimum(u, v)[~loops], np.maximum(u, v)[~loops]
    metres = length[~loops]
    order = np.lexsort((metres, high, low))
    low, high, metres = low[order], high[order], metres[order]
    first = np.ones(low.size, bool)
    first[1:] = (low[1:] != low[:-1]) | (high[1:] != high[:-1])
    low, high, metres = low[first], high[first], metres[first]
    rows, columns = np.concatenate([low, high]), np.concatenate([high, low])
    weights = np.concatenate([metres, metres])
    order = np.lexsort((columns, rows))
    starts = np.zeros(n + 1, np.int32)
    np.cumsum(np.bincount(rows, minlength=n), out=starts[1:])
    return csr_array((weights[order], columns[order].astype(np.int32), starts), shape=(n, n))
