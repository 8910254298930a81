"""Slopes: Tobler's hiking function on the rise of each edge.

Tobler (1993) gives the speed on foot over a slope ``s`` (rise over run, up positive) as
``6 · exp(−3.5 · |s + 0.05|)`` km/h: 5.04 on the flat, 6 at its best, gently down. Here it is scaled
so that the flat has the speed of the profile: ``v(s) = v · exp(−3.5 · (|s + 0.05| − 0.05))``.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array, diags_array
from scipy.sparse.csgraph import connected_components
from scipy.sparse.linalg import spsolve

from servicecircle.network.graph import Network

__all__ = ["bridged_heights", "slope_factors", "steepness"]

Floats = NDArray[np.float64]

_DECAY = 3.5
_BEST = 0.05
_LEAST_M = 1e-6


def slope_factors(slope: Floats) -> Floats:
    """Return how many times longer a slope takes than the flat.

    Parameters
    ----------
    slope : numpy.ndarray of float, shape (m,)
        Rise over run, up positive.

    Returns
    -------
    numpy.ndarray of float, shape (m,)

    Examples
    --------
    >>> slope_factors(np.array([0.0, 0.1, -0.05, -0.1])).round(3).tolist()
    [1.0, 1.419, 0.839, 1.0]
    >>> slope_factors(np.empty(0)).size
    0
    """
    return np.exp(_DECAY * (np.abs(slope + _BEST) - _BEST))


def steepness(network: Network, heights_m: Floats, *, level: NDArray[np.bool_]) -> Floats:
    """Return the slope of each edge from ``u`` to ``v``, over its planar length.

    Parameters
    ----------
    network : Network
    heights_m : numpy.ndarray of float, shape (n,)
        Of the ground at the nodes; NaN where it is not known.
    level : numpy.ndarray of bool, shape (m,)
        Edges that do not follow the ground (ferries): flat.

    Returns
    -------
    numpy.ndarray of float, shape (m,)
        0 where a height is not known, and for an edge of no length.

    Examples
    --------
    >>> from servicecircle.network.graph import build_network
    >>> street = build_network([0, 100, 200], [0, 0, 0], [0, 1], [1, 2])
    >>> steepness(street, np.array([3.0, 13.0, np.nan]), level=np.zeros(2, bool)).tolist()
    [0.1, 0.0]
    """
    rise = heights_m[network.v] - heights_m[network.u]
    slope = np.divide(rise, network.length_m, out=np.zeros(rise.size), where=network.length_m > 0)
    return np.where(np.isnan(slope) | level, 0.0, slope)


def bridged_heights(network: Network, heights_m: Floats, span: NDArray[np.bool_]) -> Floats:
    """Return heights of nodes with those inside bridges and tunnels laid between their ends.

    The ground under a bridge or over a tunnel says nothing of the way. A node all of whose edges
    are of a bridge or tunnel is inside it; the heights of connected nodes inside are the harmonic
    ones: along a chain they rise evenly with its length from one end to the other.

    Parameters
    ----------
    network : Network
    heights_m : numpy.ndarray of float, shape (n,)
    span : numpy.ndarray of bool, shape (m,)
        Which edges are of a bridge or a tunnel.

    Returns
    -------
    numpy.ndarray of float, shape (n,)
        NaN inside what has no end of known height.

    Examples
    --------
    >>> from servicecircle.network.graph import build_network
    >>> street = build_network([0, 10, 40, 50], [0, 0, 0, 0], [0, 1, 2], [1, 2, 3])
    >>> ground, bridge = np.array([8.0, -5.0, -9.0, 18.0]), np.ones(3, bool)
    >>> bridged_heights(street, ground, bridge).round(9).tolist()
    [8.0, 10.0, 16.0, 18.0]
    """
    n = network.x.size
    ends = np.concatenate([network.u, network.v])
    degree = np.bincount(ends, minlength=n)
    on_ground = np.zeros(n, np.bool_)
    on_ground[network.u[~span]] = on_ground[network.v[~span]] = True
    on_ground |= degree < 2  # noqa: PLR2004 - a dead end is an end of the bridge
    if on_ground.all():
        return heights_m
    u, v = network.u[span], network.v[span]
    weight = 1.0 / np.maximum(network.length_m[span], _LEAST_M)
    pull = coo_array((weight, (u, v)), shape=(n, n)).tocsr()
    pull = (pull + pull.T).tocsr()
    known = on_ground & np.isfinite(heights_m)
    # Without an end of known height there is nothing to lay a bridge between.
    _, part = connected_components(pull, directed=False)
    held = np.zeros(n, np.bool_)
    held[part[known]] = True
    new = heights_m.copy()
    new[~on_ground] = np.nan
    on_span = np.zeros(n, np.bool_)
    on_span[u] = on_span[v] = True
    inside = np.flatnonzero(~known & on_span & held[part])
    total = np.asarray(pull[inside][:, np.flatnonzero(known)].sum(axis=1)).ravel()
    rows = pull[inside]
    among = rows[:, inside]
    total = total + np.asarray(among.sum(axis=1)).ravel()
    given = rows[:, np.flatnonzero(known)] @ heights_m[known]
    system = (diags_array(total) - among).tocsc()
    new[inside] = spsolve(system, given)
    return new
