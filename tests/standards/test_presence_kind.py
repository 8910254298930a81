"""presence_per_unit on five villages, by hand."""

from __future__ import annotations

import datetime as dt
import math

import pandas as pd
import pytest

from servicecircle.standards.evaluate import evaluate
from servicecircle.standards.plan import Filter, Target


def run(make, indicator, **evidence):
    area = evidence.pop("area", "whole")
    own_level = evidence.pop("own_level", None)
    scorecard, units = evaluate(
        make.plan(indicator), make.evidence(**evidence), area=area, own_level=own_level
    )
    return scorecard, units.set_index("unit_id") if len(units) else units


def one(make, indicator, **evidence):
    scorecard, _ = run(make, indicator, **evidence)
    assert len(scorecard) == 1
    return scorecard.iloc[0]


def test_two_of_four_villages(make):
    homes = make.facilities({"village": "111"}, {"village": "111"}, {"village": "122"})
    scorecard, units = run(make, make.indicator(), facilities=homes)
    row = scorecard.iloc[0]
    # The farm should have none and is not counted.
    assert (row["value"], row["numerator"], row["denominator"]) == (50.0, 2, 4)
    assert (row["verdict"], row["shortfall"], row["low"], row["high"]) == ("not_met", 2, 50, 50)
    assert units["value"].to_dict() == {
        "village_level:111": 2,
        "village_level:112": 0,
        "village_level:121": 0,
        "village_level:122": 1,
    }
    assert units["verdict"].tolist() == ["met", "not_met", "not_met", "met"]
    assert units["shortfall"].tolist() == [0, 1, 1, 0]


@pytest.mark.parametrize(
    ("target", "verdict"), [(50, "met"), (50.1, "not_met"), (49.9, "met"), (0, "met")]
)
def test_equal_meets(make, target, verdict):
    homes = make.facilities({"village": "111"}, {"village": "122"})
    rule = make.indicator(targets=(Target(year=2025, value=target),))
    assert one(make, rule, facilities=homes)["verdict"] == verdict


def test_empty_is_zero_and_absent_is_no_data(make):
    row = one(make, make.indicator())
    assert (row["value"], row["verdict"]) == (0.0, "not_met")
    row = one(make, make.indicator(), layers=frozenset())
    assert math.isnan(row["value"])
    assert (row["verdict"], row["missing_inputs"]) == ("no_data", "[facilities.childrens_home]")


@pytest.mark.parametrize(
    ("scope", "value"),
    [
        ("villages_and_communities", (1, 4)),
        ("rural", (1, 2)),
        ("administrative_villages", (1, 2)),
        ("communities", (0, 2)),
        ("urban_communities", (0, 2)),
    ],
)
def test_scopes_pick_units(make, scope, value):
    row = one(make, make.indicator(scope=scope), facilities=make.facilities({"village": "111"}))
    assert (row["numerator"], row["denominator"]) == value


def test_a_rural_community_is_no_urban_one(make):
    units = make.units()
    units.loc["village_level:112", "is_urban"] = False
    row = one(make, make.indicator(scope="urban_communities"), units=units)
    assert row["denominator"] == 1
    assert one(make, make.indicator(scope="rural"), units=units)["denominator"] == 3


def test_units_without_type(make):
    units = make.units()
    units.loc[units["level"] == "village_level", "type"] = ""
    row = one(make, make.indicator(scope="urban_communities"), units=units)
    assert (row["verdict"], row["missing_inputs"]) == ("no_data", "[boundaries.village_level] type")
    units.loc["village_level:111", "is_urban"] = True
    row = one(make, make.indicator(scope="urban_communities"), units=units)
    assert (row["denominator"], row["value"]) == (1, 0)
    assert "3 " in row["notes"]


def test_subdistricts_by_the_ending_of_their_names(make):
    rule = make.indicator(level="township", scope="subdistricts")
    row = one(make, rule, facilities=make.facilities({"village": "121"}))
    assert (row["numerator"], row["denominator"]) == (1, 1)
    row = one(make, make.indicator(level="township", scope="towns"))
    assert (row["numerator"], row["denominator"]) == (0, 1)


def test_no_unit_in_scope_is_no_data_never_a_percentage(make):
    units = make.units()
    units = units[units["type"] != "community"]
    row = one(make, make.indicator(scope="communities"), units=units)
    assert row["verdict"] == "no_data"
    assert math.isnan(row["value"])


def test_a_level_without_boundaries(make):
    units = make.units()
    units = units[units["level"] != "village_level"]
    row = one(make, make.indicator(), units=units)
    assert (row["verdict"], row["missing_inputs"]) == ("no_data", "[boundaries.village_level]")
    row = one(make, make.indicator(level="industrial_cluster"))
    assert (row["verdict"], row["missing_inputs"]) == ("no_data", "[boundaries.industrial_cluster]")


