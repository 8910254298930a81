"""share, capacity_ratio and area_ratio on a county small enough for paper."""

from __future__ import annotations

import datetime as dt
import math

import pandas as pd
import pytest

from servicecircle.standards.evaluate import evaluate_plan
from servicecircle.standards.plan import Filter, Norm, Target

VILLAGES = ("111", "112", "121", "122")


def homes(make, *rows):
    return make.facilities(*({"layer": "care_home"} | row for row in rows))


def judge(make, rule, *, area="whole", own_level="county", **given):
    evidence = make.evidence(
        **({"layers": frozenset({"care_home"}), "demand": people(make)} | given)
    )
    found = evaluate_plan(make.plan(rule), evidence, area=area, own_level=own_level, language="en")
    return found.scorecard.iloc[0], found.unit_results.set_index("unit_id"), found.trace


def people(make, elderly=(1000, 2000, 3000, 4000)):
    return make.demand(*((v, 10 * e, e) for v, e in zip(VILLAGES, elderly, strict=True)))


def beds_rule(make, **given):
    return make.indicator(
        **{
            "kind": "capacity_ratio",
            "layer": "care_home",
            "level": "county",
            "numerator": "beds",
            "denominator": "elderly",
            "per": 1000.0,
            "threshold": None,
            "unit": "beds per 1000 elderly",
            "targets": (Target(year=2025, value=15),),
        }
        | given
    )


def test_beds_per_1000_older_persons(make):
    places = homes(
        make,
        {"village": "111", "capacity": 100.0},
        {"village": "122", "capacity": 50.0},
        {"village": "122", "capacity": 30.0, "closed": "2024-01-01"},
        {"village": "", "capacity": 500.0},
    )
    row, units, trace = judge(make, beds_rule(make), facilities=places)
    # 150 beds for 10,000 older persons; the closed home and the one outside count nothing.
    assert (row["value"], row["numerator"], row["denominator"]) == (15.0, 150.0, 10_000.0)
    assert (row["low"], row["high"], row["verdict"]) == (15.0, 15.0, "met")
    assert units["value"].to_dict() == {
        "county:1": 15.0,
        "township:11": pytest.approx(100 / 3),
        "township:12": pytest.approx(50 / 7),
        "village_level:111": 100.0,
        "village_level:112": 0.0,
        "village_level:121": 0.0,
        "village_level:122": 12.5,
    }
    assert units["verdict"].drop("county:1").unique().tolist() == ["not_applicable"]
    assert units.at["county:1", "verdict"] == "met"
    beds = trace[trace["part"] == "numerator"]
    assert beds[["unit_id", "source", "source_id", "amount"]].values.tolist() == [
        ["village_level:111", "facility", "f0", 100.0],
        ["village_level:122", "facility", "f1", 50.0],
    ]
    below = trace[trace["part"] == "denominator"].set_index("source_id")["amount"].to_dict()
    assert below == {
        f"village_level:{v}": e for v, e in zip(VILLAGES, (1e3, 2e3, 3e3, 4e3), strict=True)
    }


def test_an_empty_cell_is_nothing_at_least_and_the_largest_at_most(make):
    places = homes(make, {"capacity": 100.0}, {"capacity": 40.0}, {})
    row, _, trace = judge(make, beds_rule(make), facilities=places)
    # 140 known; the third home has 0 to 100 beds.
    assert (row["value"], row["low"], row["high"]) == (14.0, 14.0, 24.0)
    assert row["verdict"] == "undecided"
    assert row["width_causes"] == "empty_cells"
    assert "1 of 3 facilities" in row["notes"]
    assert "f2" not in set(trace["source_id"])


def test_a_column_that_nobody_filled_is_missing(make):
    row, units, trace = judge(make, beds_rule(make), facilities=homes(make, {}, {}))
    assert row["verdict"] == "no_data"
    assert math.isnan(row["value"])
    assert row["missing_inputs"] == "[facilities.care_home] capacity"
    assert units["value"].isna().all()
    assert trace[trace["part"] == "numerator"].empty


