"""Evaluation of whole plans: all 161 ids, the seven verdicts, the tables' shape."""

from __future__ import annotations

import datetime as dt
import math

import pandas as pd
import pytest

from servicecircle.errors import UnknownNameError
from servicecircle.standards.evaluate import evaluate, required_access
from servicecircle.standards.indicators import load_plan, packaged_plans, variants
from servicecircle.standards.kinds import KINDS
from servicecircle.standards.plan import Alternative, AppliesTo, Target
from servicecircle.standards.registry import load_registry
from servicecircle.standards.scorecard import SCORECARD_COLUMNS, UNIT_RESULT_COLUMNS
from servicecircle.standards.verdicts import VERDICTS

IDS = [(name, one.id) for name in packaged_plans() for one in load_plan(name).indicators]


def full_evidence(make, **given):
    """Everything the county can have: a facility of each layer in each village, on roads."""
    layers = frozenset(load_registry().layers)
    villages = ("111", "112", "121", "122")
    places = make.facilities(
        *(
            {
                "layer": layer,
                "village": village,
                "grade": "3A" if layer == "elderly_day_center" else "示范三级",
                "dementia_beds": 5,
                "nursing_beds": 5,
                "opened": "2022-05-01",
                "renovated": "2022-06-01",
                "cremation": True,
            }
            for layer in sorted(layers)
            for village in villages
        )
    )
    polygons = frozenset(name for name, words in load_registry().scopes.items() if words.polygon)
    demand = make.demand(*((village, 200_000, 50_000) for village in villages))
    for name in polygons:
        places[f"in_{name}"] = True
        demand[f"in_{name}"] = True
    points = [(500, 400, "reached")] * 4
    access = pd.concat(
        [
            make.access(layer, profile, points, speed_kmh=speed)
            for layer in ("care_home", "elderly_day_center", "canteen", "community_service_center")
            for profile, speed in (("walk", 4.0), ("elderly", 3.0))
        ],
        ignore_index=True,
    )
    return make.evidence(
        **{
            "units": make.units().assign(built=pd.array([2022] * 8, dtype="Int64")),
            "facilities": places,
            "demand": demand,
            "access": access,
            "layers": layers,
            "scopes": polygons,
            "has_roads": True,
            "basis": "registered",
            "age_from": 60,
        }
        | given
    )


def evaluated(make, evidence, **options):
    tables = {}
    for name in packaged_plans():
        plan = load_plan(name)
        given = (
            {"area": "part", "own_level": "county"} if plan.level != "county" else {"area": "whole"}
        )
        tables[name] = evaluate(plan, evidence, **(given | options))
    return tables


def test_there_are_161():
    assert len(IDS) == len(set(IDS)) == 161


@pytest.mark.parametrize("filled", [False, True])
def test_every_id_passes_through_and_says_what_it_lacks(make, filled):
    evidence = full_evidence(make) if filled else make.evidence(layers=frozenset())
    tables = evaluated(make, evidence)
    for name, indicator in IDS:
        scorecard = tables[name][0]
        rows = scorecard[scorecard["indicator_id"] == indicator]
        assert len(rows) >= 1, indicator
        assert set(rows["verdict"]) <= set(VERDICTS)
        assert rows["headline"].sum() == 1
        for verdict, value, missing in zip(
            rows["verdict"], rows["value"], rows["missing_inputs"], strict=True
        ):
            assert missing or verdict != "no_data", indicator
            assert missing or not math.isnan(value) or verdict == "not_applicable", indicator
    if not filled:
        verdicts = pd.concat(scorecard["verdict"] for scorecard, _ in tables.values())
        assert set(verdicts) <= {"no_data", "not_applicable"}


def test_the_tables_have_their_columns_and_order(make):
    plan = load_plan("minle")
    scorecard, units = evaluate(plan, full_evidence(make), area="whole")
    assert tuple(scorecard.columns) == SCORECARD_COLUMNS
    assert tuple(units.columns) == UNIT_RESULT_COLUMNS
    expected = [
        (one.id, one.alternative, target.year if target else None)
        for first in plan.indicators
        for one in variants(first)
        for target in one.targets or (None,)
    ]
    found = [
        (indicator, alternative, None if pd.isna(year) else year)
        for indicator, alternative, year in zip(
            scorecard["indicator_id"],
            scorecard["alternative"],
            scorecard["target_year"],
            strict=True,
        )
    ]
    assert found == expected
    assert not scorecard.duplicated(["plan", "indicator_id", "alternative", "target_year"]).any()
    assert not units.duplicated(["plan", "indicator_id", "alternative", "unit_id"]).any()


