"""The fewest sites for what units lack, held against every choice of sites."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from servicecircle.siting.amounts import Amounts, fewest_for_amounts
from servicecircle.siting.communities import Communities, fewest_for_communities, mean_times
from servicecircle.siting.examples import small_model


def random_amounts(seed, *, equal=False, apart=False, mandatory=False):
    rng = np.random.default_rng(seed)
    sites, units = 7, 4
    free = rng.random(sites) < 0.9
    need = rng.choice([0.0, 1.0, 2.0, 3.0, 5.0, np.nan], units)
    pairs = np.array(list(itertools.combinations(range(sites), 2)))
    must = np.zeros(sites, bool)
    if mandatory and free.any():
        must[np.flatnonzero(free)[0]] = True
    return Amounts(
        need=need,
        wanted=int(rng.integers(0, units + 1)),
        bonus=rng.integers(0, 9, units).astype(float),
        size=np.ones(sites) if equal else rng.integers(0, 4, sites).astype(float),
        site_units=rng.integers(-1, units, sites),
        free=free,
        mandatory=must,
        cost=rng.integers(0, 5, sites).astype(float),
        apart=pairs[rng.random(len(pairs)) < 0.2] if apart else pairs[:0],
    )


def served(amounts, chosen):
    """Return how many units lack nothing, unit by unit."""
    return sum(
        need <= sum(amounts.size[one] for one in chosen if amounts.site_units[one] == unit)
        for unit, need in enumerate(amounts.need.tolist())
    )


def choices(free, mandatory, apart):
    """Yield every choice of sites that may be open together."""
    ones = np.flatnonzero(free).tolist()
    close = [set(pair) for pair in apart.tolist()]
    for count in range(len(ones) + 1):
        for some in itertools.combinations(ones, count):
            must = set(np.flatnonzero(mandatory).tolist())
            if must <= set(some) and not any(pair <= set(some) for pair in close):
                yield some


@settings(max_examples=120, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    equal=st.booleans(),
    apart=st.booleans(),
    mandatory=st.booleans(),
    by_cost=st.booleans(),
)
def test_no_choice_of_fewer_or_cheaper_sites_serves_as_many_units(
    seed, equal, apart, mandatory, by_cost
):
    amounts = random_amounts(seed, equal=equal, apart=apart, mandatory=mandatory)
    price = amounts.cost if by_cost else np.ones(amounts.cost.size)
    enough = [
        sum(price[one] for one in some)
        for some in choices(amounts.free, amounts.mandatory, amounts.apart)
        if served(amounts, some) >= amounts.wanted
    ]
    found = fewest_for_amounts(amounts, by_cost=by_cost)
    if not enough:
        assert found.status == "infeasible"
        assert np.isnan(found.objective)
        return
    assert found.status == "optimal"
    assert found.objective == pytest.approx(min(enough))
    assert found.bound == pytest.approx(min(enough))
    chosen = np.flatnonzero(found.chosen).tolist()
    assert tuple(chosen) in set(choices(amounts.free, amounts.mandatory, amounts.apart))
    assert sum(price[one] for one in chosen) == pytest.approx(min(enough))
    assert served(amounts, chosen) >= amounts.wanted
    assert int(found.units.sum()) <= served(amounts, chosen)
    for unit in found.lacking.tolist():
        every = np.flatnonzero(amounts.free & (amounts.site_units == unit))
        assert not amounts.size[every].sum() >= amounts.need[unit]


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10**6), apart=st.booleans())
def test_of_units_that_take_as_many_sites_those_of_most_bonus_are_served(seed, apart):
    amounts = random_amounts(seed, equal=True, apart=apart)
    met = int((amounts.need <= 0).sum())
    found = fewest_for_amounts(amounts)
    if found.status != "optimal" or amounts.wanted <= met:
        return

    def bonus(some):
        have = [
            amounts.bonus[unit]
            for unit, need in enumerate(amounts.need.tolist())
            if 0 < need <= sum(amounts.size[one] for one in some if amounts.site_units[one] == unit)
        ]
        return sum(have)

    best = max(
        bonus(some)
        for some in choices(amounts.free, amounts.mandatory, amounts.apart)
        if len(some) == found.objective and served(amounts, some) >= amounts.wanted
    )
    assert bonus(np.flatnonzero(found.chosen).tolist()) == best


def random_communities(seed, *, layers=1, apart=False, mandatory=False):
    rng = np.random.default_rng(seed)
    points, sites, units = 7, 5, 3
    unit = rng.integers(0, units, points)
    rows = points * layers
    times = np.where(rng.random((rows, sites)) < 0.6, rng.integers(1, 20, (rows, sites)), 0)
    pairs = np.array(list(itertools.combinations(range(sites), 2)))
    must = np.zeros(sites, bool)
    must[0] = mandatory
    return Communities(
        weights=np.tile(rng.integers(1, 5, points), layers).astype(float),
        tasks=np.concatenate([unit + layer * units for layer in range(layers)]),
        units=units,
        taken=np.where(rng.random(rows) < 0.6, rng.integers(1, 25, rows), np.inf),
        pairs=small_model(times.astype(float), weights=np.ones(rows)).pairs,
        limit=float(rng.integers(5, 15)),
        wanted=int(rng.integers(0, units + 1)),
        free=rng.random(sites) < 0.9 if not mandatory else np.ones(sites, bool),
        mandatory=must,
        cost=rng.integers(1, 5, sites).astype(float),
        apart=pairs[rng.random(len(pairs)) < 0.2] if apart else pairs[:0],
    )


def means(problem, some):
    """Return the mean time of each unit to its slowest layer, person by person."""
    table = problem.pairs.toarray()
    found = {}
    for row, task in enumerate(problem.tasks.tolist()):
        ways = [problem.taken[row], *(table[row, one] for one in some if table[row, one] > 0)]
        total, people = found.get(task, (0.0, 0.0))
        found[task] = total + problem.weights[row] * min(ways), people + problem.weights[row]
    slowest = {}
    for task, (total, people) in found.items():
        unit = task % problem.units
        slowest[unit] = max(slowest.get(unit, 0.0), total / people)
    return slowest


@settings(max_examples=80, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    layers=st.integers(1, 2),
    apart=st.booleans(),
    mandatory=st.booleans(),
    by_cost=st.booleans(),
)
def test_no_fewer_sites_bring_as_many_units_to_the_mean_time(
    seed, layers, apart, mandatory, by_cost
):
    problem = random_communities(seed, layers=layers, apart=apart, mandatory=mandatory)
    price = problem.cost if by_cost else np.ones(problem.cost.size)

    def passing(some):
        return sum(mean <= problem.limit + 1e-9 for mean in means(problem, some).values())

    enough = [
        sum(price[one] for one in some)
        for some in choices(problem.free, problem.mandatory, problem.apart)
        if passing(some) >= problem.wanted
    ]
    found = fewest_for_communities(problem, by_cost=by_cost)
    if not enough:
        assert found.status == "infeasible"
        return
    assert found.status == "optimal"
    assert found.objective == pytest.approx(min(enough))
    assert found.bound == pytest.approx(min(enough))
    chosen = np.flatnonzero(found.chosen).tolist()
    assert tuple(chosen) in set(choices(problem.free, problem.mandatory, problem.apart))
    assert passing(chosen) >= problem.wanted
    minutes = mean_times(problem, found.chosen)
    for unit, mean in means(problem, chosen).items():
        assert minutes[unit] == pytest.approx(mean)
