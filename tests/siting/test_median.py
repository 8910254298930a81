"""p-median: equal to trying every choice, with a bound that holds, and to spopt."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
from covering_oracle import is_allowed, pairs_of, random_model
from hypothesis import given, settings
from hypothesis import strategies as st
from median_oracle import best_second, line_model, plane_model, questions

from servicecircle.siting.answers import nearest_open
from servicecircle.siting.median import solve_cover_then_mean, solve_mean
from servicecircle.siting.model import Goal


def held_true(model, goal, answer):
    """Check an answer's open sites, people and mean against its own figures."""
    assert is_allowed(model, goal, set(np.flatnonzero(answer.open).tolist()))
    cost, site = nearest_open(model.pairs, answer.open)
    assert (answer.site == site).all()
    assert (answer.served == np.where(site >= 0, model.weights, 0.0)).all()
    people = answer.served.sum()
    if people:
        total = np.nansum(np.where(model.weights > 0, model.weights * cost, 0.0))
        assert answer.objective == pytest.approx(total / people)
    assert answer.steps[0][1] == pytest.approx(people)


@settings(max_examples=120, deadline=None)
@given(questions("mean"))
def test_equal_to_trying_every_choice(question):
    model, goal = question
    best = best_second(model, goal)
    answer = solve_mean(model, goal, seconds=300.0)
    if best is None:
        assert answer.status == "infeasible"
        assert answer.reasons
        return
    people, mean = best
    assert answer.status == "optimal"
    held_true(model, goal, answer)
    assert answer.served.sum() == pytest.approx(people)
    if people == 0:
        assert math.isnan(answer.objective)
        return
    assert answer.objective == pytest.approx(mean, rel=1e-6)
    assert answer.bound <= mean + 1e-9
    assert answer.steps == (
        ("people", answer.steps[0][1], answer.steps[0][2]), ("mean", answer.objective, answer.bound)
    )  # fmt: skip


@settings(max_examples=40, deadline=None)
@given(questions("mean"), st.sampled_from([0.0, 0.05, 0.5]))
def test_a_bound_holds_whatever_the_gap(question, gap):
    model, goal = question
    best = best_second(model, goal)
    if best is None or best[0] == 0:
        return
    answer = solve_mean(model, goal, seconds=300.0, gap=gap)
    assert answer.steps[0][2] >= best[0] - 1e-6
    if answer.served.sum() == pytest.approx(best[0]):
        assert answer.bound <= best[1] + 1e-9
        assert answer.objective >= best[1] - 1e-9


def test_two_sites_on_a_line_stand_a_quarter_in():
    # Sites at 10 and 30 (or 40, or 0): 10 + 0 + 10 + 0 + 10 = 30 over 5 people.
    answer = solve_mean(line_model(), Goal(objective="mean", sites=2))
    assert answer.objective == 6.0
    assert answer.bound == pytest.approx(6.0)
    assert answer.open.sum() == 2


def test_an_existing_site_at_the_end_is_moved_to_the_middle():
    kept = np.array([True, False, False, False, False])
    model = dataclasses.replace(line_model(), kept=kept, closable=kept)
    stays = solve_mean(model, Goal(objective="mean", sites=1))
    # 0 and 30 are open: 0 + 10 + 10 + 0 + 10.
    assert np.flatnonzero(stays.open).tolist() == [0, 3]
    moved = solve_mean(model, Goal(objective="mean", sites=0, closings=1))
    assert np.flatnonzero(moved.open).tolist() == [2]
    assert moved.objective == 12.0


def test_those_beyond_the_limit_come_first():
    # One site: at 20 it is nearest to all in the middle, but only at 1 it reaches the far one.
    costs = np.array([[9.0, 1.0], [9.0, 1.0], [9.0, np.nan]])
    model = dataclasses.replace(
        random_model(0, points=3, candidates=2),
        weights=np.array([5.0, 5.0, 0.5]),
        pairs=pairs_of(costs),
        units=np.full(3, -1),
        site_units=np.full(2, -1),
    )
    for solve in (solve_mean, solve_cover_then_mean):
        answer = solve(model, Goal(objective="mean", sites=1))
        assert np.flatnonzero(answer.open).tolist() == [0]
        assert answer.objective == 9.0
        assert answer.steps == (("people", 10.5, 10.5), ("mean", 9.0, 9.0))