def test_the_same_evidence_gives_the_same_tables_and_stays_as_it_is(make):
    evidence = full_evidence(make)
    before = evidence.facilities.copy(deep=True), evidence.demand.copy(deep=True)
    first = evaluate(load_plan("shangcheng"), evidence, area="whole")
    again = evaluate(load_plan("shangcheng"), evidence, area="whole")
    for one, other in zip(first, again, strict=True):
        pd.testing.assert_frame_equal(one, other)
    pd.testing.assert_frame_equal(evidence.facilities, before[0])
    pd.testing.assert_frame_equal(evidence.demand, before[1])


def test_minle_is_judged_against_each_of_its_three_targets(make):
    places = make.facilities({"layer": "comprehensive_care_center", "village": "111"})
    evidence = make.evidence(facilities=places, layers=frozenset({"comprehensive_care_center"}))
    scorecard, _ = evaluate(load_plan("minle"), evidence, area="whole")
    rows = scorecard[scorecard["indicator_id"] == "minle_township_comprehensive_care_coverage"]
    # One of two townships.
    assert rows["value"].tolist() == [50, 50, 50]
    assert list(zip(rows["target"], rows["verdict"], rows["attribute"], strict=True)) == [
        (60, "not_met", "binding"),
        (30, "met", ""),
        (50, "met", ""),
    ]
    assert rows["headline"].tolist() == [True, False, False]


def large_county(make, people, **given):
    return full_evidence(
        make,
        demand=full_evidence(make).demand.assign(population=people / 4),
        **given,
    )


@pytest.mark.parametrize(
    ("people", "anyway", "verdict"),
    [
        (500_000, (), "met"),
        (499_999, (), "not_applicable"),
        (499_999, ("zhejiang_care_home_within_1km",), "met"),
        (500_000, ("zhejiang_care_home_within_1km",), "met"),
    ],
)
def test_the_1_km_rule_speaks_of_large_counties(make, people, anyway, verdict):
    scorecard, _ = evaluate(
        load_plan("zhejiang"),
        large_county(make, people),
        area="part",
        own_level="county",
        anyway=anyway,
    )
    row = scorecard.set_index("indicator_id").loc["zhejiang_care_home_within_1km"]
    assert (row["verdict"], row["value"]) == (verdict, 100)
    assert "征求意见稿" in row["notes"]
    # What the clause does speak of need not be asked for.
    assert ("按项目要求评价" in row["notes"]) == (bool(anyway) and people < 500_000)


def test_the_1_km_rule_does_not_speak_of_townships_and_needs_people(make):
    plan = load_plan("zhejiang")
    scorecard, _ = evaluate(plan, full_evidence(make), area="part", own_level="township")
    row = scorecard.set_index("indicator_id").loc["zhejiang_care_home_within_1km"]
    assert row["verdict"] == "not_applicable"
    unknown = large_county(make, math.nan)
    scorecard, _ = evaluate(plan, unknown, area="part", own_level="county")
    row = scorecard.set_index("indicator_id").loc["zhejiang_care_home_within_1km"]
    assert row["verdict"] == "no_data"
    assert row["missing_inputs"].startswith("[population]")
    scorecard, _ = evaluate(plan, unknown, area="part", own_level="prefecture")
    row = scorecard.set_index("indicator_id").loc["zhejiang_care_home_within_1km"]
    assert row["verdict"] == "met"


def test_the_seven_verdicts(make):
    homes = make.facilities({"village": "111"}, {"village": "122", "grade": "4A"})
    plan = make.plan(
        make.indicator(id="a", targets=(Target(year=2025, value=50),)),
        make.indicator(id="b", targets=(Target(year=2025, value=51),)),
        make.indicator(id="c", layer="canteen"),
        make.indicator(id="d", level="prefecture"),
        make.indicator(id="e", targets=(Target(year=2030, value=51),)),
        make.indicator(id="f", targets=()),
        make.indicator(id="g", targets=(Target(year=2025, value=51, basis="reading"),)),
    )
    scorecard, _ = evaluate(plan, make.evidence(facilities=homes), area="part", own_level="county")
    assert scorecard["verdict"].tolist() == [
        "met", "not_met", "no_data", "not_applicable", "not_due", "no_target", "undecided",
    ]  # fmt: skip
    assert set(scorecard["verdict"]) == set(VERDICTS)


