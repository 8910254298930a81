"""The curve of people gained, held against every choice of so many sites."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from covering_oracle import random_model, reached_by
from hypothesis import given, settings
from hypothesis import strategies as st

from servicecircle.siting.examples import small_model
from servicecircle.siting.gains import GAIN_COLUMNS, covered_by, marginal_gains


def people(model, chosen):
    """Return the people whom some open sites reach, one by one."""
    return sum(
        weight
        for weight, near in zip(model.weights.tolist(), reached_by(model), strict=True)
        if near & chosen
    )


PARTS = st.sets(st.sampled_from(["existing", "closable", "forbidden", "apart", "fractions"]))


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10**6), parts=PARTS)
def test_no_choice_of_so_many_sites_covers_more_than_the_bound(seed, parts):
    model = random_model(seed, parts=parts)
    existing = set(np.flatnonzero(model.kept | model.closable).tolist())
    close = [set(pair) for pair in model.apart.tolist()]
    free = [
        site
        for site in range(model.cost.size)
        if site not in existing
        and not model.forbidden[site]
        and not any(site in pair and pair & existing for pair in close)
    ]
    curve = marginal_gains(model, most=len(free))
    assert tuple(curve.columns) == GAIN_COLUMNS
    assert curve["number"].tolist() == list(range(len(curve)))
    chosen: set[int] = set()
    for row in curve.to_dict("records"):
        if row["number"]:
            before = people(model, existing | chosen)
            # The best next one of those that may still be opened, as a plain loop finds it.
            open_ones = [
                site
                for site in free
                if site not in chosen and not any({site, other} in close for other in chosen)
            ]
            most = max(people(model, existing | chosen | {site}) for site in open_ones) - before
            assert row["gained"] == pytest.approx(most)
            assert row["candidate"] in open_ones
            chosen.add(int(row["candidate"]))
            alone = people(model, existing | {int(row["candidate"])}) - people(model, existing)
            assert row["alone"] == pytest.approx(alone)
        assert row["covered"] == pytest.approx(people(model, existing | chosen))
        assert row["share"] == pytest.approx(row["covered"] / model.weights.sum())
        best = max(
            people(model, existing | set(some))
            for some in itertools.combinations(free, int(row["number"]))
        )
        assert row["bound"] >= best - 1e-9
        assert row["bound"] <= model.weights.sum() + 1e-9
        assert row["bound_share"] == pytest.approx(row["bound"] / model.weights.sum())


def test_the_first_site_is_proven_to_be_the_best_one():
    model = random_model(3)
    first = marginal_gains(model, most=1).iloc[1]
    assert first["bound"] == first["covered"]


def test_the_curve_ends_where_nobody_is_left():
    model = small_model([[1.0, 2.0], [1.0, 0.0]], weights=[4.0, 1.0])
    curve = marginal_gains(model, most=9)
    assert curve[["candidate", "gained", "bound"]].values.tolist() == [[-1, 0, 0], [0, 5, 5]]


def test_of_equals_the_lowest_candidate_comes_first():
    model = small_model([[0.0, 7.0, 2.0]], weights=[4.0])
    assert marginal_gains(model, most=1)["candidate"].tolist() == [-1, 1]


def test_nobody_has_no_share():
    curve = marginal_gains(small_model([[1.0]], weights=[0.0]), most=2)
    assert curve["covered"].tolist() == [0.0]
    assert curve["share"].isna().all()


def test_a_negative_number_is_refused():
    with pytest.raises(ValueError, match="-1 is negative"):
        marginal_gains(small_model([[1.0]], weights=[1.0]), most=-1)


def test_a_stored_zero_is_a_way_of_no_length():
    model = random_model(11)
    zeros = np.flatnonzero(model.pairs.data == 0.0)
    assert zeros.size
    all_sites = np.ones(model.cost.size, bool)
    reached = [bool(near) for near in reached_by(model)]
    assert covered_by(model.pairs, all_sites).tolist() == reached