def test_a_filter_column_with_gaps_widens_and_without_values_is_missing(make):
    rule = beds_rule(make, filter=Filter(grade_at_least="3A"))
    places = homes(make, {"capacity": 100.0, "grade": "3A"}, {"capacity": 60.0})
    row, _, _ = judge(make, rule, facilities=places)
    assert (row["value"], row["low"], row["high"]) == (10.0, 10.0, 16.0)
    assert (row["verdict"], row["width_causes"]) == ("undecided", "filter")
    row, _, _ = judge(make, rule, facilities=homes(make, {"capacity": 100.0}))
    assert row["missing_inputs"] == "[facilities.care_home] grade"


@pytest.mark.parametrize(
    ("rows", "value", "verdict"),
    [((), 0.0, "not_met"), (({"capacity": 100.0},), 10.0, "not_met")],
)
def test_a_layer_that_is_supplied_and_empty_has_no_beds(make, rows, value, verdict):
    row, _, _ = judge(make, beds_rule(make), facilities=homes(make, *rows))
    assert (row["value"], row["verdict"]) == (value, verdict)


def test_a_layer_that_is_not_supplied_is_missing(make):
    row, _, _ = judge(make, beds_rule(make), layers=frozenset())
    assert row["missing_inputs"] == "[facilities.care_home]"
    assert row["verdict"] == "no_data"


def test_nobody_below_the_line_is_no_data(make):
    places = homes(make, {"capacity": 100.0})
    row, units, _ = judge(
        make, beds_rule(make), facilities=places, demand=people(make, (0, 0, 0, 0))
    )
    assert math.isnan(row["value"])
    assert row["verdict"] == "no_data"
    assert row["missing_inputs"] == "[population] elderly"
    assert "denominator is 0" in row["notes"]
    assert units.empty
    row, _, _ = judge(make, beds_rule(make), facilities=places, demand=pd.DataFrame())
    assert row["missing_inputs"] == "[population] elderly"


def test_a_unit_without_people_has_no_ratio_and_the_others_do(make):
    places = homes(make, {"village": "111", "capacity": 100.0})
    _, units, _ = judge(
        make, beds_rule(make), facilities=places, demand=people(make, (0, 2000, 3000, 5000))
    )
    assert "village_level:111" not in units.index
    assert units.at["village_level:112", "value"] == 0.0
    assert units.at["township:11", "value"] == 50.0


def test_official_figures_of_all_units_come_before_the_points(make):
    units = make.units().assign(elderly=float("nan"), basis="", age_from=float("nan"))
    units.loc["township:11", ["elderly", "basis", "age_from"]] = [2500.0, "registered", 65.0]
    units.loc["township:12", ["elderly", "basis", "age_from"]] = [5000.0, "registered", 65.0]
    units["elderly"] = units["elderly"].astype(float)
    places = homes(make, {"village": "111", "capacity": 150.0})
    row, results, trace = judge(make, beds_rule(make), facilities=places, units=units)
    assert (row["value"], row["denominator"]) == (20.0, 7500.0)
    assert "official figures of units; registered residents, elderly from age 65" in row["notes"]
    assert set(trace.loc[trace["part"] == "denominator", "source"]) == {"unit"}
    # Villages have no figure of their own, and are shown by their points.
    assert results.at["township:11", "value"] == 60.0
    assert results.at["village_level:111", "value"] == 150.0
    units.loc["township:12", "elderly"] = float("nan")
    row, _, _ = judge(make, beds_rule(make), facilities=places, units=units)
    assert (row["value"], row["denominator"]) == (15.0, 10_000.0)
    assert "sum of the demand points" in row["notes"]


def test_social_beds_need_both_layers(make):
    rule = beds_rule(make, numerator="social_beds")
    places = make.facilities(
        {"layer": "care_home", "capacity": 100.0},
        {"layer": "elderly_day_center", "capacity": 60.0},
    )
    both = frozenset({"care_home", "elderly_day_center"})
    row, _, _ = judge(make, rule, facilities=places, layers=both)
    assert (row["value"], row["verdict"]) == (16.0, "met")
    only = places[places["layer"] == "care_home"]
    row, _, _ = judge(make, rule, facilities=only)
    assert (row["missing_inputs"], row["verdict"]) == ("[facilities.elderly_day_center]", "no_data")
    many = homes(make, {"capacity": 200.0})
    # What is known already suffices.
    row, _, _ = judge(make, rule, facilities=many)
    assert (row["low"], row["verdict"]) == (20.0, "met")


def staff_rule(make, **given):
    return beds_rule(
        make,
        **{
            "numerator": "certified_caregivers",
            "per": 10_000.0,
            "unit": "persons per 10000 elderly",
            "targets": (Target(year=2025, value=25),),
        }
        | given,
    )


