"""From people, candidates and what is asked to the model that is solved, and the way back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import csr_array, vstack

from servicecircle.siting.model import Goal, SitingModel
from servicecircle.siting.question import Question

__all__ = ["Built", "build_model", "without_columns"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Built:
    """A model, and what its rows and columns stand for.

    Parameters
    ----------
    question : Question
    model : SitingModel
    goal : Goal
    rows : numpy.ndarray of int64, shape (d,)
        Row of the demand table of each row of the model.
    service : numpy.ndarray of int64, shape (d,)
        Which of the question's layers each row of the model is of.
    candidates : pandas.DataFrame, length c
        As given.
    unit_ids : tuple of str
        Units of the question's level, by their number in the model: all of them for the people of
        the first layer, which sites are counted in too, then again for those of each further one.
    unreached : numpy.ndarray of int64
        Rows of the demand table of people whom no open or possible site reaches, by any layer.
    people : float
        Of all demand that counts, once for each layer.
    unreached_people : float
        Of them those whom nothing reaches; in the model only where a share is asked of all.
    """

    question: Question
    model: SitingModel
    goal: Goal
    rows: Ints
    service: Ints
    candidates: pd.DataFrame
    unit_ids: tuple[str, ...]
    unreached: Ints
    people: float
    unreached_people: float

    def lines(self, service: int) -> dict[str, float]:
        """Return the least share of each unit of which one is asked, for one of the layers."""
        count = len(self.unit_ids) // len(self.question.layers)
        mine = slice(service * count, (service + 1) * count)
        return {
            name: float(line)
            for name, line in zip(self.unit_ids[mine], self.model.floors[mine], strict=True)
            if not np.isnan(line)
        }


def build_model(
    question: Question,
    *,
    demand: pd.DataFrame,
    inside: Bools,
    units: pd.DataFrame,
    candidates: pd.DataFrame,
    pairs: Sequence[csr_array],
    apart: Ints | None = None,
) -> Built:
    """Return the model of a question.

    Parameters
    ----------
    question : Question
    demand : pandas.DataFrame, length n
        The column of the question's people, and ``unit_<level>``.
    inside : numpy.ndarray of bool, shape (n,)
        Who lies in the question's scope.
    units : pandas.DataFrame
        unit_id, level, should_have.
    candidates : pandas.DataFrame, length c
        source (``existing`` for sites that are there), cost, capacity, mandatory, forbidden,
        closable and ``unit_<level>``; of several layers also layer.
    pairs : sequence of csr_array, each of shape (n, c)
        For each layer of the question, the cost from each point to each candidate in reach.
    apart : numpy.ndarray of int64, shape (k, 2), optional
        Candidates of which at most one may be open.

    Returns
    -------
    Built

    Examples
    --------
    >>> demand = pd.DataFrame({"population": [5.0, 3.0, 2.0], "unit_township": ["a", "a", None]})
    >>> candidates = pd.DataFrame({
    ...     "source": ["existing", "grid"], "cost": [0.0, 1.0], "capacity": np.inf,
    ...     "mandatory": False, "forbidden": False, "closable": False,
    ...     "unit_township": ["a", "a"],
    ... })
    >>> question = Question(
    ...     layers=("canteen",), objective="fewest", limit=900.0, criterion="seconds",
    ...     profile="walk", people="population", level="township",
    ... )
    >>> near = csr_array(([10.0, 20.0], ([0, 1], [0, 1])), shape=(3, 2))
    >>> built = build_model(
    ...     question, demand=demand, inside=np.ones(3, bool), candidates=candidates, pairs=[near],
    ...     units=pd.DataFrame({"unit_id": ["a"], "level": "township", "should_have": True}),
    ... )
    >>> built.rows.tolist(), built.model.kept.tolist(), built.unreached.tolist()
    ([0, 1], [True, False], [2])
    >>> built.unreached_people
    2.0
    """
    people = demand[question.people].fillna(0.0).to_numpy(np.float64)
    counted = np.flatnonzero(np.asarray(inside, bool) & (people != 0.0))
    kept = (candidates["source"] == "existing").to_numpy(bool)
    forbidden = candidates["forbidden"].to_numpy(bool)
    parts, rows, services, missed = [], [], [], []
    for service, near in enumerate(pairs):
        within = without_columns(near[counted], forbidden)
        reached = np.diff(within.indptr) > 0
        missed.append(counted[~reached])
        mine = np.flatnonzero(reached) if _drop_unreached(question) else np.arange(counted.size)
        parts.append(within[mine])
        rows.append(counted[mine])
        services.append(np.full(mine.size, service, np.int64))
    row = np.concatenate(rows)
    joined = csr_array(vstack(parts, format="csr"))
    level = f"unit_{question.level}"
    mine_units = units[units["level"] == question.level]
    unit_ids = tuple(mine_units["unit_id"].astype(str))
    number = {name: at for at, name in enumerate(unit_ids)}
    weights = people[row] * (question.need if question.capacities else 1.0)
    service_of = np.concatenate(services)
    of_rows, of_sites = _numbers(demand, level, number)[row], _numbers(candidates, level, number)
    # Each layer is to keep the floors: what is too much of one makes up for nothing of another.
    of_rows = np.where(of_rows >= 0, of_rows + service_of * len(unit_ids), -1)
    unit_ids *= len(pairs)
    beyond = np.zeros(len(unit_ids) - len(number), np.int64)
    model = SitingModel(
        weights=weights,
        pairs=joined,
        kept=kept,
        closable=kept & candidates["closable"].to_numpy(bool) & (question.closings > 0),
        mandatory=candidates["mandatory"].to_numpy(bool),
        forbidden=forbidden,
        cost=np.where(kept, 0.0, candidates["cost"].to_numpy(np.float64)),
        capacity=candidates["capacity"].fillna(np.inf).to_numpy(np.float64)
        if question.capacities
        else np.full(len(candidates), np.inf),
        units=of_rows,
        site_units=of_sites,
        floors=_floors(question, of_rows, weights, len(unit_ids)),
        presence=np.concatenate([_presence(question, mine_units, candidates, of_sites), beyond]),
        apart=np.empty((0, 2), np.int64) if apart is None else apart,
    )
    share = question.share
    if share is None:
        share = 1.0 if question.everybody else 0.0
    goal = Goal(
        objective=question.objective,
        sites=question.sites,
        budget=question.budget,
        share=share,
        by_cost=question.by_cost,
        closings=question.closings,
    )
    nobody = np.concatenate(missed)
    built = Built(
        question=question,
        model=model,
        goal=goal,
        rows=row,
        service=service_of,
        candidates=candidates,
        unit_ids=unit_ids,
        unreached=np.unique(nobody),
        people=float(people[counted].sum() * len(pairs)),
        unreached_people=float(people[nobody].sum()),
    )
    return _as_far_as_possible(built) if question.where_possible else built


def without_columns(pairs: csr_array, gone: Bools) -> csr_array:
    """Return a matrix without the entries of some columns; its shape and stored zeros stay.

    Examples
    --------
    >>> pairs = csr_array(([0.0, 5.0], ([0, 0], [0, 1])), shape=(1, 2))
    >>> without_columns(pairs, np.array([False, True])).nnz
    1
    """
    stays = ~gone[pairs.indices]
    ends = np.concatenate([[0], np.cumsum(stays)])[pairs.indptr]
    return csr_array((pairs.data[stays], pairs.indices[stays], ends), shape=pairs.shape)


def _drop_unreached(question: Question) -> bool:
    """Tell whether those whom nothing reaches can be left out of the model.

    A share of all people, or of a unit's, is one of everybody, so that they have to stay.
    """
    return question.share is None and question.floor is None


def _numbers(table: pd.DataFrame, column: str, number: Mapping[str, int]) -> Ints:
    """Return the number of each row's unit, -1 for none."""
    if column not in table:
        return np.full(len(table), -1, np.int64)
    return np.asarray(table[column].map(number).fillna(-1), np.int64)


