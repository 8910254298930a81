"""HiGHS as it is called: incumbent and bound in every way that it can end."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array

from servicecircle.siting.highs import Mip, holds, solve_mip


def knapsack(values, sizes, room, *, start=None, **options):
    n = len(values)
    model = Mip(
        cost=np.array(values, float), lower=np.zeros(n), upper=np.ones(n),
        integer=np.ones(n, bool), rows=csr_array(np.array([sizes], float)),
        row_lower=np.array([-np.inf]), row_upper=np.array([float(room)]), maximise=True,
    )  # fmt: skip
    return model, solve_mip(model, start=start, **options)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 9), st.integers(1, 9)), min_size=1, max_size=7),
    st.integers(0, 20),
)
def test_a_knapsack_is_as_full_as_trying_everything_makes_it(items, room):
    values, sizes = zip(*items, strict=True)
    model, answer = knapsack(values, sizes, room)
    best = max(
        sum(v * x for v, x in zip(values, chosen, strict=True))
        for chosen in itertools.product((0, 1), repeat=len(items))
        if sum(s * x for s, x in zip(sizes, chosen, strict=True)) <= room
    )
    assert answer.status == "optimal"
    assert answer.objective == best
    assert answer.bound == pytest.approx(best)
    assert holds(model, answer.values)


def hard(n=60, seed=3):
    rng = np.random.default_rng(seed)
    sizes = rng.integers(1000, 5000, (5, n)).astype(float)
    values = sizes.sum(axis=0) + rng.integers(0, 500, n)
    return Mip(
        cost=values, lower=np.zeros(n), upper=np.ones(n), integer=np.ones(n, bool),
        rows=csr_array(sizes), row_lower=np.full(5, -np.inf), row_upper=sizes.sum(axis=1) / 2,
        maximise=True,
    )  # fmt: skip


def test_out_of_time_the_start_and_a_bound_come_back():
    model = hard()
    start = np.zeros(60)
    start[0] = 1.0
    answer = solve_mip(model, start=start, seconds=1e-9)
    assert answer.status == "feasible"
    assert answer.objective >= model.cost[0]
    assert answer.objective <= answer.bound <= model.cost.sum()


def test_out_of_time_without_a_start_there_is_a_bound():
    answer = solve_mip(hard(), seconds=1e-9)
    assert answer.status in {"no_answer", "feasible"}
    assert answer.bound <= hard().cost.sum()
    assert answer.status == "feasible" or (answer.values is None and np.isnan(answer.objective))


def test_a_start_that_breaks_a_row_is_left_out():
    _, answer = knapsack([1, 1], [3, 3], 3, start=np.ones(2))
    assert answer.objective == 1


def test_infeasible_is_told():
    model = Mip(
        cost=np.ones(1), lower=np.zeros(1), upper=np.ones(1), integer=np.ones(1, bool),
        rows=csr_array(np.ones((1, 1))), row_lower=np.array([2.0]), row_upper=np.array([3.0]),
    )  # fmt: skip
    answer = solve_mip(model)
    assert (answer.status, answer.values) == ("infeasible", None)
    assert np.isnan(answer.bound)


@pytest.mark.parametrize(("least", "status"), [(0.0, "optimal"), (1.0, "infeasible")])
def test_a_model_without_columns(least, status):
    nothing = np.empty(0)
    model = Mip(
        cost=nothing, lower=nothing, upper=nothing, integer=np.empty(0, bool),
        rows=csr_array((1, 0)), row_lower=np.array([least]), row_upper=np.array([np.inf]),
    )  # fmt: skip
    assert solve_mip(model).status == status


def test_a_linear_model_has_its_optimum_as_bound():
    model = Mip(
        cost=np.array([1.0, 1.0]), lower=np.zeros(2), upper=np.full(2, np.inf),
        integer=np.zeros(2, bool), rows=csr_array(np.array([[1.0, 2.0]])),
        row_lower=np.array([3.0]), row_upper=np.array([np.inf]),
    )  # fmt: skip
    answer = solve_mip(model)
    assert answer.objective == pytest.approx(1.5)
    assert answer.bound == pytest.approx(1.5)


def test_an_objective_without_end_is_refused():
    model = Mip(
        cost=np.ones(1), lower=np.zeros(1), upper=np.full(1, np.inf), integer=np.zeros(1, bool),
        rows=csr_array((0, 1)), row_lower=np.empty(0), row_upper=np.empty(0), maximise=True,
    )  # fmt: skip
    with pytest.raises(RuntimeError, match="HiGHS ended with"):
        solve_mip(model)
