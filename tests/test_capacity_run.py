"""Competition and clusters through a whole run: files, columns, words, the same bytes."""

from __future__ import annotations

import json
import math

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from servicecircle.project import load_project
from servicecircle.study import run_project

PROJECT = """
[project]
name = "town"
as_of = 2025-12-31
[plans.zhejiang]
area = "part"
anyway = ["zhejiang_care_home_beds_per_10000_elderly_unit"]
[boundaries.township]
path = "townships.geojson"
[roads]
path = "roads.gpkg"
[population]
points = "people.csv"
basis = "resident"
datum = "wgs84"
date = 2020-11-01
[facilities.care_home]
path = "homes.csv"
datum = "wgs84"
profile = "walk"
[catchments.care_home]
minutes = 15
norm = 300
[catchments."步行"]
layer = "care_home"
minutes = 10
methods = ["3sfca"]
[assignment.care_home]
minutes = 15
[clusters.planning_unit]
people = 30
"""
METRE = 1 / 111_320


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Return the folder and the summary of a run, and how to run again."""
    base = tmp_path_factory.mktemp("town")
    boxes = [shapely.box(119.98, 29.99, 120.0, 30.01), shapely.box(120.0, 29.99, 120.02, 30.01)]
    names = {"name": ["西镇", "东镇"], "code": ["330101001000", "330101002000"]}
    gpd.GeoDataFrame(names, geometry=boxes, crs=4326).to_file(base / "townships.geojson")
    street = shapely.LineString([(119.981, 30.0), (120.019, 30.0)])
    gpd.GeoDataFrame({"highway": ["residential"]}, geometry=[street], crs=4326).to_file(
        base / "roads.gpkg"
    )
    pd.DataFrame(
        {"经度": [119.985, 119.99, 120.015], "纬度": 30.0, "人口": [90, 60, 100],
         "老年人口": [20, 10, 30]}
    ).to_csv(base / "people.csv", index=False)  # fmt: skip
    pd.DataFrame(
        {"机构名称": ["甲院", "乙院"], "经度": [119.985, 120.015], "纬度": 30.0, "床位数": [6, ""]}
    ).to_csv(base / "homes.csv", index=False)
    (base / "town.toml").write_text(PROJECT, encoding="utf-8")
    project = load_project(base / "town.toml")
    summary = run_project(project, base / "out")
    return base, project, summary


def test_tables_are_written(run):
    folder = run[0] / "out"
    units = pd.read_csv(folder / "catchments.csv")
    area = units[(units["level"] == "area") & (units["method"] == "2sfca")].iloc[0]
    # 6 beds: 20 and, 483 m away, 10 elderly reach them, of 60.
    assert area["score"] == pytest.approx(10000 * 6 / 60)
    assert area["within"] == 30.0
    assert set(units["level"]) == {"area", "township", "planning_unit"}
    assert units["name"].unique().tolist() == ["care_home", "步行"]
    for name in ("catchment_facilities", "assignment", "assignment_facilities", "clusters"):
        assert len(pd.read_csv(folder / f"{name}.csv"))
    record = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    assert record["rows_out"]["catchments.csv"] == len(units)
    assert record["capacity"]["catchments.care_home"]["facilities"] == {
        "counted": 1, "no_capacity": 1,
    }  # fmt: skip
    assert record["clusters"]["planning_unit"]["clusters"] == 2


def test_columns_of_the_geopackage_and_of_access(run):
    file = run[0] / "out" / "coverage.gpkg"
    points = gpd.read_file(file, layer="demand")
    assert points["score_care_home_2sfca"].tolist() == [2000.0, 2000.0, 0.0]
    assert points["left_care_home_least_time"].tolist() == [14.0, 10.0, 30.0]
    assert "score_步行_3sfca" in points
    towns = gpd.read_file(file, layer="units_township").set_index("name")
    assert towns["score_care_home_2sfca"].to_dict() == {"西镇": 2000.0, "东镇": 0.0}
    assert towns["left_care_home_nearest"].to_dict() == {"西镇": 24.0, "东镇": 30.0}
    homes = gpd.read_file(file, layer="facilities").set_index("name")
    assert homes.loc["甲院", "ratio_care_home_2sfca"] == 2000.0
    assert homes.loc["甲院", ["assigned_care_home_nearest", "free_care_home_nearest"]].tolist() == [
        6.0, 0.0,
    ]  # fmt: skip
    assert math.isnan(homes.loc["乙院", "ratio_care_home_2sfca"])
    drawn = gpd.read_file(file, layer="units_planning_unit")
    assert set(drawn["type"]) == {"proxy"}
    assert all("推算" in name for name in drawn["name"])
    access = pd.read_parquet(run[0] / "out" / "access.parquet")
    rows = access[access["profile"] == "walk"]
    assert np.array_equal(rows["score_care_home_2sfca"], points["score_care_home_2sfca"])


def test_words_of_the_summary(run):
    chinese, english = (run[2].text(language) for language in ("zh", "en"))
    assert (
        "养老机构（2SFCA，15 分钟，步行）：每 10,000 人 1,000.0 个床位（席位），达到 300 的占 50.0%"
        in chinese
    )
    assert "步行（3SFCA，10 分钟，步行）" in chinese
    assert "60 人中安置 6 人" in chinese
    assert "(nearest first, 15 min, walking): 6 of 60 people placed" in english
    assert "54 without a place (30 with none in reach, 24 with all of them full" in english


def test_verdicts_on_stand_ins_say_so(run):
    card = pd.read_csv(run[0] / "out" / "scorecard.csv")
    row = card[card["indicator_id"] == "zhejiang_care_home_beds_per_10000_elderly_unit"].iloc[0]
    assert "推算单元" in row["notes"]
    others = card[card["unit_level"] != "planning_unit"]
    assert not others["notes"].fillna("").str.contains("推算单元").any()
    problems = pd.read_csv(run[0] / "out" / "problems.csv")
    assert {"clusters.proxy", "capacity.unknown"} <= set(problems["code"])


def test_the_same_bytes_again(run):
    base, project, _ = run
    run_project(project, base / "again")
    for name in ("catchments", "catchment_facilities", "assignment", "assignment_facilities",
                 "clusters"):  # fmt: skip
        first, second = (base / out / f"{name}.csv" for out in ("out", "again"))
        assert first.read_bytes() == second.read_bytes()


def test_wrong_names_stop_a_run_with_their_line(run):
    from servicecircle.errors import InputError

    base = run[0]
    text = PROJECT.replace("[assignment.care_home]", "[assignment.carehome]")
    (base / "wrong.toml").write_text(text, encoding="utf-8")
    with pytest.raises(InputError) as caught:
        run_project(load_project(base / "wrong.toml"), base / "never")
    (problem,) = caught.value.problems
    line = text.splitlines().index("[assignment.carehome]") + 1
    assert (problem.code, problem.row) == ("project.competition_layer", line)
    assert not (base / "never").exists()
