"""Fewest and cover: equal to trying every choice, to spopt, with bounds that hold, in time."""

from __future__ import annotations

import dataclasses
import time
import warnings

import numpy as np
import pytest
from covering_oracle import best_by_trying, is_allowed, pairs_of, random_model
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array
from scipy.spatial import cKDTree

from servicecircle.errors import SitingError
from servicecircle.siting import covering_solve
from servicecircle.siting.answers import gap_of
from servicecircle.siting.covering import obeys, value_of
from servicecircle.siting.model import Goal
from servicecircle.siting.solve import solve

PARTS = (
    "existing", "closable", "mandatory", "forbidden", "apart", "floors", "presence", "fractions",
)  # fmt: skip


@st.composite
def questions(draw):
    """Return a small model with some of the parts, and a goal for it."""
    parts = draw(st.sets(st.sampled_from(PARTS), max_size=4))
    model = random_model(draw(st.integers(0, 2**32 - 1)), parts=parts)
    objective = draw(st.sampled_from(["fewest", "cover"]))
    limits = {}
    if objective == "cover":
        limits = draw(st.sampled_from([{"sites": 1}, {"sites": 3}, {"budget": 4.0}]))
        limits = limits | draw(st.sampled_from([{}, {"budget": 3.0}]))
    else:
        limits["share"] = draw(st.sampled_from([0.0, 0.4, 0.75, 0.9, 1.0]))
        limits["by_cost"] = draw(st.booleans())
        limits |= draw(st.sampled_from([{}, {"sites": 3}, {"budget": 6.0}]))
    if "closable" in parts:
        limits["closings"] = draw(st.integers(0, 1))
    return model, Goal(objective=objective, **limits)


def plane(points, candidates, *, metres, seed):
    """Return a model of points and candidates on a square of 100 by 100."""
    rng = np.random.default_rng(seed)
    homes, places = rng.random((points, 2)) * 100, rng.random((candidates, 2)) * 100
    found = cKDTree(homes).sparse_distance_matrix(
        cKDTree(places), metres, output_type="coo_matrix"
    )  # fmt: skip
    pairs = csr_array(found)
    pairs.sort_indices()
    weights = rng.integers(1, 100, points).astype(float)
    base = random_model(0, points=points, candidates=candidates)
    return dataclasses.replace(
        base,
        pairs=pairs,
        weights=weights,
        cost=np.ones(candidates),
        units=rng.integers(0, 3, points),
    )


def solved(model, goal, **options):
    try:
        return solve(model, goal, **options)
    except SitingError:
        assume(False)


@settings(max_examples=120, deadline=None)
@given(questions())
def test_equal_to_trying_every_choice(question):
    model, goal = question
    answer = solved(model, goal)
    best = best_by_trying(model, goal)
    if best is None:
        assert answer.status == "infeasible"
        assert answer.reasons
        assert np.isnan(answer.objective)
        return
    assert answer.status == "optimal"
    assert answer.objective == pytest.approx(best)
    assert answer.bound == pytest.approx(best)
    assert is_allowed(model, goal, set(np.flatnonzero(answer.open).tolist()))
    assert obeys(model, goal, answer.open)
    assert value_of(model, goal, answer.open) == pytest.approx(best)
    assert answer.gap == gap_of(answer.objective, answer.bound)


@settings(max_examples=60, deadline=None)
@given(questions())
def test_prices_first_gives_the_same(question):
    model, goal = question
    small, covering_solve.SMALL = covering_solve.SMALL, -1
    try:
        answer = solved(model, goal)
    finally:
        covering_solve.SMALL = small
    best = best_by_trying(model, goal)
    assert answer.status == ("infeasible" if best is None else "optimal")
    assert best is None or answer.objective == pytest.approx(best)


