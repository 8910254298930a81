"""Models that ask for what cannot be, or contradict themselves, are refused with every fault."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from covering_oracle import random_model

from servicecircle.errors import ServiceCircleError, SitingError
from servicecircle.siting.checked import check_model
from servicecircle.siting.model import Goal
from servicecircle.siting.solve import solve

COVER = Goal(objective="cover", sites=2)
FIVE = np.arange(5)


def model(**changes):
    """Return twelve points and five candidates that nothing is wrong with, but for changes."""
    return dataclasses.replace(random_model(1, candidates=5), **changes)


def flags(*at):
    return np.isin(FIVE, at)


def codes(found, goal=COVER, **options):
    with pytest.raises(SitingError) as caught:
        check_model(found, goal, **options)
    return [problem.code.removeprefix("siting.") for problem in caught.value.problems]


def test_a_sound_model_passes():
    check_model(model(), COVER)
    check_model(model(), Goal(objective="fewest"))
    check_model(
        model(kept=flags(0), closable=flags(0)), Goal(objective="cover", sites=0, closings=1)
    )


@pytest.mark.parametrize(
    ("goal", "code"),
    [
        (Goal(objective="cover", sites=0), "no_sites"),
        (Goal(objective="cover", sites=-1), "no_sites"),
        (Goal(objective="cover", sites=6), "too_many_sites"),
        (Goal(objective="cover"), "no_limit"),
        (Goal(objective="mean"), "no_limit"),
        (Goal(objective="worst"), "no_limit"),
        (Goal(objective="cover", budget=-1.0), "bad_budget"),
        (Goal(objective="cover", budget=float("nan")), "bad_budget"),
        (Goal(objective="fewest", share=1.1), "bad_share"),
        (Goal(objective="fewest", share=float("nan")), "bad_share"),
        (Goal(objective="fewest", closings=1), "bad_closings"),
        (Goal(objective="fewest", closings=-1), "bad_closings"),
        (Goal(objective="most", sites=1), "unknown_objective"),
    ],
)
def test_goals_that_cannot_be(goal, code):
    assert codes(model(), goal) == [code]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"forbidden": np.ones(5, bool)}, "no_candidates"),
        ({"weights": np.zeros(12)}, "no_points"),
        ({"weights": np.append(np.ones(11), -1.0)}, "bad_weights"),
        ({"weights": np.append(np.ones(11), np.nan)}, "bad_weights"),
        ({"cost": np.array([1.0, -1, 1, 1, 1])}, "bad_cost"),
        ({"cost": np.array([1.0, np.nan, 1, 1, 1])}, "bad_cost"),
        ({"capacity": np.array([1.0, np.nan, 1, 1, 1])}, "bad_capacity"),
        ({"floors": np.array([0.5, 1.5, np.nan])}, "bad_floor"),
        ({"presence": np.array([0, -1, 0])}, "bad_presence"),
        ({"mandatory": flags(1), "forbidden": flags(1)}, "contradiction"),
        ({"mandatory": flags(0, 1, 2)}, "mandatory_over"),
        ({"mandatory": flags(0, 1), "apart": np.array([[1, 0]])}, "mandatory_apart"),
        ({"kept": flags(3), "mandatory": flags(1), "apart": np.array([[1, 3]])}, "mandatory_apart"),
        ({"kept": flags(3), "forbidden": flags(3)}, "kept_forbidden"),
    ],
)
def test_values_and_lists_that_cannot_be(changes, code):
    changes = {"cost": np.ones(5)} | changes
    assert codes(model(**changes)) == [code]


def test_existing_sites_may_stand_closer_than_the_spacing():
    check_model(model(kept=flags(0, 1), apart=np.array([[0, 1]])), COVER)


def test_a_closable_site_that_is_forbidden_needs_a_closing():
    found = model(kept=flags(3), closable=flags(3), forbidden=flags(3), cost=np.zeros(5))
    assert codes(found) == ["kept_forbidden"]
    check_model(found, dataclasses.replace(COVER, closings=1))


def test_mandatory_sites_dearer_than_the_budget():
    found = model(mandatory=flags(0, 1), cost=np.full(5, 3.0))
    assert codes(found, Goal(objective="cover", budget=5.0)) == ["mandatory_budget"]
    check_model(found, Goal(objective="cover", budget=6.0))


def test_capacity_below_all_demand_only_where_all_must_be_served():
    found = model(weights=np.ones(12), capacity=np.full(5, 2.0))
    assert codes(found, Goal(objective="fewest")) == ["capacity_short"]
    check_model(found, Goal(objective="fewest", share=10 / 12))
    check_model(found, COVER)


@pytest.mark.parametrize("seconds", [0.0, -1.0, float("nan")])
def test_a_time_limit_is_above_0(seconds):
    assert codes(model(), seconds=seconds) == ["bad_seconds"]


@pytest.mark.parametrize("gap", [-0.1, 1.0, float("nan")])
def test_a_gap_lies_between_0_and_1(gap):
    assert codes(model(), gap=gap) == ["bad_gap"]


@pytest.mark.parametrize(
    "changes",
    [
        {"weights": np.ones(3)},
        {"cost": np.ones(4)},
        {"units": np.full(12, 3)},
        {"site_units": np.full(5, 3)},
        {"apart": np.array([[0, 5]])},
        {"presence": np.zeros(2, int)},
    ],
)
def test_arrays_that_do_not_fit_together(changes):
    assert codes(model(**changes)) == ["shapes"]


def test_negative_metres_name_the_points():
    pairs = model().pairs.copy()
    pairs.data[0] = -1.0
    found = model(pairs=pairs)
    assert codes(found) == ["bad_pairs"]


def test_all_faults_come_at_once_in_both_languages():
    found = model(weights=np.append(np.ones(11), -1.0), mandatory=flags(1), forbidden=flags(1))
    with pytest.raises(SitingError) as caught:
        solve(found, Goal(objective="cover", sites=9), seconds=-1.0)
    kinds = [problem.code for problem in caught.value.problems]
    assert len(kinds) == 4
    assert isinstance(caught.value, ServiceCircleError)
    assert isinstance(caught.value, ValueError)
    for language in ("zh", "en"):
        text = caught.value.text(language)
        assert "{" not in text
        assert "11" in text  # the point that is wrong