def test_staff_of_finer_units_is_summed_up_and_never_counted_twice(make):
    staff = make.staff(
        ("township:11", "certified_caregivers", 10),
        ("village_level:111", "certified_caregivers", 7),
        ("village_level:121", "certified_caregivers", 4),
        ("village_level:122", "certified_caregivers", 11),
        ("f0", "certified_caregivers", 99),
        ("township:12", "social_workers", 50),
    )
    places = homes(make, {"village": "111"})
    row, units, trace = judge(make, staff_rule(make), staff=staff, facilities=places)
    # 10 of the east town (its village's 7 are among them) and 4 + 11 of the west.
    assert (row["numerator"], row["value"], row["verdict"]) == (25.0, 25.0, "met")
    above = trace[trace["part"] == "numerator"]
    assert above[["source", "source_id", "amount"]].values.tolist() == [
        ["staff", "township:11", 10.0],
        ["staff", "village_level:121", 4.0],
        ["staff", "village_level:122", 11.0],
    ]
    assert units.at["township:12", "numerator"] == 15.0
    assert math.isnan(units["value"].get("village_level:112", float("nan")))


def test_units_without_staff_rows_widen(make):
    staff = make.staff(("village_level:111", "certified_caregivers", 20))
    row, _, _ = judge(make, staff_rule(make), staff=staff)
    # Rows are of villages, so the other one of the east town and both of the west town are gaps,
    # each up to 20 more.
    assert (row["value"], row["low"], row["high"]) == (20.0, 20.0, 80.0)
    assert "3 units" in row["notes"]
    assert (row["verdict"], row["width_causes"]) == ("undecided", "gaps")
    row, _, _ = judge(make, staff_rule(make))
    assert row["missing_inputs"] == "[staff] certified_caregivers"


def test_homes_without_staff_rows_widen(make):
    # 10,000 older persons; the day centre is of another layer and asked for nothing.
    places = make.facilities(
        *({"layer": "care_home", "village": village} for village in ("111", "121", "122")),
        {"layer": "elderly_day_center", "village": "112"},
    )
    layers = frozenset({"care_home", "elderly_day_center"})
    staff = make.staff(("f0", "certified_caregivers", 16), ("f1", "certified_caregivers", 5))
    row, _, _ = judge(make, staff_rule(make), staff=staff, facilities=places, layers=layers)
    assert (row["value"], row["low"], row["high"]) == (21.0, 21.0, 37.0)
    assert (row["verdict"], row["width_causes"]) == ("undecided", "gaps")
    assert "1 units or facilities have no figure" in row["notes"]
    # Where no home has a row, those of other layers are all that is asked for.
    staff = make.staff(("f3", "certified_caregivers", 16))
    row, _, _ = judge(make, staff_rule(make), staff=staff, facilities=places, layers=layers)
    assert (row["value"], row["high"], row["verdict"]) == (16.0, 16.0, "not_met")


def test_homes_without_a_place_are_in_no_drawn_unit_and_said(make):
    units = make.units()
    drawn = units.loc[["township:11"]].assign(level="planning_unit", parent_id="", elderly=9000.0)
    drawn.index = pd.Index(["planning_unit:1"])
    units = pd.concat([units, drawn])
    places = homes(
        make, {"capacity": 270.0}, {"capacity": 40.0, "village": "122"}, {"capacity": 5.0}
    )
    places["unit_planning_unit"] = ["planning_unit:1", None, None]
    # The second has no place: its village is only declared. The third lies in none.
    places["declared_unit"] = ["", "122", ""]
    levels = [name for name in places.columns if name.startswith("unit_")]
    places.loc[places.index[1], levels] = None
    rule = beds_rule(make, level="planning_unit", per=10_000.0)
    row, _, _ = judge(make, rule, units=units, facilities=places)
    assert (row["numerator"], row["value"]) == (270.0, 300.0)
    assert "1 open facilities of care home have no place" in row["notes"]
    row, _, _ = judge(make, rule, units=units, facilities=places.iloc[[0, 2]])
    assert "no place" not in row["notes"]


