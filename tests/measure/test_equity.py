"""Gini, Theil, Palma, Lorenz and both ends, held against plain sums over pairs of people."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from servicecircle.measure.equity import gini, lorenz, spread_by, tail_weights, theil, theil_parts

# Minutes and people whose squares neither vanish nor overflow.
MINUTES = st.one_of(st.just(0.0), st.floats(1e-3, 1e4))
PEOPLE = st.floats(1e-3, 1e4)
CROWD = st.lists(st.tuples(MINUTES, PEOPLE), min_size=1, max_size=12)


def pair_gini(crowd):
    """Half the mean absolute difference of two people drawn with replacement, over the mean."""
    total = sum(people for _, people in crowd)
    mean = sum(value * people for value, people in crowd) / total
    apart = 0.0
    for one, of_one in crowd:
        for other, of_other in crowd:
            apart += of_one * of_other * abs(one - other)
    return apart / (2.0 * total**2 * mean)


def plain_theil(crowd):
    total = sum(people for _, people in crowd)
    mean = sum(value * people for value, people in crowd) / total
    return sum(
        people / total * value / mean * math.log(value / mean)
        for value, people in crowd
        if value > 0.0
    )


def plain_tail(crowd, share, *, upper):
    """Fill up a share of all people with whole points, then with a part of the next one."""
    left = share * sum(people for _, people in crowd)
    taken = 0.0
    for value, people in sorted(crowd, reverse=upper):
        part = min(left, people)
        taken += part * value
        left -= part
    return taken


def split(crowd):
    values, people = zip(*crowd, strict=True) if crowd else ((), ())
    return np.array(values, float), np.array(people, float)


def whole(crowd):
    values, people = split(crowd)
    return spread_by(values, people, np.zeros(values.size, int), groups=1)


@given(CROWD)
@settings(max_examples=200, deadline=None)
def test_the_trapezoids_are_half_the_mean_difference_of_all_pairs(crowd):
    values, people = split(crowd)
    if values.max() == 0.0:
        assert math.isnan(gini(values, people))
        assert math.isnan(theil(values, people))
        return
    assert gini(values, people) == pytest.approx(pair_gini(crowd), abs=1e-9)
    assert theil(values, people) == pytest.approx(plain_theil(crowd), abs=1e-9)


@given(CROWD, st.floats(0.01, 100.0), st.integers(2, 4))
@settings(max_examples=100, deadline=None)
def test_neither_the_unit_nor_a_copy_of_everybody_changes_anything(crowd, scale, copies):
    values, people = split(crowd)
    if values.max() == 0.0:
        return
    for measure in (gini, theil):
        first = measure(values, people)
        assert measure(scale * values, people) == pytest.approx(first, abs=1e-9)
        assert measure(np.tile(values, copies), np.tile(people, copies)) == pytest.approx(
            first, abs=1e-9
        )
        assert measure(values, copies * people) == pytest.approx(first, abs=1e-9)
        assert measure(values[::-1], people[::-1]) == pytest.approx(first, abs=1e-9)


@given(CROWD)
@settings(max_examples=100, deadline=None)
def test_bounds(crowd):
    values, people = split(crowd)
    if values.max() == 0.0:
        return
    assert 0.0 <= gini(values, people) <= 1.0 - people.min() / people.sum() + 1e-9
    assert 0.0 <= theil(values, people) <= math.log(people.sum() / people.min()) + 1e-9


@given(CROWD, st.floats(0.05, 0.95))
@settings(max_examples=200, deadline=None)
def test_tails_split_the_point_that_straddles_the_cut(crowd, share):
    values, people = split(crowd)
    for upper in (False, True):
        taken = tail_weights(values, people, share=share, upper=upper)
        assert taken.sum() == pytest.approx(share * people.sum())
        assert (taken <= people * (1 + 1e-12)).all()
        assert taken @ values == pytest.approx(
            plain_tail(crowd, share, upper=upper), rel=1e-9, abs=1e-9
        )


@given(CROWD)
@settings(max_examples=100, deadline=None)
def test_the_means_of_both_ends_and_palma(crowd):
    spread, people = whole(crowd), sum(one for _, one in crowd)
    top, bottom = plain_tail(crowd, 0.1, upper=True), plain_tail(crowd, 0.4, upper=False)
    assert spread.highest_tenth[0] == pytest.approx(top / (0.1 * people), rel=1e-8, abs=1e-9)
    assert spread.lower_four_tenths[0] == pytest.approx(bottom / (0.4 * people), rel=1e-8, abs=1e-9)
    assert spread.lowest_tenth[0] == pytest.approx(
        plain_tail(crowd, 0.1, upper=False) / (0.1 * people), rel=1e-8, abs=1e-9
    )
    if bottom > 1e-6 * top > 0.0:
        assert spread.palma[0] == pytest.approx(top / bottom, rel=1e-6)


@given(st.lists(st.tuples(MINUTES, PEOPLE, st.integers(-1, 3)), min_size=1, max_size=15))
@settings(max_examples=150, deadline=None)
def test_theil_is_what_lies_between_groups_and_within_them(crowd):
    values, people = split([(one, weight) for one, weight, _ in crowd])
    group = np.array([number for *_, number in crowd])
    if values.max() == 0.0:
        return
    between, within = theil_parts(values, people, group)
    assert between + within == pytest.approx(theil(values, people), abs=1e-9)
    assert between >= -1e-12
    assert within >= 0.0
    # Plainly: the mean of each group stands for its people.
    means = {
        number: np.average(values[group == number], weights=people[group == number])
        for number in set(group.tolist())
    }
    levelled = [(means[number], weight) for _, weight, number in crowd]
    assert between == pytest.approx(plain_theil(levelled), abs=1e-9)


@given(st.lists(st.tuples(MINUTES, PEOPLE, st.integers(0, 3)), min_size=1, max_size=20))
@settings(max_examples=100, deadline=None)
def test_groups_are_as_each_alone(crowd):
    values, people = split([(one, weight) for one, weight, _ in crowd])
    group = np.array([number for *_, number in crowd])
    together = spread_by(values, people, group, groups=4)
    for number in range(4):
        mine = group == number
        alone = spread_by(values[mine], people[mine], np.zeros(mine.sum(), int), groups=1)
        for name in ("people", "mean", "gini", "theil", "highest_tenth", "lower_four_tenths"):
            one, other = getattr(together, name)[number], getattr(alone, name)[0]
            assert one == pytest.approx(other, rel=1e-7, abs=1e-7, nan_ok=True)


def test_a_small_group_beside_large_ones_is_as_exact_as_alone():
    values = np.array([0.0, 3.0, 7.0, 0.0, 1.0])
    people = np.array([2769.310738466407, 9999.373813707301, 9999.626211132341, 9999.474, 0.001])
    spread = spread_by(values, people, np.array([0, 0, 0, 1, 2]), groups=3)
    # One point: each part of its people has its value.
    assert spread.highest_tenth[2] == pytest.approx(1.0, rel=1e-12)


@given(CROWD)
@settings(max_examples=50, deadline=None)
def test_the_curve_of_lorenz_rises_and_bends_upwards(crowd):
    values, people = split(crowd)
    at, part = lorenz(values, people)
    if values.max() == 0.0:
        assert at.size == part.size == 0
        return
    assert (at[0], part[0]) == (0.0, 0.0)
    assert (at[-1], part[-1]) == (pytest.approx(1.0), pytest.approx(1.0))
    steps = np.diff(at) > 1e-9
    slopes = np.diff(part)[steps] / np.diff(at)[steps]
    assert (np.diff(slopes) >= -1e-6 * (1 + slopes[1:])).all()
    assert gini(values, people) == pytest.approx(1.0 - 2.0 * np.trapezoid(part, at), abs=1e-9)


def test_on_paper():
    # Nine people 10 minutes off and one 110: mean 20, Gini 0.45, worst tenth 110, best 40 % 10.
    spread = spread_by([10.0, 110.0], [9.0, 1.0], [0, 0], groups=1)
    assert spread.mean[0] == 20.0
    assert spread.gini[0] == pytest.approx(0.45)
    assert spread.highest_tenth[0] == pytest.approx(110.0)
    assert spread.lower_four_tenths[0] == pytest.approx(10.0)
    assert spread.palma[0] == pytest.approx(110.0 / 40.0)
    assert spread.theil[0] == pytest.approx(0.45 * math.log(0.5) + 0.55 * math.log(5.5))


def test_all_alike_one_person_nobody_and_nothing():
    alike = spread_by([7.0, 7.0, 7.0], [1.0, 2.0, 0.5], [0, 0, 0], groups=1)
    assert (alike.gini[0], alike.theil[0], alike.palma[0]) == (0.0, 0.0, pytest.approx(0.25))
    one = spread_by([7.0], [1.0], [0], groups=1)
    assert (one.gini[0], one.theil[0], one.highest_tenth[0]) == (0.0, 0.0, pytest.approx(7.0))
    nobody = spread_by([7.0, 9.0], [0.0, math.nan], [0, 0], groups=1)
    assert nobody.people[0] == 0.0
    assert all(math.isnan(getattr(nobody, name)[0]) for name in ("mean", "gini", "theil", "palma"))
    nothing = spread_by([0.0, 0.0], [1.0, 1.0], [0, 0], groups=1)
    assert nothing.mean[0] == 0.0
    assert math.isnan(nothing.gini[0])
    # Four tenths at the door, the others on the way.
    assert spread_by([0.0, 5.0], [1.0, 1.0], [0, 0], groups=1).palma[0] == math.inf


def test_whoever_has_no_number_is_left_out():
    reached = spread_by([5.0, 15.0], [1.0, 1.0], [0, 0], groups=1)
    lost = spread_by([5.0, math.nan, 15.0], [1.0, 50.0, 1.0], [0, 0, 0], groups=1)
    assert lost.people[0] == reached.people[0] == 2.0
    assert lost.gini[0] == reached.gini[0]
    assert lost.mean[0] == 10.0


def test_equal_values_at_the_cut_share_it_whatever_the_order():
    people = np.array([30.0, 10.0, 60.0])
    first = tail_weights(np.array([9.0, 9.0, 1.0]), people, share=0.1, upper=True)
    assert first.tolist() == [7.5, 2.5, 0.0]
    other = tail_weights(np.array([1.0, 9.0, 9.0]), people[::-1], share=0.1, upper=True)
    assert other.tolist() == [0.0, 2.5, 7.5]


@pytest.mark.parametrize(
    ("values", "people", "named"),
    [
        ([-1.0], [1.0], "value is -1"),
        ([math.inf], [1.0], "value is inf"),
        ([1.0], [-2.0], "weight"),
    ],
)
def test_what_cannot_be_is_refused(values, people, named):
    with pytest.raises(ValueError, match=named):
        gini(values, people)


def test_as_pysal_has_it_without_weights():
    inequality = pytest.importorskip("inequality")
    from inequality.gini import Gini
    from inequality.theil import Theil, TheilD

    assert inequality is not None
    generator = np.random.default_rng(5)
    for size in (2, 7, 250):
        values = generator.gamma(2.0, 9.0, size)
        ones = np.ones(size)
        assert gini(values, ones) == pytest.approx(float(Gini(values).g), rel=1e-12)
        assert theil(values, ones) == pytest.approx(float(Theil(values).T), rel=1e-9)
        group = generator.integers(0, 4, size)
        parts = TheilD(values, group)
        between, within = theil_parts(values, ones, group)
        assert between == pytest.approx(float(np.ravel(parts.bg)[0]), rel=1e-7, abs=1e-9)
        assert within == pytest.approx(float(np.ravel(parts.wg)[0]), rel=1e-7, abs=1e-9)