def test_the_studys_own_level_is_the_whole_area(make):
    units = make.units()
    units = units[units["level"] != "county"]
    rule = make.indicator(level="county")
    scorecard, results = run(make, rule, units=units, facilities=make.facilities({}, {}))
    row = scorecard.iloc[0]
    assert (row["value"], row["numerator"], row["denominator"]) == (100, 1, 1)
    assert results["value"].to_dict() == {"area": 2}


def test_a_coarser_level_is_not_applicable(make):
    row = one(
        make,
        make.indicator(level="prefecture"),
        area="part",
        own_level="county",
        facilities=make.facilities({}),
    )
    assert row["verdict"] == "not_applicable"


def test_a_share_on_a_part_is_judged_as_of_the_part(make):
    row = one(make, make.indicator(), area="part", own_level="county")
    assert row["verdict"] == "not_met"
    assert "部分区域" in row["notes"]


@pytest.mark.parametrize(
    ("grades", "target", "expected"),
    [
        # One of four villages is certain, one may be.
        (["4A", ""], 25, (25.0, 25.0, 50.0, "met", "filter")),
        (["4A", ""], 50, (25.0, 25.0, 50.0, "undecided", "filter")),
        (["4A", ""], 75, (25.0, 25.0, 50.0, "not_met", "filter")),
        (["4A", "2A"], 50, (25.0, 25.0, 25.0, "not_met", "")),
    ],
)
def test_a_grade_that_is_not_known(make, grades, target, expected):
    homes = make.facilities(
        {"village": "111", "grade": grades[0]}, {"village": "122", "grade": grades[1]}
    )
    rule = make.indicator(
        filter=Filter(grade_at_least="3A"), targets=(Target(year=2025, value=target),)
    )
    row = one(make, rule, facilities=homes)
    found = tuple(row[key] for key in ("value", "low", "high", "verdict", "width_causes"))
    assert found == expected


def test_a_column_without_any_value_is_missing_but_may_prove_failure(make):
    homes = make.facilities({"village": "111"}, {"village": "122"})
    rule = make.indicator(
        filter=Filter(dementia_beds_at_least=1),
        targets=(Target(year=2022, value=40), Target(year=2025, value=60)),
    )
    scorecard, _ = run(make, rule, facilities=homes)
    assert scorecard["value"].isna().all()
    assert scorecard["missing_inputs"].unique().tolist() == [
        "[facilities.childrens_home] dementia_beds"
    ]
    # At most two of four villages can have one: 40 % is open, 60 % cannot be.
    assert scorecard["verdict"].tolist() == ["no_data", "not_met"]


def test_beds_and_words_in_the_grade(make):
    homes = make.facilities(
        {"village": "111", "capacity": 100, "grade": "省级示范"},
        {"village": "122", "capacity": 99, "grade": "达标"},
    )
    for condition in (Filter(beds_at_least=100), Filter(grade_in=("示范",))):
        row = one(make, make.indicator(filter=condition), facilities=homes)
        assert row["numerator"] == 1


def test_at_least_n(make):
    homes = make.facilities({"village": "111"}, {"village": "111"}, {"village": "122"})
    row = one(make, make.indicator(threshold=2.0), facilities=homes)
    assert row["numerator"] == 1


def test_only_units_that_have_a_service_centre(make):
    places = make.facilities(
        {"village": "111", "layer": "community_service_center"},
        {"village": "121", "layer": "community_service_center"},
        {"village": "121", "layer": "volunteer_station"},
        {"village": "122", "layer": "volunteer_station"},
    )
    rule = make.indicator(layer="volunteer_station", scope="with_community_service_center")
    both = frozenset({"volunteer_station", "community_service_center"})
    row = one(make, rule, facilities=places, layers=both)
    assert (row["numerator"], row["denominator"]) == (1, 2)
    row = one(make, rule, facilities=places, layers=both - {"community_service_center"})
    assert row["missing_inputs"] == "[facilities.community_service_center]"


def test_only_facilities_in_the_main_urban_area(make):
    homes = make.facilities({"village": "111"}, {"village": "122"})
    rule = make.indicator(level="county", scope="main_urban_area")
    row = one(make, rule, facilities=homes)
    assert (row["verdict"], row["missing_inputs"]) == ("no_data", "[boundaries.main_urban_area]")
    homes["in_main_urban_area"] = [False, False]
    row = one(make, rule, facilities=homes, scopes=frozenset({"main_urban_area"}))
    # Nobody and nothing of the county lies in the polygon: the county's own was not supplied.
    assert (row["value"], row["verdict"], row["width_causes"]) == (0, "undecided", "scope")
    assert "1 个单元没有提供该范围的边界" in row["notes"]
    people = pd.DataFrame(
        {
            "population": [10.0],
            "elderly": [2.0],
            "unit_county": ["county:1"],
            "in_main_urban_area": [True],
        },
        index=pd.Index(["a"], name="demand_id"),
    )
    row = one(make, rule, facilities=homes, scopes=frozenset({"main_urban_area"}), demand=people)
    assert (row["value"], row["verdict"], row["width_causes"]) == (0, "not_met", "")
    homes["in_main_urban_area"] = [True, False]
    row = one(make, rule, facilities=homes, scopes=frozenset({"main_urban_area"}))
    assert (row["value"], row["verdict"]) == (100, "met")


