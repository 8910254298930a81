"""phasing: milestones of a programme on a county small enough for paper."""

from __future__ import annotations

import datetime as dt
import math

import pytest

from servicecircle.standards.evaluate import evaluate
from servicecircle.standards.indicators import load_plan
from servicecircle.standards.plan import Target


def programme(make, **given):
    """40, 70 and 100 % of the four villages by 2020, 2021 and 2022."""
    years = ((2020, 40), (2021, 70), (2022, 100))
    return make.indicator(
        **{
            "kind": "phasing",
            "layer": "ecological_burial_site",
            "targets": tuple(Target(year=year, value=value) for year, value in years),
        }
        | given
    )


def sites(make, *rows):
    return make.facilities(*({"layer": "ecological_burial_site"} | row for row in rows))


def judge(make, places, *, as_of=dt.date(2025, 12, 31), **given):
    evidence = make.evidence(
        as_of=as_of, facilities=places, layers=frozenset({"ecological_burial_site"})
    )
    card, units = evaluate(make.plan(programme(make, **given)), evidence, area="whole")
    return card, units


def test_each_milestone_counts_what_had_opened_by_the_end_of_its_year(make):
    places = sites(
        make,
        {"village": "111", "opened": "2020-12-31"},
        {"village": "112", "opened": "2020-06-01"},
        {"village": "121", "opened": "2021-01-01"},
        {"village": "121", "opened": "2020-01-01", "closed": "2020-12-31"},
        {"village": "122", "opened": "2023-01-01"},
    )
    card, units = judge(make, places)
    assert card["value"].tolist() == [50.0, 75.0, 75.0]
    assert card["verdict"].tolist() == ["met", "met", "not_met"]
    assert card["shortfall"].tolist() == [0.0, 0.0, 1.0]
    # Nothing says that a value is of today: each is of its own year.
    assert card["notes"].str.contains("2022-12-31").tolist() == [False, False, True]
    assert not card["notes"].str.contains("现状").any()
    # The headline is the milestone of 2022: the last village had none yet.
    assert units.set_index("unit_id")["value"].to_dict() == {
        "village_level:111": 1.0,
        "village_level:112": 1.0,
        "village_level:121": 1.0,
        "village_level:122": 0.0,
    }


def test_a_site_without_a_date_widens_earlier_milestones_and_counts_today(make):
    places = sites(
        make,
        {"village": "111", "opened": "2020-12-31"},
        {"village": "112", "opened": None},
        {"village": "121", "opened": "2019-01-01", "status": "closed"},
    )
    card, _ = judge(make, places)
    # One for certain; the undated one and the one that closed at some day may have been.
    assert card["value"].tolist() == [25.0, 25.0, 25.0]
    assert card["low"].tolist() == [25.0, 25.0, 25.0]
    assert card["high"].tolist() == [75.0, 75.0, 75.0]
    assert card["verdict"].tolist() == ["undecided", "undecided", "not_met"]
    assert set(card["width_causes"]) == {"dates"}
    card, _ = judge(make, places, as_of=dt.date(2022, 12, 31))
    last = card.iloc[2]
    # At the date of judgement itself it is open, and the closed one is not.
    assert (last["value"], last["low"], last["high"]) == (50.0, 50.0, 50.0)


def test_a_milestone_to_come_is_measured_today(make):
    places = sites(make, {"village": "111", "opened": "2021-05-01"})
    card, _ = judge(make, places, as_of=dt.date(2021, 6, 30))
    assert card["value"].tolist() == [0.0, 25.0, 25.0]
    assert card["verdict"].tolist() == ["not_met", "not_due", "not_due"]


def test_without_any_date_the_date_is_missing(make):
    card, _ = judge(make, sites(make, {"opened": None}, {"opened": None, "village": "122"}))
    assert card["verdict"].tolist() == ["no_data", "not_met", "not_met"]
    assert card["value"].isna().all()
    assert set(card["missing_inputs"]) == {"[facilities.ecological_burial_site] opened"}
    assert card["high"].tolist() == [50.0, 50.0, 50.0]


@pytest.mark.parametrize("supplied", [True, False])
def test_no_sites_at_all(make, supplied):
    layers = frozenset({"ecological_burial_site"}) if supplied else frozenset()
    evidence = make.evidence(layers=layers, facilities=sites(make))
    card, _ = evaluate(make.plan(programme(make)), evidence, area="whole")
    if supplied:
        assert card["value"].tolist() == [0.0, 0.0, 0.0]
        assert set(card["verdict"]) == {"not_met"}
    else:
        assert set(card["missing_inputs"]) == {"[facilities.ecological_burial_site]"}
        assert math.isnan(card.at[0, "value"])


def test_relative_years_count_from_the_start_of_the_programme():
    rule = next(
        one
        for one in load_plan("minle").indicators
        if one.id == "minle_social_work_station_phasing"
    )
    assert [(target.phase_year, target.year, target.value) for target in rule.targets] == [
        (4, 2024, 100)
    ]
