"""A layer that is supplied and empty is 0, one that is not supplied no data, to the last file.

The small town has two townships and 10 older persons (3 in the West, 7 in the East); there is no
care home on its list, so that all truth is 0 by definition.
"""

from __future__ import annotations

import csv
import json

import geopandas as gpd
import pandas as pd
import pyogrio
import pytest
from click.testing import CliRunner

from servicecircle.cli import main

HEADER = "机构编码,name,lon,lat,床位数,护理型床位数,opened,closed\n"
SAYS_NONE = "名称,乡镇,经度,纬度,床位数\n无,West,,,\n/,East,/,/,0\n"
MORE = """
[catchments.care_home]
minutes = 15
[assignment.care_home]
minutes = 15
[clusters.planning_unit]
people = 50
[equity]
[monte_carlo]
runs = 5
"""
CANTEEN = """
[facilities.canteen]
path = "canteens.csv"
datum = "wgs84"
profile = "elderly"
"""


def rows(folder, name):
    with (folder / name).open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture
def run(small_town, tmp_path):
    """Return a function that runs the town; it returns the folder and what was said."""

    def running(*, listed=HEADER, more="", change=None, command=("run",)):
        project = small_town.lay_out(tmp_path / "town", homes=())
        (project.parent / "homes.csv").write_text(listed, encoding="utf-8")
        text = project.read_text(encoding="utf-8") + more
        project.write_text(change(text) if change else text, encoding="utf-8")
        out = tmp_path / "out"
        arguments = [command[0], str(project), *command[1:], "--out", str(out)]
        result = CliRunner(env={"LC_ALL": "C.UTF-8"}).invoke(main, arguments)
        assert result.exit_code == 0, result.output
        return out, result.stdout

    return running


def verdicts(out):
    return {
        row["indicator_id"]: (row["value"], row["verdict"])
        for row in rows(out, "scorecard.csv")
        if row["headline"] == "true"
    }


EMPTY = {
    "has_home": ("0", "not_met"),
    # 0 nursing beds of 0 beds.
    "nursing_share": ("", "no_data"),
    "beds_per_1000": ("0", "not_met"),
    "within_1km": ("0", "not_met"),
    # The target is only a reading.
    "within_15_min": ("0", "undecided"),
    "homes": ("0", "not_met"),
}


@pytest.mark.parametrize("listed", [HEADER, SAYS_NONE])
def test_the_only_layer_may_be_empty(run, listed):
    out, said = run(listed=listed)
    assert verdicts(out) == EMPTY
    assert "0 of 10 older persons" in said
    units = pd.read_csv(out / "units.csv", encoding="utf-8-sig")
    assert set(units["layer"]) == {"care_home"}
    assert (units["facilities"] == 0).all()
    travel = units[units["rule"] != "presence"]
    # A county, its West and its East: five rules each.
    assert len(travel) == 15
    assert (travel[["covered_elderly", "elderly_coverage"]] == 0).all(axis=None)
    people = travel.groupby("name")["elderly"].max().to_dict()
    assert people == {"A county": 10, "West": 3, "East": 7}
    assert rows(out, "facilities.csv") == []
    (told,) = (row for row in rows(out, "problems.csv") if row["severity"] == "warning")
    assert [told[name] for name in ("code", "file", "column")] == [
        "facility.empty_list",
        "homes.csv",
        "facilities.care_home",
    ]


def test_a_layer_that_is_not_supplied_is_no_data(run):
    canteens = HEADER + "C1,Elm,119.601028,29.100902,10,0,2020-01-01,\n"
    out, _ = run(
        listed=canteens,
        change=lambda text: text.replace("facilities.care_home", "facilities.canteen"),
    )
    assert {verdict for _, verdict in verdicts(out).values()} == {"no_data"}


