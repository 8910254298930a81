"""Floating catchments: on paper, beside PySAL's access, and what they have to keep."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from access import fca, weights
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array

from servicecircle.measure.catchments import (
    METHODS,
    floating_catchments,
    gaussian_weights,
    step_weights,
)

# Minutes of four points to two homes; the fourth reaches none.
MINUTES = {(0, 0): 0.0, (1, 0): 15.0, (1, 1): 15.0, (2, 0): 30.0, (2, 1): 0.0}
PEOPLE = np.array([100.0, 200.0, 50.0, 10.0])
BEDS = np.array([30.0, 10.0])
STEPS = [(10.0, 1.0), (20.0, 0.5), (30.0, 0.25)]


def matrix(values, shape):
    """Return a matrix that keeps its zeros."""
    rows, columns = (np.array(one, int) for one in zip(*values, strict=True))
    found = csr_array((np.array(list(values.values()), float), (rows, columns)), shape=shape)
    found.sort_indices()
    return found


def weighed(minutes, weigh):
    return csr_array((weigh(minutes.data), minutes.indices, minutes.indptr), shape=minutes.shape)


def by_steps(minutes):
    return weighed(minutes, lambda cost: step_weights(cost, STEPS))


def test_two_steps_on_paper():
    found = floating_catchments(matrix(MINUTES, (4, 2)), PEOPLE, BEDS, method="2sfca")
    assert found.weighted.tolist() == [350.0, 250.0]
    assert found.ratio == pytest.approx([30 / 350, 10 / 250])
    both = 30 / 350 + 10 / 250
    assert found.score == pytest.approx([30 / 350, both, both, 0.0])


def test_zones_on_paper():
    found = floating_catchments(by_steps(matrix(MINUTES, (4, 2))), PEOPLE, BEDS, method="e2sfca")
    # 100·1 + 200·0.5 + 50·0.25, and 200·0.5 + 50·1
    assert found.weighted.tolist() == [212.5, 150.0]
    first, second = 30 / 212.5, 10 / 150
    assert found.score == pytest.approx(
        [first, 0.5 * first + 0.5 * second, 0.25 * first + second, 0.0]
    )


def test_three_steps_on_paper():
    found = floating_catchments(by_steps(matrix(MINUTES, (4, 2))), PEOPLE, BEDS, method="3sfca")
    # The second point chooses half and half, the third 0.25/1.25 = 0.2 and 0.8.
    assert found.weighted == pytest.approx([100 + 200 * 0.5 * 0.5 + 50 * 0.2 * 0.25, 50 + 40])
    first, second = 30 / 152.5, 10 / 90
    assert found.score == pytest.approx(
        [first, 0.25 * first + 0.25 * second, 0.05 * first + 0.8 * second, 0.0]
    )


def test_gaussian_weights_on_paper():
    # Half way: (e^-0.125 - e^-0.5) / (1 - e^-0.5) = 0.27596 / 0.39347
    found = gaussian_weights(np.array([0.0, 15.0, 30.0, 40.0]), 30.0)
    assert found == pytest.approx([1.0, 0.27596624 / 0.39346934, 0.0, 0.0], abs=1e-7)
    with pytest.raises(ValueError, match="0 or more"):
        gaussian_weights(np.array([1.0]), math.nan)
    with pytest.raises(ValueError, match="0 or more"):
        gaussian_weights(np.array([1.0]), -1.0)


def test_a_limit_of_zero_counts_who_is_there():
    minutes = matrix({(0, 0): 0.0}, (2, 1))
    reach = weighed(minutes, lambda cost: gaussian_weights(cost, 0.0))
    for method in METHODS:
        found = floating_catchments(reach, np.array([4.0, 6.0]), np.array([2.0]), method=method)
        assert found.score.tolist() == [0.5, 0.0]


def test_zones_end_with_a_slack():
    steps = [(10.0, 1.0), (20.0, 0.5)]
    assert step_weights(np.array([10.0000000001, 20.0000000001]), steps).tolist() == [1.0, 0.5]
    with pytest.raises(ValueError, match="one after the other"):
        step_weights(np.array([1.0]), [(20, 1.0), (10, 0.5)])
    with pytest.raises(ValueError, match="weigh 0 or more"):
        step_weights(np.array([1.0]), [(20, -1.0)])


def test_a_home_without_beds_counts_and_one_without_people_gives_nothing():
    reach = matrix({(0, 0): 1.0, (1, 1): 1.0}, (2, 3))
    found = floating_catchments(
        reach, np.array([5.0, 0.0]), np.array([0.0, 8.0, 9.0]), method="2sfca"
    )
    # Nobody lives at the second point, and nobody reaches the third home.
    assert found.ratio[0] == 0.0
    assert np.isnan(found.ratio[1:]).all()
    assert found.score.tolist() == [0.0, 0.0]


def test_all_at_the_very_limit_have_no_weight():
    reach = weighed(matrix({(0, 0): 30.0}, (1, 1)), lambda cost: gaussian_weights(cost, 30.0))
    for method, score in (("2sfca", 0.5), ("e2sfca", 0.0), ("3sfca", 0.0)):
        found = floating_catchments(reach, np.array([10.0]), np.array([5.0]), method=method)
        assert found.score.tolist() == [score]


@pytest.mark.parametrize("method", METHODS)
def test_nothing_at_all(method):
    found = floating_catchments(csr_array((0, 0)), np.empty(0), np.empty(0), method=method)
    assert found.score.size == found.ratio.size == 0
    found = floating_catchments(csr_array((0, 1)), np.empty(0), np.array([5.0]), method=method)
    assert np.isnan(found.ratio).all()


@pytest.mark.parametrize(
    ("people", "beds", "reach"),
    [
        ([-1.0, 1.0], [1.0], [[1.0], [1.0]]),
        ([math.nan, 1.0], [1.0], [[1.0], [1.0]]),
        ([1.0, 1.0], [-1.0], [[1.0], [1.0]]),
        ([1.0, 1.0], [math.nan], [[1.0], [1.0]]),
        ([1.0, 1.0], [1.0], [[-1.0], [1.0]]),
        ([1.0], [1.0], [[1.0], [1.0]]),
    ],
)
def test_what_cannot_be_is_refused(people, beds, reach):
    with pytest.raises(ValueError, match=r"0 or more|do not go"):
        floating_catchments(
            csr_array(np.array(reach)), np.array(people), np.array(beds), method="2sfca"
        )


@st.composite
def towns(draw, most=30.0):
    """Draw minutes of some pairs, people and beds; tenths, so that no weight underflows."""
    points, homes = draw(st.integers(1, 9)), draw(st.integers(1, 5))
    cells = [(point, home) for point in range(points) for home in range(homes)]
    chosen = draw(st.lists(st.sampled_from(cells), unique=True, min_size=1))
    tenths = st.integers(0, round(most * 10)).map(lambda value: value / 10)
    minutes = {cell: draw(tenths) for cell in sorted(chosen)}
    people = draw(st.lists(st.integers(0, 500), min_size=points, max_size=points))
    beds = draw(st.lists(st.integers(0, 300), min_size=homes, max_size=homes))
    return matrix(minutes, (points, homes)), np.array(people, float), np.array(beds, float)


@given(towns(), st.sampled_from(METHODS), st.booleans())
@settings(max_examples=150, deadline=None)
def test_beds_given_are_beds_there_are(town, method, stepped):
    minutes, people, beds = town
    reach = by_steps(minutes) if stepped else weighed(minutes, lambda m: gaussian_weights(m, 30.0))
    found = floating_catchments(reach, people, beds, method=method)
    reached = found.weighted > 0.0
    assert found.score @ people == pytest.approx(beds[reached].sum(), rel=1e-9, abs=1e-9)
    assert (found.score >= 0.0).all()


@given(towns(), st.sampled_from(METHODS))
@settings(max_examples=60, deadline=None)
def test_the_slow_way_gives_the_same(town, method):
    """The formulas of the papers in plain loops."""
    minutes, people, beds = town
    cost = {
        (point, int(home)): float(value)
        for point in range(people.size)
        for home, value in zip(
            minutes.indices[minutes.indptr[point] : minutes.indptr[point + 1]],
            minutes.data[minutes.indptr[point] : minutes.indptr[point + 1]],
            strict=True,
        )
    }

    def weight(pair):
        if method == "2sfca":
            return 1.0
        decay = (math.exp(-0.5 * (cost[pair] / 30) ** 2) - math.exp(-0.5)) / (1 - math.exp(-0.5))
        if method == "e2sfca":
            return decay
        every = sum(
            max(
                (math.exp(-0.5 * (cost[other] / 30) ** 2) - math.exp(-0.5)) / (1 - math.exp(-0.5)),
                0,
            )
            for other in cost
            if other[0] == pair[0]
        )
        return decay * decay / every if every > 0 else 0.0

    ratio = {}
    for home in range(beds.size):
        demand = sum(weight(pair) * people[pair[0]] for pair in cost if pair[1] == home)
        ratio[home] = beds[home] / demand if demand > 0 else 0.0
    expected = [
        sum(ratio[pair[1]] * weight(pair) for pair in cost if pair[0] == point)
        for point in range(people.size)
    ]
    reach = weighed(minutes, lambda m: gaussian_weights(m, 30.0))
    found = floating_catchments(reach, people, beds, method=method)
    assert found.score == pytest.approx(expected, rel=1e-9, abs=1e-12)


@given(towns(), st.randoms(use_true_random=False))
@settings(max_examples=40, deadline=None)
def test_order_is_irrelevant(town, random):
    minutes, people, beds = town
    rows, columns = list(range(people.size)), list(range(beds.size))
    random.shuffle(rows)
    random.shuffle(columns)
    reach = weighed(minutes, lambda m: gaussian_weights(m, 30.0))
    there = floating_catchments(reach, people, beds, method="3sfca")
    mixed = csr_array(reach[rows][:, columns])
    again = floating_catchments(mixed, people[rows], beds[columns], method="3sfca")
    assert again.score == pytest.approx(there.score[rows], rel=1e-12, abs=1e-15)


# --- beside PySAL


def dai(cost):
    return float(gaussian_weights(np.array([cost]), 30.0)[0])


def in_zones(cost):
    return float(step_weights(np.array([cost]), STEPS)[0])


def frames(minutes, people, beds):
    rows = np.repeat(np.arange(people.size), np.diff(minutes.indptr))
    cost = pd.DataFrame({"origin": rows, "dest": minutes.indices, "cost": minutes.data})
    return (
        pd.DataFrame({"demand": people}, index=pd.Index(range(people.size), name="geoid")),
        pd.DataFrame({"supply": beds}, index=pd.Index(range(beds.size), name="geoid")),
        cost,
    )


# PySAL's own use of pandas.
old_pandas = pytest.mark.filterwarnings("ignore:The inplace keyword")


@old_pandas
@pytest.mark.parametrize("weigh", [dai, in_zones])
@pytest.mark.parametrize("seed", range(4))
def test_scores_are_those_of_pysal(weigh, seed):
    rng = np.random.default_rng(seed)
    points, homes = 200, 12
    cost = rng.uniform(0.0, 70.0, (points, homes))
    near = {(int(i), int(j)): cost[i, j] for i, j in np.argwhere(cost < 30.0)}
    minutes = matrix(near, (points, homes))
    people, beds = rng.uniform(1.0, 90.0, points), rng.integers(0, 300, homes).astype(float)
    demand, supply, table = frames(minutes, people, beds)
    steps = weighed(minutes, lambda m: np.array([weigh(one) for one in m]))
    given_columns = {"max_cost": 30.0, "demand_index": True}
    theirs = {
        "2sfca": fca.two_stage_fca(demand, supply, table, **given_columns),
        "e2sfca": fca.two_stage_fca(demand, supply, table, weight_fn=weigh, **given_columns),
        "3sfca": fca.three_stage_fca(demand, supply, table, weight_fn=weigh, **given_columns),
    }
    for method in METHODS:
        ours = floating_catchments(steps, people, beds, method=method).score
        # Who reaches nothing is none of theirs, and 0 here.
        expected = theirs[method].reindex(range(points)).fillna(0.0)
        assert ours == pytest.approx(expected.to_numpy(), rel=1e-9, abs=1e-15)


@old_pandas
def test_where_pysal_differs_the_paper_speaks_for_us():
    """Selection weights are shares of the homes within the limit, as Wan et al. define them.

    PySAL 1.1 adds up those of every pair in the table: a home of 45 minutes then takes part of
    the choice of people who, with a limit of 30, do not go there.
    """
    people, beds = np.array([100.0]), np.array([10.0, 5.0, 7.0])
    demand, supply, table = frames(
        matrix({(0, 0): 0.0, (0, 1): 20.0, (0, 2): 45.0}, (1, 3)), people, beds
    )
    weigh = weights.gaussian(20.0)
    near, middle, far = 1.0, math.exp(-0.5), math.exp(-0.5 * 2.25**2)
    # On paper: one point, whose weights cancel in each home, so that it has all beds within 30 min.
    reach = matrix({(0, 0): near, (0, 1): middle}, (1, 3))
    ours = floating_catchments(reach, people, beds, method="3sfca")
    share = near / (near + middle)
    assert ours.weighted[:2] == pytest.approx(
        [100 * share * near, 100 * (1 - share) * middle], rel=1e-12
    )
    options = {"max_cost": 30.0, "demand_index": True, "weight_fn": weigh}
    within = table[table["cost"] <= 30.0].copy()
    cut = fca.three_stage_fca(demand, supply, within, **options)
    assert ours.score == pytest.approx(cut.to_numpy(), rel=1e-9)
    ratio = fca.weighted_catchment(
        demand,
        table.assign(W3=table["cost"].map(weigh)).assign(
            G=lambda frame: frame["W3"] / frame["W3"].sum()
        ),
        30.0,
        cost_source="origin",
        cost_dest="dest",
        loc_index=True,
        loc_value="demand",
        weight_fn=weigh,
        three_stage_weight=True,
    )
    assert ratio[0] == pytest.approx(100 * near / (near + middle + far))
    assert ratio[0] < ours.weighted[0]
