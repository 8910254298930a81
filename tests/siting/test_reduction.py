"""Reduced problems are smaller, and their best answers are the best answers."""

from __future__ import annotations

import dataclasses
import itertools

import numpy as np
import pytest
from covering_oracle import pairs_of, random_model
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array

from servicecircle.siting.covering import covering_mip
from servicecircle.siting.highs import solve_mip
from servicecircle.siting.merging import equal_rows, needless_rows
from servicecircle.siting.model import Goal
from servicecircle.siting.reduction import pattern, reduced, stated

seeds = st.integers(0, 2**32 - 1)


def best(problem):
    answer = solve_mip(covering_mip(problem))
    return None if answer.values is None else answer.objective + problem.base


@settings(max_examples=120, deadline=None)
@given(
    seeds,
    st.sets(st.sampled_from(["existing", "apart", "floors", "presence", "mandatory", "closable"])),
    st.sampled_from(["cover", "fewest", "cost"]),
)
def test_the_best_answer_is_as_good(seed, parts, kind):
    model = random_model(seed, parts=parts)
    closings = int("closable" in parts)
    goal = {
        "cover": Goal(objective="cover", sites=2, budget=5.0, closings=closings),
        "fewest": Goal(objective="fewest", share=0.8, closings=closings),
        "cost": Goal(objective="fewest", by_cost=True, closings=closings),
    }[kind]
    problem = stated(model, goal)
    less = reduced(problem)
    assert less.reach.shape <= problem.reach.shape
    whole, part = best(problem), best(less)
    assert (whole is None) == (part is None)
    assert whole is None or part == pytest.approx(whole)


@settings(max_examples=60, deadline=None)
@given(seeds)
def test_equal_rows_are_those_with_equal_columns_and_keys(seed):
    rng = np.random.default_rng(seed)
    table = rng.random((30, 4)) < 0.4
    keys = rng.integers(-1, 2, 30)
    first, group = equal_rows(csr_array(table.astype(np.int8)), keys)
    plain = {}
    for row in range(30):
        plain.setdefault((tuple(table[row]), int(keys[row])), []).append(row)
    assert first.tolist() == sorted(rows[0] for rows in plain.values())
    for rows in plain.values():
        assert len(set(group[rows].tolist())) == 1


@settings(max_examples=60, deadline=None)
@given(seeds)
def test_needless_rows_hold_whatever_covers_the_others(seed):
    rng = np.random.default_rng(seed)
    table = rng.random((8, 5)) < 0.4
    must = rng.random(8) < 0.6
    reach = csr_array(table.astype(np.int8))
    needless = needless_rows(reach, reach.tocsc(), must)
    for size in range(6):
        for chosen in itertools.combinations(range(5), size):
            covered = table[:, list(chosen)].any(axis=1)
            if covered[must & ~needless].all():
                assert covered[needless].all()


def test_people_who_see_the_same_candidates_are_one_group():
    costs = np.array([[1.0, 2, np.nan], [3, 1, np.nan], [np.nan, 1, 1], [np.nan] * 3, [1, 1, 1]])
    model = dataclasses.replace(
        random_model(1, points=5, candidates=3), pairs=pairs_of(costs),
        weights=np.array([2.0, 3.0, 4.0, 5.0, 0.0]), cost=np.ones(3), units=np.zeros(5, int),
    )  # fmt: skip
    problem = stated(model, Goal(objective="cover", sites=1))
    assert problem.weights.tolist() == [
        5.0,
        4.0,
    ]  # nobody reaches the fourth, nobody is at the fifth
    less = reduced(problem)
    assert less.columns.tolist() == [1]  # the second candidate reaches all that the others do
    # Apart in floors, the two points stay two groups.
    floors = dataclasses.replace(
        model, units=np.array([0, 1, 2, 2, 2]), floors=np.array([0.5, 0.5, np.nan])
    )
    assert stated(floors, Goal(objective="cover", sites=1)).weights.tolist() == [2.0, 3.0, 4.0]


def test_a_dominated_candidate_stays_where_its_unit_needs_it():
    costs = np.array([[1.0, 1.0], [np.nan, 1.0]])
    model = dataclasses.replace(
        random_model(1, points=2, candidates=2), pairs=pairs_of(costs), weights=np.ones(2),
        cost=np.ones(2), site_units=np.array([0, 1]), units=np.zeros(2, int),
    )  # fmt: skip
    goal = Goal(objective="cover", sites=2)
    assert reduced(stated(model, goal)).columns.tolist() == [1]
    present = dataclasses.replace(model, presence=np.array([1, 0, 0]))
    assert reduced(stated(present, goal)).columns.tolist() == [0, 1]
    dear = dataclasses.replace(model, cost=np.array([1.0, 2.0]))
    budget = Goal(objective="cover", budget=2.0)
    assert reduced(stated(dear, budget)).columns.tolist() == [0, 1]


def test_a_stored_zero_is_a_pair():
    pairs = pairs_of(np.array([[0.0, np.nan], [np.nan, 0.0]]))
    found = pattern(pairs, np.ones(2, bool), np.ones(2, bool))
    assert found.toarray().tolist() == [[1, 0], [0, 1]]
    assert pattern(pairs, np.array([False, True]), np.array([False, True])).toarray().tolist() == [
        [1]
    ]