@settings(max_examples=60, deadline=None)
@given(questions())
def test_without_highs_the_bound_holds_and_the_choice_is_allowed(question):
    model, goal = question
    before = covering_solve.SMALL, covering_solve.LARGE
    covering_solve.SMALL, covering_solve.LARGE = -1, -1
    try:
        answer = solved(model, goal)
    finally:
        covering_solve.SMALL, covering_solve.LARGE = before
    best = best_by_trying(model, goal)
    if best is None:
        assert answer.status == "no_answer"
        return
    sign = 1 if goal.objective == "fewest" else -1
    assert sign * answer.bound <= sign * best + 1e-6
    if answer.status != "no_answer":
        assert sign * answer.objective >= sign * best - 1e-9
        assert is_allowed(model, goal, set(np.flatnonzero(answer.open).tolist()))
    if answer.status == "optimal":
        assert answer.objective == pytest.approx(best)


@pytest.mark.parametrize("seed", range(3))
def test_equal_optimum_with_spopt(seed):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # spopt's and PuLP's own
        import pulp
        from spopt.locate import LSCP, MCLP

        model = plane(120, 25, metres=40, seed=seed)
        table = np.full(model.pairs.shape, 1000.0)
        rows = np.repeat(np.arange(120), np.diff(model.pairs.indptr))
        table[rows, model.pairs.indices] = model.pairs.data
        solver = pulp.PULP_CBC_CMD(msg=False)
        most = MCLP.from_cost_matrix(table, model.weights, 40, p_facilities=2).solve(solver)
        least = LSCP.from_cost_matrix(table, 40).solve(solver)
        theirs = float(pulp.value(most.problem.objective))
        number = float(pulp.value(least.problem.objective))
    assert solve(model, Goal(objective="cover", sites=2)).objective == pytest.approx(theirs)
    assert solve(model, Goal(objective="fewest")).objective == number


def test_kept_sites_that_spopt_predefines_too():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # spopt's and PuLP's own
        import pulp
        from spopt.locate import MCLP

        model = plane(100, 20, metres=20, seed=7)
        kept = np.isin(np.arange(20), [3, 11])
        table = np.full(model.pairs.shape, 1000.0)
        rows = np.repeat(np.arange(100), np.diff(model.pairs.indptr))
        table[rows, model.pairs.indices] = model.pairs.data
        theirs = MCLP.from_cost_matrix(
            table, model.weights, 20, p_facilities=5, predefined_facilities_arr=kept.astype(int)
        ).solve(pulp.PULP_CBC_CMD(msg=False))
        best = float(pulp.value(theirs.problem.objective))
    model = dataclasses.replace(model, kept=kept)
    # spopt counts the sites that stand already among the five.
    assert solve(model, Goal(objective="cover", sites=3)).objective == pytest.approx(best)


def test_a_line_by_hand():
    # Points at 0, 1, 2, 3, 4 with candidates at the same places, each reaching its neighbours.
    costs = np.full((5, 5), np.nan)
    for i in range(5):
        for j in range(max(0, i - 1), min(5, i + 2)):
            costs[i, j] = abs(i - j)
    model = random_model(1, points=5, candidates=5)
    model = dataclasses.replace(
        model, pairs=pairs_of(costs), weights=np.array([5.0, 1.0, 1.0, 1.0, 4.0]),
        cost=np.ones(5), units=np.zeros(5, int),
    )  # fmt: skip
    two = solve(model, Goal(objective="fewest"))
    assert two.objective == 2
    assert two.site.min() >= 0
    one = solve(model, Goal(objective="cover", sites=1))
    assert one.objective == 7.0  # 0, 1 and 2 from the site at 1
    assert np.flatnonzero(one.open).tolist() == [1]
    assert one.site.tolist() == [1, 1, 1, -1, -1]
    assert one.served.tolist() == [5.0, 1.0, 1.0, 0.0, 0.0]
    # 7 of 12 people are 58 %: one site is enough for that, and no longer for 60 %.
    assert solve(model, Goal(objective="fewest", share=7 / 12)).objective == 1
    assert solve(model, Goal(objective="fewest", share=0.6)).objective == 2