def test_patients_are_missing_whole(make):
    figures = make.statistics(("area", "patients", 11), ("area", "patients_served", 5))
    rule = beds_rule(
        make,
        kind="share",
        numerator="patients_served",
        denominator="patients",
        per=100.0,
        unit="%",
        targets=(Target(year=2025, value=60),),
    )
    row, _, _ = judge(make, rule, statistics=figures)
    # 6.6 of 11.
    assert (row["shortfall"], row["shortfall_of"]) == (2.0, "patients_served")


def test_beds_per_social_worker_take_the_staff_of_the_homes(make):
    rule = beds_rule(
        make,
        denominator="social_workers",
        per=1.0,
        operator="at_most",
        unit="beds per social worker",
        targets=(Target(year=2025, value=60),),
    )
    places = homes(make, {"capacity": 100.0}, {"capacity": 80.0, "village": "122"})
    staff = make.staff(
        ("f0", "social_workers", 2), ("f1", "social_workers", 1), ("county:1", "social_workers", 90)
    )
    row, units, trace = judge(make, rule, facilities=places, staff=staff)
    assert (row["value"], row["denominator"], row["verdict"]) == (60.0, 3.0, "met")
    assert set(trace.loc[trace["part"] == "denominator", "source_id"]) == {"f0", "f1"}
    assert units.at["township:12", "value"] == 80.0
    # Without rows of the homes those of units stand in.
    row, _, _ = judge(make, rule, facilities=places, staff=staff[staff["facility_id"] == ""])
    assert row["value"] == 2.0
    assert "rows of units" in row["notes"]


def test_no_worker_at_all_misses_any_limit(make):
    rule = beds_rule(
        make,
        numerator="elderly",
        denominator="social_workers",
        per=1.0,
        operator="at_most",
        layer="social_work_station",
        targets=(Target(year=2025, value=450),),
    )
    row, _, _ = judge(make, rule, staff=make.staff(("county:1", "social_workers", 0)))
    assert math.isnan(row["value"])
    assert (row["low"], row["high"], row["verdict"]) == (math.inf, math.inf, "not_met")
    assert "denominator is 0" in row["notes"]


def workers_rule(make, **given):
    return beds_rule(
        make,
        **{
            "level": "village_level",
            "scope": "communities",
            "numerator": "community_workers",
            "denominator": "units",
            "per": 1.0,
            "unit": "persons per community",
            "targets": (Target(year=2025, value=6),),
        }
        | given,
    )


@pytest.mark.parametrize(
    ("workers", "value", "verdict", "note"),
    [
        ((6, 12), 9.0, "met", "2 of 2 do, the farthest off has 6"),
        ((4, 14), 9.0, "not_met", "1 of 2 do, the farthest off has 4"),
        ((6, None), 6.0, "undecided", "1 of 2 do"),
    ],
)
def test_a_norm_for_each_unit_is_judged_by_the_farthest_off(make, workers, value, verdict, note):
    staff = make.staff(
        *(
            (f"village_level:{village}", "community_workers", count)
            for village, count in zip(("112", "121"), workers, strict=True)
            if count is not None
        ),
        ("village_level:111", "community_workers", 40),
    )
    row, units, _ = judge(make, workers_rule(make), staff=staff)
    total = sum(count or 0 for count in workers)
    # The mean of both communities; a village is none.
    assert (row["numerator"], row["denominator"], row["verdict"]) == (total, 2.0, verdict)
    assert row["value"] == (value if None not in workers else total / 2)
    assert note in row["notes"]
    assert set(units.index) == {"village_level:112", "village_level:121"}


def test_a_range_has_an_upper_end(make):
    rule = workers_rule(make, threshold=6.0, threshold_max=12.0, targets=())
    staff = make.staff(
        ("village_level:112", "community_workers", 9),
        ("village_level:121", "community_workers", 14),
    )
    row, units, _ = judge(make, rule, staff=staff)
    assert (row["value"], row["verdict"]) == (11.5, "no_target")
    assert "6–12: 1 of 2 do" in row["notes"]
    assert units["verdict"].to_dict() == {
        "village_level:112": "met",
        "village_level:121": "not_met",
    }


def share_rule(make, **given):
    return beds_rule(
        make,
        **{
            "kind": "share",
            "numerator": "nursing_beds",
            "denominator": "beds",
            "per": 100.0,
            "unit": "%",
            "targets": (Target(year=2025, value=50),),
        }
        | given,
    )


