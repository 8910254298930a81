"""Compiled parts of reduction: equal rows found, and what another row or column makes needless."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csc_array, csr_array

from servicecircle.network.compiled import compiled

__all__ = ["equal_rows", "needless_columns", "needless_rows"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

_SLACK = 1e-12


@compiled()
def _hashes(starts: Any, columns: Any, keys: Ints, out: NDArray[np.uint64]) -> None:
    """Mix each row's key and columns into 64 bits, as splitmix64 does."""
    for row in range(out.size):
        value = np.uint64(keys[row] + 2) * np.uint64(0x9E3779B97F4A7C15)
        for at in range(starts[row], starts[row + 1]):
            mixed = value ^ (np.uint64(columns[at] + 1) * np.uint64(0xBF58476D1CE4E5B9))
            mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0x94D049BB133111EB)
            value = mixed ^ (mixed >> np.uint64(31))
        out[row] = value


@compiled()
def _first_equal(
    order: Ints, starts: Any, columns: Any, keys: Ints, hashes: NDArray[np.uint64], first: Ints
) -> None:
    """Give each row the first row that is equal to it; rows of one hash stand side by side."""
    head = 0
    for place in range(order.size):
        row = order[place]
        if hashes[order[head]] != hashes[row]:
            head = place
        first[row] = row
        # Almost always the head; further ones only where two unequal rows share a hash.
        for other in range(head, place):
            base = order[other]
            length = starts[row + 1] - starts[row]
            if first[base] != base or keys[base] != keys[row]:
                continue
            if starts[base + 1] - starts[base] != length:
                continue
            same = True
            for step in range(length):
                if columns[starts[row] + step] != columns[starts[base] + step]:
                    same = False
                    break
            if same:
                first[row] = base
                break


def equal_rows(reach: csr_array, keys: Ints) -> tuple[Ints, Ints]:
    """Return which rows stand for groups of rows with equal columns and keys.

    Parameters
    ----------
    reach : scipy.sparse.csr_array, shape (d, c)
        Columns ascend in each row; values are not looked at.
    keys : numpy.ndarray of int64, shape (d,)
        -1 or more.

    Returns
    -------
    numpy.ndarray of int64, shape (g,)
        The first row of each group, ascending.
    numpy.ndarray of int64, shape (d,)
        The group of each row.

    Examples
    --------
    >>> import numpy as np
    >>> from scipy.sparse import csr_array
    >>> reach = csr_array([[1, 1], [0, 1], [1, 1], [1, 1]])
    >>> first, group = equal_rows(reach, np.array([0, 0, 0, 1]))
    >>> first.tolist(), group.tolist()
    ([0, 1, 3], [0, 1, 0, 2])
    >>> equal_rows(csr_array((0, 2)), np.empty(0, int))[0].size
    0
    """
    count = reach.shape[0]
    if not count:
        return np.empty(0, np.int64), np.empty(0, np.int64)
    hashes = np.empty(count, np.uint64)
    _hashes(reach.indptr, reach.indices, keys, hashes)
    order = np.argsort(hashes, kind="stable")
    first = np.empty(count, np.int64)
    _first_equal(order, reach.indptr, reach.indices, keys, hashes, first)
    heads, group = np.unique(first, return_inverse=True)
    return heads, np.asarray(group, np.int64)


@compiled()
def _has(values: Any, start: int, end: int, wanted: int) -> bool:
    """Return whether an ascending stretch holds a value."""
    low, high = start, end
    while low < high:
        middle = (low + high) >> 1
        if values[middle] < wanted:
            low = middle + 1
        else:
            high = middle
    return bool(low < end and values[low] == wanted)


@compiled()
def _within(starts: Any, members: Any, small: int, large: int) -> bool:
    """Return whether the members of one line are all members of another."""
    for at in range(starts[small], starts[small + 1]):
        if not _has(members, starts[large], starts[large + 1], members[at]):
            return False
    return True


@compiled()
def _rarest(starts: Any, members: Any, line: int, other_starts: Any) -> int:
    """Return the member of a line that stands in the fewest lines."""
    best, fewest = -1, 0
    for at in range(starts[line], starts[line + 1]):
        member = members[at]
        size = other_starts[member + 1] - other_starts[member]
        if best < 0 or size < fewest:
            best, fewest = member, size
    return best


@compiled()
def _rows_kernel(
    row_starts: Any, row_columns: Any, column_starts: Any, column_rows: Any, must: Bools,
    needless: Bools,
) -> None:  # fmt: skip
    for row in range(must.size - 1, -1, -1):
        size = row_starts[row + 1] - row_starts[row]
        # A row inside this one shares all its columns with it: look at each column's rows once.
        for place in range(row_starts[row], row_starts[row + 1]):
            column = row_columns[place]
            for at in range(column_starts[column], column_starts[column + 1]):
                other = column_rows[at]
                other_size = row_starts[other + 1] - row_starts[other]
                if other == row or not must[other] or needless[other] or other_size > size:
                    continue
                # Met first at its own first column, and not again at the others.
                if row_columns[row_starts[other]] != column:
                    continue
                if _within(row_starts, row_columns, other, row):
                    needless[row] = True
                    break
            if needless[row]:
                break