def _floors(question: Question, units: Ints, weights: Floats, count: int) -> Floats:
    """Return the least share of each unit; none where nobody lives."""
    floors = np.full(count, np.nan)
    if question.floor is not None:
        there = np.bincount(units[units >= 0], weights=weights[units >= 0], minlength=count) > 0.0
        floors[there] = question.floor
    return floors


def _presence(
    question: Question, units: pd.DataFrame, candidates: pd.DataFrame, site_units: Ints
) -> Ints:
    """Return the least number of open sites of each unit that should have any.

    Of several layers the one that lacks most tells how many are to be new: what exists of another
    is no site of it.
    """
    should = units["should_have"].fillna(value=True).to_numpy(bool)
    least: Ints = np.where(should, question.each, 0).astype(np.int64)
    if len(question.layers) == 1 or not question.each:
        return least
    kept = (candidates["source"] == "existing").to_numpy(bool) & (site_units >= 0)
    there = np.bincount(site_units[kept], minlength=least.size)
    short = np.zeros(least.size, np.int64)
    for layer in question.layers:
        mine = kept & (candidates["layer"] == layer).to_numpy(bool)
        short = np.maximum(short, least - np.bincount(site_units[mine], minlength=least.size))
    return np.where(least > 0, there + short, 0).astype(np.int64)


def _as_far_as_possible(built: Built) -> Built:
    """Lower what is asked to what all candidates together can give.

    A share that they cannot give is everybody whom they reach: those out of reach leave the model.
    """
    model, goal = built.model, built.goal
    reached = np.diff(model.pairs.indptr) > 0
    count = model.floors.size
    inside = model.units >= 0
    all_of = np.bincount(model.units[inside], weights=model.weights[inside], minlength=count)
    near = inside & reached
    most = np.bincount(model.units[near], weights=model.weights[near], minlength=count)
    with np.errstate(invalid="ignore", divide="ignore"):
        floors = np.where(np.isnan(model.floors), np.nan, np.fmin(model.floors, most / all_of))
    there = ~model.forbidden & (model.site_units >= 0)
    sites = np.bincount(model.site_units[there], minlength=count)
    model = replace(model, floors=floors, presence=np.minimum(model.presence, sites))
    total, most_people = float(model.weights.sum()), float(model.weights[reached].sum())
    if goal.share * total <= most_people:
        return replace(built, model=model)
    if not np.isnan(floors).all():
        goal = replace(goal, share=most_people / total)
        return replace(built, model=model, goal=goal)
    rows = np.flatnonzero(reached)
    return replace(
        built,
        model=replace(
            model, weights=model.weights[rows], pairs=model.pairs[rows], units=model.units[rows]
        ),
        goal=replace(goal, share=1.0),
        rows=built.rows[rows],
        service=built.service[rows],
    )
