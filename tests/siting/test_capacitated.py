"""Sites with so many beds: equal to trying every choice with the best assignment by networkx."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
from covering_oracle import is_allowed
from hypothesis import given, settings
from hypothesis import strategies as st
from median_oracle import best_flow, line_model, plane_model, questions

from servicecircle.siting.capacitated import solve_capacitated
from servicecircle.siting.model import Goal

WHOLE = ("existing", "closable", "mandatory", "forbidden", "apart", "presence")
"""What may be drawn where people are whole numbers and floors are looked at by themselves."""


def is_assigned(model, answer):
    """Check that people served fit into the open sites within their reach, by flow again."""
    import networkx

    graph = networkx.DiGraph()
    graph.add_nodes_from(["from", "to"])
    pairs = model.pairs
    scale = 1000
    for row, people in enumerate(answer.served.tolist()):
        assert 0 <= people <= model.weights[row] + 1e-9
        graph.add_edge("from", row, capacity=int(people * scale))
        for at in range(pairs.indptr[row], pairs.indptr[row + 1]):
            site = int(pairs.indices[at])
            if answer.open[site]:
                graph.add_edge(row, ("site", site))
    for site in np.flatnonzero(answer.open).tolist():
        room = min(model.capacity[site], 1e9)
        graph.add_edge(("site", site), "to", capacity=int(room * scale))
    flow = networkx.maximum_flow_value(graph, "from", "to")
    assert flow >= scale * answer.served.sum() - len(answer.served)


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(["fewest", "cover", "mean", "worst"]).flatmap(
        lambda objective: questions(objective, parts=WHOLE, points=7, capacities=True)
    )
)
def test_equal_to_trying_every_choice(question):
    model, goal = question
    best = best_flow(model, goal)
    answer = solve_capacitated(model, goal, seconds=300.0)
    if best is None:
        assert answer.status == "infeasible"
        assert answer.reasons
        return
    people, value = best
    assert answer.status == "optimal"
    loose = dataclasses.replace(goal, share=0.0)
    assert is_allowed(model, loose, set(np.flatnonzero(answer.open).tolist()))
    is_assigned(model, answer)
    if goal.objective != "fewest":
        assert answer.served.sum() == pytest.approx(people, abs=1e-4)
    if people == 0 and goal.objective in {"mean", "worst"}:
        assert math.isnan(answer.objective)
        return
    assert answer.objective == pytest.approx(value, rel=1e-5, abs=1e-5)
    better = answer.bound >= value if goal.objective == "cover" else answer.bound <= value
    assert better or answer.bound == pytest.approx(value, rel=1e-5, abs=1e-5)


def test_beds_are_filled_by_splitting_a_point():
    # One home of 3 beds in the middle of five persons: three are served, the nearest ones.
    model = dataclasses.replace(line_model(), capacity=np.full(5, 3.0))
    cover = solve_capacitated(model, Goal(objective="cover", sites=1))
    assert (cover.objective, cover.status) == (3.0, "optimal")
    assert cover.bound == pytest.approx(3.0)
    mean = solve_capacitated(model, Goal(objective="mean", sites=1))
    # 0 + 10 + 10 metres for three people.
    assert mean.objective == pytest.approx(20 / 3)
    half = dataclasses.replace(line_model(), capacity=np.full(5, 2.5))
    fewest = solve_capacitated(half, Goal(objective="fewest"))
    assert (fewest.objective, fewest.bound) == (2.0, 2.0)
    assert fewest.served.tolist() == [1.0] * 5


def test_floors_ask_for_people_served():
    model = dataclasses.replace(
        line_model(), capacity=np.full(5, 1.0), units=np.array([0, 0, 0, 1, 1]),
        floors=np.array([1 / 3, 1.0]), presence=np.zeros(2, np.int64),
    )  # fmt: skip
    answer = solve_capacitated(model, Goal(objective="fewest", share=0.0))
    assert answer.objective == 3.0
    assert answer.served[3:].sum() == pytest.approx(2.0, abs=1e-4)
    assert answer.served[:3].sum() >= 1.0 - 1e-4


def test_beds_too_few_for_all_that_have_to_be_served_are_named():
    model = dataclasses.replace(line_model(), capacity=np.full(5, 2.0))
    model = dataclasses.replace(model, apart=np.array([[0, 1], [1, 2], [2, 3], [3, 4], [0, 4]]))
    answer = solve_capacitated(model, Goal(objective="fewest"))
    assert answer.status == "infeasible"
    assert [key for key, _ in answer.reasons] == ["capacity"]


def test_without_a_bound_on_beds_it_is_the_plain_mean():
    from servicecircle.siting.median import solve_mean

    model = plane_model(80, 20, seed=7)
    plenty = dataclasses.replace(model, capacity=np.full(20, 1e6))
    goal = Goal(objective="mean", sites=4)
    assert solve_capacitated(plenty, goal).objective == pytest.approx(
        solve_mean(model, goal).objective, rel=1e-6
    )


def test_a_second_of_time_ends_with_a_choice_and_its_bound():
    model = plane_model(1500, 150, seed=2, limit=2500.0)
    model = dataclasses.replace(model, capacity=np.full(150, model.weights.sum() / 30))
    for objective in ("cover", "mean", "worst"):
        goal = Goal(objective=objective, sites=20)
        answer = solve_capacitated(model, goal, seconds=1.0)
        assert answer.open.sum() <= 20
        assert 0.0 <= answer.gap <= 1.0
        if objective == "cover":
            assert answer.bound >= answer.objective > 0