def needless_rows(reach: csr_array, by_column: csc_array, must: Bools) -> Bools:
    """Return the rows that are covered whenever another row is that must be covered.

    Row ``r`` is needless where a row ``s`` that must be covered has all its columns among those of
    ``r``: whatever covers ``s`` covers ``r``. Of equal rows the first stays.

    Parameters
    ----------
    reach : scipy.sparse.csr_array, shape (g, n)
    by_column : scipy.sparse.csc_array, shape (g, n)
        The same; indices ascend in both.
    must : numpy.ndarray of bool, shape (g,)

    Returns
    -------
    numpy.ndarray of bool, shape (g,)

    Examples
    --------
    >>> import numpy as np
    >>> from scipy.sparse import csr_array
    >>> reach = csr_array([[1, 1, 0], [0, 1, 0], [0, 0, 1]])
    >>> needless_rows(reach, reach.tocsc(), np.ones(3, bool)).tolist()
    [True, False, False]
    >>> needless_rows(reach, reach.tocsc(), np.zeros(3, bool)).any()
    np.False_
    """
    needless = np.zeros(reach.shape[0], np.bool_)
    _rows_kernel(reach.indptr, reach.indices, by_column.indptr, by_column.indices, must, needless)
    return needless


@compiled()
def _may_stand_for(
    starts: Any, rows: Any, values: Floats, row_lower: Floats, row_upper: Floats, k: int, j: int
) -> bool:
    """Return whether ``k`` can be opened for ``j``, or stay open without it, in every limit."""
    at_k, at_j = starts[k], starts[j]
    while at_k < starts[k + 1] or at_j < starts[j + 1]:
        row_k = rows[at_k] if at_k < starts[k + 1] else row_lower.size
        row_j = rows[at_j] if at_j < starts[j + 1] else row_lower.size
        row = min(row_k, row_j)
        value_k = values[at_k] if row_k == row else 0.0
        value_j = values[at_j] if row_j == row else 0.0
        if row_k == row:
            at_k += 1
        if row_j == row:
            at_j += 1
        if row_upper[row] < np.inf and value_k > value_j:
            return False
        if (
            row_lower[row] > -np.inf
            and value_j > 0.0
            and (value_k < value_j or row_lower[row] > value_k + _SLACK)
        ):
            return False
    return True


@compiled()
def _columns_kernel(  # noqa: PLR0913, PLR0917 - a kernel takes arrays
    row_starts: Any, row_columns: Any, column_starts: Any, column_rows: Any, cost: Floats,
    side_starts: Any, side_rows: Any, side_values: Floats, row_lower: Floats, row_upper: Floats,
    needless: Bools,
) -> None:  # fmt: skip
    for j in range(cost.size - 1, -1, -1):
        size = column_starts[j + 1] - column_starts[j]
        if size == 0:
            needed = False
            for at in range(side_starts[j], side_starts[j + 1]):
                if row_lower[side_rows[at]] > -np.inf:
                    needed = True
            if not needed and cost[j] >= 0.0:
                needless[j] = True
            continue
        rare = _rarest(column_starts, column_rows, j, row_starts)
        for at in range(row_starts[rare], row_starts[rare + 1]):
            k = row_columns[at]
            if k == j or needless[k] or cost[k] > cost[j]:
                continue
            if column_starts[k + 1] - column_starts[k] < size:
                continue
            if _may_stand_for(
                side_starts, side_rows, side_values, row_lower, row_upper, k, j
            ) and _within(column_starts, column_rows, j, k):
                needless[j] = True
                break


def needless_columns(
    reach: csr_array,
    by_column: csc_array,
    cost: Floats,
    sides: tuple[csc_array, Floats, Floats],
) -> Bools:
    """Return the columns in whose place another one can always be opened.

    Column ``j`` is needless where some ``k`` that stays covers all that ``j`` covers, costs no
    more, and may stand for it in every limit ``lower <= side @ x <= upper``. Proof: take any
    allowed choice with ``j``. Without ``k`` in it, opening ``k`` for ``j`` covers no less and costs
    no more; a limit from above holds since ``k`` has no greater value in it, one from below since
    ``k`` has no smaller one. With ``k`` in it, closing ``j`` uncovers nothing; limits from above
    hold since values are 0 or more, those from below since ``k`` alone meets them. So the best
    choices without ``j`` are as good as those with it, and columns can be struck one by one. A
    column that covers nothing, and that no limit from below counts, is needless too.

    Parameters
    ----------
    reach, by_column : shape (g, n)
        Indices ascend in both.
    cost : numpy.ndarray of float, shape (n,)
        In the objective, 0 or more.
    sides : tuple of scipy.sparse.csc_array, shape (k, n), and two numpy.ndarray of float
        Limits on the columns, values 0 or more, with lower and upper bounds.

    Returns
    -------
    numpy.ndarray of bool, shape (n,)

    Examples
    --------
    >>> import numpy as np
    >>> from scipy.sparse import csc_array, csr_array
    >>> reach = csr_array([[1, 1, 0], [1, 0, 1]])
    >>> none = (csc_array((0, 3)), np.empty(0), np.empty(0))
    >>> needless_columns(reach, reach.tocsc(), np.ones(3), none).tolist()
    [False, True, True]
    >>> needless_columns(reach, reach.tocsc(), np.array([3.0, 1.0, 1.0]), none).tolist()
    [False, False, False]
    """
    side, row_lower, row_upper = sides
    needless = np.zeros(cost.size, np.bool_)
    _columns_kernel(
        reach.indptr, reach.indices, by_column.indptr, by_column.indices, cost,
        side.indptr, side.indices, np.asarray(side.data, np.float64), row_lower, row_upper,
        needless,
    )  # fmt: skip
    return needless
