"""The parts of the p-median, each alone: exchanges, prices and what they decide, sets of sites."""

from __future__ import annotations

import itertools
import math
import time
from dataclasses import replace

import numpy as np
import pytest
from covering_oracle import is_allowed, pairs_of
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from median_oracle import best_second, cost_table, nearest_costs, plane_model, questions

from servicecircle.siting.highs import solve_mip
from servicecircle.siting.median import solve_mean
from servicecircle.siting.median_bound import Rules, find_prices, select
from servicecircle.siting.median_exact import remaining
from servicecircle.siting.median_first import best_of
from servicecircle.siting.median_search import first_open, improve, rules_of, search_of, worth_of
from servicecircle.siting.medians import medians_of
from servicecircle.siting.model import Goal

FOREVER = math.inf
NO_FLOORS = ("existing", "closable", "mandatory", "forbidden", "apart", "presence", "fractions")


def searched(model, goal):
    return search_of(model, goal, medians_of(model, goal), until=FOREVER)


def whole_of(search, chosen):
    """Return the open sites of a choice of the core, as a set."""
    opened = search.core.choice.fixed.copy()
    opened[search.core.sites[chosen]] = True
    return set(np.flatnonzero(opened).tolist())


def penalised(model, search, chosen, table):
    """Return the cost of a set of open sites, a person unserved at the search's penalty."""
    penalty = 1e3 * search.core.farthest
    costs = nearest_costs(model, chosen, table)
    return math.fsum(
        model.weights[row] * (penalty if cost is None else cost) for row, cost in costs.items()
    )


@settings(max_examples=120, deadline=None)
@given(questions("mean", parts=NO_FLOORS))
def test_no_opening_or_exchange_is_left_that_helps(question):
    model, goal = question
    search = searched(model, goal)
    start = first_open(search)
    assume(start is not None)
    chosen = improve(search, start)
    opened = whole_of(search, chosen)
    assert is_allowed(model, goal, opened)
    table = cost_table(model)
    reached = penalised(model, search, opened, table)
    free = set(search.core.sites.tolist())
    moves = [opened | {into} for into in free - opened]
    moves += [opened - {out} | {into} for out in opened & free for into in free - opened]
    for other in moves:
        if is_allowed(model, goal, other):
            assert penalised(model, search, other, table) >= reached * (1 - 1e-9)


@settings(max_examples=40, deadline=None)
@given(questions("mean"), st.floats(0.0, 1.0))
def test_an_exchange_keeps_within_the_people_it_may_lose(question, share):
    model, goal = question
    search = searched(model, goal)
    start = first_open(search)
    assume(start is not None)
    before = worth_of(search, start).unserved - search.core.unserved
    most = before + share * 3.0
    after = worth_of(search, improve(search, start, unserved_most=most))
    assert after.unserved - search.core.unserved <= most + 1e-9


def best_sets(worth, rules):
    """Return {set: worth} of all sets that obey the rules."""
    told = {}
    for size in range(worth.size + 1):
        for chosen in itertools.combinations(range(worth.size), size):
            at = list(chosen)
            enough = all(
                np.count_nonzero(rules.group[at] == group) >= least
                for group, least in enumerate(rules.least.tolist())
            )
            if size <= rules.sites and enough and rules.site_cost[at].sum() <= rules.budget:
                told[chosen] = float(worth[at].sum())
    return told


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 10**6), st.booleans(), st.booleans())
def test_the_selection_is_the_least_and_its_rises_hold(seed, money, groups):
    rng = np.random.default_rng(seed)
    count = 6
    worth = -rng.integers(0, 9, count).astype(float)
    rules = Rules(
        sites=int(rng.integers(1, 6)),
        site_cost=rng.integers(1, 4, count).astype(float),
        budget=float(rng.integers(2, 9)) if money else np.inf,
        group=rng.integers(-1, 2, count) if groups else np.full(count, -1),
        least=np.array([1, 2]) if groups else np.empty(0, np.int64),
    )
    told = best_sets(worth, rules)
    assume(told)
    found = select(worth, rules)
    least = min(told.values())
    assert found.worth <= least + 1e-9
    if not money:
        assert found.worth == pytest.approx(least)
    for site in range(count):
        if found.share[site] in {0.0, 1.0}:
            # Sets that decide otherwise than the selection cost at least so much more.
            others = [
                value
                for chosen, value in told.items()
                if (site in chosen) != (found.share[site] > 0)
            ]
            assert min(others, default=np.inf) >= found.worth + found.rise[site] - 1e-9