def test_a_rule_without_a_target_judges_units_only(make):
    scorecard, units = run(
        make, make.indicator(targets=()), facilities=make.facilities({"village": "111"})
    )
    row = scorecard.iloc[0]
    assert (row["verdict"], row["value"]) == ("no_target", 25.0)
    assert pd.isna(row["target_year"])
    assert units["verdict"].tolist() == ["met", "not_met", "not_met", "not_met"]


def test_a_later_target_is_not_due_and_shows_its_value(make):
    rule = make.indicator(targets=(Target(year=2024, value=25), Target(year=2026, value=100)))
    scorecard, units = run(make, rule, facilities=make.facilities({"village": "111"}))
    assert scorecard["verdict"].tolist() == ["met", "not_due"]
    assert scorecard["headline"].tolist() == [True, False]
    assert scorecard["shortfall"].tolist() == [0, 3]
    assert units["verdict"].tolist() == ["met", "not_met", "not_met", "not_met"]


def test_a_further_layer_that_is_missing_leaves_it_open(make):
    rule = make.indicator(also=("canteen",), targets=(Target(year=2025, value=50),))
    homes = make.facilities({"village": "111"})
    row = one(make, rule, facilities=homes)
    assert (row["value"], row["high"], row["verdict"]) == (25, 100, "undecided")
    assert row["width_causes"] == "missing_layer"
    places = make.facilities({"village": "111"}, {"village": "122", "layer": "canteen"})
    both = frozenset({"childrens_home", "canteen"})
    row = one(make, rule, facilities=places, layers=both)
    assert (row["value"], row["verdict"]) == (50, "met")


def drawn(make, *built):
    """Two estates in the east town, with the year they were built."""
    units = make.units().assign(built=pd.array([pd.NA] * 8, dtype="Int64"))
    estates = units.iloc[:2].assign(
        level="residential_estate",
        parent_id="",
        code=["e0", "e1"],
        built=pd.array(built, dtype="Int64"),
    )
    estates.index = pd.Index(["residential_estate:0", "residential_estate:1"])
    homes = make.facilities({"village": "111"}, {"village": "122"})
    homes["unit_residential_estate"] = ["residential_estate:0", None]
    return {"units": pd.concat([units, estates]), "facilities": homes}


@pytest.mark.parametrize(
    ("scope", "built", "value", "missing"),
    [
        ("all", (2022, 2012), 50.0, ""),
        ("new_residential_estates", (2022, 2012), 100.0, ""),
        ("old_residential_estates", (2022, 2012), 0.0, ""),
        ("old_residential_estates", (2020, None), 100.0, ""),
        ("old_residential_estates", (None, None), None, "[boundaries.residential_estate] built"),
        ("old_residential_estates", (2022, 2023), None,
         "[boundaries.residential_estate] old_residential_estates"),
    ],
)  # fmt: skip
def test_units_that_were_drawn_are_counted_where_they_are_given(make, scope, built, value, missing):
    rule = make.indicator(level="residential_estate", scope=scope)
    evidence = make.evidence(**drawn(make, *built))
    card, units = evaluate(make.plan(rule), evidence, area="whole", language="en")
    row = card.iloc[0]
    assert row["missing_inputs"] == missing
    if value is None:
        assert row["verdict"] == "no_data"
        return
    assert row["value"] == value
    assert set(units["verdict"]) == {
        100.0: {"met"}, 0.0: {"not_met"}, 50.0: {"met", "not_met"}
    }[value]  # fmt: skip
    if None in built:
        assert "no year of construction" in row["notes"]


def test_what_is_built_after_the_date_of_judgement_is_not_new_yet(make):
    rule = make.indicator(level="residential_estate", scope="new_residential_estates")
    for day, counted in ((dt.date(2022, 6, 30), 1.0), (dt.date(2024, 1, 1), 2.0)):
        evidence = make.evidence(**drawn(make, 2022, 2024), as_of=day)
        card, units = evaluate(make.plan(rule), evidence, area="whole")
        assert (card.at[0, "denominator"], len(units)) == (counted, counted)


def test_a_level_that_was_not_drawn_needs_its_boundaries(make):
    rule = make.indicator(level="big_community")
    card, _ = evaluate(make.plan(rule), make.evidence(), area="whole")
    assert card.at[0, "missing_inputs"] == "[boundaries.big_community]"
