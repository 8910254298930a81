"""Random small models of siting, and the best choice of sites by trying every one."""

from __future__ import annotations

import itertools
import math

import numpy as np
from scipy.sparse import csr_array

from servicecircle.siting.model import Goal, SitingModel

SLACK = 1e-9


def random_model(seed, *, points=12, candidates=7, parts=()):
    """Return a model whose parts (existing, closable, apart, ...) are drawn where named."""
    rng = np.random.default_rng(seed)
    units = 3
    reach = rng.random((points, candidates)) < rng.uniform(0.1, 0.6)
    costs = np.where(reach, rng.integers(0, 9, reach.shape), np.nan)
    weights = rng.integers(0, 6, points).astype(float)
    if "fractions" in parts:
        weights = np.round(weights * rng.random(points), 3)
    weights[0] = max(weights[0], 1.0)
    flags = {name: np.zeros(candidates, bool) for name in ("kept", "closable", "mandatory")}
    forbidden = np.zeros(candidates, bool)
    kinds = rng.permutation(candidates)
    if "existing" in parts:
        flags["kept"][kinds[:2]] = True
    if "closable" in parts:
        flags["closable"][kinds[:1]] = True
        flags["kept"][kinds[0]] = bool(rng.integers(2))
    if "mandatory" in parts:
        flags["mandatory"][kinds[2]] = True
    if "forbidden" in parts:
        forbidden[kinds[3]] = True
    apart = np.empty((0, 2), np.int64)
    if "apart" in parts:
        pairs = np.array(list(itertools.combinations(range(candidates), 2)))
        apart = pairs[rng.random(len(pairs)) < 0.2]
    floors = np.full(units, np.nan)
    if "floors" in parts:
        floors = rng.choice([np.nan, 0.0, 0.3, 0.5, 0.8, 1.0], units)
    presence = np.zeros(units, np.int64)
    if "presence" in parts:
        presence = rng.integers(0, 3, units)
    existing = flags["kept"] | flags["closable"]
    cost = np.where(existing, 0.0, rng.integers(1, 4, candidates)).astype(float)
    return SitingModel(
        weights=weights, pairs=pairs_of(costs), **flags, forbidden=forbidden, cost=cost,
        capacity=np.full(candidates, np.inf), units=rng.integers(-1, units, points),
        site_units=rng.integers(-1, units, candidates), floors=floors, presence=presence,
        apart=apart,
    )  # fmt: skip


def pairs_of(costs):
    """Return sparse pairs of a dense table where NaN is out of reach, zeros stored."""
    rows, columns = np.nonzero(~np.isnan(costs))
    starts = np.concatenate([[0], np.cumsum(np.bincount(rows, minlength=costs.shape[0]))])
    return csr_array((costs[rows, columns], columns, starts), shape=costs.shape)


def reached_by(model):
    """Return the set of candidates that reach each point, as plain Python."""
    pairs = model.pairs
    return [
        set(pairs.indices[pairs.indptr[row] : pairs.indptr[row + 1]].tolist())
        for row in range(model.weights.size)
    ]


def is_allowed(  # noqa: PLR0911, PLR0912 - one rule after the other
    model, goal: Goal, chosen: set[int], reached=None
) -> bool:
    """Return whether a set of open sites keeps everything, rule by rule as the texts say it."""
    n = model.cost.size
    existing = {j for j in range(n) if model.kept[j] or model.closable[j]}
    closed, new = existing - chosen, chosen - existing
    if any(not model.closable[j] for j in closed) or len(closed) > goal.closings:
        return False
    if any(model.mandatory[j] and j not in chosen for j in range(n)):
        return False
    if any(model.forbidden[j] for j in chosen):
        return False
    if goal.sites is not None and len(new) > goal.sites + len(closed):
        return False
    if goal.budget is not None and sum(model.cost[j] for j in new) > goal.budget + 1e-9:
        return False
    for a, b in model.apart.tolist():
        if a in chosen and b in chosen and not (a in existing and b in existing):
            return False
    for unit, least in enumerate(model.presence.tolist()):
        if sum(1 for j in chosen if model.site_units[j] == unit) < least:
            return False
    reached = reached_by(model) if reached is None else reached
    weights = model.weights.tolist()
    covered = [bool(sites & chosen) for sites in reached]
    for unit, floor in enumerate(model.floors.tolist()):
        if math.isnan(floor):
            continue
        inside = [i for i in range(len(weights)) if model.units[i] == unit]
        have = sum(weights[i] for i in inside if covered[i])
        if have < (floor - 2 * SLACK) * sum(weights[i] for i in inside):
            return False
    if goal.objective == "fewest":
        if not goal.by_cost and len(closed) > len(new):
            return False
        have = sum(w for w, hit in zip(weights, covered, strict=True) if hit)
        if have < (goal.share - 2 * SLACK) * sum(weights):
            return False
    return True


def worth(model, goal: Goal, chosen: set[int], reached) -> float:
    existing = {j for j in range(model.cost.size) if model.kept[j] or model.closable[j]}
    if goal.objective == "fewest":
        if goal.by_cost:
            return float(sum(model.cost[j] for j in chosen - existing))
        return float(len(chosen - existing) - len(existing - chosen))
    weights = model.weights.tolist()
    return float(sum(w for w, sites in zip(weights, reached, strict=True) if sites & chosen))


def best_by_trying(model, goal: Goal) -> float | None:
    """Return the best objective of all 2^c sets of open sites, None where none is allowed."""
    reached = reached_by(model)
    n = model.cost.size
    found = [
        worth(model, goal, chosen, reached)
        for size in range(n + 1)
        for chosen in map(set, itertools.combinations(range(n), size))
        if is_allowed(model, goal, chosen, reached)
    ]
    if not found:
        return None
    return min(found) if goal.objective == "fewest" else max(found)