@settings(max_examples=80, deadline=None)
@given(questions("mean"), st.integers(1, 60), st.sampled_from([0.5, 1.0, 20.0]))
def test_prices_never_bound_past_the_optimum(question, steps, times):
    model, goal = question
    best = best_second(model, goal)
    assume(best is not None)
    search = searched(model, goal)
    core = search.core
    assume(core.weights.size > 0)
    penalty = max(times * core.farthest, 1.0)
    found = find_prices(
        core, rules_of(search), prices=core.weights, penalty=penalty, target=1e6, steps=steps,
        until=FOREVER,
    )  # fmt: skip
    lost = core.people - core.unserved - best[0]
    cost = (best[1] * best[0] if best[0] else 0.0) - core.standing
    assert found.bound <= cost + penalty * lost + 1e-6


@settings(max_examples=80, deadline=None)
@given(questions("mean"))
def test_the_exact_model_alone_finds_the_optimum(question):
    model, goal = question
    best = best_second(model, goal)
    assume(best is not None and best[0] > 0)
    search = searched(model, goal)
    core = search.core
    assume(core.weights.size > 0)
    known = best_of(search, until=time.perf_counter() + 300.0, gap=0.0)
    none = np.zeros(core.sites.size, bool)
    lost = core.people - core.unserved - best[0]
    left = remaining(
        model, goal, core, shut=none, forced=none, incumbent=known[0],
        unserved_most=lost + 1e-9 if not np.isfinite(core.fixed).all() else np.inf,
        penalty=core.farthest, most=10**9,
    )  # fmt: skip
    answer = solve_mip(left.mip, start=left.start)
    total = left.base + answer.objective / left.scale - core.farthest * lost + core.standing
    assert total == pytest.approx(best[0] * best[1], rel=1e-5, abs=1e-4)


def test_points_with_the_same_nearest_sites_share_a_column():
    # Two sites, three points: two of them see {a} then {a, b}, the third {b} then {a, b}.
    model = replace(
        plane_model(3, 2), pairs=pairs_of(np.array([[1.0, 4.0], [2.0, 5.0], [7.0, 3.0]]))
    )
    goal = Goal(objective="mean", sites=1)
    core = medians_of(model, goal)
    none = np.zeros(2, bool)
    left = remaining(
        model, goal, core, shut=none, forced=none, incumbent=np.array([True, False]),
        unserved_most=np.inf, penalty=core.farthest, most=100,
    )  # fmt: skip
    assert left.mip.cost.size == 2 + 3


def test_too_many_pairs_lay_no_model():
    model = plane_model(20, 5)
    goal = Goal(objective="mean", sites=1)
    core = medians_of(model, goal)
    none = np.zeros(5, bool)
    assert (
        remaining(
            model, goal, core, shut=none, forced=none, incumbent=none, unserved_most=np.inf,
            penalty=core.farthest, most=99,
        )
        is None
    )  # fmt: skip


def test_what_prices_decide_is_so_in_the_optimum():
    model, goal = plane_model(200, 40, seed=8), Goal(objective="mean", sites=5)
    best = solve_mean(model, goal)
    search = searched(model, goal)
    target = best.objective * model.weights.sum()
    found = find_prices(
        search.core, rules_of(search), prices=search.core.weights * 1e3, penalty=1e7, target=target,
        steps=400, until=FOREVER,
    )  # fmt: skip
    decided = found.bound + found.selected.rise > target * (1 + 1e-9)
    assert decided.sum() > 10
    assert (best.open[decided] == (found.selected.share[decided] > 0)).all()
