"""count: stocks and additions, by hand."""

from __future__ import annotations

import datetime as dt
import math

import pytest

from servicecircle.standards.evaluate import evaluate
from servicecircle.standards.plan import Filter, Target


def rows(make, indicator, *, area="whole", own_level=None, **evidence):
    return evaluate(make.plan(indicator), make.evidence(**evidence), area=area, own_level=own_level)


def rule(make, **given):
    return make.indicator(
        **{
            "kind": "count",
            "level": "county",
            "unit": "homes",
            "threshold": None,
            "targets": (Target(year=2025, value=3),),
        }
        | given
    )


def test_a_stock_counts_distinct_open_facilities_of_the_area(make):
    homes = make.facilities(
        {"village": "111"},
        {"village": "122"},
        {"village": "122", "closed": "2025-06-30"},
        {"village": "122", "opened": "2026-06-30"},
        {"village": ""},
        {"village": "", "declared_unit": "111"},
    )
    scorecard, units = rows(make, rule(make), facilities=homes)
    row = scorecard.iloc[0]
    assert (row["value"], row["verdict"], row["shortfall"]) == (3, "met", 0)
    assert math.isnan(row["denominator"])
    assert "1 处开放的设施不在研究区内" in row["notes"]
    by_unit = units.set_index("unit_id")
    assert by_unit["value"].to_dict() == {
        "township:11": 2,
        "township:12": 1,
        "village_level:111": 2,
        "village_level:112": 0,
        "village_level:121": 0,
        "village_level:122": 1,
    }
    assert set(by_unit["verdict"]) == {"not_applicable"}


@pytest.mark.parametrize(("target", "verdict", "short"), [(2, "met", 0), (3, "not_met", 1)])
def test_verdicts_of_a_stock(make, target, verdict, short):
    scorecard, _ = rows(
        make,
        rule(make, targets=(Target(year=2025, value=target),)),
        facilities=make.facilities({}, {}),
    )
    assert (scorecard.at[0, "verdict"], scorecard.at[0, "shortfall"]) == (verdict, short)


def test_a_total_is_not_judged_on_a_part(make):
    scorecard, _ = rows(
        make, rule(make), area="part", own_level="township", facilities=make.facilities({})
    )
    row = scorecard.iloc[0]
    assert (row["verdict"], row["value"]) == ("not_applicable", 1)
    assert "仅供参考" in row["notes"]


def test_an_empty_layer_is_zero_and_an_absent_one_no_data(make):
    scorecard, _ = rows(make, rule(make))
    assert (scorecard.at[0, "value"], scorecard.at[0, "verdict"]) == (0, "not_met")
    for flow_of in ("opened", "renovated", "opened_or_renovated"):
        scorecard, _ = rows(make, rule(make, measure="flow", flow_of=flow_of))
        assert (scorecard.at[0, "value"], scorecard.at[0, "verdict"]) == (0, "not_met")
    scorecard, _ = rows(make, rule(make), layers=frozenset())
    assert scorecard.at[0, "missing_inputs"] == "[facilities.childrens_home]"


def test_additions_count_those_opened_in_the_period(make):
    homes = make.facilities(
        {"opened": "2020-12-31"},
        {"opened": "2021-01-01"},
        {"opened": "2022-12-31"},
        {"opened": "2023-01-01"},
        {"opened": "2023-06-01", "closed": "2024-01-01"},
        {"opened": "2024-01-01", "status": "planned"},
        {"opened": "2026-01-01"},
    )
    flow = rule(
        make,
        measure="flow",
        flow_of="opened",
        targets=(Target(year=2022, value=2), Target(year=2025, value=5)),
    )
    scorecard, _ = rows(make, flow, facilities=homes)
    assert scorecard["value"].tolist() == [2, 4]
    assert scorecard["verdict"].tolist() == ["met", "not_met"]
    scorecard, _ = rows(make, flow, facilities=homes, as_of=dt.date(2021, 6, 30))
    assert scorecard["value"].tolist() == [1, 1]
    assert scorecard["verdict"].tolist() == ["not_due", "not_due"]


def test_additions_since_a_later_year(make):
    homes = make.facilities({"opened": "2021-05-01"}, {"opened": "2022-05-01"})
    flow = rule(make, measure="flow", flow_of="opened", since=2022)
    assert rows(make, flow, facilities=homes)[0].at[0, "value"] == 1