def test_an_empty_layer_leaves_the_others_alone(run, tmp_path):
    (tmp_path / "town").mkdir()
    canteens = HEADER + "C1,Elm,119.601028,29.100902,10,0,2020-01-01,\n"
    (tmp_path / "town/canteens.csv").write_text(canteens, encoding="utf-8")
    out, _ = run(more=CANTEEN)
    assert verdicts(out) == EMPTY
    units = pd.read_csv(out / "units.csv", encoding="utf-8-sig")
    west = units[(units["name"] == "West") & (units["rule"] == "15 min")].set_index("layer")
    # 1 and 2 older persons at 0 and 200 m from the canteen.
    assert west["covered_elderly"].to_dict() == {"care_home": 0, "canteen": 3}
    assert [row["layer"] for row in rows(out, "facilities.csv")] == ["canteen"]
    layers = {name for name, _ in pyogrio.list_layers(out / "coverage.gpkg")}
    circles = gpd.read_file(out / "coverage.gpkg", layer="circles_layer")
    assert set(circles["layer"]) == {"canteen"}
    assert {"facilities", "demand", "units_township"} <= layers


def test_all_outputs_of_an_empty_layer(run):
    out, said = run(more=MORE)
    assert "nan" not in said
    places = rows(out, "catchments.csv")
    assert {row["score"] for row in places} == {"0"}
    assert {row["within"] for row in places} == {"0"}
    placed = [row for row in rows(out, "assignment.csv") if row["level"] == "area"]
    assert [(row["placed"], row["left"], row["unreachable"]) for row in placed] == [
        ("0", "10", "10")
    ] * 2
    for name in ("catchment_facilities", "assignment_facilities", "lorenz"):
        assert rows(out, f"{name}.csv") == []
    (area,) = (
        row
        for row in rows(out, "equity.csv")
        if (row["part"], row["quantity"]) == ("area", "minutes")
    )
    # All without a way: of no times there is no mean.
    assert [area[name] for name in ("unreached", "unreached_share", "mean")] == ["10", "1", ""]
    assert {row["mean"] for row in rows(out, "monte_carlo.csv")} == {"0"}
    demand = gpd.read_file(out / "coverage.gpkg", layer="demand")
    assert set(demand["care_home_status"]) == {"unreachable"}
    assert demand["care_home_metres"].isna().all()
    for name in ("facilities", "circles_layer", "circles_facility", "overlaps"):
        table = pyogrio.read_info(out / "coverage.gpkg", layer=name)
        assert (table["features"], table["crs"]) == (0, "EPSG:4326")
    assert (out / "index.html").stat().st_size > 0
    assert json.loads((out / "run.json").read_text(encoding="utf-8"))["capacity"]


@pytest.mark.parametrize("indicator", ["homes", "within_15_min", "beds_per_1000", "has_home"])
def test_explain_finds_each_zero_again(run, indicator):
    out, _ = run()
    result = CliRunner(env={"LC_ALL": "C.UTF-8"}).invoke(main, ["explain", str(out), indicator])
    assert result.exit_code == 0, result.output
    assert "numerator: there are no addends" in result.stdout
    assert "all are the same" in result.stdout


def test_circles_of_an_empty_layer_are_none(run):
    command = ("circles", "--layer", "care_home", "--minutes", "5,15")
    out, _ = run(command=command)
    assert rows(out, "circles.csv") == []
    assert len(gpd.read_parquet(out / "circles.parquet")) == 0
    assert "facility.empty_list" in {row["code"] for row in rows(out, "problems.csv")}


def test_without_roads_what_is_counted_is_still_zero(run):
    def without_roads(text):
        return text.replace('[roads]\npath = "roads.geojson"\nall_walkable = true\n', "")

    out, _ = run(change=without_roads)
    # A home beyond the border, 100 m away, might be in reach: rules of travel need roads.
    travel = {"within_1km": ("", "no_data"), "within_15_min": ("", "no_data")}
    assert verdicts(out) == EMPTY | travel
    found = [row for row in rows(out, "scorecard.csv") if row["indicator_id"] in travel]
    assert {row["straight_value"] for row in found} == {"0"}
    assert {row["missing_inputs"] for row in found} == {"[roads]"}