def test_what_has_no_value_is_not_said_to_have_one_of_another_year(make):
    rule = make.indicator(targets=(Target(year=2022, value=50),))
    for layers, said in ((frozenset({"childrens_home"}), True), (frozenset(), False)):
        evidence = make.evidence(facilities=make.facilities({"village": "111"}), layers=layers)
        card, _ = evaluate(make.plan(rule), evidence, area="whole", language="en")
        assert ("2025" in card.at[0, "notes"] and "2022" in card.at[0, "notes"]) is said


def test_a_target_is_due_at_the_end_of_its_year(make):
    plan = make.plan(make.indicator())
    for day, verdict in ((dt.date(2025, 12, 30), "not_due"), (dt.date(2025, 12, 31), "not_met")):
        scorecard, _ = evaluate(plan, make.evidence(as_of=day), area="whole")
        assert scorecard.at[0, "verdict"] == verdict


def test_the_latest_due_target_is_the_headline(make):
    targets = tuple(Target(year=year, value=10) for year in (2022, 2025, 2027))
    plan = make.plan(make.indicator(targets=targets))
    for day, headline in (
        (dt.date(2021, 1, 1), 2022),
        (dt.date(2023, 1, 1), 2022),
        (dt.date(2025, 12, 31), 2025),
        (dt.date(2030, 1, 1), 2027),
    ):
        scorecard, _ = evaluate(plan, make.evidence(as_of=day), area="whole")
        assert scorecard.loc[scorecard["headline"], "target_year"].tolist() == [headline]


def test_alternatives_may_change_level_and_scope(make):
    rule = make.indicator(
        alternatives=(
            Alternative(name="township", level="township"),
            Alternative(name="rural", scope="rural"),
        )
    )
    homes = make.facilities({"village": "111"})
    scorecard, units = evaluate(make.plan(rule), make.evidence(facilities=homes), area="whole")
    found = scorecard.set_index("alternative")["denominator"].to_dict()
    assert found == {"": 4, "township": 2, "rural": 2}
    assert units.groupby("alternative").size().to_dict() == {"": 4, "township": 2, "rural": 2}


def test_invented_sites_are_said(make):
    plan = make.plan(make.indicator(), make.indicator(id="other", layer="canteen"))
    evidence = make.evidence(
        layers=frozenset({"childrens_home", "canteen"}),
        invented_layers=frozenset({"childrens_home"}),
    )
    for language in ("zh", "en"):
        notes = evaluate(plan, evidence, area="whole", language=language)[0]["notes"].tolist()
        assert "invented sites" in notes[0]
        assert "示意数据" in notes[0]
        assert "invented" not in notes[1]
    notes = evaluate(plan, evidence, area="whole", invented=True)[0]["notes"].tolist()
    assert all("invented sites" in note for note in notes)


def test_a_clause_for_counties_holds_for_what_contains_them(make):
    rule = make.indicator(applies_to=AppliesTo(levels=("county",)))
    for own, verdict in (
        ("township", "not_applicable"),
        ("county", "not_met"),
        ("province", "not_met"),
    ):
        scorecard, _ = evaluate(
            make.plan(rule, level="province"), make.evidence(), area="part", own_level=own
        )
        assert scorecard.at[0, "verdict"] == verdict


def test_names_of_pins_are_checked(make):
    plan = make.plan(make.indicator())
    with pytest.raises(UnknownNameError, match='did you mean "rule"'):
        evaluate(plan, make.evidence(), area="whole", pins={"rul": "straight"})
    with pytest.raises(UnknownNameError, match="nope"):
        evaluate(plan, make.evidence(), area="whole", anyway=("nope",))


def test_required_access_names_what_the_rules_travel_by():
    plans = [load_plan(name) for name in packaged_plans()]
    given = {
        "care_home": "walk",
        "elderly_day_center": "elderly",
        "canteen": "walk",
        "park": "walk",
    }
    assert required_access(plans, given) == {
        ("care_home", "walk"),
        ("elderly_day_center", "elderly"),
        ("canteen", "elderly"),
    }


def test_every_kind_of_the_catalogue_is_described():
    used = {one.kind for name in packaged_plans() for one in load_plan(name).indicators}
    assert used == set(KINDS)
    assert len(KINDS) == 8