def test_renovations_count_by_their_own_date(make):
    homes = make.facilities(
        {"opened": "2010-01-01", "renovated": "2022-01-01"},
        {"opened": "2022-01-01", "renovated": "2018-01-01"},
    )
    for flow_of, value in (("opened", 1), ("renovated", 1), ("opened_or_renovated", 2)):
        flow = rule(make, measure="flow", flow_of=flow_of)
        assert rows(make, flow, facilities=homes)[0].at[0, "value"] == value


@pytest.mark.parametrize(("target", "verdict"), [(1, "met"), (2, "undecided"), (3, "not_met")])
def test_a_missing_date_widens_the_answer(make, target, verdict):
    homes = make.facilities({"opened": "2022-01-01"}, {"opened": None})
    flow = rule(make, measure="flow", flow_of="opened", targets=(Target(year=2025, value=target),))
    row = rows(make, flow, facilities=homes)[0].iloc[0]
    assert (row["low"], row["high"], row["width_causes"]) == (1, 2, "dates")
    assert row["verdict"] == verdict


def test_no_date_at_all_is_a_missing_input(make):
    homes = make.facilities({"opened": None}, {"opened": None})
    flow = rule(make, measure="flow", flow_of="opened", targets=(Target(year=2025, value=2),))
    row = rows(make, flow, facilities=homes)[0].iloc[0]
    assert (row["verdict"], row["missing_inputs"]) == (
        "no_data",
        "[facilities.childrens_home] opened",
    )


def test_a_scope_of_villages(make):
    homes = make.facilities({"village": "111"}, {"village": "112"}, {"village": "121"})
    for scope, value in (("rural", 1), ("urban_communities", 2), ("all", 3)):
        assert rows(make, rule(make, scope=scope), facilities=homes)[0].at[0, "value"] == value
    units = make.units()
    units = units[units["level"] != "village_level"]
    row = rows(make, rule(make, scope="rural"), facilities=homes, units=units)[0].iloc[0]
    assert row["missing_inputs"] == "[boundaries.village_level]"


def test_a_filter_and_a_further_layer(make):
    places = make.facilities(
        {"layer": "neighbourhood_center"},
        {"layer": "neighbourhood_hub", "grade": "示范"},
        {"layer": "neighbourhood_hub", "grade": "普通"},
    )
    platforms = rule(
        make,
        layer="neighbourhood_center",
        also=("neighbourhood_hub",),
        filter=Filter(grade_in=("示范",), layers=("neighbourhood_hub",)),
        targets=(Target(year=2025, value=2),),
    )
    both = frozenset({"neighbourhood_center", "neighbourhood_hub"})
    row = rows(make, platforms, facilities=places, layers=both)[0].iloc[0]
    assert (row["value"], row["verdict"]) == (2, "met")
    row = rows(make, platforms, facilities=places, layers=frozenset({"neighbourhood_center"}))
    row = row[0].iloc[0]
    assert (row["value"], row["verdict"], row["width_causes"]) == (1, "undecided", "missing_layer")


def test_a_scope_of_units_without_types(make):
    units = make.units()
    units.loc[units["level"] == "village_level", "type"] = ""
    homes = make.facilities({"village": "111"}, {"village": "112"})
    row = rows(make, rule(make, scope="rural"), facilities=homes, units=units)[0].iloc[0]
    assert row["missing_inputs"] == "[boundaries.village_level] type"
    units.loc["village_level:111", "is_urban"] = False
    row = rows(make, rule(make, scope="rural"), facilities=homes, units=units)[0].iloc[0]
    assert row["value"] == 1
    assert "3 个单元没有类型" in row["notes"]


def test_without_any_boundary_every_facility_counts(make):
    homes = make.facilities({"village": ""}, {"village": ""})
    row = rows(make, rule(make), facilities=homes, units=make.units().iloc[:0])[0].iloc[0]
    assert row["value"] == 2


def test_a_polygon_that_is_not_there(make):
    row = rows(make, rule(make, scope="industrial_park"))[0].iloc[0]
    assert row["missing_inputs"] == "[boundaries.industrial_park]"
