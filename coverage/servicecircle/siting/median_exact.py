"""The p-median as a mixed-integer model: what prices leave open, settled by HiGHS.

For each point, the sites ascend by cost. A column says whether none of the nearest few is open
(Cornuejols, Nemhauser and Wolsey 1980); each such column differs from the one before by the sites
of one cost more, so that the rows stay short. Points whose nearest few are the same sites share
the column (García, Labbé and Marín 2011).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array, csr_array, hstack, vstack

from servicecircle.siting.choice import site_rows
from servicecircle.siting.highs import Mip
from servicecircle.siting.medians import Medians
from servicecircle.siting.model import Goal, SitingModel

__all__ = ["Remaining", "remaining", "whole_most"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

SCALE = 1e4
"""What the objective of the incumbent becomes, so that the solver's tolerances mean shares."""


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Remaining:
    """The model of what is left, and the way back.

    Parameters
    ----------
    mip : Mip
        Columns: the sites of ``sites``, then one for each set of nearest sites.
    sites : numpy.ndarray of int64
        Free sites of the core that are undecided.
    forced : numpy.ndarray of bool, shape (m,)
        Those that are decided open.
    base : float
        Cost that does not depend on the columns.
    scale : float
        Of the model's objective to people times cost.
    start : numpy.ndarray of float
        The incumbent, as columns.
    """

    mip: Mip
    sites: Ints
    forced: Bools
    base: float
    scale: float
    start: Floats


def remaining(  # noqa: PLR0913, PLR0915 - one model, laid column by column
    model: SitingModel,
    goal: Goal,
    core: Medians,
    *,
    shut: Bools,
    forced: Bools,
    incumbent: Bools,
    unserved_most: float,
    penalty: float,
    most: int,
) -> Remaining | None:
    """Return the mixed-integer model of the sites that are neither decided shut nor open.

    Parameters
    ----------
    model : SitingModel
    goal : Goal
    core : Medians
    shut, forced : numpy.ndarray of bool, shape (m,)
        Free sites that are proven shut or open in any better choice.
    incumbent : numpy.ndarray of bool, shape (m,)
    unserved_most : float
        The most people, of the core's points, that may go unserved.
    penalty : float
        Cost of a person unserved, at least the largest of a person served.
    most : int
        Pairs left above which no model is laid.

    Returns
    -------
    Remaining or None
    """
    count = core.weights.size
    row = np.repeat(np.arange(count), np.diff(core.starts))
    opened = forced[core.heads]
    known = core.fixed.copy()
    np.minimum.at(known, row[opened], core.cost[opened])
    alone = ~np.isfinite(known)
    fallback = np.where(alone, penalty, known)
    left = ~(shut | forced)[core.heads] & (core.cost < known[row])
    if np.count_nonzero(left) > most:
        return None
    row, head, cost = row[left], core.heads[left], core.cost[left]
    sites = np.flatnonzero(~shut & ~forced)
    column = np.full(shut.size, -1, np.int64)
    column[sites] = np.arange(sites.size)

    new_row = np.r_[True, row[1:] != row[:-1]] if row.size else np.empty(0, np.bool_)
    first = np.flatnonzero(new_row | np.r_[True, cost[1:] != cost[:-1]]) if row.size else row
    level = np.cumsum(np.isin(np.arange(row.size), first)) - 1
    level_row, level_cost = row[first], cost[first]
    opens_row = new_row[first]
    node, kind = _same_sets(head, row, first, shut.size)
    # What it costs more if none of the nearest is open: the step to the next cost.
    last = np.r_[level_row[1:] != level_row[:-1], True] if first.size else np.empty(0, np.bool_)
    onward = np.r_[level_cost[1:], 0.0] if first.size else level_cost
    onward = np.where(last, fallback[level_row], onward)
    weight = core.weights[level_row]
    base = float(weight[opens_row] @ level_cost[opens_row])
    without = np.setdiff1d(np.arange(count), level_row[opens_row])
    base += float(core.weights[without] @ fallback[without])
    size = kind.size
    step = np.bincount(node, weight * (onward - level_cost), minlength=size)
    lost = last & alone[level_row]

    chain = _chain(level, column[head], node, kind, opens_row, sites.size)
    parts, lowest, highest = [chain], [opens_row[kind].astype(float)], [np.full(size, np.inf)]
    for limited, bound in _limits(
        core, level_row[lost], node[lost], without[alone[without]], unserved_most
    ):
        line = csr_array(coo_array(limited, shape=(1, size)))
        parts.append(csr_array(hstack([csr_array((1, sites.size)), line], format="csr")))
        lowest.append(np.array([-np.inf]))
        highest.append(np.array([bound]))
    rules = site_rows(model, goal)
    stands = core.choice.fixed.copy()
    stands[core.sites[forced]] = True
    shift = rules.rows @ stands.astype(float)
    over = csr_array(rules.rows.tocsc()[:, core.sites[sites]])
    parts.append(csr_array(hstack([over, csr_array((over.shape[0], size))], format="csr")))
    lowest.append(rules.lower - shift)
    highest.append(rules.upper - shift)

    chosen = incumbent[sites].astype(float)
    opened_yet = _opened_before(incumbent[head], level, opens_row)
    start = np.r_[chosen, (~opened_yet[kind]).astype(float)]
    objective = base + float(step @ start[sites.size :])
    scale = SCALE / max(objective, 1e-300)
    columns = sites.size + size
    mip = Mip(
        cost=np.r_[np.zeros(sites.size), step] * scale,
        lower=np.zeros(columns),
        upper=np.ones(columns),
        integer=np.r_[np.ones(sites.size, np.bool_), np.zeros(size, np.bool_)],
        rows=csr_array(vstack(parts, format="csr")),
        row_lower=np.concatenate(lowest),
        row_upper=np.concatenate(highest),
    )
    return Remaining(mip=mip, sites=sites, forced=forced, base=base, scale=scale, start=start)