def test_a_closed_site_frees_a_new_one():
    # The existing site reaches nobody; two candidates reach a person each.
    model = random_model(1, points=2, candidates=3)
    model = dataclasses.replace(
        model, pairs=pairs_of(np.array([[np.nan, 1.0, np.nan], [np.nan, np.nan, 1.0]])),
        weights=np.ones(2), kept=np.array([True, False, False]),
        closable=np.array([True, False, False]), cost=np.array([0.0, 1.0, 1.0]),
    )  # fmt: skip
    stay = solve(model, Goal(objective="cover", sites=1))
    assert (stay.objective, stay.open[0]) == (1.0, np.True_)
    moved = solve(model, Goal(objective="cover", sites=1, closings=1))
    assert (moved.objective, moved.open.tolist()) == (2.0, [False, True, True])
    only_moved = solve(model, Goal(objective="cover", sites=0, closings=1))
    assert only_moved.objective == 1.0
    # Two sites are opened, one of them in place of the closed one.
    assert solve(model, Goal(objective="fewest", closings=1)).objective == 1.0


def test_reasons_name_who_cannot_be_served():
    model = random_model(1, points=3, candidates=2)
    pairs = pairs_of(np.array([[1.0, np.nan], [np.nan, 1.0], [np.nan, np.nan]]))
    model = dataclasses.replace(
        model, pairs=pairs, weights=np.ones(3), units=np.array([0, 0, 1]), cost=np.ones(2)
    )
    found = dict(solve(model, Goal(objective="fewest")).reasons)
    assert found["unreached"].tolist() == [2]
    floor = dataclasses.replace(model, floors=np.array([0.5, 0.5, np.nan]))
    found = dict(solve(floor, Goal(objective="cover", sites=1)).reasons)
    assert found["floors"].tolist() == [1]
    present = dataclasses.replace(model, presence=np.array([0, 2, 0]), site_units=np.array([1, 0]))
    found = dict(solve(present, Goal(objective="cover", sites=1)).reasons)
    assert found["presence"].tolist() == [1]


def test_reasons_name_the_limit_that_the_others_do_not_go_with():
    model = random_model(1, points=2, candidates=2)
    model = dataclasses.replace(
        model, pairs=pairs_of(np.array([[1.0, np.nan], [np.nan, 1.0]])), weights=np.ones(2),
        units=np.zeros(2, int), cost=np.array([1.0, 2.0]),
    )  # fmt: skip
    apart = dataclasses.replace(model, apart=np.array([[0, 1]]))
    found = dict(solve(apart, Goal(objective="fewest")).reasons)
    assert found["apart"].tolist() == [0, 1]
    assert set(dict(solve(model, Goal(objective="fewest", sites=1)).reasons)) == {"share", "sites"}
    found = dict(solve(model, Goal(objective="fewest", budget=2.0)).reasons)
    assert set(found) == {"share", "budget"}


def test_a_time_limit_ends_with_choice_and_bound():
    model = plane(4000, 400, metres=12, seed=2)
    solve(model, Goal(objective="cover", sites=30), seconds=1.0)  # loads kernels
    begun = time.perf_counter()
    answer = solve(model, Goal(objective="cover", sites=30), seconds=1.0)
    took = time.perf_counter() - begun
    assert answer.status in {"feasible", "optimal"}
    assert answer.objective <= answer.bound <= model.weights.sum()
    assert 0 <= answer.gap < 0.2
    assert answer.open.sum() == 30
    assert took < 60  # far from running on until it is solved
    assert answer.seconds <= took


def test_a_gap_ends_it_and_holds():
    model = plane(3000, 200, metres=10, seed=4)
    exact = solve(model, Goal(objective="cover", sites=20), seconds=60)
    near = solve(model, Goal(objective="cover", sites=20), seconds=60, gap=0.05)
    assert exact.status == near.status == "optimal"
    assert near.gap <= 0.05
    assert near.objective <= exact.objective <= near.bound


