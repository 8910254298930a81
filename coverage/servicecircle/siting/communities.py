"""The fewest sites that let the people of units reach a basket of layers in a mean time."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array, csr_array, vstack

from servicecircle.measure.access import SLACK, reaches
from servicecircle.siting.amounts import AmountsAnswer
from servicecircle.siting.highs import Mip, solve_mip

__all__ = ["Communities", "fewest_for_communities", "mean_times"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

_LARGEST = 400_000
_FAR = 4.0


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Communities:
    """People of units, how long they take to each layer, and to each candidate.

    A point of demand is a row for each layer; a new site offers all of them.

    Parameters
    ----------
    weights : numpy.ndarray of float, shape (d,)
        People, more than 0.
    tasks : numpy.ndarray of int64, shape (d,)
        Layer and unit of each row as one number: layer times ``units`` plus unit.
    units : int
    taken : numpy.ndarray of float, shape (d,)
        To the nearest that exists; infinite without a way.
    pairs : scipy.sparse.csr_array, shape (d, c)
        To each candidate.
    limit : float
        Mean time of a unit to a layer at most.
    wanted : int
        So many units have to keep it.
    free, mandatory : numpy.ndarray of bool, shape (c,)
    cost : numpy.ndarray of float, shape (c,)
    apart : numpy.ndarray of int64, shape (k, 2)
    """

    weights: Floats
    tasks: Ints
    units: int
    taken: Floats
    pairs: csr_array
    limit: float
    wanted: int
    free: Bools
    mandatory: Bools
    cost: Floats
    apart: Ints


def mean_times(problem: Communities, chosen: Bools) -> Floats:
    """Return the mean time of each unit to the layer that takes longest.

    Parameters
    ----------
    problem : Communities
    chosen : numpy.ndarray of bool, shape (c,)
        New sites that are open.

    Returns
    -------
    numpy.ndarray of float, shape (u,)
        Infinite where somebody has no way; NaN without people.

    Examples
    --------
    >>> problem = Communities(
    ...     weights=np.array([1.0, 3.0]), tasks=np.array([0, 0]), units=2,
    ...     taken=np.array([100.0, np.inf]), pairs=csr_array(np.array([[50.0], [80.0]])),
    ...     limit=90.0, wanted=1, free=np.ones(1, bool), mandatory=np.zeros(1, bool),
    ...     cost=np.ones(1), apart=np.empty((0, 2), int),
    ... )
    >>> [mean_times(problem, np.array([one])).tolist() for one in (True, False)]
    [[72.5, nan], [inf, nan]]
    """
    taken = _times(problem, chosen)
    count = _task_count(problem)
    people = np.bincount(problem.tasks, problem.weights, minlength=count)
    total = np.bincount(problem.tasks, problem.weights * taken, minlength=count)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = total / people
    found: Floats = np.fmax.reduce(mean.reshape(-1, max(problem.units, 1)), axis=0)
    return found


def _task_count(problem: Communities) -> int:
    layers = int(problem.tasks.max(initial=0)) // max(problem.units, 1) + 1
    return layers * max(problem.units, 1)


def _times(problem: Communities, chosen: Bools) -> Floats:
    pairs = problem.pairs
    row = np.repeat(np.arange(pairs.shape[0]), np.diff(pairs.indptr))
    inside = chosen[pairs.indices]
    taken = problem.taken.copy()
    np.minimum.at(taken, row[inside], pairs.data[inside])
    return taken


def fewest_for_communities(
    problem: Communities, *, by_cost: bool = False, seconds: float = 60.0, gap: float = 0.0
) -> AmountsAnswer:
    """Return the fewest sites with which so many units keep the mean time.

    A first choice adds, site by site, what takes most off the times that are too long, and leaves
    out again what is not needed. The model (each person of a unit that is to keep the time goes to
    what exists or to one open site; the mean of the unit is at most the limit) is solved by HiGHS
    where it has at most 400,000 ways; beyond, the first choice stands without proof.

    Parameters
    ----------
    problem : Communities
    by_cost : bool
    seconds, gap : float

    Returns
    -------
    AmountsAnswer

    Examples
    --------
    >>> problem = Communities(
    ...     weights=np.array([1.0, 3.0]), tasks=np.array([0, 0]), units=1,
    ...     taken=np.array([100.0, np.inf]), limit=90.0, wanted=1,
    ...     pairs=csr_array(np.array([[50.0, 0.0], [95.0, 91.0]])), free=np.ones(2, bool),
    ...     mandatory=np.zeros(2, bool), cost=np.ones(2), apart=np.empty((0, 2), int),
    ... )
    >>> found = fewest_for_communities(problem)
    >>> found.status, found.chosen.tolist(), found.bound
    ('optimal', [True, False], 1.0)
    >>> from dataclasses import replace
    >>> fewest_for_communities(replace(problem, limit=80.0)).status
    'infeasible'
    """
    began = time.perf_counter()
    met = _passing(problem, np.zeros(problem.free.size, bool))
    best = _passing(problem, problem.free)
    lacking = np.flatnonzero(~best & _peopled(problem))
    if int(best.sum()) < problem.wanted:
        return _told("infeasible", problem, None, np.nan, lacking, "counted", began, by_cost)
    chosen = _greedy(problem)
    useful = _useful(problem)
    if int(useful.sum()) + int(np.isfinite(problem.taken).sum()) > _LARGEST:
        least = 0.0 if by_cost or problem.wanted <= int(met.sum()) else 1.0
        return _told("feasible", problem, chosen, least, lacking, "greedy", began, by_cost)
    model, sites = _model(problem, useful, met, best, by_cost=by_cost)
    start = None if chosen is None else _start(problem, model, sites, useful, met, best, chosen)
    found = solve_mip(model, start=start, seconds=seconds, gap=gap)
    if found.values is not None:
        chosen = np.zeros(problem.free.size, bool)
        chosen[sites] = np.rint(found.values[: sites.size]) > 0
    return _told(
        found.status, problem, chosen, found.bound, lacking, "greedy+highs", began, by_cost
    )


def _told(
    status: str,
    problem: Communities,
    chosen: Bools | None,
    bound: float,
    lacking: Ints,
    method: str,
    began: float,
    by_cost: bool,
) -> AmountsAnswer:
    there = np.zeros(problem.free.size, bool) if chosen is None else chosen
    price = float(problem.cost[there].sum()) if by_cost else float(there.sum())
    if chosen is None and status == "feasible":
        status = "no_answer"
    return AmountsAnswer(
        status=status,  # type: ignore[arg-type]  # one of the four
        chosen=there,
        units=_passing(problem, there),
        objective=price if status in {"optimal", "feasible"} else np.nan,
        bound=bound,
        lacking=lacking,
        method=method,
        seconds=time.perf_counter() - began,
    )


def _peopled(problem: Communities) -> Bools:
    unit = problem.tasks % max(problem.units, 1)
    return np.bincount(unit, minlength=problem.units)[: problem.units] > 0


def _passing(problem: Communities, chosen: Bools) -> Bools:
    mean = mean_times(problem, chosen)[: problem.units]
    return reaches(mean, problem.limit)


def _useful(problem: Communities) -> Bools:
    """Return which ways to candidates are shorter than the way there is."""
    pairs = problem.pairs
    row = np.repeat(np.arange(pairs.shape[0]), np.diff(pairs.indptr))
    found: Bools = problem.free[pairs.indices] & (pairs.data < problem.taken[row])
    return found


def _greedy(problem: Communities) -> Bools | None:
    """Add what takes most off the times that are too long; then leave out what is not needed."""
    pairs, weights = problem.pairs, problem.weights
    chosen = problem.mandatory & problem.free
    blocked = _near(problem.apart, chosen)
    row = np.repeat(np.arange(pairs.shape[0]), np.diff(pairs.indptr))
    count = _task_count(problem)
    people = np.bincount(problem.tasks, weights, minlength=count)
    far = _FAR * problem.limit * max(float(people.max(initial=1.0)), 1.0)
    while int(_passing(problem, chosen).sum()) < problem.wanted:
        taken = np.minimum(_times(problem, chosen), far)
        over = np.bincount(problem.tasks, weights * taken, minlength=count)
        over = np.maximum(over - problem.limit * people, 0.0)
        saved = weights[row] * np.maximum(taken[row] - pairs.data, 0.0)
        key = pairs.indices.astype(np.int64) * count + problem.tasks[row]
        keys, at = np.unique(key, return_inverse=True)
        less = np.minimum(np.bincount(at, saved), over[keys % count])
        gain = np.bincount(keys // count, less, minlength=chosen.size)
        gain[chosen | blocked | ~problem.free] = -1.0
        site = int(gain.argmax()) if gain.size else -1
        if site < 0 or not gain[site] > 0.0:
            return None
        chosen[site] = True
        blocked |= _near(problem.apart, chosen)
    for site in np.flatnonzero(chosen & ~problem.mandatory).tolist():
        chosen[site] = False
        if int(_passing(problem, chosen).sum()) < problem.wanted:
            chosen[site] = True
    return chosen


def _near(apart: Ints, chosen: Bools) -> Bools:
    found = np.zeros(chosen.size, bool)
    pairs = apart.reshape(-1, 2)
    for one, other in ((0, 1), (1, 0)):
        found[pairs[chosen[pairs[:, one]], other]] = True
    return found


def _wanted_rows(problem: Communities, met: Bools, best: Bools) -> Ints:
    """Return the rows of units that do not keep the time and may."""
    unit = problem.tasks % max(problem.units, 1)
    return np.flatnonzero((best & ~met)[unit])


def _model(
    problem: Communities, useful: Bools, met: Bools, best: Bools, *, by_cost: bool
) -> tuple[Mip, Ints]:
    """Return the model; its columns: sites, units, ways to sites, ways to what exists."""
    pairs = problem.pairs
    rows = _wanted_rows(problem, met, best)
    number = np.full(problem.weights.size, -1, np.int64)
    number[rows] = np.arange(rows.size)
    entry_row = number[np.repeat(np.arange(pairs.shape[0]), np.diff(pairs.indptr))]
    ways = np.flatnonzero(useful & (entry_row >= 0))
    stays = np.flatnonzero(np.isfinite(problem.taken[rows]))
    sites = np.flatnonzero(problem.free)
    place = np.full(problem.free.size, -1, np.int64)
    place[sites] = np.arange(sites.size)
    units = np.flatnonzero(best & ~met)
    unit_place = np.full(problem.units, -1, np.int64)
    unit_place[units] = np.arange(units.size)
    s, u, w = sites.size, units.size, ways.size
    width = s + u + w + stays.size
    point, site = entry_row[ways], place[pairs.indices[ways]]
    task = problem.tasks[rows]
    unit = unit_place[task % max(problem.units, 1)]
    tasks, of_task = np.unique(task, return_inverse=True)
    weight = problem.weights[rows]
    way, stay = s + u + np.arange(w), s + u + w + np.arange(stays.size)

    def part(value: Floats, row: Ints, column: Ints, height: int) -> csr_array:
        return csr_array(coo_array((value, (row, column)), shape=(height, width)))

    one = np.ones
    goes = part(
        np.concatenate([one(w), one(stays.size), -one(rows.size)]),
        np.concatenate([point, stays, np.arange(rows.size)]),
        np.concatenate([way, stay, s + unit]),
        rows.size,
    )
    line = np.bincount(of_task, weight * (problem.limit + SLACK), minlength=tasks.size)
    mean = part(
        np.concatenate(
            [weight[point] * pairs.data[ways], (weight * problem.taken[rows])[stays], -line]
        ),
        np.concatenate([of_task[point], of_task[stays], np.arange(tasks.size)]),
        np.concatenate([way, stay, s + unit_place[tasks % max(problem.units, 1)]]),
        tasks.size,
    )
    opened = part(
        np.concatenate([one(w), -one(w)]),
        np.concatenate([np.arange(w), np.arange(w)]),
        np.concatenate([way, site]),
        w,
    )
    enough = part(one(u), np.zeros(u, np.int64), s + np.arange(u), 1)
    apart = problem.apart.reshape(-1, 2)
    apart = place[apart[problem.free[apart].all(axis=1)]].reshape(-1, 2)
    spaced = part(one(apart.size), np.repeat(np.arange(len(apart)), 2), apart.ravel(), len(apart))
    lower = np.zeros(width)
    lower[:s] = problem.mandatory[sites]
    infinite = np.inf
    further = float(problem.wanted - int(met.sum()))
    return Mip(
        cost=np.concatenate([problem.cost[sites] if by_cost else one(s), np.zeros(width - s)]),
        lower=lower,
        upper=np.ones(width),
        integer=np.arange(width) < s + u,
        rows=csr_array(vstack([goes, mean, opened, enough, spaced], format="csr")),
        row_lower=np.concatenate(
            [
                np.zeros(rows.size),
                np.full(tasks.size + w, -infinite),
                [further],
                np.full(len(apart), -infinite),
            ]
        ),
        row_upper=np.concatenate(
            [
                np.full(rows.size, infinite),
                np.zeros(tasks.size + w),
                [infinite],
                np.ones(len(apart)),
            ]
        ),
    ), sites


def _start(
    problem: Communities,
    model: Mip,
    sites: Ints,
    useful: Bools,
    met: Bools,
    best: Bools,
    chosen: Bools,
) -> Floats:
    """Return the first choice as values of the model's columns."""
    pairs = problem.pairs
    rows = _wanted_rows(problem, met, best)
    number = np.full(problem.weights.size, -1, np.int64)
    number[rows] = np.arange(rows.size)
    entry_row = number[np.repeat(np.arange(pairs.shape[0]), np.diff(pairs.indptr))]
    ways = np.flatnonzero(useful & (entry_row >= 0))
    units = np.flatnonzero(best & ~met)
    passing = _passing(problem, chosen)
    values = np.zeros(model.cost.size)
    values[: sites.size] = chosen[sites]
    values[sites.size : sites.size + units.size] = passing[units]
    # Everybody of a unit that keeps the time goes the shortest way.
    point, cost = entry_row[ways], pairs.data[ways]
    served = passing[problem.tasks[rows] % max(problem.units, 1)]
    order = np.lexsort((cost, point))
    order = order[chosen[pairs.indices[ways[order]]] & served[point[order]]]
    first = order[np.unique(point[order], return_index=True)[1]]
    base = sites.size + units.size
    values[base + first] = 1.0
    stays = np.flatnonzero(np.isfinite(problem.taken[rows]))
    goes = np.zeros(rows.size, bool)
    goes[point[first]] = True
    values[base + ways.size :] = (served & ~goes)[stays]
    return values
