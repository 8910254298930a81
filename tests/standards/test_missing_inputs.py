"""What a row without a value lacks: all of it, each once; and words that a reader knows."""

from __future__ import annotations

import pytest

from servicecircle.standards.evaluate import evaluate
from servicecircle.standards.indicators import load_plan
from servicecircle.standards.plan import AppliesTo, Target
from servicecircle.standards.registry import load_registry
from servicecircle.standards.studied import level_of_area

V = "village_level"


def judge(make, rule, *, language="zh", area="whole", own_level="county", **given):
    scorecard, _ = evaluate(
        make.plan(rule),
        make.evidence(**given),
        area=area,
        own_level=own_level,
        language=language,
    )
    return scorecard.iloc[0]


def lacking(row):
    return row["missing_inputs"].split("; ")


def only_villages(make):
    units = make.units()
    return units[units["type"] != "community"]


def test_a_scope_without_units_is_told_beside_the_missing_list(make):
    rule = make.indicator(layer="canteen", scope="urban_communities")
    row = judge(make, rule, units=only_villages(make))
    assert row["verdict"] == "no_data"
    assert lacking(row) == ["[facilities.canteen]", f"[boundaries.{V}] urban_communities"]
    assert "没有属于该范围的单元：城市社区" in row["notes"]
    # Where there are communities the list alone is wanting.
    assert lacking(judge(make, rule)) == ["[facilities.canteen]"]


def test_units_without_a_type_are_told_beside_the_missing_list(make):
    units = make.units().assign(type="")
    rule = make.indicator(layer="canteen", scope="communities")
    row = judge(make, rule, units=units)
    assert lacking(row) == ["[facilities.canteen]", f"[boundaries.{V}] type"]


def test_a_ratio_of_units_that_are_not_there_names_its_figures_too(make):
    rule = make.indicator(
        kind="capacity_ratio",
        scope="urban_communities",
        numerator="community_workers",
        denominator="units",
        unit="persons per community",
    )
    row = judge(make, rule, units=only_villages(make))
    needed = [f"[boundaries.{V}] urban_communities", "[staff] community_workers"]
    assert lacking(row) == needed


def test_a_ratio_of_planning_units_names_people_and_list_too(make):
    rule = make.indicator(
        kind="capacity_ratio",
        layer="care_home",
        level="planning_unit",
        numerator="beds",
        denominator="elderly",
        per=10000.0,
        unit="beds per 10000 elderly",
    )
    row = judge(make, rule)
    needed = ["[boundaries.planning_unit]", "[facilities.care_home]", "[population] elderly"]
    assert lacking(row) == needed


def test_a_rule_of_distance_names_people_area_and_list_each_once(make):
    rule = make.indicator(
        kind="distance",
        layer="care_home",
        level="prefecture",
        scope="main_urban_area",
        threshold=1000.0,
        distance="unstated",
        denominator="elderly",
        applies_to=AppliesTo(levels=("county",), county_population_at_least=500_000),
    )
    # Whether the clause holds for the county needs people as well.
    row = judge(make, rule, area="part")
    needed = ["[population]", "[boundaries.main_urban_area]", "[facilities.care_home]"]
    assert lacking(row) == needed


def test_a_level_above_the_area_is_named_with_the_area_s_own(make):
    zh = judge(make, make.indicator(level="prefecture"))
    en = judge(make, make.indicator(level="prefecture"), language="en")
    assert zh["verdict"] == en["verdict"] == "not_applicable"
    assert "指标按设区市级计，高于本研究区的层级（县级）" in zh["notes"]
    assert "level prefecture, above this study's own (county)" in en["notes"]


def test_a_level_above_the_area_is_not_applicable_though_its_units_and_no_list_are_there(make):
    row = judge(make, make.indicator(level="county", layer="canteen"), own_level="township")
    assert row["verdict"] == "not_applicable"
    assert "高于本研究区的层级（乡级）" in row["notes"]


def test_the_level_of_a_part_is_that_of_its_coarsest_units(make):
    plan, units = load_plan("zhejiang"), make.units()
    fine = make.evidence(units=units[units["level"] == V])
    assert level_of_area(plan, fine, "part") == V
    assert level_of_area(plan, make.evidence(), "part") == "county"
    assert level_of_area(plan, make.evidence(), "whole") == "province"
    assert level_of_area(plan, fine, "part", "prefecture") == "prefecture"