@pytest.mark.parametrize("objective", ["fewest", "cover"])
def test_fewer_sites_than_greed_and_the_same_each_time(objective):
    model = plane(1500, 150, metres=9, seed=5)
    seen = np.diff(model.pairs.indptr) > 0
    weights = np.where(seen, model.weights, 0.0)
    model = dataclasses.replace(model, weights=weights)
    goal = Goal(objective=objective, share=0.9, sites=None if objective == "fewest" else 20)
    first, second = (solve(model, goal, seconds=60, gap=0.03) for _ in range(2))
    assert first.open.tolist() == second.open.tolist()
    assert (first.objective, first.bound) == (second.objective, second.bound)
    assert obeys(model, goal, first.open)


def test_a_share_that_only_all_attain_is_a_full_covering():
    model = plane(3000, 150, metres=7, seed=3)
    reached = np.diff(model.pairs.indptr) > 0
    assert not reached.all()
    share = model.weights[reached].sum() / model.weights.sum()
    whole = dataclasses.replace(model, weights=np.where(reached, model.weights, 0.0))
    fewest = solve(whole, Goal(objective="fewest"))
    some = solve(model, Goal(objective="fewest", share=share))
    assert some.status == fewest.status == "optimal"
    assert some.objective == fewest.objective
    too_much = Goal(objective="fewest", share=share + 1e-4)
    found = dict(solve(model, too_much).reasons)
    assert found["unreached"].tolist() == np.flatnonzero(~reached).tolist()


def test_several_services_in_one_site_are_rows_of_each():
    # One site holds both services; two others one of them each.
    costs = np.array([[1.0, 1.0, np.nan], [1.0, np.nan, 1.0]])
    model = random_model(1, points=2, candidates=3)
    model = dataclasses.replace(
        model, pairs=pairs_of(costs), weights=np.ones(2), cost=np.ones(3), units=np.zeros(2, int)
    )
    answer = solve(model, Goal(objective="fewest"))
    assert np.flatnonzero(answer.open).tolist() == [0]


def test_a_hair_above_whole_people_asks_for_one_person_more():
    # 300.0005 people are asked for, and sites 0 and 1 reach 300, 2 and 3 the other 700.
    costs = np.full((4, 4), np.nan)
    np.fill_diagonal(costs, 1.0)
    model = dataclasses.replace(
        random_model(1, points=4, candidates=4), pairs=pairs_of(costs),
        weights=np.array([200.0, 100.0, 1.0, 699.0]), units=np.zeros(4, int),
        cost=np.array([1.0, 1.0, 9.0, 9.0]),
    )  # fmt: skip
    found = {
        share: solve(model, Goal(objective="fewest", share=share, by_cost=True))
        for share in (0.3, 0.3000005)
    }
    assert [(one.status, one.objective) for one in found.values()] == [
        ("optimal", 2.0),
        ("optimal", 9.0),
    ]
    assert found[0.3000005].bound == pytest.approx(9.0)
    # A need of less than a thousandth of a person that nobody reaches is a need all the same.
    nobody = dataclasses.replace(
        model, pairs=pairs_of(np.full((4, 4), np.nan)), weights=np.array([0.0, 0.0, 0.0, 0.001])
    )
    answer = solve(nobody, Goal(objective="fewest", share=0.5))
    assert answer.status == "infeasible"
    assert answer.reasons


@pytest.mark.parametrize("objective", ["fewest", "cover"])
def test_no_time_at_all_leaves_a_bound_that_needs_no_search(objective):
    model = plane(300, 30, metres=25, seed=6)
    sites = None if objective == "fewest" else 3
    goal = Goal(objective=objective, share=0.9, sites=sites)
    answer = solve(model, goal, seconds=1e-9)
    best = solve(model, goal).objective
    least, most = (0.0, best) if objective == "fewest" else (best, model.weights.sum() + 1e-6)
    assert least <= answer.bound <= most
