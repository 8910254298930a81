"""The mixed-integer model of sites with capacities: which are open, and who goes where."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array, csr_array, hstack, vstack

from servicecircle.siting.choice import choice_of, site_rows
from servicecircle.siting.highs import Mip
from servicecircle.siting.model import Goal, SitingModel

__all__ = ["SLACK", "Flows", "capacity_mip", "flows_of"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
Block = tuple[csr_array, Floats, Floats]

SLACK = 1e-9
"""Share of a number of people by which it may fall short of what is asked for."""
TIGHT_PAIRS = {"mean": 20_000, "cover_then_mean": 20_000}
TIGHT_OTHERS = 5_000
"""Pairs up to which each is tied to its site by a row of its own: better bounds, slower steps."""


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Flows:
    """Pairs of points with people and sites that are open or can be.

    Parameters
    ----------
    model : SitingModel
    goal : Goal
    sites : numpy.ndarray of int64, shape (m,)
        Candidates that the choice is about.
    fixed : numpy.ndarray of bool, shape (c,)
        Open whatever is chosen.
    point, site : numpy.ndarray of int64, shape (k,)
    cost : numpy.ndarray of float, shape (k,)
    most : numpy.ndarray of float, shape (k,)
        The most people that can go along each pair; in the model flows are shares of it, 0 to 1.
    """

    model: SitingModel
    goal: Goal
    sites: Ints
    fixed: Bools
    point: Ints
    site: Ints
    cost: Floats
    most: Floats


def flows_of(model: SitingModel, goal: Goal) -> Flows:
    """Return the pairs along which people can go.

    Parameters
    ----------
    model : SitingModel
    goal : Goal

    Returns
    -------
    Flows

    Examples
    --------
    >>> import dataclasses, numpy as np
    >>> from servicecircle.siting.examples import three_sites
    >>> model = dataclasses.replace(three_sites(), capacity=np.array([0.0, 0.5, 9.0]))
    >>> flows = flows_of(model, Goal(objective="cover", sites=1))
    >>> flows.site.tolist(), flows.most.tolist()  # nobody can go to a site without a bed
    ([1, 2, 1, 2, 1, 2], [0.5, 1.0, 0.5, 1.0, 0.5, 1.0])
    """
    choice = choice_of(model, goal)
    usable = choice.fixed | choice.free
    point = np.repeat(np.arange(model.weights.size), np.diff(model.pairs.indptr))
    site = np.asarray(model.pairs.indices, np.int64)
    most = np.minimum(model.weights[point], model.capacity[site])
    held = usable[site] & (most > 0)
    return Flows(
        model=model,
        goal=goal,
        sites=np.flatnonzero(choice.free),
        fixed=choice.fixed,
        point=point[held],
        site=site[held],
        cost=np.asarray(model.pairs.data[held], np.float64),
        most=most[held],
    )


def capacity_mip(
    flows: Flows,
    goal: Goal,
    *,
    on_sites: Floats,
    on_flows: Floats,
    least: float = 0.0,
    shut: Bools | None = None,
    given: Bools | None = None,
) -> Mip:
    """Return the model: sites, then flows as shares of the most that can go along each pair.

    Parameters
    ----------
    flows : Flows
    goal : Goal
        ``cover`` is maximised, all others minimised.
    on_sites : numpy.ndarray of float, shape (m,)
    on_flows : numpy.ndarray of float, shape (k,)
        The objective.
    least : float
        People that have to be served.
    shut : numpy.ndarray of bool, shape (k,), optional
        Pairs that are not to be used.
    given : numpy.ndarray of bool, shape (m,), optional
        The choice of sites, where it is made already: what is left is a transport problem.

    Returns
    -------
    Mip

    Examples
    --------
    >>> import numpy as np
    >>> from servicecircle.siting.examples import three_sites
    >>> goal = Goal(objective="cover", sites=1)
    >>> flows = flows_of(three_sites(), goal)
    >>> capacity_mip(flows, goal, on_sites=np.zeros(2), on_flows=flows.most).cost.tolist()
    [0.0, 0.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0]
    """
    sites, count = flows.sites.size, flows.point.size
    column = np.full(flows.model.cost.size, -1, np.int64)
    column[flows.sites] = np.arange(sites)
    blocks = [_served_once(flows, sites), _within_capacity(flows, column)]
    blocks.append(_open_only(flows, column, goal=goal, all_pairs=given is None))
    for members, need in _needs(flows, least):
        # In units of the largest flow, so that the solver's tolerance means little.
        scale = 1.0 / (float(flows.most[members].max(initial=0.0)) or 1.0)
        line = np.r_[np.zeros(sites), np.where(members, flows.most * scale, 0.0)]
        blocks.append((csr_array(line[None, :]), np.array([need * scale]), np.array([np.inf])))
    blocks += _on_sites(flows, goal)
    ceiling = np.ones(count) if shut is None else (~shut).astype(float)
    floor, top = np.zeros(sites), np.ones(sites)
    if given is not None:
        floor = top = given.astype(float)
    return Mip(
        cost=np.r_[on_sites, on_flows],
        lower=np.r_[floor, np.zeros(count)],
        upper=np.r_[top, ceiling],
        integer=np.r_[np.ones(sites, np.bool_), np.zeros(count, np.bool_)],
        rows=csr_array(vstack([rows for rows, _, _ in blocks], format="csr")),
        row_lower=np.concatenate([low for _, low, _ in blocks]),
        row_upper=np.concatenate([high for _, _, high in blocks]),
        maximise=goal.objective == "cover",
    )


def _served_once(flows: Flows, sites: int) -> Block:
    """Return the rows by which nobody is served twice."""
    points, row = np.unique(flows.point, return_inverse=True)
    share = flows.most / flows.model.weights[flows.point]
    column = sites + np.arange(row.size)
    rows = csr_array(coo_array((share, (row, column)), shape=(points.size, sites + row.size)))
    return rows, np.full(points.size, -np.inf), np.ones(points.size)


def _within_capacity(flows: Flows, column: Ints) -> Block:
    """Return the rows by which a site serves at most its capacity, and nobody while shut."""
    model, sites = flows.model, flows.sites.size
    bounded = np.flatnonzero(np.isfinite(model.capacity) & (model.capacity > 0))
    place = np.full(model.cost.size, -1, np.int64)
    place[bounded] = np.arange(bounded.size)
    at = np.flatnonzero(place[flows.site] >= 0)
    load = flows.most[at] / model.capacity[flows.site[at]]
    mine = np.flatnonzero(column[bounded] >= 0)
    entries = (
        np.r_[load, -np.ones(mine.size)],
        (np.r_[place[flows.site[at]], mine], np.r_[sites + at, column[bounded[mine]]]),
    )
    rows = csr_array(coo_array(entries, shape=(bounded.size, sites + flows.point.size)))
    return rows, np.full(bounded.size, -np.inf), flows.fixed[bounded].astype(float)


def _open_only(flows: Flows, column: Ints, *, goal: Goal, all_pairs: bool) -> Block:
    """Return the rows that tie pairs to their sites: those of sites without a bound at least."""
    sites, count = flows.sites.size, flows.point.size
    tied = column[flows.site] >= 0
    if not all_pairs or count > TIGHT_PAIRS.get(goal.objective, TIGHT_OTHERS):
        tied &= ~np.isfinite(flows.model.capacity[flows.site])
    at = np.flatnonzero(tied)
    row = np.arange(at.size)
    entries = (
        np.r_[np.ones(at.size), -np.ones(at.size)],
        (np.r_[row, row], np.r_[sites + at, column[flows.site[at]]]),
    )
    rows = csr_array(coo_array(entries, shape=(at.size, sites + count)))
    return rows, np.full(at.size, -np.inf), np.zeros(at.size)


def _needs(flows: Flows, least: float) -> list[tuple[Bools, float]]:
    """Return whose flows have to add up to how many people: of all, and of units with a floor."""
    model = flows.model
    told: list[tuple[Bools, float]] = []
    if least > 0:
        told.append((np.ones(flows.point.size, np.bool_), least * (1 - SLACK)))
    for unit in np.flatnonzero(model.floors > 0):
        people = float(model.weights[model.units == unit].sum()) * float(model.floors[unit])
        if people > 0:
            told.append((model.units[flows.point] == unit, people * (1 - SLACK)))
    return told


def _on_sites(flows: Flows, goal: Goal) -> list[Block]:
    """Return the rows on sites alone."""
    model, choice = flows.model, choice_of(flows.model, goal)
    sites, count = flows.sites.size, flows.point.size
    rules = site_rows(model, goal)
    shift = rules.rows @ flows.fixed.astype(float)
    over = csr_array(rules.rows.tocsc()[:, flows.sites])
    rows = csr_array(hstack([over, csr_array((over.shape[0], count))], format="csr"))
    blocks: list[Block] = [(rows, rules.lower - shift, rules.upper - shift)]
    if goal.objective == "fewest" and not goal.by_cost and (choice.gone or choice.closable.any()):
        # No more are closed than are opened: nobody asked for fewer sites than there are.
        opened = np.count_nonzero(flows.fixed & ~choice.existing)
        more = np.count_nonzero(choice.closable) + choice.gone - opened
        line = csr_array(np.r_[np.ones(sites), np.zeros(count)][None, :])
        blocks.append((line, np.array([float(more)]), np.array([np.inf])))
    return blocks
