"""The fewest sites that give units, or so many of them, what they lack."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array, csr_array, vstack

from servicecircle.siting.highs import Mip, solve_mip

__all__ = ["Amounts", "AmountsAnswer", "fewest_for_amounts"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

_RELATIVE = 1e-9


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Amounts:
    """What units lack, and what candidates in them bring.

    Parameters
    ----------
    need : numpy.ndarray of float, shape (u,)
        What each unit lacks, 0 where it lacks nothing; NaN where that is not known.
    wanted : int
        So many of the units have to lack nothing in the end.
    bonus : numpy.ndarray of float, shape (u,)
        Which of two units to prefer where both take as many sites: the greater one.
    size : numpy.ndarray of float, shape (c,)
        What each candidate brings to its unit.
    site_units : numpy.ndarray of int64, shape (c,)
        Unit of each candidate, -1 where it brings nothing to any.
    free : numpy.ndarray of bool, shape (c,)
        Candidates that may be opened.
    mandatory : numpy.ndarray of bool, shape (c,)
        Those of ``free`` that have to be.
    cost : numpy.ndarray of float, shape (c,)
    apart : numpy.ndarray of int64, shape (k, 2)
        Candidates of which at most one may be open.
    """

    need: Floats
    wanted: int
    bonus: Floats
    size: Floats
    site_units: Ints
    free: Bools
    mandatory: Bools
    cost: Floats
    apart: Ints


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class AmountsAnswer:
    """The fewest sites, or the cheapest ones.

    Parameters
    ----------
    status : {"optimal", "feasible", "infeasible", "no_answer"}
    chosen : numpy.ndarray of bool, shape (c,)
    units : numpy.ndarray of bool, shape (u,)
        Units that lack nothing in the end.
    objective, bound : float
        Number or cost of the sites, and what no choice is below.
    lacking : numpy.ndarray of int64
        Units that not even all candidates together can serve.
    method : str
    seconds : float
    """

    status: Literal["optimal", "feasible", "infeasible", "no_answer"]
    chosen: Bools
    units: Bools
    objective: float
    bound: float
    lacking: Ints
    method: str
    seconds: float


def fewest_for_amounts(
    amounts: Amounts, *, by_cost: bool = False, seconds: float = 60.0, gap: float = 0.0
) -> AmountsAnswer:
    """Return the fewest candidates (or the cheapest) that give so many units what they lack.

    Where no two candidates exclude each other, none is mandatory and all that counts is their
    number, units are served one by one, the largest candidates first, and those units are taken
    that need the fewest: what one unit takes has nothing to do with another, and of a number of
    candidates in a unit the largest bring most, so that no choice has fewer. Else the model is
    solved by HiGHS.

    Parameters
    ----------
    amounts : Amounts
    by_cost : bool
    seconds, gap : float
        As for :func:`servicecircle.siting.highs.solve_mip`.

    Returns
    -------
    AmountsAnswer

    Examples
    --------
    Two of three units, which lack 50, 30 and 20 beds, are to lack none:

    >>> some = Amounts(
    ...     need=np.array([50.0, 30.0, 20.0]), wanted=2, bonus=np.zeros(3),
    ...     size=np.array([40.0, 20.0, 30.0, 10.0]), site_units=np.array([0, 0, 1, 2]),
    ...     free=np.ones(4, bool), mandatory=np.zeros(4, bool), cost=np.array([1.0, 1, 5, 1]),
    ...     apart=np.empty((0, 2), int),
    ... )
    >>> found = fewest_for_amounts(some)
    >>> found.chosen.tolist(), found.objective, found.lacking.tolist()
    ([True, True, True, False], 3.0, [2])
    >>> from dataclasses import replace
    >>> fewest_for_amounts(replace(some, wanted=3)).status
    'infeasible'
    >>> fewest_for_amounts(replace(some, wanted=0)).objective
    0.0
    """
    began = time.perf_counter()
    need = amounts.need
    able = np.bincount(
        amounts.site_units[_useful(amounts)],
        amounts.size[_useful(amounts)],
        minlength=need.size,
    )
    met = need <= 0.0
    reachable = met | (able >= need * (1.0 - _RELATIVE))
    lacking = np.flatnonzero(~reachable)
    further = amounts.wanted - int(met.sum())
    plain = not by_cost and not amounts.mandatory.any() and not _bound_pairs(amounts).size
    if int(reachable.sum()) < amounts.wanted:
        nothing = np.zeros(amounts.free.size, bool)
        return AmountsAnswer(
            status="infeasible",
            chosen=nothing,
            units=met,
            objective=np.nan,
            bound=np.nan,
            lacking=lacking,
            method="counted",
            seconds=time.perf_counter() - began,
        )
    if plain:
        chosen, units = _one_by_one(amounts, reachable & ~met, max(further, 0))
        number = float(chosen.sum())
        return AmountsAnswer(
            status="optimal",
            chosen=chosen,
            units=units | met,
            objective=number,
            bound=number,
            lacking=lacking,
            method="counted",
            seconds=time.perf_counter() - began,
        )
    return _solved(amounts, met, lacking, by_cost=by_cost, seconds=seconds, gap=gap, began=began)


def _useful(amounts: Amounts) -> Bools:
    return amounts.free & (amounts.site_units >= 0) & (amounts.size > 0.0)


def _bound_pairs(amounts: Amounts) -> Ints:
    """Return the pairs of candidates that may both be opened, but not together."""
    apart = amounts.apart.reshape(-1, 2)
    return apart[amounts.free[apart].all(axis=1)] if apart.size else apart


def _one_by_one(amounts: Amounts, open_units: Bools, further: int) -> tuple[Bools, Bools]:
    """Take the largest candidates of each unit, and the units that need the fewest."""
    sites = np.flatnonzero(_useful(amounts) & open_units[amounts.site_units])
    order = sites[np.lexsort((sites, -amounts.size[sites], amounts.site_units[sites]))]
    unit = amounts.site_units[order]
    first = np.searchsorted(unit, np.arange(amounts.need.size))
    total = np.concatenate([[0.0], np.cumsum(amounts.size[order])])
    before = total[:-1] - total[first[unit]]
    # A candidate is taken as long as those before it in its unit are not enough.
    taken = before < amounts.need[unit] * (1.0 - _RELATIVE) - _RELATIVE
    number = np.bincount(unit[taken], minlength=amounts.need.size)
    units = np.flatnonzero(open_units)
    best = units[np.lexsort((units, -amounts.bonus[units], number[units]))][:further]
    served = np.zeros(amounts.need.size, bool)
    served[best] = True
    chosen = np.zeros(amounts.free.size, bool)
    chosen[order[taken & served[unit]]] = True
    return chosen, served


def _solved(
    amounts: Amounts,
    met: Bools,
    lacking: Ints,
    *,
    by_cost: bool,
    seconds: float,
    gap: float,
    began: float,
) -> AmountsAnswer:
    """Solve the model: sites first, then units; among the fewest the units of most bonus."""
    sites = np.flatnonzero(amounts.free)
    candidate = np.flatnonzero(~met & ~np.isin(np.arange(met.size), lacking))
    price = amounts.cost[sites] if by_cost else np.ones(sites.size)
    model = _model(amounts, sites, candidate, price, int(met.sum()))
    found = solve_mip(model, seconds=0.7 * seconds, gap=gap)
    values = found.values
    if values is not None and found.status == "optimal":
        again = _bonus_model(model, amounts, sites.size, candidate, found.objective)
        better = solve_mip(again, start=values, seconds=0.3 * seconds)
        values = better.values if better.values is not None else values
    chosen = np.zeros(amounts.free.size, bool)
    units = met.copy()
    if values is not None:
        chosen[sites[np.rint(values[: sites.size]) > 0]] = True
        brought = np.bincount(
            amounts.site_units[chosen & _useful(amounts)],
            amounts.size[chosen & _useful(amounts)],
            minlength=met.size,
        )
        units |= brought >= amounts.need * (1.0 - _RELATIVE)
    return AmountsAnswer(
        status=found.status,
        chosen=chosen,
        units=units,
        objective=found.objective,
        bound=found.bound,
        lacking=lacking,
        method="highs",
        seconds=time.perf_counter() - began,
    )


def _model(amounts: Amounts, sites: Ints, units: Ints, price: Floats, met: int) -> Mip:
    """Return the model: what sites bring covers what chosen units lack; enough units chosen."""
    width = sites.size + units.size
    number = np.full(amounts.need.size, -1, np.int64)
    number[units] = np.arange(units.size)
    column = np.flatnonzero(_useful(amounts)[sites])
    row = number[amounts.site_units[sites[column]]]
    column, row = column[row >= 0], row[row >= 0]
    need = amounts.need[units] * (1.0 - _RELATIVE)
    brings = coo_array(
        (
            np.concatenate([amounts.size[sites[column]], -need]),
            (
                np.concatenate([row, np.arange(units.size)]),
                np.concatenate([column, sites.size + np.arange(units.size)]),
            ),
        ),
        shape=(units.size, width),
    )
    enough = coo_array(
        (np.ones(units.size), (np.zeros(units.size, int), sites.size + np.arange(units.size))),
        shape=(1, width),
    )
    place = np.full(amounts.free.size, -1, np.int64)
    place[sites] = np.arange(sites.size)
    pairs = place[_bound_pairs(amounts)].reshape(-1, 2)
    spaced = coo_array(
        (np.ones(pairs.size), (np.repeat(np.arange(len(pairs)), 2), pairs.ravel())),
        shape=(len(pairs), width),
    )
    lower = np.zeros(width)
    lower[: sites.size] = amounts.mandatory[sites]
    infinite = np.full(units.size + 1, np.inf)
    return Mip(
        cost=np.concatenate([price, np.zeros(units.size)]),
        lower=lower,
        upper=np.ones(width),
        integer=np.ones(width, bool),
        rows=csr_array(vstack([brings, enough, spaced], format="csr")),
        row_lower=np.concatenate(
            [np.zeros(units.size), [float(amounts.wanted - met)], np.full(len(pairs), -np.inf)]
        ),
        row_upper=np.concatenate([infinite, np.ones(len(pairs))]),
    )


def _bonus_model(model: Mip, amounts: Amounts, sites: int, units: Ints, price: float) -> Mip:
    """Return the model of the best units that as few sites, or as little money, can serve."""
    slack = _RELATIVE * max(1.0, abs(price)) + 1e-6
    # Each unit of its own counts a little, so that a bonus of 0 is no reason to leave it.
    bonus = np.concatenate([np.zeros(sites), amounts.bonus[units]])
    return Mip(
        cost=bonus,
        lower=model.lower,
        upper=model.upper,
        integer=model.integer,
        rows=csr_array(vstack([model.rows, csr_array(model.cost[None, :])], format="csr")),
        row_lower=np.append(model.row_lower, -np.inf),
        row_upper=np.append(model.row_upper, price + slack),
        maximise=True,
    )
