"""Whom sites reach, in which order each adds most people, and how many it adds to those before."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from servicecircle.siting.model import SitingModel

__all__ = ["in_order", "people_of_sites", "reached_by"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


def in_order(model: SitingModel, chosen: Ints, stays: Bools) -> Ints:
    """Return sites so that each adds most people to those before it, the lowest among equals.

    Parameters
    ----------
    model : SitingModel
    chosen : numpy.ndarray of int64, shape (k,)
        Columns of the model.
    stays : numpy.ndarray of bool, shape (c,)
        Existing sites that stay open.

    Returns
    -------
    numpy.ndarray of int64, shape (k,)

    Examples
    --------
    >>> from servicecircle.siting.examples import small_model
    >>> model = small_model([[1.0, 0.0, 0.0], [0.0, 9.0, 3.0]], weights=[2.0, 5.0])
    >>> in_order(model, np.array([0, 1, 2]), np.zeros(3, bool)).tolist()
    [1, 0, 2]
    >>> in_order(model, np.empty(0, int), np.zeros(3, bool)).tolist()
    []
    """
    columns = model.pairs.tocsc()
    free = ~reached_by(model.pairs, stays)
    left = sorted(int(one) for one in chosen)
    order: list[int] = []
    while left:
        gains = [_added(model, columns, one, free) for one in left]
        site = left.pop(int(np.argmax(gains)))
        free[columns.indices[columns.indptr[site] : columns.indptr[site + 1]]] = False
        order.append(site)
    return np.array(order, np.int64)


def people_of_sites(model: SitingModel, order: Ints, stays: Bools) -> tuple[Floats, Floats, Floats]:
    """Return the people that each site of an order reaches.

    Parameters
    ----------
    model : SitingModel
    order : numpy.ndarray of int64, shape (k,)
    stays : numpy.ndarray of bool, shape (c,)
        Existing sites that stay open.

    Returns
    -------
    alone : numpy.ndarray of float, shape (k,)
        Whom no existing site reaches.
    added : numpy.ndarray of float, shape (k,)
        Whom no site before it reaches either.
    covered : numpy.ndarray of float, shape (k,)
        By the existing ones and the order up to here.

    Examples
    --------
    >>> from servicecircle.siting.examples import small_model
    >>> model = small_model([[1.0, 1.0, 0.0], [0.0, 1.0, 1.0]], weights=[2.0, 5.0])
    >>> [part.tolist() for part in people_of_sites(model, np.array([1, 2]), np.arange(3) == 0)]
    [[5.0, 5.0], [5.0, 0.0], [7.0, 7.0]]
    """
    columns = model.pairs.tocsc()
    reached = reached_by(model.pairs, stays)
    free, now = ~reached, ~reached
    alone, added = np.zeros(order.size), np.zeros(order.size)
    for at, site in enumerate(order.tolist()):
        alone[at] = _added(model, columns, site, free)
        added[at] = _added(model, columns, site, now)
        now[columns.indices[columns.indptr[site] : columns.indptr[site + 1]]] = False
    return alone, added, float(model.weights[reached].sum()) + np.cumsum(added)


def reached_by(pairs: csr_array, sites: Bools) -> Bools:
    """Return which points some of the sites reach."""
    row = np.repeat(np.arange(pairs.shape[0]), np.diff(pairs.indptr))
    return np.asarray(np.bincount(row[sites[pairs.indices]], minlength=pairs.shape[0]) > 0)


def _added(model: SitingModel, columns: csr_array, site: int, free: Bools) -> float:
    rows = columns.indices[columns.indptr[site] : columns.indptr[site + 1]]
    return float(model.weights[rows[free[rows]]].sum())
