"""A whole run in which a facility without coordinates is placed by its township's name."""

from __future__ import annotations

import json

import geopandas as gpd
import pandas as pd
import pytest
import shapely

from servicecircle.project import load_project
from servicecircle.study import check_project, run_project

PROJECT = """
[project]
name = "line"
as_of = 2025-12-31
language = "en"

[plans.zhejiang]
area = "part"
anyway = ["zhejiang_care_home_within_1km"]
pins = { zhejiang_care_home_within_1km = "network" }

[boundaries.township]
path = "townships.geojson"
credit = "Outlines: the survey office"
[boundaries.main_urban_area]
path = "townships.geojson"

[roads]
path = "road.geojson"
all_walkable = true

[population]
points = "people.csv"
datum = "wgs84"
basis = "resident"
date = 2020-11-01

[facilities.care_home]
path = "homes.csv"
place_by = ["township"]
credit = "Homes: the civil-affairs bureau"

[staff]
path = "staff.csv"
"""


@pytest.fixture
def project(tmp_path):
    """A road of 9.7 km along a parallel; 东镇 is a box of 974 m by 1,109 m at its western end.

    Its middle lies on the road, 738 m from its corners. The people stand on the road 49, 682,
    1,413 and 2,436 m from there.
    """
    boxes = [shapely.box(118.0, 28.995, 118.01, 29.005), shapely.box(118.01, 28.995, 118.1, 29.005)]
    names = {"code": ["1", "2"], "name": ["东镇", "西镇"]}
    gpd.GeoDataFrame(names, geometry=boxes, crs=4326).to_file(tmp_path / "townships.geojson")
    line = shapely.LineString([(118.0 + step / 1000, 29.0) for step in range(101)])
    gpd.GeoDataFrame({"highway": ["path"]}, geometry=[line], crs=4326).to_file(
        tmp_path / "road.geojson"
    )
    people = "lon,lat,population,elderly\n" + "".join(
        f"{lon},29.0,200,100\n" for lon in (118.0055, 118.012, 118.0195, 118.03)
    )
    (tmp_path / "people.csv").write_text(people, encoding="utf-8")
    homes = "名称,地址,床位数\n甲院,甲县东镇人民路1号,50\n"
    (tmp_path / "homes.csv").write_text(homes, encoding="utf-8")
    (tmp_path / "staff.csv").write_text(
        "机构名称,岗位,人数\n甲院,持证护理员,12\n乙院,持证护理员,3\n", encoding="utf-8"
    )
    (tmp_path / "line.toml").write_text(PROJECT, encoding="utf-8")
    return load_project(tmp_path / "line.toml")


def table(folder, name):
    return pd.read_csv(folder / name, encoding="utf-8-sig", dtype={"code": str})


def test_the_error_of_the_place_widens_the_verdict(project, tmp_path):
    out = tmp_path / "out"
    run_project(project, out)
    card = table(out, "scorecard.csv")
    row = card[card["indicator_id"] == "zhejiang_care_home_within_1km"].iloc[0]
    # Within 1,000 m: two as it stands; the first even 738 m farther off, the third if nearer.
    assert (row["value"], row["low"], row["high"]) == (50, 25, 75)
    assert "coordinates" in row["width_causes"].split(";")
    access = pd.read_parquet(out / "access.parquet").sort_values("metres")
    walk = access[access["profile"] == access["profile"].iloc[0]]
    assert walk["metres"].to_numpy() == pytest.approx([49, 682, 1413, 2436], abs=1)
    assert (walk["metres_most"] - walk["metres"]).to_numpy() == pytest.approx([738] * 4, abs=2)
    assert walk["metres_least"].to_numpy() == pytest.approx([0, 0, 675, 1698], abs=3)

    home = table(out, "facilities.csv").iloc[0]
    assert (home["placed_by"], home["open"]) == ("township", True)
    assert home["position_error_m"] == pytest.approx(738, abs=1)
    assert home["unit_township"] == "township:1"
    problems = table(out, "problems.csv")
    placed = problems[problems["code"] == "address.placed_unit"].iloc[0]
    assert (placed["row"], placed["column"], placed["action"]) == (2, "地址", "mended")
    staff = table(out, "staff.csv")
    assert staff[["role", "count"]].values.tolist() == [["certified_caregivers", 12]]
    assert staff["facility_id"].tolist() == [home["facility_id"]]
    assert (problems["code"] == "staffing.unknown_facility").sum() == 1

    record = json.loads((out / "run.json").read_text(encoding="utf-8"))
    assert record["credits"] == ["Outlines: the survey office", "Homes: the civil-affairs bureau"]
    assert record["facilities"]["care_home"]["placed_by"] == {"township": 1}
    counts = {"rows_in": 2, "rows_set_aside": 1, "rows_used": 1, "numbers": 1}
    assert record["staff"] == counts
    assert record["rows_out"]["staff.csv"] == 1
    page = (out / "index.html").read_text(encoding="utf-8")
    assert "Outlines: the survey office" in page


def test_a_check_tells_the_same(project):
    codes = [problem.code for problem in check_project(project, None).problems]
    assert codes.count("address.placed_unit") == 1
    assert codes.count("staffing.unknown_facility") == 1