def test_nursing_beds_of_beds_leave_out_homes_with_an_empty_cell(make):
    places = homes(
        make,
        {"capacity": 100.0, "nursing_beds": 60.0},
        {"capacity": 100.0, "nursing_beds": 30.0, "village": "122"},
        {"capacity": 50.0},
        {"nursing_beds": 10.0},
    )
    row, units, _ = judge(make, share_rule(make), facilities=places)
    # 90 of 200. The third has 0 to 50 nursing beds, the fourth 10 of 10 to 100 beds.
    assert (row["value"], row["numerator"], row["denominator"]) == (45.0, 90.0, 200.0)
    assert row["low"] == pytest.approx(100 * 100 / 350)
    assert row["high"] == pytest.approx(100 * 150 / 260)
    assert (row["verdict"], row["width_causes"]) == ("undecided", "empty_cells")
    assert "2 facilities lack" in row["notes"]
    assert units.at["township:12", "value"] == 30.0


def test_a_share_of_facilities_by_an_attribute(make):
    rule = share_rule(
        make,
        numerator="facilities",
        denominator="facilities",
        filter=Filter(beds_at_least=100),
        numerator_filter=Filter(having=("rehab_room",)),
    )
    places = homes(
        make,
        {"capacity": 120.0, "rehab_room": True},
        {"capacity": 200.0, "rehab_room": False},
        {"capacity": 150.0, "rehab_room": None},
        {"capacity": 20.0, "rehab_room": True},
        {"rehab_room": True},
    ).astype({"rehab_room": "boolean"})
    row, _, trace = judge(make, rule, facilities=places)
    # One of three for certain. At most: the third has one, and the fifth is large.
    assert (row["value"], row["low"]) == (pytest.approx(100 / 3), pytest.approx(100 / 3))
    assert row["high"] == pytest.approx(100 * 3 / 4)
    assert (row["verdict"], row["width_causes"]) == ("undecided", "filter")
    assert set(trace.loc[trace["part"] == "numerator", "source_id"]) == {"f0"}
    assert set(trace.loc[trace["part"] == "denominator", "source_id"]) == {"f0", "f1", "f2"}


def test_beds_run_by_others_than_the_state(make):
    rule = share_rule(
        make, numerator="beds", numerator_filter=Filter(choices={"operator": ("social",)})
    )
    places = homes(
        make,
        {"capacity": 60.0, "operator": "social"},
        {"capacity": 100.0, "operator": "state"},
        {"capacity": 40.0, "operator": ""},
    )
    row, _, _ = judge(make, rule, facilities=places)
    assert (row["value"], row["low"], row["high"]) == (30.0, 30.0, 50.0)
    assert row["width_causes"] == "filter"


def test_renovated_by_a_date(make):
    rule = share_rule(
        make,
        numerator="facilities",
        denominator="facilities",
        flow_of="renovated",
        targets=(Target(year=2022, value=100), Target(year=2025, value=100)),
    )
    places = homes(
        make, {"renovated": "2019-05-01"}, {"renovated": "2022-12-31"}, {"renovated": "2023-01-01"}
    )
    evidence = make.evidence(facilities=places, layers=frozenset({"care_home"}))
    card = evaluate_plan(make.plan(rule), evidence, area="whole").scorecard
    assert card["value"].tolist() == [pytest.approx(200 / 3), 100.0]
    assert card["verdict"].tolist() == ["not_met", "met"]
    row, _, _ = judge(make, rule, facilities=homes(make, {}, {}))
    assert row["missing_inputs"] == "[facilities.care_home] renovated"


def test_a_share_of_no_facilities_is_no_data(make):
    row, units, trace = judge(make, share_rule(make), facilities=homes(make))
    assert math.isnan(row["value"])
    assert (row["verdict"], row["missing_inputs"]) == (
        "no_data",
        "[facilities.care_home] capacity",
    )
    assert "denominator is 0" in row["notes"]
    assert units.empty
    assert trace.empty