def test_nobody_within_reach_has_no_mean():
    model = dataclasses.replace(line_model(), pairs=pairs_of(np.full((5, 5), np.nan)))
    answer = solve_mean(model, Goal(objective="mean", sites=1))
    assert math.isnan(answer.objective)
    assert math.isnan(answer.bound)
    assert (answer.site == -1).all()
    assert answer.served.sum() == 0


# spopt builds its models in a way that PuLP is going to drop.
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_equal_to_spopt():
    import pulp
    from spopt.locate import PMedian

    model = plane_model(60, 25, seed=3)
    table = model.pairs.toarray()
    for sites in (1, 4, 9):
        answer = solve_mean(model, Goal(objective="mean", sites=sites))
        peer = PMedian.from_cost_matrix(table, model.weights, p_facilities=sites)
        peer = peer.solve(pulp.PULP_CBC_CMD(msg=False))
        assert answer.status == "optimal"
        assert answer.objective * model.weights.sum() == pytest.approx(
            pulp.value(peer.problem.objective), rel=1e-6
        )


@pytest.mark.parametrize("limit", [np.inf, 2000.0])
def test_a_larger_model_is_proven_and_never_past_its_bound(limit):
    model = plane_model(600, 120, limit=limit)
    answer = solve_mean(model, Goal(objective="mean", sites=8), seconds=120.0)
    assert answer.status == "optimal"
    assert answer.bound <= answer.objective
    assert answer.gap <= 1e-6
    rng = np.random.default_rng(1)
    for _ in range(50):
        chosen = np.zeros(120, bool)
        chosen[rng.choice(120, 8, replace=False)] = True
        cost, site = nearest_open(model.pairs, chosen)
        people = model.weights[site >= 0].sum()
        if people >= answer.served.sum() - 1e-6:
            assert np.nansum(model.weights * cost) / people >= answer.bound


def test_more_sites_never_make_it_worse():
    model = plane_model(150, 40, seed=5)
    means = [
        solve_mean(model, Goal(objective="mean", sites=sites)).objective for sites in range(1, 7)
    ]
    assert means == sorted(means, reverse=True)


def test_the_order_of_points_is_no_matter():
    model = plane_model(150, 30, seed=6)
    order = np.random.default_rng(0).permutation(150)
    turned = dataclasses.replace(
        model, weights=model.weights[order], pairs=model.pairs[order], units=model.units[order]
    )
    goal = Goal(objective="mean", sites=4)
    one, two = solve_mean(model, goal), solve_mean(turned, goal)
    assert one.objective == pytest.approx(two.objective)
    assert (one.open == two.open).all()


def test_a_second_of_time_ends_with_a_choice_and_its_bound():
    model = plane_model(3000, 600, seed=2)
    answer = solve_mean(model, Goal(objective="mean", sites=20), seconds=1.0)
    assert answer.open.sum() == 20
    assert 0.0 <= answer.bound <= answer.objective
    assert 0.0 <= answer.gap < 1.0
    # Kernels that are compiled on the first call may take longer than the limit.


def test_exchanges_end_where_only_rounding_is_left_to_gain(monkeypatch):
    # All ways are 0: once everybody is served sums are rounding, and no move helps any more.
    from servicecircle.siting import median_search

    ends = []

    def counted(*given):
        here, least = given[9], given[9].copy()
        for moves in (100, 101):
            trial = least.copy()
            ended = exchange(*given[:9], trial, *given[10:-1], moves)
            ends.append(trial.tolist())
        here[:] = trial
        return ended

    exchange = median_search.exchange
    monkeypatch.setattr(median_search, "exchange", counted)
    costs = np.zeros((8, 6))
    costs[[3, 5, 7]] = [np.nan, np.nan, 0.0, np.nan, np.nan, np.nan]
    costs[6, 2] = np.nan
    model = dataclasses.replace(
        random_model(1, points=8, candidates=6), pairs=pairs_of(costs), cost=np.ones(6),
        weights=np.array([1e9, 0.0, 0.0, 1e9, 1e9 + 1, 0.0, 1e9 + 1, 0.0]),
    )  # fmt: skip
    answer = solve_cover_then_mean(model, Goal(objective="cover_then_mean", sites=2))
    assert (answer.status, answer.objective) == ("optimal", 0.0)
    assert answer.served.tolist() == model.weights.tolist()
    # Whether 100 moves are allowed or 101 is the same to a search that ends by itself.
    assert ends[::2] == ends[1::2]
