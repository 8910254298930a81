"""First choices of sites: greedy, without needless ones, then exchanged one for one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csc_array

from servicecircle.network.compiled import compiled
from servicecircle.siting.reduction import Covering

__all__ = ["Search", "exchanged", "greedy", "needs_met", "search_of", "thinned"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

_TINY = 1e-9
_HAIR = 1e-12
_MUST = 4.0


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
def _fits(
    starts: Any, rows: Any, values: Floats, sums: Floats, lower: Floats, upper: Floats,
    out: int, into: int,
) -> bool:  # fmt: skip
    """Return whether opening ``into`` and closing ``out`` keeps every limit (-1 for none)."""
    fits = True
    if out >= 0:
        for at in range(starts[out], starts[out + 1]):
            sums[rows[at]] -= values[at]
    if into >= 0:
        for at in range(starts[into], starts[into + 1]):
            row = rows[at]
            sums[row] += values[at]
            if sums[row] > upper[row] + 1e-9 * max(1.0, abs(upper[row])):
                fits = False
    if out >= 0:
        for at in range(starts[out], starts[out + 1]):
            if sums[rows[at]] < lower[rows[at]] - 1e-9:
                fits = False
    if into >= 0:
        for at in range(starts[into], starts[into + 1]):
            sums[rows[at]] -= values[at]
    if out >= 0:
        for at in range(starts[out], starts[out + 1]):
            sums[rows[at]] += values[at]
    return fits


@compiled()
def _greedy(  # noqa: PLR0912, PLR0913, PLR0917 - one kernel, one loop
    row_starts: Any, row_columns: Any, column_starts: Any, column_rows: Any, worth: Floats,
    price: Floats, side_starts: Any, side_rows: Any, side_values: Floats, lower: Floats,
    upper: Floats, sums: Floats, covered: Bools, chosen: Bools, need: Ints, short: Floats,
    weights: Floats, once: bool,
) -> None:  # fmt: skip
    """Open the site with the greatest worth a price until none fits or nothing is to be had.

    With ``once`` it stops when a need in ``short`` is met, for its groups to lose their worth.
    """
    count = price.size
    gains = np.zeros(count)
    for column in range(count):
        for at in range(column_starts[column], column_starts[column + 1]):
            if not covered[column_rows[at]]:
                gains[column] += worth[column_rows[at]]
    wanting = 0
    for row in range(lower.size):
        if sums[row] < lower[row] - 1e-9:
            wanting += 1
    while True:
        best, score = -1, 0.0
        for column in range(count):
            if chosen[column]:
                continue
            gain = gains[column]
            if wanting:
                for at in range(side_starts[column], side_starts[column + 1]):
                    row = side_rows[at]
                    if sums[row] < lower[row] - 1e-9:
                        gain += 1.0 / lower[row]
            if gain > score * price[column] and gain > _HAIR and _fits(
                side_starts, side_rows, side_values, sums, lower, upper, -1, column
            ):  # fmt: skip
                best, score = column, gain / price[column]
        if best < 0:
            return
        chosen[best] = True
        for at in range(side_starts[best], side_starts[best + 1]):
            row = side_rows[at]
            before = sums[row] < lower[row] - 1e-9
            sums[row] += side_values[at]
            if before and not sums[row] < lower[row] - 1e-9:
                wanting -= 1
        met = False
        for at in range(column_starts[best], column_starts[best + 1]):
            row = column_rows[at]
            if covered[row]:
                continue
            covered[row] = True
            if need[row] >= 0 and short[need[row]] > 0.0:
                short[need[row]] -= weights[row]
                met |= short[need[row]] <= 0.0
            if short[short.size - 1] > 0.0:
                short[short.size - 1] -= weights[row]
                met |= short[short.size - 1] <= 0.0
            for place in range(row_starts[row], row_starts[row + 1]):
                gains[row_columns[place]] -= worth[row]
        if once and met:
            return


def greedy(search: Search) -> Bools | None:
    """Return sites opened one by one, the one that gives most for its price first.

    What has to be comes first: groups that must be covered, people needed, least numbers of sites;
    then, for ``cover``, people, while limits allow.

    Parameters
    ----------
    search : Search

    Returns
    -------
    numpy.ndarray of bool, shape (n,), or None
        None where this way of choosing ends without keeping what has to be.

    Examples
    --------
    >>> from servicecircle.siting.choice import _example
    >>> from servicecircle.siting.model import Goal
    >>> from servicecircle.siting.reduction import stated
    >>> problem = stated(_example(), Goal(objective="cover", sites=1))
    >>> greedy(search_of(problem, np.zeros(2, bool))).tolist()  # all are served already
    [False, False]
    """
    problem, reach = search.problem, search.problem.reach
    chosen = search.begin.copy()
    covered = np.asarray(reach @ chosen.astype(np.float64)) > 0
    sums = np.asarray(problem.side @ chosen.astype(np.float64))
    short = np.append(problem.needs, problem.total)
    counted = ~problem.must & covered
    if counted.any():
        at = counted & (problem.need >= 0)
        short[:-1] -= np.bincount(
            problem.need[at], problem.weights[at], problem.needs.size
        )  # fmt: skip
        short[-1] -= float(problem.weights[counted].sum())
    whole = np.maximum(np.append(problem.needs, problem.total), _TINY)
    weights = np.where(problem.must, 0.0, problem.weights)

    def run(worth: Floats, *, once: bool) -> None:
        _greedy(
            reach.indptr, reach.indices, search.by_column.indptr, search.by_column.indices, worth,
            search.price, search.sides.indptr, search.sides.indices, search.sides.data,
            problem.lower, problem.upper, sums, covered, chosen, problem.need, short, weights, once,
        )  # fmt: skip

    most_musts = 1.0 / max(1, int(np.count_nonzero(problem.must)))
    while True:
        active = short > 0
        worth = np.where(problem.must, most_musts, 0.0)
        share = np.where(active, 1.0 / whole, 0.0)
        worth += weights * (np.append(share[:-1], 0.0)[problem.need] + share[-1])
        before = int(np.count_nonzero(chosen))
        run(worth, once=True)
        if np.array_equal(active, short > 0) or int(np.count_nonzero(chosen)) == before:
            break
    if problem.maximise and needs_met(search, chosen):
        run(weights, once=False)
    return chosen if needs_met(search, chosen) else None


def needs_met(search: Search, chosen: Bools) -> bool:
    """Return whether chosen sites keep needs and limits.

    Parameters
    ----------
    search : Search
    chosen : numpy.ndarray of bool, shape (n,)

    Returns
    -------
    bool
    """
    problem = search.problem
    sums = np.asarray(problem.side @ chosen.astype(np.float64))
    slack = _TINY * np.maximum(1.0, np.abs(sums))
    if np.any(sums < problem.lower - slack) or np.any(sums > problem.upper + slack):
        return False
    covered = np.asarray(problem.reach @ chosen.astype(np.float64)) > 0
    if not covered[problem.must].all():
        return False
    free = covered & ~problem.must
    at = free & (problem.need >= 0)
    have = np.bincount(problem.need[at], problem.weights[at], problem.needs.size)
    people = float(problem.weights[free].sum())
    return bool(np.all(have >= problem.needs) and people >= problem.total)


@compiled()
def _count(column_starts: Any, column_rows: Any, chosen: Bools, count: Ints) -> None:
    count[:] = 0
    for column in range(chosen.size):
        if chosen[column]:
            for at in range(column_starts[column], column_starts[column + 1]):
                count[column_rows[at]] += 1


@compiled()
def _needs_hold(
    column_starts: Any, column_rows: Any, count: Ints, need: Ints, weights: Floats,
    spare: Floats, out: int,
) -> bool:  # fmt: skip
    """Return whether every need stays met, and every must covered, without a site."""
    holds, last = True, spare.size - 1
    for at in range(column_starts[out], column_starts[out + 1]):
        row = column_rows[at]
        if count[row] == 1:
            if weights[row] < 0.0:
                holds = False
            else:
                spare[last] -= weights[row]
                if need[row] >= 0:
                    spare[need[row]] -= weights[row]
                    holds &= spare[need[row]] >= -_HAIR
    holds &= spare[last] >= -_HAIR
    for at in range(column_starts[out], column_starts[out + 1]):
        row = column_rows[at]
        if count[row] == 1 and weights[row] >= 0.0:
            spare[last] += weights[row]
            if need[row] >= 0:
                spare[need[row]] += weights[row]
    return bool(holds)


@compiled()
def _thin(  # noqa: PLR0913, PLR0917 - a kernel takes arrays
    column_starts: Any, column_rows: Any, side_starts: Any, side_rows: Any, side_values: Floats,
    sums: Floats, lower: Floats, upper: Floats, order: Ints, chosen: Bools, count: Ints,
    need: Ints, weights: Floats, spare: Floats,
) -> None:  # fmt: skip
    last = spare.size - 1
    for out in order:
        if not chosen[out] or not _fits(
            side_starts, side_rows, side_values, sums, lower, upper, out, -1
        ):  # fmt: skip
            continue
        if not _needs_hold(column_starts, column_rows, count, need, weights, spare, out):
            continue
        chosen[out] = False
        for at in range(side_starts[out], side_starts[out + 1]):
            sums[side_rows[at]] -= side_values[at]
        for at in range(column_starts[out], column_starts[out + 1]):
            row = column_rows[at]
            count[row] -= 1
            if count[row] == 0:
                spare[last] -= weights[row]
                if need[row] >= 0:
                    spare[need[row]] -= weights[row]


def _spare(problem: Covering, count: Ints) -> Floats:
    """Return how many more people than needed are covered, of each need and of all."""
    free = (count > 0) & ~problem.must
    at = free & (problem.need >= 0)
    have = np.bincount(problem.need[at], problem.weights[at], problem.needs.size)
    total = float(problem.weights[free].sum()) - problem.total
    return np.append(have - problem.needs, total)


def thinned(search: Search, chosen: Bools) -> Bools:
    """Return the choice without sites that nothing needs, the dearest looked at first.

    Parameters
    ----------
    search : Search
    chosen : numpy.ndarray of bool, shape (n,)
        That keeps needs and limits.

    Returns
    -------
    numpy.ndarray of bool, shape (n,)
        Keeps them too.
    """
    problem = search.problem
    chosen, count = chosen.copy(), np.zeros(problem.weights.size, np.int64)
    _count(search.by_column.indptr, search.by_column.indices, chosen, count)
    size = np.diff(search.by_column.indptr)
    order = np.lexsort((np.arange(size.size), size, -problem.cost)).astype(np.int64)
    _thin(
        search.by_column.indptr, search.by_column.indices, search.sides.indptr,
        search.sides.indices, search.sides.data, np.asarray(problem.side @ chosen.astype(float)),
        problem.lower, problem.upper, order, chosen, count, problem.need,
        np.where(problem.must, -1.0, problem.weights), _spare(problem, count),
    )  # fmt: skip
    return chosen


@compiled()
def _needs_hold_swapped(
    column_starts: Any, column_rows: Any, count: Ints, need: Ints, weights: Floats,
    spare: Floats, out: int, into: int,
) -> bool:  # fmt: skip
    """Return whether every unit's need stays met when one site is exchanged for another."""
    for at in range(column_starts[into], column_starts[into + 1]):
        count[column_rows[at]] += 1
    holds = _needs_hold_only_units(
        column_starts, column_rows, count, need, weights, spare, out, into
    )
    for at in range(column_starts[into], column_starts[into + 1]):
        count[column_rows[at]] -= 1
    return bool(holds)