def whole_most(most: float, weights: Floats) -> float:
    """Return a limit of people that stands clear of every sum of them.

    A row that ends within the solver's tolerance beside a sum can cost it the best choice: where
    people are whole numbers the limit ends between two of them, else a hair above.

    Parameters
    ----------
    most : float
    weights : numpy.ndarray of float

    Returns
    -------
    float

    Examples
    --------
    >>> import numpy as np
    >>> whole_most(3.000001, np.array([1.0, 2.0])), whole_most(3.0, np.empty(0))
    (3.5, 3.5)
    >>> whole_most(3.0, np.array([0.5, 0.25]))
    3.000005
    """
    if np.all(weights == np.rint(weights)):
        return float(np.floor(most + 1e-3) + 0.5)
    return float(most + 1e-5 * weights.max(initial=0.0))


def _same_sets(head: NDArray[np.int32], row: Ints, first: Ints, count: int) -> tuple[Ints, Ints]:
    """Return which set of sites each level stands for, and a level of each set.

    Sets are told apart by two sums of 64 random bits a site: the order of sites is no matter.
    """
    if not first.size:
        return np.empty(0, np.int64), np.empty(0, np.int64)
    marks = np.random.default_rng(0).integers(0, 2**64, (2, count), dtype=np.uint64)
    ends = np.r_[first[1:], head.size] - 1
    begins = np.flatnonzero(np.r_[True, row[1:] != row[:-1]])
    of_row = np.searchsorted(begins, first, side="right") - 1
    keys = []
    for mark in marks:
        sums = np.cumsum(mark[head])
        before = np.r_[np.zeros(1, np.uint64), sums[begins[1:] - 1]]
        keys.append(sums[ends] - before[of_row])
    order = np.lexsort((np.arange(first.size), keys[1], keys[0]))
    fresh = np.r_[True, (np.diff(keys[0][order]) != 0) | (np.diff(keys[1][order]) != 0)]
    # Sets are numbered by where they first occur, so that no order of hashes shows.
    kind = order[fresh]
    rank = np.argsort(np.argsort(kind))
    node = np.empty(first.size, np.int64)
    node[order] = rank[np.cumsum(fresh) - 1]
    return node, np.sort(kind)


def _chain(
    level: Ints, column: Ints, node: Ints, kind: Ints, opens_row: Bools, sites: int
) -> csr_array:
    """Return the rows: none of these is open, unless one more of them is, or one before was."""
    size = kind.size
    shown = np.full(node.size, -1, np.int64)
    shown[kind] = np.arange(size)
    pair = np.flatnonzero(shown[level] >= 0) if level.size else level
    later = np.flatnonzero(~opens_row[kind])
    rows = np.r_[shown[level[pair]], np.arange(size), later]
    columns = np.r_[column[pair], sites + np.arange(size), sites + node[kind[later] - 1]]
    values = np.r_[np.ones(pair.size + size), np.full(later.size, -1.0)]
    return csr_array(coo_array((values, (rows, columns)), shape=(size, sites + size)))


def _limits(
    core: Medians, rows: Ints, nodes: Ints, without: Ints, unserved_most: float
) -> list[tuple[tuple[Floats, tuple[Ints, Ints]], float]]:
    """Return the rows of people who may go unserved: of all, and of each unit with a floor."""
    told = []
    weights, units = core.weights, core.units
    every = [(np.ones(rows.size, np.bool_), np.ones(without.size, np.bool_), unserved_most)]
    every += [
        (units[rows] == unit, units[without] == unit, float(core.lost_most[unit]))
        for unit in np.flatnonzero(np.isfinite(core.lost_most))
    ]
    for those, others, bound in every:
        if np.isinf(bound) or (not those.any() and not others.any()):
            continue
        bound -= float(weights[without[others]].sum())  # noqa: PLW2901 - what is left of it
        bound = whole_most(bound, weights[rows[those]])  # noqa: PLW2901 - off the sums
        scale = 1.0 / (float(weights[rows[those]].max(initial=0.0)) or 1.0)
        zero = np.zeros(int(those.sum()), np.int64)
        told.append(((weights[rows[those]] * scale, (zero, nodes[those])), bound * scale))
    return told


def _opened_before(opened: Bools, level: Ints, opens_row: Bools) -> Bools:
    """Return for each level whether one of its sites, or of a level before, is open."""
    here = np.bincount(level, opened, minlength=opens_row.size) > 0
    number = np.cumsum(here)
    begins = np.flatnonzero(opens_row)
    before = np.r_[0, number[begins[1:] - 1]] if begins.size else np.empty(0, np.int64)
    of_row = np.cumsum(opens_row) - 1
    return np.asarray(number > before[of_row], np.bool_)