def test_floor_area_by_100_households(make):
    rule = beds_rule(
        make,
        kind="area_ratio",
        layer="community_service_center",
        numerator="floor_area",
        denominator="households",
        per=100.0,
        unit="m2 per 100 households",
        targets=(Target(year=2025, value=30),),
    )
    places = make.facilities(
        {"layer": "community_service_center", "village": "111", "floor_area_m2": 300.0},
        {
            "layer": "community_service_center",
            "village": "112",
            "serves": "大桥社区;东村",
            "floor_area_m2": 200.0,
        },
    )
    units = make.units().assign(households=float("nan"))
    for village, count in zip(VILLAGES, (1000.0, 500.0, 250.0, 250.0), strict=True):
        units.loc[f"village_level:{village}", "households"] = count
    layers = frozenset({"community_service_center"})
    row, results, trace = judge(make, rule, facilities=places, units=units, layers=layers)
    assert (row["value"], row["numerator"], row["denominator"]) == (25.0, 500.0, 2000.0)
    # A centre of two villages is half in each.
    assert results.at["village_level:111", "value"] == 40.0
    assert results.at["village_level:112", "value"] == 20.0
    below = trace[trace["part"] == "denominator"]
    assert below["source"].unique().tolist() == ["unit"]
    assert below["amount"].sum() == 2000.0
    row, _, _ = judge(make, rule, facilities=places, layers=layers)
    assert row["missing_inputs"] == "[boundaries] households"


def test_the_size_of_every_facility(make):
    rule = beds_rule(
        make,
        kind="area_ratio",
        level="village_level",
        numerator="floor_area",
        denominator="facilities",
        per=1.0,
        unit="m2",
        targets=(Target(year=2025, value=300),),
    )
    places = homes(
        make,
        {"floor_area_m2": 500.0},
        {"floor_area_m2": 280.0},
        {"floor_area_m2": 360.0, "village": "122"},
    )
    row, units, _ = judge(make, rule, facilities=places)
    assert (row["value"], row["numerator"], row["denominator"]) == (380.0, 1140.0, 3.0)
    assert row["verdict"] == "not_met"
    assert "2 of 3 do, the farthest off has 280" in row["notes"]
    village = units.loc["village_level:111"]
    assert (village["value"], village["verdict"]) == (280.0, "not_met")
    assert units.at["village_level:122", "verdict"] == "met"
    assert units.at["township:11", "verdict"] == "not_applicable"


def norm_rule(make, **given):
    return share_rule(
        make,
        **{
            "layer": "elderly_day_center",
            "level": "village_level",
            "scope": "communities",
            "numerator": "units_with",
            "denominator": "units",
            "norm": Norm(numerator="floor_area", denominator="households", per=100.0),
            "targets": (Target(year=2025, value=100),),
        }
        | given,
    )


def norm_evidence(make, areas=(200.0, 100.0)):
    return {
        "facilities": make.facilities(
            *(
                {"layer": "elderly_day_center", "village": village, "floor_area_m2": area}
                for village, area in zip(("112", "121"), areas, strict=True)
            )
        ),
        "layers": frozenset({"elderly_day_center"}),
        "units": make.units().assign(households=1000.0),
    }


def test_units_against_a_norm_that_the_project_supplies(make):
    row, units, trace = judge(make, norm_rule(make), **norm_evidence(make), norms={"rule": 20.0})
    assert (row["value"], row["numerator"], row["denominator"]) == (50.0, 1.0, 2.0)
    assert (row["verdict"], row["shortfall"], row["shortfall_of"]) == ("not_met", 1.0, "units")
    assert "at least 20 floor area in m² per 100 households" in row["notes"]
    assert units["value"].to_dict() == {"village_level:112": 20.0, "village_level:121": 10.0}
    assert units["verdict"].tolist() == ["met", "not_met"]
    assert units["target"].tolist() == [20.0, 20.0]
    assert trace["source_id"].tolist() == [
        "village_level:112",
        "village_level:112",
        "village_level:121",
    ]


def test_a_norm_that_nobody_gave_is_named(make):
    row, _, _ = judge(make, norm_rule(make), **norm_evidence(make))
    assert row["verdict"] == "no_data"
    assert row["missing_inputs"] == "[plans.hand.norms] rule"


def test_a_norm_of_the_plan_itself(make):
    rule = norm_rule(
        make, norm=Norm(numerator="floor_area", denominator="households", per=100.0, value=5.0)
    )
    row, _, _ = judge(make, rule, **norm_evidence(make))
    assert (row["value"], row["verdict"]) == (100.0, "met")