@compiled()
def _needs_hold_only_units(
    column_starts: Any, column_rows: Any, count: Ints, need: Ints, weights: Floats,
    spare: Floats, out: int, into: int,
) -> bool:  # fmt: skip
    for at in range(column_starts[into], column_starts[into + 1]):
        row = column_rows[at]
        if count[row] == 1 and need[row] >= 0:
            spare[need[row]] += weights[row]
    holds = True
    for at in range(column_starts[out], column_starts[out + 1]):
        row = column_rows[at]
        if count[row] == 1 and need[row] >= 0:
            spare[need[row]] -= weights[row]
    for at in range(column_starts[out], column_starts[out + 1]):
        row = column_rows[at]
        if count[row] == 1 and need[row] >= 0:
            holds &= spare[need[row]] >= -_HAIR
            spare[need[row]] += weights[row]
    for at in range(column_starts[into], column_starts[into + 1]):
        row = column_rows[at]
        if count[row] == 1 and need[row] >= 0:
            spare[need[row]] -= weights[row]
    return bool(holds)


@compiled()
def _exchange(  # noqa: PLR0912, PLR0913, PLR0917 - one kernel, one sweep
    row_starts: Any, row_columns: Any, column_starts: Any, column_rows: Any, worth: Floats,
    side_starts: Any, side_rows: Any, side_values: Floats, sums: Floats, lower: Floats,
    upper: Floats, chosen: Bools, count: Ints, need: Ints, weights: Floats, spare: Floats,
    least: float,
) -> int:  # fmt: skip
    """Exchange each open site for the best other one once; return how many were."""
    columns = chosen.size
    gains = np.zeros(columns)
    for column in range(columns):
        for at in range(column_starts[column], column_starts[column + 1]):
            if count[column_rows[at]] == 0:
                gains[column] += worth[column_rows[at]]
    shared = np.zeros(columns)
    touched = np.empty(columns, np.int64)
    done = 0
    for out in range(columns):
        if not chosen[out]:
            continue
        loss, size = 0.0, 0
        for at in range(column_starts[out], column_starts[out + 1]):
            row = column_rows[at]
            if count[row] != 1 or worth[row] <= 0.0:
                continue
            loss += worth[row]
            for place in range(row_starts[row], row_starts[row + 1]):
                column = row_columns[place]
                if shared[column] == 0.0:
                    touched[size] = column
                    size += 1
                shared[column] += worth[row]
        best, most = -1, loss + least
        for column in range(columns):
            value = gains[column] + shared[column]
            if value > most and not chosen[column] and _fits(
                side_starts, side_rows, side_values, sums, lower, upper, out, column
            ) and (
                spare.size == 0 or _needs_hold_swapped(
                    column_starts, column_rows, count, need, weights, spare, out, column
                )
            ):  # fmt: skip
                best, most = column, value
        for place in range(size):
            shared[touched[place]] = 0.0
        if best < 0:
            continue
        done += 1
        chosen[out], chosen[best] = False, True
        for at in range(side_starts[out], side_starts[out + 1]):
            sums[side_rows[at]] -= side_values[at]
        for at in range(side_starts[best], side_starts[best + 1]):
            sums[side_rows[at]] += side_values[at]
        for at in range(column_starts[best], column_starts[best + 1]):
            row = column_rows[at]
            count[row] += 1
            if count[row] == 1:
                if spare.size and need[row] >= 0:
                    spare[need[row]] += weights[row]
                for place in range(row_starts[row], row_starts[row + 1]):
                    gains[row_columns[place]] -= worth[row]
        for at in range(column_starts[out], column_starts[out + 1]):
            row = column_rows[at]
            count[row] -= 1
            if count[row] == 0:
                if spare.size and need[row] >= 0:
                    spare[need[row]] -= weights[row]
                for place in range(row_starts[row], row_starts[row + 1]):
                    gains[row_columns[place]] += worth[row]
    return done


