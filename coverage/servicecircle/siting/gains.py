"""What each further site adds: the curve of people gained, and a curve that none can exceed."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import csr_array

from servicecircle.siting.model import SitingModel

__all__ = ["GAIN_COLUMNS", "covered_by", "marginal_gains", "neighbours"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

GAIN_COLUMNS = (
    "number",
    "candidate",
    "gained",
    "alone",
    "covered",
    "share",
    "bound",
    "bound_share",
)
_RELATIVE = 1e-9


def marginal_gains(model: SitingModel, *, most: int) -> pd.DataFrame:
    """Return how many people the 1st, 2nd … further site adds, and the most that so many could.

    Each site is the one that adds most people to those before it (the lowest candidate among
    equals); existing sites stay open, forbidden ones and those too close to an open one are left
    out. ``bound`` holds for any choice of so many sites: with the people covered by the first t
    sites of the curve and what each candidate would still add to them, no n sites cover more than
    the former and the n greatest of the latter together, since a site adds the less the more are
    open (Nemhauser, Wolsey and Fisher 1978, Mathematical Programming 14, inequality 2.2); the
    least of this over all t is taken. Capacities, costs, floors and presence are not looked at.

    Parameters
    ----------
    model : SitingModel
    most : int
        Sites at most, 0 or more; the curve ends before where nobody is left to gain.

    Returns
    -------
    pandas.DataFrame
        number, candidate (column of the model; -1 in the first row, which stands for what existing
        sites cover), gained, alone (people gained if it were the only one), covered, share (of
        all people; NaN without people), bound, bound_share.

    Raises
    ------
    ValueError
        If ``most`` is negative.

    References
    ----------
    Nemhauser, G. L., Wolsey, L. A., Fisher, M. L. (1978): An analysis of approximations for
    maximizing submodular set functions I. Mathematical Programming 14, 265-294.

    Examples
    --------
    Three villages of 5, 3 and 2 people; the first site reaches two of them:

    >>> from servicecircle.siting.examples import small_model
    >>> model = small_model([[9.0, 0.0], [7.0, 4.0], [0.0, 0.0]], weights=[5.0, 3.0, 2.0])
    >>> curve = marginal_gains(model, most=5)
    >>> curve[["number", "candidate", "gained", "covered", "bound"]].values.tolist()
    [[0.0, -1.0, 0.0, 0.0, 0.0], [1.0, 0.0, 8.0, 8.0, 8.0]]
    >>> len(marginal_gains(model, most=0))
    1
    """
    if most < 0:
        msg = f"number of sites {most} is negative; give 0 or more"
        raise ValueError(msg)
    weights, pairs = model.weights, model.pairs
    existing = model.kept | model.closable
    covered = covered_by(pairs, existing)
    wanted = ~existing & ~model.forbidden
    wanted[neighbours(model.apart, np.flatnonzero(existing))] = False
    value, total = float(weights[covered].sum()), float(weights.sum())
    columns = pairs.tocsc()
    gains = alone = _people_near(weights, pairs, np.flatnonzero(~covered))
    free = wanted.copy()
    steps = [(0, -1, 0.0, 0.0, value)]
    bounds = _bounds(value, gains[wanted], most)
    tiny = _RELATIVE * max(total, 1.0)
    while len(steps) <= most:
        best = np.where(free, gains, -np.inf)
        site = int(best.argmax()) if best.size else -1
        if site < 0 or not best[site] > tiny:
            break
        rows = columns.indices[columns.indptr[site] : columns.indptr[site + 1]]
        rows = np.sort(rows[~covered[rows]])
        gained = float(weights[rows].sum())
        covered[rows] = True
        gains = gains - _people_near(weights, pairs, rows)
        free[site] = False
        free[neighbours(model.apart, np.array([site]))] = False
        value += gained
        steps.append((len(steps), site, gained, float(alone[site]), value))
        bounds = np.minimum(bounds, _bounds(value, gains[wanted], most))
    table = pd.DataFrame(steps, columns=list(GAIN_COLUMNS[:5]))
    # What greedy adds is itself possible: rounding must not put the bound below it.
    table["bound"] = np.fmax(np.fmin(bounds[: len(table)], total), table["covered"])
    whole = total if total > 0.0 else np.nan
    table["share"] = table["covered"] / whole
    table["bound_share"] = table["bound"] / whole
    return table[list(GAIN_COLUMNS)]


def covered_by(pairs: csr_array, sites: Bools) -> Bools:
    """Return which points some of the sites reach.

    Parameters
    ----------
    pairs : scipy.sparse.csr_array, shape (d, c)
    sites : numpy.ndarray of bool, shape (c,)

    Returns
    -------
    numpy.ndarray of bool, shape (d,)

    Examples
    --------
    >>> import numpy as np
    >>> from scipy.sparse import csr_array
    >>> pairs = csr_array((np.zeros(2), np.array([0, 1]), np.array([0, 2, 2])), shape=(2, 2))
    >>> covered_by(pairs, np.array([True, False])).tolist()
    [True, False]
    """
    row = np.repeat(np.arange(pairs.shape[0]), np.diff(pairs.indptr))
    return np.bincount(row[sites[pairs.indices]], minlength=pairs.shape[0]) > 0


def _people_near(weights: Floats, pairs: csr_array, rows: Ints) -> Floats:
    """Return how many of the people of some points each candidate reaches."""
    theirs = pairs[rows]
    people = np.repeat(weights[rows], np.diff(theirs.indptr))
    found: Floats = np.bincount(theirs.indices, people, minlength=pairs.shape[1]).astype(np.float64)
    return found


def _bounds(value: float, gains: Floats, most: int) -> Floats:
    """Return the most that 0, 1, 2 … sites can cover, of what is covered and still to gain."""
    top = np.zeros(most)
    some = np.sort(gains)[::-1][:most]
    top[: some.size] = np.maximum(some, 0.0)
    return value + np.concatenate([[0.0], np.cumsum(top)])


def neighbours(apart: Ints, sites: Ints) -> Ints:
    """Return the candidates that are too close to some of the sites.

    Parameters
    ----------
    apart : numpy.ndarray of int64, shape (k, 2)
    sites : numpy.ndarray of int64

    Examples
    --------
    >>> import numpy as np
    >>> neighbours(np.array([[0, 1], [2, 0]]), np.array([0])).tolist()
    [1, 2]
    >>> neighbours(np.empty((0, 2), int), np.array([0])).tolist()
    []
    """
    first, second = apart[:, 0], apart[:, 1]
    near = [second[np.isin(first, sites)], first[np.isin(second, sites)]]
    return np.unique(np.concatenate(near)).astype(np.int64)