def estates(make, built=(2022, 2012)):
    units = make.units().assign(built=pd.array([pd.NA] * 8, dtype="Int64"), households=1000.0)
    drawn = units.iloc[:2].assign(
        level="residential_estate",
        code=["e0", "e1"],
        name=["新苑", "老苑"],
        parent_id="",
        built=pd.array(built, dtype="Int64"),
    )
    drawn.index = pd.Index(["residential_estate:0", "residential_estate:1"])
    places = make.facilities(
        *(
            {"layer": "community_service_center", "village": "111", "floor_area_m2": area}
            for area in (400.0, 100.0)
        )
    )
    places["unit_residential_estate"] = drawn.index
    return {
        "units": pd.concat([units, drawn]),
        "facilities": places,
        "layers": frozenset({"community_service_center"}),
    }


@pytest.mark.parametrize(
    ("scope", "built", "value", "missing"),
    [
        ("new_residential_estates", (2022, 2012), 40.0, ""),
        ("old_residential_estates", (2022, 2012), 10.0, ""),
        ("all", (2022, 2012), 25.0, ""),
        ("new_residential_estates", (2026, 2012), math.nan,
         "[boundaries.residential_estate] new_residential_estates"),
        ("new_residential_estates", (None, 2012), math.nan,
         "[boundaries.residential_estate] built"),
        ("new_residential_estates", (None, None), math.nan,
         "[boundaries.residential_estate] built"),
        ("new_residential_estates", (2021, None), 40.0, ""),
    ],
)  # fmt: skip
def test_new_and_old_estates_by_the_year_they_were_built(make, scope, built, value, missing):
    rule = beds_rule(
        make,
        kind="area_ratio",
        layer="community_service_center",
        level="residential_estate",
        scope=scope,
        numerator="floor_area",
        denominator="households",
        per=100.0,
        unit="m2 per 100 households",
        threshold=30.0,
        targets=(),
    )
    row, units, _ = judge(make, rule, **estates(make, built))
    assert row["missing_inputs"] == missing
    assert row["value"] == pytest.approx(value, nan_ok=True)
    if scope == "all":
        assert units["verdict"].tolist() == ["met", "not_met"]


def test_without_estates_their_boundaries_are_missing(make):
    rule = share_rule(make, level="residential_estate", scope="new_residential_estates",
                      numerator="units_with", denominator="units")  # fmt: skip
    row, _, _ = judge(make, rule, facilities=homes(make, {}))
    assert row["missing_inputs"] == "[boundaries.residential_estate]"


def test_planning_units_of_older_persons(make):
    """300 beds in each unit of 10,000: the share of older persons whose unit has them."""
    rule = beds_rule(
        make, level="planning_unit", per=10_000.0, targets=(Target(year=2025, value=300),)
    )
    units = make.units()
    drawn = units.iloc[:2].assign(level="planning_unit", parent_id="", code=["p0", "p1"])
    drawn.index = pd.Index(["planning_unit:0", "planning_unit:1"])
    demand = people(make)
    demand["unit_planning_unit"] = [drawn.index[n] for n in (0, 0, 1, 1)]
    places = homes(make, {"capacity": 120.0}, {"capacity": 200.0, "village": "122"})
    places["unit_planning_unit"] = drawn.index
    row, results, _ = judge(
        make, rule, facilities=places, units=pd.concat([units, drawn]), demand=demand
    )
    # 120 beds for 3,000, 200 for 7,000: 400 and 285.7 per 10,000; 320 in all.
    assert (row["value"], row["verdict"]) == (320.0, "not_met")
    assert results.loc["planning_unit:0", "value"] == 400.0
    assert results.loc["planning_unit:1", "value"] == pytest.approx(2000 / 7)
    assert results.loc[drawn.index, "verdict"].tolist() == ["met", "not_met"]
    assert "30.0 % of the older persons are in units that reach it" in row["notes"]
    # 10 beds more in the second unit.
    assert (row["shortfall"], row["shortfall_of"]) == (10.0, "beds")