def exchanged(
    search: Search, chosen: Bools, *, sweeps: int, worth: Floats | None = None
) -> tuple[Bools, bool]:
    """Return a choice for ``cover`` after exchanging single sites while more people are covered.

    The interchange of Teitz and Bart (1968) for maximal covering: of all sites that may be opened
    for one that is closed, the one that gains most is taken, site after site, sweep after sweep.

    Parameters
    ----------
    search : Search
    chosen : numpy.ndarray of bool, shape (n,)
        That keeps needs and limits.
    sweeps : int
        At most so many.
    worth : numpy.ndarray of float, shape (g,), optional
        Of covering each group, instead of its people: needs are then not looked at.

    Returns
    -------
    numpy.ndarray of bool, shape (n,)
        Keeps them too, and covers no fewer people.
    bool
        Whether no exchange is left.
    """
    problem = search.problem
    chosen, count = chosen.copy(), np.zeros(problem.weights.size, np.int64)
    _count(search.by_column.indptr, search.by_column.indices, chosen, count)
    spare = np.empty(0)
    if worth is None:
        spare = _spare(problem, count)[:-1]
        # Uncovering a group that must be covered is worth more than all people.
        most = _MUST * max(float(problem.weights.sum()), 1.0)
        worth = np.where(problem.must, most, problem.weights)
    least = _TINY * max(float(worth[~problem.must].sum()), _TINY)
    sums = np.asarray(problem.side @ chosen.astype(float))
    for _ in range(sweeps):
        done = _exchange(
            problem.reach.indptr, problem.reach.indices, search.by_column.indptr,
            search.by_column.indices, worth, search.sides.indptr, search.sides.indices,
            search.sides.data, sums, problem.lower, problem.upper, chosen, count, problem.need,
            problem.weights, spare, least,
        )  # fmt: skip
        if not done:
            return chosen, True
    return chosen, False
