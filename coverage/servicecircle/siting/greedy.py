"""First choices of sites: greedy, then without needless ones."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from servicecircle.network.compiled import compiled
from servicecircle.siting.covering_search import HAIR, TINY, Search, count_open, fits, spare_of

__all__ = ["greedy", "needs_met", "thinned"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


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
            if gain > score * price[column] and gain > HAIR and fits(
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
    >>> from servicecircle.siting.covering_search import search_of
    >>> from servicecircle.siting.examples import three_sites
    >>> from servicecircle.siting.model import Goal
    >>> from servicecircle.siting.reduction import stated
    >>> problem = stated(three_sites(), Goal(objective="cover", sites=1))
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
    whole = np.maximum(np.append(problem.needs, problem.total), TINY)
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
    slack = TINY * np.maximum(1.0, np.abs(sums))
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
                    holds &= spare[need[row]] >= -HAIR
    holds &= spare[last] >= -HAIR
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
        if not chosen[out] or not fits(
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
    count_open(search.by_column.indptr, search.by_column.indices, chosen, count)
    size = np.diff(search.by_column.indptr)
    order = np.lexsort((np.arange(size.size), size, -problem.cost)).astype(np.int64)
    _thin(
        search.by_column.indptr, search.by_column.indices, search.sides.indptr,
        search.sides.indices, search.sides.data, np.asarray(problem.side @ chosen.astype(float)),
        problem.lower, problem.upper, order, chosen, count, problem.need,
        np.where(problem.must, -1.0, problem.weights), spare_of(problem, count),
    )  # fmt: skip
    return chosen