def test_burial_places_for_twenty_years(make):
    rule = beds_rule(
        make,
        layer="ecological_burial_site",
        also=("columbarium",),
        numerator="burial_places",
        denominator="burial_need_per_year",
        per=1.0,
        unit="years",
        targets=(Target(year=2025, value=20),),
    )
    places = make.facilities(
        {"layer": "ecological_burial_site", "remaining_places": 1500.0},
        {"layer": "columbarium", "remaining_places": 900.0},
    )
    layers = frozenset({"ecological_burial_site", "columbarium"})
    figures = make.statistics(
        ("area", "burial_need_per_year", 90, "2020-12-31"),
        ("area", "burial_need_per_year", 120, "2024-12-31"),
        ("area", "burial_need_per_year", 10, "2026-12-31"),
    )
    row, _, trace = judge(make, rule, facilities=places, layers=layers, statistics=figures)
    # The latest figure by the date of judgement.
    assert (row["value"], row["verdict"]) == (20.0, "met")
    assert trace.loc[trace["part"] == "denominator", "source_id"].tolist() == [
        "burial_need_per_year"
    ]
    by_unit = make.statistics(
        ("township:11", "burial_need_per_year", 60), ("township:12", "burial_need_per_year", 40)
    )
    row, units, _ = judge(make, rule, facilities=places, layers=layers, statistics=by_unit)
    assert row["value"] == 24.0
    assert units.at["township:11", "value"] == 40.0
    row, _, _ = judge(make, rule, facilities=places, layers=layers)
    assert row["missing_inputs"] == "[statistics] burial_need_per_year"
    # A further layer that was not supplied may hold any number more.
    fewer = frozenset({"ecological_burial_site"})
    row, _, _ = judge(make, rule, facilities=places, layers=fewer, statistics=figures)
    assert (row["value"], row["high"], row["verdict"]) == (12.5, math.inf, "undecided")


def test_urban_people_are_those_of_urban_units(make):
    rule = beds_rule(
        make,
        numerator="community_workers",
        denominator="urban_population",
        per=10_000.0,
        targets=(Target(year=2025, value=18),),
    )
    staff = make.staff(("county:1", "community_workers", 90))
    row, _, trace = judge(make, rule, staff=staff)
    # The communities 112 and 121 have 20,000 and 30,000 people.
    assert (row["value"], row["denominator"], row["verdict"]) == (18.0, 50_000.0, "met")
    below = trace[trace["part"] == "denominator"]
    assert sorted(below["source_id"]) == ["village_level:112", "village_level:121"]
    untyped = make.units()
    untyped.loc["village_level:112", "type"] = ""
    row, _, _ = judge(make, rule, staff=staff, units=untyped)
    assert (row["low"], row["high"]) == (18.0, 30.0)
    assert (row["width_causes"], row["verdict"]) == ("types", "met")
    # A village within town, of 10,000, has urban people too, and a community in the country none.
    told = make.units()
    told["is_urban"] = told["is_urban"].astype("boolean")
    told.loc[["village_level:112", "village_level:122"], "is_urban"] = [False, True]
    row, _, trace = judge(make, rule, staff=staff, units=told)
    below = trace[trace["part"] == "denominator"]
    assert sorted(below["source_id"]) == ["village_level:121", "village_level:122"]
    figures = make.statistics(("area", "urban_population", 45_000))
    row, _, _ = judge(make, rule, staff=staff, statistics=figures)
    assert row["value"] == 20.0


def test_a_ratio_is_judged_on_a_part_and_says_so(make):
    places = homes(make, {"capacity": 150.0})
    row, _, _ = judge(make, beds_rule(make, level="prefecture"), area="part", facilities=places)
    assert (row["value"], row["verdict"]) == (15.0, "met")
    assert "part" in row["notes"]


def test_a_scope_without_its_polygon_is_named(make):
    rule = beds_rule(make, scope="main_urban_area")
    places = homes(make, {"capacity": 150.0}, {"capacity": 50.0, "village": "122"})
    row, _, _ = judge(make, rule, facilities=places)
    assert row["missing_inputs"] == "[boundaries.main_urban_area]"
    demand = people(make).assign(in_main_urban_area=[True, False, False, True])
    places["in_main_urban_area"] = [True, False]
    row, _, _ = judge(
        make, rule, facilities=places, demand=demand, scopes=frozenset({"main_urban_area"})
    )
    # 150 beds for 5,000.
    assert (row["value"], row["denominator"]) == (30.0, 5000.0)


def test_dates_of_people_and_basis_are_in_the_notes(make):
    row, _, _ = judge(
        make,
        beds_rule(make),
        facilities=homes(make, {"capacity": 150.0}),
        basis="resident",
        age_from=60,
        people_date=dt.date(2020, 11, 1),
    )
    assert "residents, elderly from age 60" in row["notes"]
    assert "2020-11-01" in row["notes"]
