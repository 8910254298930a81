"""The covering problem that is left once nothing needless is in it, and the way back.

Step by step, each as long as it changes something: points that open sites serve are taken out;
points that see the same candidates become one group with their people added; groups that are
covered whenever another one is go; candidates in whose place another can always be opened go;
and the one candidate that can cover a group that must be covered is opened.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csc_array, csr_array, vstack

from servicecircle.siting.choice import choice_of, site_rows
from servicecircle.siting.merging import equal_rows, needless_columns, needless_rows
from servicecircle.siting.model import Goal, SitingModel

__all__ = ["Covering", "decided", "needed_people", "pattern", "reduced", "stated"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

_MOST_ROUNDS = 50
_SLACK = 1e-9


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Covering:
    """Groups of people, and the sites that are still to be decided.

    Least ``cost @ x`` (fewest) or most ``weights @ y`` (cover), ``y`` telling which groups are
    covered, under ``needs`` of people and ``lower <= side @ x <= upper``.

    Parameters
    ----------
    weights : numpy.ndarray of float, shape (g,)
        People of each group.
    must : numpy.ndarray of bool, shape (g,)
        Groups that have to be covered; their people are in ``base`` and out of ``needs`` already.
    need : numpy.ndarray of int64, shape (g,)
        The unit need that a group's people count for, -1 for none.
    reach : scipy.sparse.csr_array, shape (g, n)
        Which sites cover each group: values are 1, indices ascend.
    needs : numpy.ndarray of float, shape (f,)
        People that have to be covered of each unit need, above 0.
    total : float
        People that have to be covered of all groups; minus infinity for none.
    cost : numpy.ndarray of float, shape (n,)
        Of each site in the objective of ``fewest``; 0 for ``cover``.
    side : scipy.sparse.csr_array, shape (k, n)
    lower, upper : numpy.ndarray of float, shape (k,)
    columns : numpy.ndarray of int64, shape (n,)
        The candidate that each site is.
    opened : numpy.ndarray of bool, shape (c,)
        Candidates that are open whatever is decided.
    base : float
        What the objective has already: people, or cost (less than 0 where sites may be closed).
    maximise : bool
        Whether people are covered, rather than sites opened.
    need_units : numpy.ndarray of int64, shape (f,)
        The unit of each unit need.
    """

    weights: Floats
    must: Bools
    need: Ints
    reach: csr_array
    needs: Floats
    total: float
    cost: Floats
    side: csr_array
    lower: Floats
    upper: Floats
    columns: Ints
    opened: Bools
    base: float
    maximise: bool
    need_units: Ints

    @property
    def by_column(self) -> csc_array:
        """The groups that each site covers."""
        found = csc_array(self.reach)
        found.sort_indices()
        return found


def needed_people(share: float, people: float) -> float:
    """Return how many people a share asks for, less a slack for the rounding of sums.

    Examples
    --------
    >>> round(needed_people(0.9, 10.0), 6), needed_people(0.0, 10.0)
    (9.0, 0.0)
    """
    return max(0.0, share * people - _SLACK * people)


def pattern(pairs: csr_array, rows: Bools, columns: Bools) -> csr_array:
    """Return some rows and columns of the pairs with values of 1, a stored 0 included.

    Returns
    -------
    scipy.sparse.csr_array
        Of the rows kept, over the columns kept, in their order.
    """
    keep = columns[pairs.indices]
    if not rows.all():
        keep &= np.repeat(rows, np.diff(pairs.indptr))
    ends = np.concatenate([[0], np.cumsum(keep)])
    starts = ends[pairs.indptr]
    indptr = np.concatenate([[0], np.cumsum(np.diff(starts)[rows])])
    at = (np.cumsum(columns) - 1).astype(np.int32)[pairs.indices[keep]]
    ones = np.ones(at.size, np.int8)
    shape = (int(np.count_nonzero(rows)), int(np.count_nonzero(columns)))
    return csr_array((ones, at, indptr), shape=shape)


def stated(model: SitingModel, goal: Goal) -> Covering:
    """Return the covering problem of a model as it is stated, only equal points merged.

    Parameters
    ----------
    model : SitingModel
        Checked, with at least one free candidate or none: both are fine.
    goal : Goal
        Objective ``fewest`` or ``cover``.

    Returns
    -------
    Covering
        Points without people, points that sites open anyway serve, and points that no free
        candidate serves are left out of the groups.

    Examples
    --------
    >>> from servicecircle.siting.examples import three_sites
    >>> problem = stated(three_sites(), Goal(objective="cover", sites=1))
    >>> problem.weights.tolist(), problem.base, problem.columns.tolist()
    ([], 3.0, [1, 2])
    """
    choice = choice_of(model, goal)
    rows = site_rows(model, goal)
    held = rows.rows @ choice.fixed.astype(float)
    free = choice.free & ~_excluded(rows.rows, rows.upper - held, choice.free)
    served = _serves(model.pairs, choice.fixed)
    reachable = _serves(model.pairs, free)
    peopled = model.weights > 0
    weights = np.where(peopled, model.weights, 0.0)
    fewest = goal.objective == "fewest"
    need, needs, need_units, must = _unit_needs(model, served, peopled)
    total = -np.inf
    if fewest:
        if goal.share >= 1:
            must = peopled & ~served
            need, needs, need_units = np.full_like(need, -1), needs[:0], need_units[:0]
        else:
            total = needed_people(goal.share, float(weights.sum()))
            total -= float(weights[served].sum())
    total = total if total > 0 else -np.inf
    left = peopled & ~served & (reachable | must)
    if fewest and total == -np.inf:
        left &= must | (need >= 0)
    reach = pattern(model.pairs, left, free)
    counted = np.where(must, -1, need)[left]
    first, group = equal_rows(reach, counted + must[left] * (needs.size + 1))
    sure = float(weights[left & must].sum())
    total = total - sure if total - sure > 0 else -np.inf
    new = ~choice.existing
    closed_free = int(np.count_nonzero(choice.closable)) + choice.gone
    if not fewest:
        cost, base = np.zeros(int(free.sum())), float(weights[served].sum()) + sure
    elif goal.by_cost:
        cost = np.where(new, model.cost, 0.0)[free]
        base = float(model.cost[choice.fixed & new].sum())
    else:
        cost = np.ones(int(free.sum()))
        base = float(np.count_nonzero(choice.fixed & new) - closed_free)
    side, lower, upper = csr_array(rows.rows)[:, free], rows.lower - held, rows.upper - held
    if fewest and not goal.by_cost and closed_free:
        # A site is closed for another that is opened: no fewer than 0 further ones.
        side = csr_array(vstack([side, csr_array(np.ones((1, cost.size)))]))
        lower, upper = np.append(lower, -base), np.append(upper, np.inf)
    problem = Covering(
        weights=_people(group, weights[left], first.size),
        must=must[left][first],
        need=counted[first],
        reach=reach[first],
        needs=needs,
        total=total,
        cost=cost,
        side=side,
        lower=lower,
        upper=upper,
        columns=np.flatnonzero(free),
        opened=choice.fixed.copy(),
        base=base,
        maximise=not fewest,
        need_units=need_units,
    )
    return _settled(problem)


def reduced(problem: Covering) -> Covering:
    """Return the problem without what cannot change its best answer.

    Parameters
    ----------
    problem : Covering

    Returns
    -------
    Covering
        With an optimum as good, each of its answers an answer of the given problem. The proofs
        stand with :func:`needless_rows` and :func:`needless_columns`.

    Examples
    --------
    Three points in a row, each within reach of its own and the neighbouring site: the middle one
    serves all, and is opened.

    >>> import dataclasses, numpy as np
    >>> from servicecircle.siting.examples import three_sites
    >>> from servicecircle.siting.model import Goal
    >>> pairs = csr_array(np.array([[1.0, 2.0, 0.0], [2.0, 1.0, 2.0], [0.0, 2.0, 1.0]]))
    >>> none = np.zeros(3, bool)
    >>> model = dataclasses.replace(three_sites(), pairs=pairs, kept=none, closable=none)
    >>> problem = reduced(stated(model, Goal(objective="fewest")))
    >>> problem.columns.size, problem.opened.tolist(), problem.base
    (0, [False, True, False], 1.0)
    """
    for _ in range(_MOST_ROUNDS):
        before = problem.reach.shape
        problem = _forced(problem)
        problem = _opened(_without_columns(_without_rows(problem)))
        if problem.reach.shape == before:
            break
        problem = _merged(problem)
    return problem


def _people(group: Ints, weights: Floats, groups: int) -> Floats:
    return np.asarray(np.bincount(group, weights, groups), np.float64)


def _serves(pairs: csr_array, columns: Bools) -> Bools:
    """Return which points some of these candidates serve."""
    sums = np.concatenate([[0], np.cumsum(columns[pairs.indices])])
    return np.asarray(np.diff(sums[pairs.indptr]) > 0)


def _excluded(rows: csr_array, upper: Floats, free: Bools) -> Bools:
    """Return the candidates that break a limit all by themselves."""
    number = np.repeat(np.arange(rows.shape[0]), np.diff(rows.indptr))
    over = rows.data > upper[number] + _SLACK * np.maximum(1.0, np.abs(upper[number]))
    out = np.zeros(free.size, np.bool_)
    out[rows.indices[over]] = True
    return out & free


def _unit_needs(
    model: SitingModel, served: Bools, peopled: Bools
) -> tuple[Ints, Floats, Ints, Bools]:
    """Return the need of each point, the people of each, their units, and who must be covered."""
    units = model.floors.size
    at = np.where(model.units >= 0, model.units, units)
    people = np.bincount(at, model.weights, units + 1)[:units]
    have = np.bincount(at[served], model.weights[served], units + 1)[:units]
    floors = np.nan_to_num(model.floors, nan=0.0)
    wanted = [needed_people(*pair) for pair in zip(floors.tolist(), people.tolist(), strict=True)]
    short = np.asarray(wanted, np.float64) - have
    whole = np.append(floors >= 1, False)
    active = np.flatnonzero((short > 0) & (floors < 1))
    number = np.full(units + 1, -1, np.int64)
    number[active] = np.arange(active.size)
    must = whole[at] & peopled & ~served
    return number[at], short[active], active, must


def _settled(problem: Covering) -> Covering:
    """Return the problem with its limits told apart: those that hold anyway are left out."""
    side = problem.side
    most = np.asarray(side.sum(axis=1)).ravel() if side.shape[0] else np.empty(0)
    slack = _SLACK * np.maximum(1.0, np.abs(most))
    lower = np.where(problem.lower <= 0, -np.inf, problem.lower)
    upper = np.where(most <= problem.upper + slack, np.inf, problem.upper)
    # A limit that nothing can meet stays, for the reasons to be told.
    keep = np.isfinite(lower) | np.isfinite(upper)
    return dataclasses.replace(
        problem, side=csr_array(side[keep]), lower=lower[keep], upper=upper[keep]
    )


def _taken(problem: Covering, rows: Bools, columns: Bools) -> Covering:
    """Return the problem of some groups and sites."""
    return dataclasses.replace(
        problem,
        weights=problem.weights[rows],
        must=problem.must[rows],
        need=problem.need[rows],
        reach=pattern(problem.reach, rows, columns),
        cost=problem.cost[columns],
        side=csr_array(problem.side[:, columns]),
        columns=problem.columns[columns],
    )


def _counted(problem: Covering, rows: Bools) -> Covering:
    """Return the problem once groups count as covered; they stay in its rows."""
    rows = rows & ~problem.must
    people = float(problem.weights[rows].sum())
    at = rows & (problem.need >= 0)
    needs = problem.needs - np.bincount(
        problem.need[at], problem.weights[at], problem.needs.size
    )  # fmt: skip
    base = problem.base + people if problem.maximise else problem.base
    total = problem.total - people
    done = needs <= 0
    number = np.append(np.where(done, -1, np.cumsum(~done) - 1), -1)
    return dataclasses.replace(
        problem,
        needs=needs[~done],
        need=number[problem.need],
        need_units=problem.need_units[~done],
        total=total if total > 0 else -np.inf,
        base=base,
    )


def _forced(problem: Covering) -> Covering:
    """Return the problem with groups that must be covered marked: needs cannot be met without them.

    So a share that only all whom any candidate reaches attain is a set covering of them.
    """
    free = ~problem.must
    forced = np.zeros_like(free)
    if np.isfinite(problem.total):
        spare = float(problem.weights[free].sum()) - problem.total
        forced |= free & (problem.weights > spare) & (spare >= 0)
    counted = free & (problem.need >= 0)
    if counted.any():
        at = problem.need[counted]
        spares = np.bincount(at, problem.weights[counted], problem.needs.size) - problem.needs
        forced[counted] |= (problem.weights[counted] > spares[at]) & (spares[at] >= 0)
    if not forced.any():
        return problem
    problem = _counted(problem, forced)
    problem = dataclasses.replace(
        problem, must=problem.must | forced, need=np.where(forced, -1, problem.need)
    )
    if problem.maximise or np.isfinite(problem.total):
        return problem
    asked = problem.must | (problem.need >= 0)
    return _taken(problem, asked, np.ones(problem.columns.size, np.bool_))


def _without_rows(problem: Covering) -> Covering:
    if not problem.must.any():
        return problem
    needless = needless_rows(problem.reach, problem.by_column, problem.must)
    if not needless.any():
        return problem
    every = np.ones(problem.columns.size, np.bool_)
    return _taken(_counted(problem, needless), ~needless, every)


def _without_columns(problem: Covering) -> Covering:
    sides = (csc_array(problem.side), problem.lower, problem.upper)
    sides[0].sort_indices()
    needless = needless_columns(problem.reach, problem.by_column, problem.cost, sides)
    if not needless.any():
        return problem
    every = np.ones(problem.weights.size, np.bool_)
    return _settled(_taken(problem, every, ~needless))


def decided(problem: Covering, *, shut: Bools, opened: Bools) -> Covering:
    """Return the problem once some sites are open and some are not.

    Parameters
    ----------
    problem : Covering
    shut, opened : numpy.ndarray of bool, shape (n,)

    Returns
    -------
    Covering
        A limit that the opened ones break stays, and nothing can keep it.

    Examples
    --------
    >>> from servicecircle.siting.examples import three_sites
    >>> problem = stated(three_sites(), Goal(objective="cover", sites=1))
    >>> first, second = np.array([True, False]), np.array([False, True])
    >>> left = decided(problem, shut=first, opened=second)
    >>> left.columns.size, left.opened.tolist()
    (0, [True, False, True])
    """
    covered = _serves(problem.reach, opened)
    held = problem.side @ opened.astype(float)
    now_open = problem.opened.copy()
    now_open[problem.columns[opened]] = True
    problem = _counted(problem, covered)
    base = problem.base + float(problem.cost[opened].sum())
    lower, upper = problem.lower - held, problem.upper - held
    problem = dataclasses.replace(problem, opened=now_open, base=base, lower=lower, upper=upper)
    problem = _taken(problem, ~covered, ~(opened | shut))
    out = _excluded(problem.side, upper, np.ones(problem.columns.size, np.bool_))
    return _settled(_taken(problem, np.ones(problem.weights.size, np.bool_), ~out))


def _opened(problem: Covering) -> Covering:
    """Return the problem with the only site of a group that must be covered opened."""
    alone = problem.must & (np.diff(problem.reach.indptr) == 1)
    if not alone.any():
        return problem
    chosen = np.zeros(problem.columns.size, np.bool_)
    chosen[problem.reach.indices[problem.reach.indptr[:-1][alone]]] = True
    return decided(problem, shut=np.zeros_like(chosen), opened=chosen)


def _merged(problem: Covering) -> Covering:
    """Return the problem with equal groups merged, and groups that nobody covers taken out."""
    seen = np.diff(problem.reach.indptr) > 0
    if not (seen | problem.must).all():
        every = np.ones(problem.columns.size, np.bool_)
        problem = _taken(problem, seen | problem.must, every)
    keys = problem.need + problem.must * (problem.needs.size + 1)
    first, group = equal_rows(problem.reach, keys)
    return dataclasses.replace(
        problem,
        weights=_people(group, problem.weights, first.size),
        must=problem.must[first],
        need=problem.need[first],
        reach=csr_array(problem.reach[first]),
    )
