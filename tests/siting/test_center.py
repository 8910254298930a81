"""p-center: equal to trying every choice, with a bound that holds, and to spopt."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
from covering_oracle import is_allowed, pairs_of
from hypothesis import given, settings
from median_oracle import best_second, line_model, plane_model, questions

from servicecircle.siting.answers import nearest_open
from servicecircle.siting.center import solve_worst
from servicecircle.siting.model import Goal


@settings(max_examples=120, deadline=None)
@given(questions("worst"))
def test_equal_to_trying_every_choice(question):
    model, goal = question
    best = best_second(model, goal, worst=True)
    answer = solve_worst(model, goal, seconds=300.0)
    if best is None:
        assert answer.status == "infeasible"
        assert answer.reasons
        return
    people, worst = best
    assert answer.status == "optimal"
    assert is_allowed(model, goal, set(np.flatnonzero(answer.open).tolist()))
    assert answer.served.sum() == pytest.approx(people)
    assert answer.objective == pytest.approx(worst, nan_ok=True)
    assert answer.bound == pytest.approx(worst, nan_ok=True)
    cost, site = nearest_open(model.pairs, answer.open)
    assert (answer.site == site).all()
    if people:
        assert np.nanmax(np.where(model.weights > 0, cost, np.nan)) == answer.objective


def test_two_sites_on_a_line_leave_nobody_more_than_10_away():
    answer = solve_worst(line_model(), Goal(objective="worst", sites=2))
    assert (answer.objective, answer.bound, answer.gap) == (10.0, 10.0, 0.0)
    assert answer.open.sum() == 2


def test_an_existing_site_is_worst_off_whatever_is_built():
    # Points at 0 and 10 see the existing site at 0 alone: 10 stays, wherever the other one stands.
    costs = pairs_of(np.array([[0.0, np.nan], [10.0, np.nan], [np.nan, 3.0]]))
    model = dataclasses.replace(
        line_model(),
        weights=np.ones(3),
        pairs=costs,
        kept=np.array([True, False]),
        closable=np.zeros(2, bool),
        mandatory=np.zeros(2, bool),
        forbidden=np.zeros(2, bool),
        cost=np.array([0.0, 1.0]),
        capacity=np.full(2, np.inf),
        units=np.full(3, -1),
        site_units=np.full(2, -1),
    )
    answer = solve_worst(model, Goal(objective="worst", sites=1))
    assert answer.steps == (("people", 3.0, 3.0), ("worst", 10.0, 10.0))


def test_points_without_people_do_not_count():
    model = dataclasses.replace(line_model(), weights=np.array([1.0, 1.0, 0.0, 0.0, 0.0]))
    answer = solve_worst(model, Goal(objective="worst", sites=1))
    assert answer.objective == 10.0


def test_nobody_within_reach_has_no_worst():
    model = dataclasses.replace(line_model(), pairs=pairs_of(np.full((5, 5), np.nan)))
    answer = solve_worst(model, Goal(objective="worst", sites=1))
    assert math.isnan(answer.objective)
    assert math.isnan(answer.bound)
    assert answer.served.sum() == 0


# spopt builds its models in a way that PuLP is going to drop.
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_equal_to_spopt():
    import pulp
    from spopt.locate import PCenter

    model = plane_model(40, 20, seed=4)
    for sites in (2, 5):
        answer = solve_worst(model, Goal(objective="worst", sites=sites))
        peer = PCenter.from_cost_matrix(model.pairs.toarray(), p_facilities=sites)
        peer = peer.solve(pulp.PULP_CBC_CMD(msg=False))
        assert answer.status == "optimal"
        assert answer.objective == pytest.approx(pulp.value(peer.problem.objective))


def test_a_larger_model_is_proven():
    answer = solve_worst(plane_model(600, 100), Goal(objective="worst", sites=10), seconds=120.0)
    assert answer.status == "optimal"
    assert answer.gap == 0.0


def test_a_second_of_time_ends_with_a_choice_and_its_bound():
    model = plane_model(2000, 400, seed=2, limit=3000.0)
    answer = solve_worst(model, Goal(objective="worst", sites=12), seconds=1.0)
    assert answer.open.sum() <= 12
    assert 0.0 < answer.bound <= answer.objective
    assert answer.steps[0][1] <= answer.steps[0][2]
