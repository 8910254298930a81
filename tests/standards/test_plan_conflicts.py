"""Alternatives and what governs, conflicts and where they show."""

from __future__ import annotations

import datetime as dt

import pandas as pd
import pytest

from servicecircle.standards.conflict_table import CONFLICT_COLUMNS, conflict_table
from servicecircle.standards.conflicts import Conflict, Statement
from servicecircle.standards.evaluate import evaluate
from servicecircle.standards.governing import governing
from servicecircle.standards.indicators import between_plans, load_plan, packaged_plans
from servicecircle.standards.plan import Alternative, Target, variants


def goal(value, year=2025, basis="stated"):
    return (Target(year=year, value=value, basis=basis),)


def test_the_binding_one_governs_whatever_is_stricter(make):
    higher = Alternative(name="90", targets=goal(90), attribute="")
    rule = make.indicator(targets=goal(60), attribute="binding", alternatives=(higher,))
    assert governing(rule) == {""}
    assert governing(make.indicator(targets=goal(60), alternatives=(higher,))) == {"90"}


def test_of_two_that_bind_the_stricter_governs(make):
    higher = Alternative(name="90", targets=goal(90), attribute="binding")
    lower = Alternative(name="30", targets=goal(30), attribute="binding")
    rule = make.indicator(targets=goal(60), alternatives=(lower, higher))
    assert governing(rule) == {"90"}


def test_where_less_is_better_the_lower_one_governs(make):
    lower = Alternative(name="400", targets=goal(400))
    rule = make.indicator(targets=goal(450), operator="at_most", alternatives=(lower,))
    assert governing(rule) == {"400"}


def test_the_earlier_of_two_like_goals_governs_then_the_first_said(make):
    earlier = Alternative(name="2022", targets=goal(100, 2022))
    same = Alternative(name="same", scope="rural")
    assert governing(make.indicator(targets=goal(100), alternatives=(earlier,))) == {"2022"}
    assert governing(make.indicator(targets=goal(100), alternatives=(same,))) == {""}


def test_slips_never_govern_and_readings_only_alone(make):
    slip = Alternative(name="3000", targets=goal(3000), doubtful=True)
    reading = Alternative(name="reading", targets=goal(100, basis="reading"))
    assert governing(make.indicator(targets=goal(30), alternatives=(slip, reading))) == {""}
    only = make.indicator(targets=goal(50, basis="reading"), alternatives=(reading,))
    assert governing(only) == {"reading"}


def test_what_is_asked_for_as_well_governs_for_itself(make):
    too = Alternative(name="county", level="county", as_well=True)
    other = Alternative(name="90", targets=goal(90))
    rule = make.indicator(targets=goal(60), alternatives=(too, other))
    assert governing(rule) == {"county", "90"}


def test_without_targets_the_threshold_tells_which_is_stricter(make):
    more = Alternative(name="more", threshold=3.0)
    rule = make.indicator(targets=(), threshold=2.0, alternatives=(more,))
    assert governing(rule) == {"more"}


@pytest.mark.parametrize(
    ("plan", "indicator", "names"),
    [
        ("minle", "minle_township_comprehensive_care_coverage", {""}),
        ("minle", "minle_new_rural_day_center_count", {"55"}),
        ("minle", "minle_renovated_rural_day_center_count", {"117"}),
        ("minle", "minle_new_estate_elderly_facility_compliance", {""}),
        ("minle", "minle_new_estate_service_area_per_100_households", {""}),
        ("minle", "minle_social_work_station_town_share", {"100"}),
        ("minle", "minle_volunteer_station_coverage_table", {"", "100"}),
        ("minle", "minle_industrial_park_funeral_center", {""}),
        ("minle", "minle_public_burial_coverage", {""}),
        ("shangcheng", "shangcheng_rehab_care_union_count", {"14"}),
        ("jiaxing", "jiaxing_dementia_care_home_county", {""}),
        ("quzhou", "quzhou_social_org_party_center_coverage",
         {"", "township", "county", "prefecture"}),
    ],
)  # fmt: skip
def test_what_governs_in_the_packaged_plans(plan, indicator, names):
    """As the table of contradictions proposes, read by hand."""
    (rule,) = [one for one in load_plan(plan).indicators if one.id == indicator]
    assert governing(rule) == names


def test_every_indicator_has_something_that_governs():
    for name in packaged_plans():
        for rule in load_plan(name).indicators:
            names = {one.alternative for one in variants(rule)}
            assert governing(rule)
            assert governing(rule) <= names
            assert rule.alternatives or governing(rule) == {""}


