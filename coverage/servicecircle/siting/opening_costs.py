"""What the sites of a set cost the points that any of them reaches."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from servicecircle.siting.answers import nearest_open
from servicecircle.siting.model import Objective, SitingModel
from servicecircle.siting.opening_order import Near

__all__ = ["near_of", "nearest_costs"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

_LARGEST = 50_000_000
"""Numbers in a table of costs; above it only who is in reach is looked at."""


def near_of(model: SitingModel, sites: Ints, objective: Objective, *, open_before: Bools) -> Near:
    """Return what some sites cost the points that any of them reaches.

    For coverage points that see the same of the sites are put together. Where the table of costs
    would be very large, only who is in reach is looked at, whatever the objective.

    Parameters
    ----------
    model : SitingModel
    sites : numpy.ndarray of int64, shape (s,)
        Columns of the model.
    objective : str
    open_before : numpy.ndarray of bool, shape (c,)
        Sites that are open before any of these.

    Examples
    --------
    >>> from servicecircle.siting.examples import small_model
    >>> no = np.zeros(2, bool)
    >>> model = small_model(
    ...     [[1.0, 2.0], [3.0, 4.0], [0.0, 6.0], [0.0, 0.0]], weights=[5.0, 9.0, 2.0, 1.0]
    ... )
    >>> near = near_of(model, np.array([0, 1]), "cover", open_before=no)
    >>> near.weights.tolist(), near.costs.tolist()
    ([14.0, 2.0], [[0.0, 0.0], [inf, 0.0]])
    >>> near_of(model, np.array([0, 1]), "mean", open_before=no).costs.tolist()
    [[1.0, 2.0], [3.0, 4.0], [inf, 6.0]]
    >>> near_of(model, np.array([], int), "cover", open_before=no).weights.tolist()
    []
    """
    pairs = model.pairs
    number = np.full(pairs.shape[1], -1, np.int64)
    number[sites] = np.arange(sites.size)
    column = number[pairs.indices]
    row = np.repeat(np.arange(pairs.shape[0]), np.diff(pairs.indptr))
    inside = column >= 0
    before = nearest_costs(pairs, open_before)
    points = np.unique(row[inside])
    at = np.searchsorted(points, row[inside])
    if objective in {"mean", "worst"} and points.size * max(sites.size, 1) <= _LARGEST:
        costs = np.full((points.size, sites.size), np.inf)
        costs[at, column[inside]] = pairs.data[inside]
        return Near(
            weights=model.weights[points],
            costs=costs,
            before=before[points],
            measure="mean" if objective == "mean" else "worst",
        )
    open_now = np.isfinite(before[points])
    seen = csr_array(
        (np.ones(at.size), (at, column[inside])), shape=(points.size, sites.size)
    ).tocsr()
    seen.sort_indices()
    keys = _pattern_numbers(seen, open_now)
    count = int(keys.max(initial=-1)) + 1
    first = np.full(count, points.size, np.int64)
    np.minimum.at(first, keys, np.arange(points.size))
    costs = np.full((count, sites.size), np.inf)
    some = seen[first].tocoo()
    costs[some.row, some.col] = 0.0
    return Near(
        weights=np.bincount(keys, model.weights[points], minlength=count).astype(np.float64),
        costs=costs,
        before=np.where(open_now[first], 0.0, np.inf),
        measure="cover",
    )


def _pattern_numbers(seen: csr_array, open_now: Bools) -> Ints:
    """Return a number for each row that rows share which see the same sites."""
    ends = seen.indptr
    texts = [
        seen.indices[start:end].tobytes() + (b"+" if there else b"-")
        for start, end, there in zip(ends[:-1], ends[1:], open_now.tolist(), strict=True)
    ]
    known: dict[bytes, int] = {}
    return np.array([known.setdefault(text, len(known)) for text in texts], np.int64)


def nearest_costs(pairs: csr_array, sites: Bools) -> Floats:
    """Return the least cost of each point to some of the sites, infinite out of reach.

    Parameters
    ----------
    pairs : scipy.sparse.csr_array, shape (d, c)
    sites : numpy.ndarray of bool, shape (c,)

    Returns
    -------
    numpy.ndarray of float, shape (d,)

    Examples
    --------
    >>> pairs = csr_array(np.array([[7.0, 4.0], [5.0, 0.0], [0.0, 0.0]]))
    >>> nearest_costs(pairs, np.array([True, True])).tolist()
    [4.0, 5.0, inf]
    >>> nearest_costs(pairs, np.array([False, True])).tolist()
    [4.0, inf, inf]
    """
    found, _ = nearest_open(pairs, sites)
    return np.where(np.isnan(found), np.inf, found)
