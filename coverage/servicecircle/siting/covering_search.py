"""What searches for a covering share: the model by its columns, and when a site may be opened."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csc_array

from servicecircle.network.compiled import compiled
from servicecircle.siting.reduction import Covering

__all__ = ["HAIR", "TINY", "Search", "count_open", "fits", "search_of", "spare_of"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

TINY = 1e-9
"""Share of a sum of people that rounding may change."""
HAIR = 1e-12
"""People that are nobody."""


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Search:
    """A covering problem with what the kernels walk over.

    Parameters
    ----------
    problem : Covering
    by_column : scipy.sparse.csc_array, shape (g, n)
    sides : scipy.sparse.csc_array, shape (k, n)
    price : numpy.ndarray of float, shape (n,)
        What a site takes from what is scarce: cost in the objective, of the budget, or 1.
    begin : numpy.ndarray of bool, shape (n,)
        Sites that stand open at the start: existing ones that may be closed.
    """

    problem: Covering
    by_column: csc_array
    sides: csc_array
    price: Floats
    begin: Bools


def search_of(problem: Covering, begin: Bools) -> Search:
    """Return what the search for a first choice needs.

    Parameters
    ----------
    problem : Covering
    begin : numpy.ndarray of bool, shape (n,)
        Existing sites, which stand open at the start.

    Returns
    -------
    Search
    """
    sides = csc_array(problem.side)
    sides.sort_indices()
    price = np.maximum(problem.cost, 1e-3 * float(problem.cost.max(initial=0.0)))
    if problem.maximise or not price.any():
        price = np.ones(problem.columns.size)
        bounded = np.flatnonzero(np.isfinite(problem.upper))
        for row in bounded.tolist():
            part = problem.side[[row]]
            if part.nnz > 2 and part.data.max() != part.data.min():  # noqa: PLR2004 - no pair
                price = np.maximum(part.toarray().ravel(), 1e-3 * float(part.data.max()))
    return Search(
        problem=problem, by_column=problem.by_column, sides=sides, price=price, begin=begin
    )


@compiled()
def fits(
    starts: Any, rows: Any, values: Floats, sums: Floats, lower: Floats, upper: Floats,
    out: int, into: int,
) -> bool:  # fmt: skip
    """Return whether opening ``into`` and closing ``out`` keeps every limit (-1 for none)."""
    holds = True
    if out >= 0:
        for at in range(starts[out], starts[out + 1]):
            sums[rows[at]] -= values[at]
    if into >= 0:
        for at in range(starts[into], starts[into + 1]):
            row = rows[at]
            sums[row] += values[at]
            if sums[row] > upper[row] + 1e-9 * max(1.0, abs(upper[row])):
                holds = False
    if out >= 0:
        for at in range(starts[out], starts[out + 1]):
            if sums[rows[at]] < lower[rows[at]] - 1e-9:
                holds = False
    if into >= 0:
        for at in range(starts[into], starts[into + 1]):
            sums[rows[at]] -= values[at]
    if out >= 0:
        for at in range(starts[out], starts[out + 1]):
            sums[rows[at]] += values[at]
    return holds


@compiled()
def count_open(column_starts: Any, column_rows: Any, chosen: Bools, count: Ints) -> None:
    """Fill in how many open sites each row is within reach of."""
    count[:] = 0
    for column in range(chosen.size):
        if chosen[column]:
            for at in range(column_starts[column], column_starts[column + 1]):
                count[column_rows[at]] += 1


def spare_of(problem: Covering, count: Ints) -> Floats:
    """Return how many more people than needed are covered, of each need and of all."""
    free = (count > 0) & ~problem.must
    at = free & (problem.need >= 0)
    have = np.bincount(problem.need[at], problem.weights[at], problem.needs.size)
    total = float(problem.weights[free].sum()) - problem.total
    return np.append(have - problem.needs, total)
