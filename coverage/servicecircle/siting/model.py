"""What a siting study is about: people, candidates, what is wanted, and what was found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

__all__ = ["OBJECTIVES", "Answer", "Goal", "Objective", "SitingModel", "Status"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

Objective = Literal["fewest", "cover", "mean", "worst", "cover_then_mean"]
OBJECTIVES: tuple[Objective, ...] = ("fewest", "cover", "mean", "worst", "cover_then_mean")
Status = Literal["optimal", "feasible", "infeasible", "no_answer"]


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class SitingModel:
    """Demand, candidates, and what each candidate is within reach of.

    Several services in one site are rows of demand for each service: a candidate that is opened
    serves all of them.

    Parameters
    ----------
    weights : numpy.ndarray of float, shape (d,)
        People at each demand point, 0 or more.
    pairs : scipy.sparse.csr_array, shape (d, c)
        Cost (metres or seconds) from each point to each candidate within the limit; candidates
        ascend in a row; a stored 0 is a cost of 0.
    kept : numpy.ndarray of bool, shape (c,)
        Existing sites, open whatever is chosen, at no cost and outside the number of new sites,
        unless ``closable``.
    closable : numpy.ndarray of bool, shape (c,)
        Existing sites that may be closed, or moved: one is closed for another that is opened.
    mandatory, forbidden : numpy.ndarray of bool, shape (c,)
        Candidates that have to be opened, and that must not be.
    cost : numpy.ndarray of float, shape (c,)
        Of opening each candidate, 0 or more; of existing ones 0.
    capacity : numpy.ndarray of float, shape (c,)
        People that each can serve; infinite where it has no bound.
    units : numpy.ndarray of int64, shape (d,)
        Unit of each point, -1 for none.
    site_units : numpy.ndarray of int64, shape (c,)
        Unit of each candidate, -1 for none.
    floors : numpy.ndarray of float, shape (u,)
        Least share (0 to 1) of each unit's people that has to be covered; NaN for none.
    presence : numpy.ndarray of int64, shape (u,)
        Least number of open sites in each unit, existing ones included; 0 for none.
    apart : numpy.ndarray of int64, shape (k, 2)
        Candidates of which at most one may be open, since they are closer than a least spacing.
    """

    weights: Floats
    pairs: csr_array
    kept: Bools
    closable: Bools
    mandatory: Bools
    forbidden: Bools
    cost: Floats
    capacity: Floats
    units: Ints
    site_units: Ints
    floors: Floats
    presence: Ints
    apart: Ints


@dataclass(frozen=True, slots=True, kw_only=True)
class Goal:
    """What is wanted of a siting study.

    Parameters
    ----------
    objective : {"fewest", "cover", "mean", "worst", "cover_then_mean"}
        Fewest new sites (or least cost) that cover ``share`` of all people and the floors of units
        (location set covering); most people covered by ``sites`` new sites or a ``budget``
        (maximal covering); least mean cost of a person to the nearest open site (p-median), where
        those whom nobody reaches within the limit come first: as few of them as can be; least
        cost of the person worst off (p-center), likewise; or most people covered, and among such
        choices the least mean cost.
    sites : int, optional
        At most so many new sites.
    budget : float, optional
        At most so much for all new sites.
    share : float
        Of all people, 0 to 1, for ``fewest``.
    by_cost : bool
        Whether ``fewest`` means the least cost rather than the smallest number.
    closings : int
        At most so many closable existing sites are closed; each frees one more new site.
    """

    objective: Objective
    sites: int | None = None
    budget: float | None = None
    share: float = 1.0
    by_cost: bool = False
    closings: int = 0


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Answer:
    """What was found, and how far from the best possible it can be.

    Parameters
    ----------
    status : {"optimal", "feasible", "infeasible", "no_answer"}
        Feasible: time ran out before the gap closed. No answer: before anything was found.
    open : numpy.ndarray of bool, shape (c,)
        Sites that are open, kept ones included.
    objective : float
        Number or cost of new sites, people covered, mean cost, or cost of the person worst off;
        NaN without an answer.
    bound : float
        No choice is better than this.
    gap : float
        ``abs(objective - bound) / max(abs(objective), abs(bound))``, 0 where both are 0; NaN
        without an answer.
    served : numpy.ndarray of float, shape (d,)
        People of each point that are served: all or none, or a part where capacities bind.
    site : numpy.ndarray of int64, shape (d,)
        The nearest open site within the limit (the lowest number among equals), or with capacities
        the one that serves most of the point's people; -1 for none.
    seconds : float
        That solving took.
    method : str
        How it was found: ``reduced``, ``highs``, ``greedy``, ``exchange``, ``lagrange`` …, joined
        by ``+``.
    reasons : tuple of (str, numpy.ndarray of int64)
        Why there is no answer: a key and the points, units or candidates that it is of.
    steps : tuple of (str, float, float)
        Where one thing comes before another: name, value and bound of each. Objective, bound and
        gap are those of the last step, among the choices that are as good in those before.
    """

    status: Status
    open: Bools
    objective: float
    bound: float
    gap: float
    served: Floats
    site: Ints
    seconds: float
    method: str
    reasons: tuple[tuple[str, Ints], ...] = ()
    steps: tuple[tuple[str, float, float], ...] = ()
