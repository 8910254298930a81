"""Lists of candidates, excluded zones and slopes as their files hold them, good and bad."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import rasterio
import shapely

from servicecircle.datums import wgs84_to_gcj02
from servicecircle.errors import InputError
from servicecircle.inputs.load import Inputs
from servicecircle.inputs.sites import read_sites
from servicecircle.inputs.slopes import slopes_percent
from servicecircle.inputs.terrain import Terrain
from servicecircle.project import Project

LON, LAT = 119.6, 29.1
OSM = """<?xml version="1.0"?><osm version="0.6">
<node id="1" lat="29.1" lon="119.6"/><node id="2" lat="29.1" lon="119.601"/>
<node id="3" lat="29.101" lon="119.601"/><node id="4" lat="29.101" lon="119.6"/>
<node id="5" lat="29.2" lon="119.7"><tag k="building" v="kiosk"/></node>
<way id="10"><nd ref="1"/><nd ref="2"/><nd ref="3"/><nd ref="4"/><nd ref="1"/>
<tag k="building" v="public"/><tag k="name" v="Hall"/></way>
<way id="11"><nd ref="1"/><nd ref="2"/><nd ref="3"/><nd ref="1"/><tag k="building" v="no"/></way>
<way id="12"><nd ref="1"/><nd ref="3"/><nd ref="4"/><nd ref="1"/><tag k="natural" v="water"/></way>
</osm>
"""


def inputs_of(**given):
    units = gpd.GeoDataFrame(
        {"level": ["township"], "name": ["镇"], "code": [""], "unit_id": ["t"]},
        geometry=[shapely.box(LON - 0.5, LAT - 0.5, LON + 0.5, LAT + 0.5)],
        crs=4326,
    )
    known = {
        "units": units,
        "scopes": units.iloc[:0],
        "facilities": {},
        "population": None,
        "roads": None,
        "problems": (),
        "files": (),
    }
    return Inputs(**{**known, **given})


def read(folder, siting, *, dem=None, **given):
    data = {
        "project": {"name": "town", "as_of": dt.date(2025, 12, 31)},
        "boundaries": {"township": {"path": "a.gpkg"}},
        "facilities": {"canteen": {"path": "b.csv"}},
        "siting": siting,
    }
    if dem is not None:
        data["roads"] = {"path": "roads.gpkg", "dem": dem}
    project = Project.model_validate(data)
    project._folder = Path(folder)
    return read_sites(project, inputs_of(**given))


def plots(folder, **columns):
    table = pd.DataFrame({"经度": [LON, LON + 0.01], "纬度": [LAT, LAT], **columns})
    table.to_csv(folder / "plots.csv", index=False)
    return {"candidates": {"plots": {"kind": "parcels", "path": "plots.csv", "datum": "wgs84"}}}


def test_a_list_is_read_with_its_columns_in_chinese(tmp_path):
    given = plots(tmp_path, 名称=["东", "西"], 造价=["1,200", "3万"], 床位数=["60床", ""])
    (listed,) = read(tmp_path, given).lists.values()
    assert listed.table["name"].tolist() == ["东", "西"]
    assert listed.table["cost"].tolist() == [1200.0, 30000.0]
    assert listed.table["capacity"].fillna(-1).tolist() == [60.0, -1.0]
    assert listed.table["source_row"].tolist() == [2, 3]
    assert not listed.table[["mandatory", "forbidden"]].to_numpy().any()
    assert [one.name for one in read(tmp_path, given).files] == ["plots.csv"]


def test_plots_are_named_and_coded_as_land_registers_do(tmp_path):
    given = plots(tmp_path, 地块编号=["P1", "P2"], 地块名称=["东块", "西块"])
    (listed,) = read(tmp_path, given).lists.values()
    assert listed.table["site_id"].tolist() == ["plots:P1", "plots:P2"]
    assert listed.table["name"].tolist() == ["东块", "西块"]


def test_a_plot_of_unreadable_cost_is_not_the_cheapest(tmp_path):
    found = read(tmp_path, plots(tmp_path, 名称=["东", "西"], 造价=["面议", "60"]))
    assert found.lists["plots"].table["name"].tolist() == ["西"]
    (aside,) = [one for one in found.problems if one.code == "site.no_cost"]
    assert (aside.row, aside.value, aside.action) == (2, "面议", "set_aside")
    found = read(tmp_path, plots(tmp_path, 名称=["东", "西"], 造价=["-5", "60"]))
    assert found.lists["plots"].table["cost"].tolist() == [60.0]
    # An empty cell says that the cost of the list holds.
    found = read(tmp_path, plots(tmp_path, 名称=["东", "西"], 造价=["", "60"]))
    assert found.lists["plots"].table["cost"].fillna(-1).tolist() == [-1.0, 60.0]


def test_a_row_that_repeats_an_earlier_one_is_set_aside(tmp_path):
    given = plots(tmp_path, 名称=["东", "西"])
    table = pd.read_csv(tmp_path / "plots.csv")
    pd.concat([table, table.iloc[:1]]).to_csv(tmp_path / "plots.csv", index=False)
    found = read(tmp_path, given)
    assert found.lists["plots"].table["name"].tolist() == ["东", "西"]
    assert [(one.code, one.row, one.value) for one in found.problems] == [
        ("site.repeated", 4, "东")
    ]
    # Another name at the same place is another offer.
    table.assign(经度=LON).to_csv(tmp_path / "plots.csv", index=False)
    assert len(read(tmp_path, given).lists["plots"].table) == 2


def test_columns_that_the_project_names(tmp_path):
    given = plots(tmp_path, 预算=["5", "6"], 备用=["否", "是"])
    given["candidates"]["plots"]["columns"] = {"cost": "预算", "forbidden": "备用"}
    (listed,) = read(tmp_path, given).lists.values()
    assert listed.table["cost"].tolist() == [5.0, 6.0]
    assert listed.table["forbidden"].tolist() == [False, True]


def test_a_declared_datum_is_turned_into_wgs84(tmp_path):
    lon, lat = wgs84_to_gcj02(np.array([LON, LON + 0.01]), np.array([LAT, LAT]))
    given = plots(tmp_path, 名称=["东", "西"])
    pd.DataFrame({"经度": lon, "纬度": lat}).to_csv(tmp_path / "plots.csv", index=False)
    given["candidates"]["plots"]["datum"] = "gcj02"
    (listed,) = read(tmp_path, given).lists.values()
    assert listed.table["lon"].tolist() == pytest.approx([LON, LON + 0.01], abs=1e-8)


def test_ids_stay_when_rows_move_and_others_come(tmp_path):
    given = plots(tmp_path, 名称=["东", "西"])
    (before,) = read(tmp_path, given).lists.values()
    table = pd.read_csv(tmp_path / "plots.csv")
    new = pd.DataFrame({"经度": [LON + 0.02], "纬度": [LAT], "名称": ["北"]})
    pd.concat([new, table.iloc[::-1]]).to_csv(tmp_path / "plots.csv", index=False)
    (after,) = read(tmp_path, given).lists.values()
    names = after.table.set_index("name")["site_id"]
    assert before.table["site_id"].tolist() == names[["东", "西"]].tolist()
    assert after.table["site_id"].is_unique


def test_rows_without_a_place_are_set_aside(tmp_path):
    given = plots(tmp_path, 名称=["东", "西"])
    table = pd.read_csv(tmp_path / "plots.csv")
    table.loc[0, "经度"] = None
    table.loc[0, "纬度"] = None
    table.to_csv(tmp_path / "plots.csv", index=False)
    found = read(tmp_path, given)
    assert found.lists["plots"].table["name"].tolist() == ["西"]
    assert [(one.code, one.row, one.action) for one in found.problems] == [
        ("site.no_place", 2, "set_aside")
    ]


def test_a_row_that_must_and_must_not_be_opened_stops(tmp_path):
    given = plots(tmp_path, 名称=["东", "西"], 必选=["是", ""], 禁选=["是", "是"])
    with pytest.raises(InputError) as caught:
        read(tmp_path, given)
    (problem,) = caught.value.problems
    assert (problem.code, problem.row, problem.value) == ("site.both", 2, "东")


def test_all_faults_are_told_at_once(tmp_path):
    given = plots(tmp_path, 名称=["东", "西"])
    given["candidates"] |= {
        "lost": {"kind": "parcels", "path": "none.csv", "datum": "wgs84"},
        "hosts": {"kind": "facilities", "layers": ["cantine"]},
    }
    given["zones"] = {"water": {"path": "none.gpkg"}}
    given["slope_max_percent"] = 20.0
    with pytest.raises(InputError) as caught:
        read(tmp_path, given)
    found = caught.value.problems
    assert [one.code for one in found] == [
        *("site.unknown_layer", "site.no_dem", "input.missing_file", "input.missing_file")
    ]
    assert "canteen" in found[0].text("en")


def test_a_list_without_a_datum_is_refused(tmp_path):
    given = plots(tmp_path, 名称=["东", "西"])
    del given["candidates"]["plots"]["datum"]
    with pytest.raises(InputError) as caught:
        read(tmp_path, given)
    assert len(caught.value.problems) == 1


def test_an_empty_list_is_refused(tmp_path):
    given = plots(tmp_path, 名称=["东", "西"])
    (tmp_path / "plots.csv").write_text("名称,经度,纬度\n东,,\n", encoding="utf-8")
    with pytest.raises(InputError) as caught:
        read(tmp_path, given)
    assert caught.value.problems[0].code == "input.empty_layer"


def test_buildings_of_openstreetmap_and_their_ground(tmp_path):
    (tmp_path / "town.osm").write_text(OSM, encoding="utf-8")
    given = {"candidates": {"houses": {"kind": "buildings", "path": "town.osm"}}}
    listed = read(tmp_path, given).lists["houses"]
    assert sorted(listed.table["name"].tolist()) == ["", "Hall"]
    hall = listed.table[listed.table["name"] == "Hall"]
    # 0.001 degrees each way, at 29.1 degrees north.
    assert hall["area_m2"].tolist() == pytest.approx([97.28 * 110.86], rel=2e-3)
    given["candidates"]["houses"]["least_area_m2"] = 50.0
    listed = read(tmp_path, given).lists["houses"]
    assert (listed.table["name"].tolist(), listed.small) == (["Hall"], 1)
    assert listed.doors[0].area > 0.0


def test_zones_of_a_layer_of_openstreetmap_and_of_barriers(tmp_path):
    (tmp_path / "town.osm").write_text(OSM, encoding="utf-8")
    shapes = [shapely.box(LON, LAT, LON + 0.1, LAT + 0.1), shapely.Point(LON, LAT)]
    gpd.GeoDataFrame(geometry=shapes, crs=4326).to_file(tmp_path / "red.geojson")
    barriers = np.array([shapely.LineString([(0, 0), (1, 1)]), shapely.box(0, 0, 1, 1)], object)
    found = read(
        tmp_path,
        {
            "zones": {
                "red": {"path": "red.geojson"},
                "water": {"path": "town.osm", "osm": ["natural=water"]},
            }
        },
        terrain=Terrain(barriers=barriers),
    )
    assert {name: len(zone) for name, zone in found.zones.items()} == {
        "barriers": 1,
        "red": 1,
        "water": 1,
    }
    assert [one.code for one in found.problems] == ["site.zone_no_area"]
    with pytest.raises(InputError) as caught:
        gpd.GeoDataFrame(geometry=shapes[1:], crs=4326).to_file(tmp_path / "red.geojson")
        read(tmp_path, {"zones": {"red": {"path": "red.geojson"}}})
    assert caught.value.problems[0].code == "input.empty_layer"


def write_hill(path, *, percent):
    """Write a plane that rises towards the east, in cells of 10 m of EPSG:4549."""
    columns, rows = 300, 200
    heights = np.tile(np.arange(columns) * 10.0 * percent / 100.0, (rows, 1))
    profile = {"driver": "GTiff", "width": columns, "height": rows, "count": 1,
               "dtype": "float64", "crs": "EPSG:4549", "nodata": -9999.0,
               "transform": rasterio.Affine(10, 0, 460_000, 0, -10, 3_222_000)}  # fmt: skip
    with rasterio.open(path, "w", **profile) as file:
        file.write(heights, 1)


def test_slopes_come_from_the_dem_of_the_roads(tmp_path):
    write_hill(tmp_path / "dem.tif", percent=12.0)
    found = read(tmp_path, {"slope_max_percent": 10.0}, dem="dem.tif")
    assert found.slope is not None
    lon, lat = np.array([119.6, 119.5]), np.array([29.105, 29.105])
    slopes = found.slope(lon, lat)
    # The second place lies off the raster; distances of a degree are rounded to a sphere.
    assert slopes[0] == pytest.approx(12.0, rel=0.01)
    assert np.isnan(slopes[1])
    assert np.isnan(found.slope(lon[1:], lat[1:])).all()
    assert read(tmp_path, {}, dem="dem.tif").slope is None


def test_the_slope_of_a_plane_whichever_way_it_faces():
    def plane(lon, lat):
        x = (lon - LON) * 111_195.0 * np.cos(np.radians(LAT))
        return 0.3 * x + 0.4 * (lat - LAT) * 111_195.0

    assert slopes_percent(plane, np.array([LON]), np.array([LAT])) == pytest.approx([50.0])


def test_a_list_without_columns_of_places_is_told_with_those_it_has(tmp_path):
    given = plots(tmp_path)
    pd.DataFrame({"地块名称": ["东"], "横": [1], "纵": [2]}).to_csv(
        tmp_path / "plots.csv", index=False
    )
    with pytest.raises(InputError) as caught:
        read(tmp_path, given)
    (problem,) = caught.value.problems
    assert problem.code == "site.no_place_columns"
    assert "地块名称, 横, 纵" in problem.text("zh")
