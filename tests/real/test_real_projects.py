"""Five real places from project file to finished folder, through the command itself."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import pytest
import shapely

FILES = {
    "index.html",
    "league.csv",
    "league_units.csv",
    "scorecard.csv",
    "scorecard.xlsx",
    "units.csv",
    "unit_results.csv",
    "facilities.csv",
    "figures",
    "problems.csv",
    "report.docx",
    "report.html",
    "roads_by_unit.csv",
    "coverage.gpkg",
    "access.parquet",
    "calibration.csv",
    "run.json",
}
OF_PLANS = {
    "conflicts.csv",
    "needs_by_layer.csv",
    "plan_1.toml",
    "progress.csv",
    "shortfalls.csv",
    "trace.csv",
    "widths.csv",
    "worth.csv",
}
# What a place has that others have not; the Isle of Man has no plan.
MORE = {
    "isle_of_man": set(),
    "wuhan": OF_PLANS,
    "jiangshan": OF_PLANS | {"plan_2.toml", "statistics.csv"},
    "pinghu": OF_PLANS | {"plan_2.toml", "statistics.csv"},
    "taipei": OF_PLANS | {"clusters.csv", "equity.csv", "lorenz.csv"},
}
RULE = "zhejiang_care_home_within_1km"


PLACES = ("isle_of_man", "wuhan", "jiangshan", "pinghu", "taipei")


@pytest.mark.parametrize("name", PLACES)
def test_every_output_is_there_and_sums_close(finished, name):
    run = finished(name)
    assert {path.name for path in run.folder.iterdir()} == FILES | MORE[name]
    units, record = run.csv("units.csv"), run.record
    for what in ("population", "elderly"):
        assert not (units[f"covered_{what}"] > units[what] + 1e-6).any()
        rates = units[f"{what}_coverage"].dropna()
        assert rates.between(0, 1 + 1e-9).all()
    people = record["population"]
    for what in ("people", "elderly"):
        if people.get(f"{what}_in_source") is not None and f"{what}_in_units" in people:
            parts = people[f"{what}_in_units"] + people[f"{what}_outside_units"]
            parts += people[f"{what}_masked"] + people.get(f"{what}_clipped", 0.0)
            assert people[f"{what}_in_source"] == pytest.approx(parts, abs=1e-3)
            assert people[f"{what}_unaccounted"] == 0
    for layer, rows in record["facilities"].items():
        assert rows["rows_in"] == rows["rows_used"] + rows["rows_set_aside"], layer
    access = pd.read_parquet(run.folder / "access.parquet")
    reached = access["metres"].notna()
    assert (access["metres"] >= access["straight_metres"] - 1e-6)[reached].all()
    assert (access["status"] == "reached").equals(reached)
    names = set(pyogrio.list_layers(run.folder / "coverage.gpkg")[:, 0])
    assert {"facilities", "circles_facility", "circles_layer", "overlaps", "scopes"} <= names


@pytest.mark.parametrize("name", ["isle_of_man", "wuhan"])
def test_circles_are_nested_and_count_people_by_travel_time(finished, name):
    run = finished(name)
    access = pd.read_parquet(run.folder / "access.parquet")
    circles = run.layer("circles_layer")
    assert circles.geometry.is_valid.all()
    known = "population" if circles["population"].notna().any() else "elderly"
    for layer, bands in circles.sort_values("minutes").groupby("layer"):
        shapes = bands.geometry.to_numpy()
        assert bands["minutes"].tolist() == [5, 10, 15]
        # Square degrees: 1e-16 is a hair's breadth of a square millimetre.
        assert shapely.area(shapely.difference(shapes[:-1], shapes[1:])).max() < 1e-14
        mine = access[access["layer"] == layer]
        for minutes, people in zip(bands["minutes"], bands[known], strict=True):
            inside = mine.loc[mine["seconds"] <= minutes * 60 + 1e-6, known].sum()
            assert people == pytest.approx(inside, abs=1e-6)


@pytest.mark.parametrize("name", ["wuhan", "jiangshan", "pinghu"])
def test_what_rests_on_stand_ins_says_so_everywhere(finished, name):
    run = finished(name)
    layers = run.record["invented_layers"]
    assert layers == list(run.record["project"]["facilities"])
    assert "示意数据" in run.page and "Invented data" in run.page
    assert "示意数据" in run.record["notice"] and "Invented" in run.record["notice"]
    assert run.csv("facilities.csv")["invented"].all()
    assert run.layer("facilities")["invented"].all()
    scorecard = run.csv("scorecard.csv")
    mine = scorecard["layer"].isin(layers)
    assert mine.any() and scorecard.loc[mine, "notes"].str.contains("invented sites").all()


@pytest.mark.parametrize("name", ["isle_of_man", "taipei"])
def test_real_lists_are_not_called_invented(finished, name):
    run = finished(name)
    assert run.record["invented_layers"] == []
    assert run.record["notice"] is None
    assert not run.csv("facilities.csv")["invented"].any()
    assert not run.csv("scorecard.csv")["notes"].fillna("").str.contains("invented sites").any()


def test_the_isle_of_man_from_one_file(finished):
    run = finished("isle_of_man")
    units = run.csv("units.csv")
    presence = units[(units["rule"] == "presence") & (units["layer"] == "care_home")]
    assert len(presence) == 24
    assert presence["population"].sum() == pytest.approx(84_000, abs=1e-3)
    # 3 nursing homes and 2 homes among the social facilities; all of them stand on the island.
    assert presence["facilities"].sum() == 5
    assert "OpenStreetMap" in run.page
    assert run.record["crs_fitted"] is True and run.record["crs_scale_error_ppm"] < 200


def test_wuhan_knows_the_elderly_alone(finished):
    run = finished("wuhan")
    units = run.csv("units.csv")
    assert units["population"].isna().all()
    assert units["elderly"].to_numpy() == pytest.approx(804_643.66, abs=0.01)
    row = run.csv("scorecard.csv").set_index("indicator_id").loc[RULE]
    assert 0 < row["value"] < row["straight_value"] < 100
    assert row["verdict"] == "not_met"
    network = units.set_index("rule").loc["1000 m", "covered_elderly"]
    assert row["numerator"] == pytest.approx(network, rel=1e-9)


def test_wuhan_s_straight_answer_by_brute_force(finished, shared):
    """Distances of every pair in EPSG:4547, without any index."""
    run = finished("wuhan")
    demand = run.layer("demand").to_crs("EPSG:4547")
    homes = run.layer("facilities").to_crs("EPSG:4547").geometry
    x, y = demand.geometry.x.to_numpy(), demand.geometry.y.to_numpy()
    nearest = np.full(len(demand), np.inf)
    for home in homes:
        nearest = np.minimum(nearest, np.hypot(x - home.x, y - home.y))
    mine = demand.loc[nearest <= 1000.0, "elderly"].sum()
    theirs = run.csv("units.csv").set_index("rule").loc["1000 m straight", "covered_elderly"]
    assert theirs == pytest.approx(mine, rel=1e-6)


def test_jiangshan_s_presence_counted_again(finished, real_project, shared):
    run = finished("jiangshan")
    villages = gpd.read_file(shared / "jiangshan" / "villages.geojson")
    should = villages[villages["kind"] != "farm_or_other"]
    score = run.csv("scorecard.csv")
    score = score[score["headline"]].set_index("indicator_id")
    homes = score.loc["quzhou_childrens_home_village_coverage"]
    # 200 of the 326 villages and communities have an invented home each.
    assert len(should) == 326
    assert (homes["numerator"], homes["denominator"]) == (200, 326)
    assert homes["value"] == pytest.approx(100 * 200 / 326)
    assert homes["verdict"] == "not_met"
    # Two burial sites in each township, and their villages as the list assigns them.
    towns = score.loc["quzhou_ecological_burial_site_township"]
    assert (towns["numerator"], towns["denominator"], towns["verdict"]) == (19, 19, "met")
    served = should.groupby("town").head(8)
    administrative = ~served["name"].str.endswith("社区")
    villages_served = score.loc["quzhou_ecological_burial_village_coverage"]
    assert villages_served["numerator"] <= administrative.sum()
    units = run.csv("units.csv")
    rows = units[(units["level"] == "village_level") & (units["layer"] == "childrens_home")]
    assert len(rows[rows["rule"] == "presence"]) == 366
    assert (rows["population"].fillna(0) == 0).all()


def test_taipei_has_straight_lines_only(finished, shared):
    run = finished("taipei")
    units = run.csv("units.csv")
    assert set(units["rule"]) == {"1000 m straight", "presence"}
    access = pd.read_parquet(run.folder / "access.parquet")
    assert access["metres"].isna().all() and (access["status"] == "unsnapped").all()
    row = run.csv("scorecard.csv").set_index("indicator_id").loc[RULE]
    assert np.isnan(row["value"])
    # Less than all in a straight line proves that the rule is not met over any road.
    assert row["verdict"] == "not_met" and "[roads]" in row["missing_inputs"]
    assert "直线距离" in run.page
    homes = run.csv("facilities.csv")
    homes = homes[homes["layer"] == "care_home"]
    assert (len(homes), homes["capacity"].sum()) == (94, 5192)


def test_taipei_s_straight_answer_by_brute_force(finished):
    """The middle of each village to every care home, in Taiwan's own TM2 grid."""
    run = finished("taipei")
    demand = run.layer("demand").to_crs("EPSG:3826")
    homes = run.layer("facilities").to_crs("EPSG:3826")
    homes = homes[homes["layer"] == "care_home"].geometry
    x, y = demand.geometry.x.to_numpy(), demand.geometry.y.to_numpy()
    nearest = np.min(
        np.hypot(x[:, None] - homes.x.to_numpy(), y[:, None] - homes.y.to_numpy()), axis=1
    )
    # The two grids differ by less than 200 ppm: no village may be so near to the limit.
    assert np.abs(nearest - 1000.0).min() > 0.4
    mine = demand.loc[nearest <= 1000.0, "elderly"].sum()
    units = run.csv("units.csv").query("level == 'village_level'")
    mask = (units["rule"] == "1000 m straight") & (units["layer"] == "care_home")
    assert units.loc[mask, "covered_elderly"].sum() == pytest.approx(mine, rel=1e-9)
    assert units.loc[mask, "elderly"].sum() == pytest.approx(574_458)