def test_three_targets_are_judged_and_one_governs(make):
    """A third of three townships: 33 % meets 30, misses 50 and 60; 60 binds."""
    plan = load_plan("minle")
    units = make.units()
    third = units.loc[["township:11"]].rename(index={"township:11": "township:13"})
    units = pd.concat([units, third])
    evidence = make.evidence(
        units=units,
        facilities=make.facilities({"layer": "comprehensive_care_center", "village": "111"}),
        layers=frozenset({"comprehensive_care_center"}),
    )
    card, _ = evaluate(plan, evidence, area="whole", language="en")
    rows = card[card["indicator_id"] == "minle_township_comprehensive_care_coverage"]
    assert rows["value"].round(2).tolist() == [33.33] * 3
    assert rows["target"].tolist() == [60, 30, 50]
    assert rows["verdict"].tolist() == ["not_met", "met", "not_met"]
    assert rows["governing"].tolist() == [True, False, False]
    assert rows["attribute"].tolist() == ["binding", "", ""]
    for note in rows["notes"]:
        assert "conflict I-MI-01: Three targets" in note
    table = conflict_table([plan], card, "en")
    assert tuple(table.columns) == CONFLICT_COLUMNS
    touched = table[table["conflict_id"] == "I-MI-01"]
    assert touched["target"].tolist() == [60, 30, 50, 2]
    assert touched["verdict"].tolist() == ["not_met", "met", "not_met", "not_met"]
    assert touched["governing"].tolist() == [True, False, False, True]
    assert touched["source_lines"].tolist() == ["87;157;159;116;157;174"] * 4


def test_a_row_that_does_not_govern_says_which_one_does(make):
    """As the scorecard of a planner reads it: the plan says 10, and elsewhere 14."""
    more = Alternative(name="14", targets=(Target(year=2025, value=14),))
    rule = make.indicator(
        kind="count", level="county", numerator="facilities", denominator="", threshold=None,
        targets=(Target(year=2025, value=10),), alternatives=(more,),
    )  # fmt: skip
    card, _ = evaluate(make.plan(rule), make.evidence(), area="whole", language="en")
    assert card["governing"].tolist() == [False, True]
    assert "this row does not govern, “14” does" in card.at[0, "notes"]
    assert "govern" not in card.at[1, "notes"]


def test_a_conflict_that_touches_nothing_has_one_row(make):
    conflict = Conflict(
        id="C", type="wording", severity="low", topic_zh="错字", topic_en="slip",
        says=(Statement(lines="3", zh="甲", en="a"),), handling_zh="无", handling_en="none",
    )  # fmt: skip
    plan = make.plan(make.indicator(), conflicts=(conflict,))
    card, _ = evaluate(plan, make.evidence(), area="whole")
    table = conflict_table([plan], card, "zh")
    assert table[["conflict_id", "indicator_id", "says"]].to_numpy().tolist() == [
        ["C", "", "第 3 行：甲"]
    ]
    assert table["target_year"].isna().all()


def test_the_note_of_a_conflict_is_in_the_language_of_the_run(make):
    conflict = Conflict(
        id="C", type="wording", severity="low", topic_zh="错字", topic_en="slip",
        says=(Statement(lines="3", zh="甲", en="a"),), handling_zh="照评", handling_en="judged",
    )  # fmt: skip
    rule = make.indicator(conflicts=("C", "gone"), notes="remark", notes_zh="备注")
    plan = make.plan(rule, conflicts=(conflict,))
    for language, expected in (
        ("zh", "备注 | 矛盾 C：错字；照评"),
        ("en", "remark | conflict C: slip; judged"),
    ):
        card, _ = evaluate(plan, make.evidence(), area="whole", language=language)
        assert card["notes"].tolist() == [expected]


def test_a_note_in_one_language_serves_both(make):
    for given, shown in (({"notes": "a"}, "a"), ({"notes_zh": "甲"}, "甲")):
        rule = make.indicator(**given)
        assert (rule.note("zh"), rule.note("en")) == (shown, shown)


def test_an_alternative_with_a_note_of_its_own_does_not_keep_the_other_language(make):
    other = Alternative(name="b", targets=goal(1), notes="own")
    rule = make.indicator(notes="first", notes_zh="第一", alternatives=(other,))
    assert [(one.notes, one.notes_zh) for one in variants(rule)] == [("first", "第一"), ("own", "")]


def test_units_show_in_both_languages(make):
    rule = make.indicator(unit="cups", unit_zh="杯", targets=())
    card, _ = evaluate(make.plan(rule), make.evidence(), area="whole")
    assert card[["unit", "unit_zh"]].to_numpy().tolist() == [["cups", "杯"]]


def test_an_outcome_of_the_plan_before_says_what_was_reported(make):
    rule = make.indicator(targets=goal(95, 2020), baseline_year=2020, baseline=97)
    day = dt.date(2025, 12, 31)
    card, _ = evaluate(make.plan(rule), make.evidence(as_of=day), area="whole", language="en")
    (note,) = card["notes"]
    assert "a target of 2020 of the plan before (95); this plan reports 97 for that year" in note
    later = make.indicator(targets=goal(95, 2021), baseline_year=2020, baseline=97)
    card, _ = evaluate(make.plan(later), make.evidence(), area="whole", language="en")
    assert "plan before" not in card["notes"].iloc[0]


def test_eight_dated_rows_are_outcomes_of_2020():
    found = [
        rule.id
        for name in packaged_plans()
        for rule in load_plan(name).indicators
        for target in rule.targets
        if target.year == rule.baseline_year == 2020
    ]
    assert len(found) == 8


def test_conflicts_between_plans_travel_with_each():
    for conflict in between_plans():
        for name in packaged_plans():
            there = conflict in load_plan(name).conflicts
            assert there == (name in conflict.plans)
        assert {said.plan for said in conflict.says} == set(conflict.plans)


def test_ids_of_conflicts_are_unique():
    ids = [
        one.id for name in packaged_plans() for one in load_plan(name).conflicts if not one.plans
    ]
    ids += [one.id for one in between_plans()]
    assert len(ids) == len(set(ids)) == 78
