"""Better choices of sites: one that is open exchanged for one that is not, as long as it helps."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from servicecircle.network.compiled import compiled
from servicecircle.siting.covering_search import HAIR, TINY, Search, count_open, fits, spare_of

__all__ = ["exchanged"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

_MUST = 4.0


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
            holds &= spare[need[row]] >= -HAIR
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
            if value > most and not chosen[column] and fits(
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
    count_open(search.by_column.indptr, search.by_column.indices, chosen, count)
    spare = np.empty(0)
    if worth is None:
        spare = spare_of(problem, count)[:-1]
        # Uncovering a group that must be covered is worth more than all people.
        most = _MUST * max(float(problem.weights.sum()), 1.0)
        worth = np.where(problem.must, most, problem.weights)
    least = TINY * max(float(worth[~problem.must].sum()), TINY)
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