@pytest.mark.parametrize(("language", "title"), [("zh", "儿童之家"), ("en", "children's home")])
def test_notes_call_layers_by_their_titles(make, language, title):
    given = {"facilities": make.facilities({}), "invented_layers": frozenset({"childrens_home"})}
    row = judge(make, make.indicator(), language=language, **given)
    assert title in row["notes"] and "childrens_home" not in row["notes"]


def test_what_people_are_is_said_as_far_as_it_is_known(make):
    units = make.units()
    units.loc["county:1", "population"] = 1000.0
    units["elderly"] = float("nan")
    units.loc["county:1", "elderly"] = 200.0
    homes = make.facilities({"layer": "care_home", "capacity": 10.0})
    given = {"units": units, "facilities": homes, "layers": frozenset({"care_home"})}

    def notes(denominator, **more):
        rule = make.indicator(
            kind="capacity_ratio",
            layer="care_home",
            level="county",
            numerator="beds",
            denominator=denominator,
            per=1000.0,
            unit="beds",
        )
        return judge(make, rule, **given, **more)["notes"]

    assert "口径未说明，老年人的起始年龄未说明" in notes("elderly")
    known = {"basis": "registered", "age_from": 65}
    assert "老年人按单元公布数合计：户籍人口，65 岁及以上为老年人" in notes("elderly", **known)
    everybody = notes("population", **known)
    # All people have no age to begin at, and registered ones are no residents.
    assert "人口按单元公布数合计：户籍人口" in everybody
    assert "常住" not in everybody and "岁" not in everybody


def everybody_or_elderly(make, denominator):
    """Four villages of 200 people, of them 100, 0, 50 and 50 elderly; two are within reach."""
    demand = make.demand(("111", 200, 100), ("112", 300, 0), ("121", 200, 50), ("122", 300, 50))
    near, far = (900, 800, "reached"), (1500, 1400, "reached")
    rule = make.indicator(
        kind="distance",
        layer="care_home",
        level="county",
        threshold=1000.0,
        distance="network",
        denominator=denominator,
        targets=(Target(year=2025, value=60),),
    )
    evidence = make.evidence(
        demand=demand,
        access=make.access("care_home", "walk", [near, near, far, far]),
        facilities=make.facilities({"layer": "care_home"}),
        layers=frozenset({"care_home"}),
        has_roads=True,
        layer_profiles={"care_home": "walk"},
        basis="resident",
        age_from=60,
    )
    return make.plan(rule), evidence


def test_a_rule_of_distance_may_count_all_people(make):
    plan, evidence = everybody_or_elderly(make, "population")
    scorecard, units = evaluate(plan, evidence, area="whole")
    row = scorecard.iloc[0]
    # 200 + 300 of 1,000.
    assert (row["numerator"], row["denominator"], row["value"]) == (500, 1000, 50)
    assert (row["verdict"], row["shortfall"]) == ("not_met", 100)
    assert "人口口径：常住人口" in row["notes"] and "岁" not in row["notes"]
    assert units.set_index("unit_id").loc["township:11", "denominator"] == 500
    plan, evidence = everybody_or_elderly(make, "elderly")
    row = evaluate(plan, evidence, area="whole")[0].iloc[0]
    # 100 of 200.
    assert (row["numerator"], row["denominator"]) == (100, 200)


def test_figures_of_people_are_read_from_the_table_of_statistics(make):
    figures = load_registry().asked().figures
    assert {"urban_population", "population", "elderly", "patients"} <= figures.keys()
    assert "城镇人口" in figures["urban_population"]
    rule = make.indicator(
        kind="capacity_ratio",
        layer="care_home",
        level="county",
        numerator="beds",
        denominator="urban_population",
        per=10000.0,
        unit="beds",
        targets=(Target(year=2025, value=30),),
    )
    found = judge(
        make,
        rule,
        facilities=make.facilities({"layer": "care_home", "capacity": 100.0}),
        layers=frozenset({"care_home"}),
        statistics=make.statistics(("area", "urban_population", 40_000)),
    )
    assert (found["value"], found["verdict"]) == (25, "not_met")
