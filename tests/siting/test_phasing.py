"""Sequences of sites: held against every order, and every beginning against every choice."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from covering_oracle import random_model, reached_by
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from servicecircle.errors import SitingError
from servicecircle.siting.examples import small_model
from servicecircle.siting.model import Goal
from servicecircle.siting.opening_costs import near_of
from servicecircle.siting.opening_order import (
    Limits,
    _exchanged_cover,
    order_phases,
    order_within,
)
from servicecircle.siting.phasing import PHASE_COLUMNS, parts_of, sequence
from servicecircle.siting.solve import solve


def people(model, chosen):
    return sum(
        weight
        for weight, near in zip(model.weights.tolist(), reached_by(model), strict=True)
        if near & chosen
    )


def standing(model, chosen):
    """Return people reached, and the sum and the greatest of their costs, in plain Python."""
    costs = []
    for row, weight in enumerate(model.weights.tolist()):
        at = range(model.pairs.indptr[row], model.pairs.indptr[row + 1])
        ways = [model.pairs.data[one] for one in at if model.pairs.indices[one] in chosen]
        if ways and weight > 0:
            costs.append((weight, min(ways)))
    reached = sum(weight for weight, _ in costs)
    return reached, sum(w * c for w, c in costs), max((c for _, c in costs), default=-math.inf)


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    parts=st.sets(st.sampled_from(["existing", "forbidden", "apart", "fractions"])),
    split=st.sampled_from([(4, 3, 3), (1, 1), (1, 0, 2)]),
)
def test_the_order_of_a_set_is_the_best_of_all_orders(seed, parts, split):
    model = random_model(seed, parts=parts)
    goal = Goal(objective="cover", sites=4)
    answer = solve(model, goal)
    found = sequence(model, goal, answer, parts=split)
    new = np.flatnonzero(answer.open & ~model.kept).tolist()
    assert sorted(found.order.tolist()) == new
    assert np.all(np.diff(found.phase) >= 0)
    ends = parts_of(len(new), split)
    kept = set(np.flatnonzero(model.kept).tolist())
    assert found.table["total_sites"].tolist() == ends

    def total(order):
        return sum(people(model, kept | set(order[:end])) for end in ends)

    best = max(total(order) for order in itertools.permutations(new))
    assert found.method == "exact"
    assert found.table["people"].sum() == pytest.approx(best)
    assert total(found.order.tolist()) == pytest.approx(best)


@settings(max_examples=30, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    parts=st.sets(st.sampled_from(["existing", "forbidden", "apart", "presence", "mandatory"])),
    keep_end=st.booleans(),
)
def test_each_beginning_is_held_against_the_best_choice_of_so_many(seed, parts, keep_end):
    model = random_model(seed, parts=parts)
    goal = Goal(objective="cover", sites=4)
    try:
        answer = solve(model, goal)
    except SitingError:
        # Two mandatory ones too close together: no model at all.
        assume(False)
    if answer.status != "optimal":
        with pytest.raises(SitingError, match="no choice of sites"):
            sequence(model, goal, answer)
        return
    found = sequence(model, goal, answer, parts=(1, 1, 2), keep_end=keep_end)
    assert tuple(found.table.columns) == PHASE_COLUMNS
    kept = set(np.flatnonzero(model.kept).tolist())
    free = [
        site
        for site in range(model.cost.size)
        if site not in kept
        and not model.forbidden[site]
        and not any(site in pair and set(pair) & kept for pair in map(set, model.apart.tolist()))
    ]
    close = [set(pair) for pair in model.apart.tolist()]
    before = people(model, kept)
    for number, row in enumerate(found.table.to_dict("records")):
        chosen = set(found.order[found.phase <= number].tolist())
        now = people(model, kept | chosen)
        assert row["people"] == row["value"] == pytest.approx(now)
        assert row["gained"] == pytest.approx(now - before)
        assert row["total_sites"] == len(chosen)
        assert row["total_cost"] == pytest.approx(sum(model.cost[one] for one in chosen))
        assert row["loss"] == pytest.approx(max(row["bound"] - now, 0.0), abs=1e-6)
        if number < 2:
            size = parts_of(int((answer.open & ~model.kept).sum()), (1, 1, 2))[number]
            best = max(
                people(model, kept | set(some))
                for count in range(size + 1)
                for some in itertools.combinations(free, count)
                if not any(set(pair) in close for pair in itertools.combinations(some, 2))
            )
            # Solved to the end, so that best and bound are the truth itself.
            assert row["best"] == pytest.approx(best)
            assert row["bound"] == pytest.approx(best)
        before = now
    last = found.table.iloc[-1]
    assert last["bound"] == pytest.approx(answer.bound)
    if keep_end or found.method != "from_the_start":
        assert last["loss"] == pytest.approx(0.0, abs=1e-6)
        assert np.array_equal(found.answer.open, answer.open)
    else:
        assert last["value"] <= answer.objective + 1e-6


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10**6), budgets=st.lists(st.integers(0, 5), min_size=1, max_size=3))
def test_budgets_are_kept_and_the_order_is_the_best_they_pay_for(seed, budgets):
    model = random_model(seed, parts={"existing"})
    goal = Goal(objective="cover", budget=5.0)
    answer = solve(model, goal)
    new = np.flatnonzero(answer.open & ~model.kept).tolist()
    cost = float(model.cost[new].sum())
    if sum(budgets) < cost:
        with pytest.raises(SitingError, match="add up to"):
            sequence(model, goal, answer, budgets=budgets)
        return
    found = sequence(model, goal, answer, budgets=budgets)
    until = np.cumsum(budgets)
    assert np.all(found.table["total_cost"].to_numpy() <= until + 1e-9)
    assert sorted(found.order.tolist()) == sorted(new)
    kept = set(np.flatnonzero(model.kept).tolist())

    def total(phases):
        sets = [
            {site for site, phase in zip(new, phases, strict=True) if phase <= number}
            for number in range(len(budgets))
        ]
        if any(sum(model.cost[one] for one in some) > until[at] for at, some in enumerate(sets)):
            return -1.0
        return sum(people(model, kept | some) for some in sets)

    best = max(total(one) for one in itertools.product(range(len(budgets)), repeat=len(new)))
    assert found.table["people"].sum() == pytest.approx(best)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10**6), objective=st.sampled_from(["mean", "worst"]))
def test_costs_of_beginnings_are_those_of_the_open_sites(seed, objective):
    model = random_model(seed, parts={"existing"})
    goal = Goal(objective=objective, sites=3)
    answer = solve(model, goal)
    found = sequence(model, goal, answer, parts=(1, 2))
    kept = set(np.flatnonzero(model.kept).tolist())
    for number, row in enumerate(found.table.to_dict("records")):
        reached, total, worst = standing(model, kept | set(found.order[found.phase <= number]))
        value = (total / reached if reached else math.nan) if objective == "mean" else worst
        assert row["people"] == pytest.approx(reached)
        assert row["value"] == pytest.approx(value, nan_ok=True)
        if row["people"] == pytest.approx(row["best_people"]):
            assert row["value"] >= row["bound"] - 1e-6
    assert found.table["loss"].iloc[-1] == pytest.approx(0.0, abs=1e-6)


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    measure=st.sampled_from(["mean", "worst"]),
    ends=st.sampled_from([(1, 4), (2, 3, 4), (0, 4)]),
)
def test_exchanging_never_loses_what_greedy_has(seed, measure, ends):
    rng = np.random.default_rng(seed)
    model = small_model(
        np.where(rng.random((9, 4)) < 0.5, rng.integers(1, 9, (9, 4)), 0),
        weights=rng.integers(0, 5, 9).astype(float),
    )
    near = near_of(model, np.arange(4), measure, open_before=np.zeros(4, bool))
    phase, method = order_phases(near, Limits(most=np.array(ends, float), cost=np.ones(4)))
    assert method == "exchange"
    counts = [int((phase <= number).sum()) for number in range(len(ends))]
    assert counts == list(ends)

    def total(order):
        scores = [near.score(np.isin(np.arange(4), order[:end])) for end in ends[:-1]]
        return sum(one for one, _ in scores), sum(one for _, one in scores)

    greedy = order_within(near, np.zeros(4, np.int64)).tolist()
    found = order_within(near, phase).tolist()
    assert total(found) >= total(greedy)
    assert total(found)[0] <= max(total(list(one))[0] for one in itertools.permutations(range(4)))


@settings(max_examples=80, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    measure=st.sampled_from(["cover", "mean", "worst"]),
    existing=st.booleans(),
)
def test_what_a_site_adds_or_takes_away_is_the_difference_of_two_scores(seed, measure, existing):
    model = random_model(seed, parts={"existing"} if existing else ())
    sites = np.flatnonzero(~model.kept)
    near = near_of(model, sites, measure, open_before=model.kept)
    chosen = np.random.default_rng(seed).random(sites.size) < 0.5
    now = near.score(chosen)
    # The greatest cost only decides among those that change the people least, or most.
    for told, left in ((near.gains(chosen), ~chosen), (near.losses(chosen), chosen)):
        people = told[0][left].max(initial=-np.inf)
        for site in np.flatnonzero(left).tolist():
            changed = chosen.copy()
            changed[site] = ~changed[site]
            score = near.score(changed)
            assert told[0][site] == pytest.approx(score[0] - now[0])
            if measure == "mean":
                assert told[1][site] == pytest.approx(score[1] - now[1])
            if measure == "worst" and told[0][site] == people:
                assert told[1][site] == pytest.approx(score[1])
    reached = standing(model, set(sites[chosen].tolist()) | set(np.flatnonzero(model.kept)))
    seen = standing(model, set(np.flatnonzero(model.kept)))
    assert near.score(chosen)[0] - near.score(np.zeros_like(chosen))[0] == pytest.approx(
        reached[0] - seen[0]
    )


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10**6), existing=st.booleans())
def test_no_single_exchange_makes_an_exchanged_order_better(seed, existing):
    model = random_model(seed, points=20, parts={"existing"} if existing else ())
    sites = np.flatnonzero(~model.kept)
    near = near_of(model, sites, "cover", open_before=model.kept)
    limits = Limits(most=np.array([1.0, 3.0, float(sites.size)]), cost=np.ones(sites.size))
    phase = _exchanged_cover(near, limits, np.array([0, 1, 1] + [2] * (sites.size - 3)))

    def total(one):
        return near.score(one <= 0)[0] + near.score(one <= 1)[0]

    assert np.bincount(phase, minlength=3).tolist() == [1, 2, sites.size - 3]
    for one, other in itertools.combinations(range(sites.size), 2):
        trial = phase.copy()
        trial[[one, other]] = phase[[other, one]]
        assert total(trial) <= total(phase) + 1e-9


def test_four_three_three_of_twenty_is_eight_six_six():
    assert np.diff([0, *parts_of(20, (4, 3, 3))]).tolist() == [8, 6, 6]
    assert parts_of(1, (1, 1)) == [1, 1]


@pytest.mark.parametrize("parts", [(), (0, 0), (4, -3), (math.nan,), (math.inf, 1)])
def test_parts_that_are_none_are_refused(parts):
    with pytest.raises(SitingError, match="bad parts"):
        parts_of(5, parts)


@pytest.mark.parametrize("budgets", [(), (-1.0, 5.0), (math.nan,)])
def test_budgets_that_are_none_are_refused(budgets):
    model = small_model([[1.0]], weights=[1.0])
    goal = Goal(objective="cover", sites=1)
    with pytest.raises(SitingError, match="bad budgets"):
        sequence(model, goal, solve(model, goal), budgets=budgets)


def test_more_phases_than_sites_leave_some_empty():
    model = small_model([[1.0]], weights=[1.0])
    goal = Goal(objective="cover", sites=1)
    table = sequence(model, goal, solve(model, goal), parts=(1, 1, 1)).table
    # A third and two thirds of one site are 0 and 1 to the nearest whole number.
    assert table["sites"].tolist() == [0, 1, 0]
    assert table["people"].tolist() == [0.0, 1.0, 1.0]
    assert table["loss"].tolist() == [0.0, 0.0, 0.0]


def test_the_fewest_sites_are_put_in_order_by_people():
    model = small_model(np.diag([1.0, 1.0, 1.0]), weights=[2.0, 9.0, 4.0])
    goal = Goal(objective="fewest", share=1.0)
    found = sequence(model, goal, solve(model, goal), parts=(1, 1, 1))
    assert found.order.tolist() == [1, 2, 0]
    assert found.table["people"].tolist() == [9.0, 13.0, 15.0]
    assert found.table["loss"].tolist() == [0.0, 0.0, 0.0]


def test_a_site_that_is_moved_stays_open_until_the_last_phase():
    # The first one exists and may be closed for others that serve more.
    model = small_model(
        [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]], weights=[2.0, 9.0, 4.0],
        kept=np.array([True, False, False]), closable=np.array([True, False, False]),
        cost=np.array([0.0, 1.0, 1.0]),
    )  # fmt: skip
    goal = Goal(objective="cover", sites=1, closings=1)
    answer = solve(model, goal)
    assert answer.open.tolist() == [False, True, True]
    table = sequence(model, goal, answer, parts=(1, 1)).table
    assert table["people"].tolist() == [11.0, 13.0]


def test_nothing_new_is_no_sequence_of_sites():
    model = small_model(
        [[1.0, 1.0]], weights=[1.0], kept=np.array([True, False]), cost=np.array([0.0, 1.0])
    )
    goal = Goal(objective="fewest", share=1.0)
    found = sequence(model, goal, solve(model, goal))
    assert found.order.size == 0
    assert found.table["people"].tolist() == [1.0, 1.0, 1.0]


def test_with_places_no_phase_is_better_than_its_bound():
    # Three sites reach 5, 9 and 2 people, and have places for one each.
    model = small_model(
        [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]], weights=[5.0, 9.0, 2.0],
        capacity=np.ones(3),
    )  # fmt: skip
    goal = Goal(objective="cover", sites=3)
    answer = solve(model, goal)
    assert answer.objective == pytest.approx(3.0, abs=1e-4)
    table = sequence(model, goal, answer, parts=(1, 1, 1)).table
    assert table["people"].tolist() == [9.0, 14.0, 16.0]
    assert table["value"].tolist() == table["bound"].tolist() == [9.0, 14.0, 16.0]


def test_an_existing_site_that_has_to_close_is_open_until_the_last_phase():
    only = np.array([True, False, False])
    model = small_model(
        [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]], weights=[5.0, 9.0, 2.0],
        kept=only, closable=only, forbidden=only, cost=np.array([0.0, 1.0, 1.0]),
    )  # fmt: skip
    goal = Goal(objective="cover", sites=1, closings=1)
    found = sequence(model, goal, solve(model, goal), parts=(1, 1))
    assert found.order.tolist() == [1, 2]
    assert found.table["people"].tolist() == [14.0, 11.0]
    assert found.table["bound"].tolist() == [14.0, 11.0]


def test_sites_that_units_ask_for_are_put_in_order_without_people():
    model = small_model(
        [[1.0, 0.0], [0.0, 1.0]], weights=[0.0, 0.0], site_units=np.array([0, 1]),
        floors=np.full(2, np.nan), presence=np.array([1, 1]),
    )  # fmt: skip
    goal = Goal(objective="fewest", share=0.0)
    found = sequence(model, goal, solve(model, goal), parts=(1, 1))
    assert found.order.tolist() == [0, 1]
    assert found.phase.tolist() == [0, 1]
    assert found.table["loss"].tolist() == [0.0, 0.0]
