"""The bound of prices is on the right side of the best choice, and near the linear relaxation."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from covering_oracle import best_by_trying, random_model
from hypothesis import given, settings
from hypothesis import strategies as st
from test_covering import plane, questions

from servicecircle.siting.covering import covering_mip
from servicecircle.siting.covering_search import search_of
from servicecircle.siting.exchange import exchanged
from servicecircle.siting.fewer import fewer
from servicecircle.siting.greedy import greedy, needs_met, thinned
from servicecircle.siting.highs import solve_mip
from servicecircle.siting.lagrange import dual_of, settled_columns
from servicecircle.siting.model import Goal
from servicecircle.siting.reduction import decided, stated


@settings(max_examples=120, deadline=None)
@given(questions(), st.integers(1, 60))
def test_the_bound_is_never_on_the_wrong_side(question, steps):
    model, goal = question
    best = best_by_trying(model, goal)
    if best is None:
        return
    problem = stated(model, goal)
    bound = dual_of(problem, target=best - problem.base, steps=steps).bound + problem.base
    sign = 1 if goal.objective == "fewest" else -1
    assert sign * bound <= sign * best + 1e-6


@pytest.mark.parametrize(
    "goal",
    [
        Goal(objective="cover", sites=12),
        Goal(objective="cover", budget=30.0),
        Goal(objective="fewest", share=0.8),
        Goal(objective="fewest", share=0.0),
    ],
)
def test_the_bound_comes_near_the_linear_relaxation(goal):
    model = plane(800, 60, metres=14, seed=1)
    if goal.budget is not None:
        model = dataclasses.replace(model, cost=1.0 + np.arange(60) % 4)
    if goal.objective == "fewest" and not goal.share:
        model = dataclasses.replace(model, floors=np.full(3, 0.8))
    problem = stated(model, goal)
    mip = covering_mip(problem)
    relaxed = solve_mip(dataclasses.replace(mip, integer=np.zeros_like(mip.integer))).objective
    best = solve_mip(mip, seconds=30, gap=0.02).objective
    bound = dual_of(problem, target=best, steps=600).bound
    sign = 1 if goal.objective == "fewest" else -1
    assert sign * bound <= sign * relaxed + 1e-6 * abs(relaxed)
    assert bound == pytest.approx(relaxed, rel=0.02)


@settings(max_examples=100, deadline=None)
@given(questions(), st.integers(1, 40))
def test_what_is_settled_is_so_in_everything_better(question, steps):
    model, goal = question
    problem = stated(model, goal)
    search = search_of(problem, (model.kept | model.closable)[problem.columns])
    chosen = greedy(search)
    best = best_by_trying(model, goal)
    if chosen is None or best is None:
        return
    reach = np.asarray(problem.reach @ chosen.astype(float)) > 0
    value = float(problem.cost[chosen].sum())
    if problem.maximise:
        value = float(problem.weights[reach & ~problem.must].sum())
    dual = dual_of(problem, target=value, steps=steps)
    shut, opened = settled_columns(problem, dual, value)
    left = solve_mip(covering_mip(decided(problem, shut=shut, opened=opened)))
    rest = decided(problem, shut=shut, opened=opened).base
    sign = 1 if goal.objective == "fewest" else -1
    if sign * best < sign * (value + problem.base) - 1e-6:
        assert left.objective + rest == pytest.approx(best)


@settings(max_examples=150, deadline=None)
@given(questions())
def test_first_choices_keep_needs_and_limits(question):
    model, goal = question
    problem = stated(model, goal)
    begin = (model.kept | model.closable)[problem.columns]
    search = search_of(problem, begin)
    chosen = greedy(search)
    if chosen is None:
        return
    assert needs_met(search, chosen)

    def people(sites):
        return problem.weights[np.asarray(problem.reach @ sites.astype(float)) > 0].sum()

    if problem.maximise:
        better, _ = exchanged(search, chosen, sweeps=5)
        assert needs_met(search, better)
        assert people(better) >= people(chosen) - 1e-9
    else:
        thin = thinned(search, chosen)
        assert needs_met(search, thin)
        assert problem.cost[thin].sum() <= problem.cost[chosen].sum()
        small = fewer(search, thin, step=1.0, seconds=5.0)
        assert needs_met(search, small)
        assert problem.cost[small].sum() <= problem.cost[thin].sum()


def test_exchange_mends_what_greed_gets_wrong():
    # Greed takes the middle site (4 people); the two outer ones together reach all 6.
    costs = np.full((6, 3), np.nan)
    costs[[0, 1, 2], 0] = costs[[3, 4, 5], 2] = 1.0
    costs[[1, 2, 3, 4], 1] = 1.0
    from covering_oracle import pairs_of

    model = dataclasses.replace(
        random_model(1, points=6, candidates=3), pairs=pairs_of(costs), weights=np.ones(6),
        cost=np.ones(3), units=np.zeros(6, int),
    )  # fmt: skip
    problem = stated(model, Goal(objective="cover", sites=2))
    search = search_of(problem, np.zeros(3, bool))
    chosen = greedy(search)
    assert chosen[1]
    better, ended = exchanged(search, chosen, sweeps=5)
    assert (better.tolist(), ended) == ([True, False, True], True)


def test_one_site_less_is_found_where_it_is_enough():
    # The same six people have to be covered: greed needs three sites, two are enough.
    from covering_oracle import pairs_of

    costs = np.full((6, 3), np.nan)
    costs[[0, 1, 2], 0] = costs[[3, 4, 5], 2] = 1.0
    costs[[1, 2, 3, 4], 1] = 1.0
    model = dataclasses.replace(
        random_model(1, points=6, candidates=3), pairs=pairs_of(costs), weights=np.ones(6),
        cost=np.ones(3), units=np.zeros(6, int),
    )  # fmt: skip
    search = search_of(stated(model, Goal(objective="fewest")), np.zeros(3, bool))
    chosen = np.ones(3, bool)
    assert fewer(search, chosen, step=1.0, seconds=5.0).tolist() == [True, False, True]
