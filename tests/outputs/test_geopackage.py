"""The GeoPackage and the access table, read back."""

from __future__ import annotations

import dataclasses
import datetime as dt
import sqlite3

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import pytest
import shapely

from servicecircle.errors import OutputError
from servicecircle.outputs import geopackage
from servicecircle.outputs.geopackage import write_access, write_geopackage
from servicecircle.results import LayerInfo, Results

CRS = "EPSG:4326"
SQUARE = shapely.box(118.0, 28.0, 118.02, 28.02)
EAST = shapely.box(118.02, 28.0, 118.04, 28.02)
EMPTY = gpd.GeoDataFrame({"class": []}, geometry=[], crs=CRS)


def frame(columns, geometry):
    return gpd.GeoDataFrame(columns, geometry=geometry, crs=CRS)


def unit_rows(unit, **shares):
    """Rows of units.csv of one unit; a share of None is the rule presence."""
    names = {"min15": "15 min", "straight": "1000 m straight", "presence": "presence"}
    return [
        {
            "unit_id": unit,
            "layer": "care_home",
            "rule": names[name],
            "facilities": 2,
            "population_coverage": share,
            "elderly_coverage": None if share is None else share / 2,
            "covered_population": None if share is None else share * 20,
            "covered_elderly": None if share is None else share,
        }
        for name, share in shares.items()
    ]


@pytest.fixture
def results():
    """Return two townships, one scope, three sites, three demand points, nested circles."""
    units = frame(
        {
            "unit_id": ["county:3308", "township:a", "township:b"],
            "name": ["示例县", "城关镇", "碶头乡\x00"],
            "level": ["county", "township", "township"],
            "should_have": [True, True, False],
            "is_urban": pd.array([None, True, False], dtype="boolean"),
            "population": [30.0, 20.0, np.nan],
        },
        [
            shapely.MultiPolygon([shapely.box(118.0, 28.0, 118.04, 28.02)]),
            shapely.MultiPolygon([SQUARE]),
            EAST,
        ],
    )
    facilities = frame(
        {
            "facility_id": ["care_home:1", "care_home:2", "care_home:3"],
            "layer": "care_home",
            "name": ["=养老院", "<b>乙</b>", "无位置"],
            "capacity": [50.0, np.nan, 10.0],
            "opened": pd.to_datetime(["2020-05-01", None, "1999-12-31"]),
            "source_row": pd.array([2, 3, None], dtype="Int64"),
            "invented": [False, False, True],
        },
        [shapely.Point(118.01, 28.01), shapely.Point(118.03, 28.01), None],
    )
    demand = frame(
        {
            "demand_id": ["d1", "d2", "d3"],
            "population": [10.0, 10.0, 10.0],
            "elderly": [1.0, np.nan, 3.0],
            "unit_township": ["township:a", "township:a", ""],
            "in_main_urban_area": [True, False, False],
            "snap_m": [3.0, 4.0, np.nan],
        },
        shapely.points([[118.005, 28.005], [118.01, 28.01], [118.05, 28.05]]),
    )
    access = pd.DataFrame(
        {
            "demand_id": ["d2", "d1", "d3", "d1"],
            "layer": "care_home",
            "profile": ["elderly", "elderly", "elderly", "walk"],
            "criterion": "metres",
            "metres": [0.0, 800.5, np.nan, 1.0],
            "straight_metres": [0.0, 700.0, 9000.0, 1.0],
            "seconds": [0.0, 960.6, np.nan, 1.0],
            "facility_id": ["care_home:1", "care_home:1", "", "care_home:2"],
            "snap_m": [3.0, 4.0, np.nan, 3.0],
            "status": ["reached", "beyond_limit", "unsnapped", "reached"],
            "within_count": [2, 1, 0, 9],
        }
    )
    rows = unit_rows("township:a", min15=0.5, straight=1.0, presence=None)
    rows += unit_rows("township:b", presence=None)
    circles = frame(
        {
            "layer": "care_home",
            "facility_id": ["care_home:1", "care_home:1", ""],
            "profile": "elderly",
            "minutes": [5.0, 15.0, 15.0],
        },
        [SQUARE.buffer(-0.005), SQUARE, shapely.MultiPolygon([SQUARE, shapely.box(9, 9, 10, 10)])],
    )
    overlaps = frame({"layer": ["care_home"], "facilities": [2]}, [SQUARE])
    return Results(
        name="小",
        language="zh",
        as_of=dt.date(2025, 12, 31),
        invented=False,
        layers=(
            LayerInfo(
                name="care_home",
                zh="养老机构",
                en="Care homes",
                profile="elderly",
                speed_kmh=3.0,
                invented=False,
                on_network=True,
            ),
        ),
        minutes=(5.0, 15.0),
        metres=(1000.0,),
        units=units,
        scopes=frame({"scope": ["main_urban_area"], "name": ["中心城区"]}, [SQUARE]),
        facilities=facilities,
        demand=demand,
        access=access,
        unit_coverage=pd.DataFrame(rows),
        scorecard=pd.DataFrame(),
        unit_results=pd.DataFrame(),
        circles=circles,
        overlaps=overlaps,
        roads=EMPTY,
        problems=(),
        record={},
    )


@pytest.fixture
def package(results, tmp_path):
    """Return the path of the GeoPackage of the results."""
    path = tmp_path / "coverage.gpkg"
    write_geopackage(results, path)
    return path


def test_layers_are_those_of_the_design(package):
    layers = {str(name): kind for name, kind in pyogrio.list_layers(package)}
    # A table without places: how QGIS draws the others.
    assert layers.pop("layer_styles") is None
    assert layers == {
        "units_county": "MultiPolygon",
        "units_township": "MultiPolygon",
        "scopes": "MultiPolygon",
        "facilities": "Point",
        "demand": "Point",
        "circles_facility": "MultiPolygon",
        "circles_layer": "MultiPolygon",
        "overlaps": "MultiPolygon",
    }
    for name in layers:
        assert pyogrio.read_info(package, layer=name)["crs"] == CRS


def test_units_carry_the_rates_of_each_rule(package):
    units = gpd.read_file(package, layer="units_township").set_index("unit_id")
    assert units["name"].tolist() == ["城关镇", "碶头乡\ufffd"]
    assert units["care_home_15_min"].tolist() == pytest.approx([0.5, np.nan], nan_ok=True)
    assert units["care_home_15_min_elderly"].tolist() == pytest.approx([0.25, np.nan], nan_ok=True)
    assert units.loc["township:a", "care_home_1000_m_straight"] == 1.0
    assert units["care_home_presence"].tolist() == [2, 2]
    assert units["should_have"].tolist() == [True, False]
    assert units["population"].tolist() == pytest.approx([20.0, np.nan], nan_ok=True)
    assert shapely.equals(units.geometry.iloc[1], shapely.MultiPolygon([EAST]))
    county = gpd.read_file(package, layer="units_county")
    assert county["is_urban"].isna().tolist() == [True]


def test_facilities_keep_dates_missing_values_and_the_one_without_a_place(package):
    facilities = gpd.read_file(package, layer="facilities")
    assert facilities["name"].tolist() == ["=养老院", "<b>乙</b>", "无位置"]
    opened = facilities["opened"].astype(str).str.slice(0, 10).tolist()
    assert [opened[0], opened[2]] == ["2020-05-01", "1999-12-31"]
    assert facilities["opened"].isna().tolist() == [False, True, False]
    assert facilities["source_row"].isna().tolist() == [False, False, True]
    assert facilities.geometry.isna().tolist() == [False, False, True]
    assert facilities["invented"].tolist() == [False, False, True]


def test_demand_is_wide_by_the_profile_of_the_layer(package):
    demand = gpd.read_file(package, layer="demand").set_index("demand_id")
    assert demand.index.tolist() == ["d1", "d2", "d3"]
    assert demand["care_home_seconds"].tolist() == pytest.approx([960.6, 0, np.nan], nan_ok=True)
    assert demand["care_home_metres"].tolist() == pytest.approx([800.5, 0, np.nan], nan_ok=True)
    assert demand["care_home_straight_metres"].tolist() == [700.0, 0.0, 9000.0]
    assert demand["care_home_status"].tolist() == ["beyond_limit", "reached", "unsnapped"]
    assert demand["care_home_facility_id"].tolist() == ["care_home:1", "care_home:1", ""]
    assert demand["care_home_within_count"].tolist() == [1, 2, 0]
    assert demand["in_main_urban_area"].tolist() == [True, False, False]
    assert demand["elderly"].sum() == 4.0


def test_circles_of_a_facility_and_of_the_layer_are_apart(package):
    single = gpd.read_file(package, layer="circles_facility")
    whole = gpd.read_file(package, layer="circles_layer")
    assert single["minutes"].tolist() == [5.0, 15.0]
    assert "facility_id" not in whole
    assert len(whole.geometry.iloc[0].geoms) == 2


def test_demand_past_the_limit_is_left_to_parquet(results, tmp_path, monkeypatch):
    monkeypatch.setattr(geopackage, "DEMAND_LIMIT", 2)
    write_geopackage(results, tmp_path / "a.gpkg")
    assert "demand" not in [str(name) for name, _ in pyogrio.list_layers(tmp_path / "a.gpkg")]
    write_access(results, tmp_path / "access.parquet")
    assert set(pd.read_parquet(tmp_path / "access.parquet")["demand_id"]) == {"d1", "d2", "d3"}


def test_same_results_give_the_same_bytes_on_any_day(results, tmp_path):
    write_geopackage(results, tmp_path / "a.gpkg")
    write_access(results, tmp_path / "a.parquet")
    write_geopackage(results, tmp_path / "b.gpkg")
    write_access(results, tmp_path / "b.parquet")
    for kind in ("gpkg", "parquet"):
        assert (tmp_path / f"a.{kind}").read_bytes() == (tmp_path / f"b.{kind}").read_bytes()
    with sqlite3.connect(tmp_path / "a.gpkg") as database:
        dates = database.execute("select distinct last_change from gpkg_contents").fetchall()
    database.close()
    assert dates == [("2025-12-31T00:00:00.000Z",)]
    assert pyogrio.get_gdal_config_option("OGR_CURRENT_DATE") is None
    assert sorted(path.suffix for path in tmp_path.iterdir()) == [".gpkg"] * 2 + [".parquet"] * 2


@pytest.mark.parametrize(("invented", "words"), [(True, "示意数据"), (False, "")])
def test_invented_results_say_so_in_every_layer(results, tmp_path, invented, words):
    write_geopackage(dataclasses.replace(results, invented=invented), tmp_path / "a.gpkg")
    with sqlite3.connect(tmp_path / "a.gpkg") as database:
        texts = [
            text
            for (text,) in database.execute(
                "select description from gpkg_contents where data_type = 'features'"
            )
        ]
    database.close()
    assert len(texts) == 8
    assert all(text.startswith(words) and bool(text) == invented for text in texts)


def test_empty_layers_are_written_with_their_columns(results, tmp_path):
    bare = dataclasses.replace(
        results,
        circles=results.circles.iloc[:0],
        overlaps=results.overlaps.iloc[:0],
        scopes=results.scopes.iloc[:0],
        facilities=results.facilities.iloc[:0],
        demand=results.demand.iloc[:0],
        access=results.access.iloc[:0],
    )
    write_geopackage(bare, tmp_path / "a.gpkg")
    info = pyogrio.read_info(tmp_path / "a.gpkg", layer="circles_facility")
    assert info["features"] == 0
    assert info["geometry_type"] == "MultiPolygon"
    assert list(info["fields"]) == ["layer", "facility_id", "profile", "minutes"]
    write_access(bare, tmp_path / "a.parquet")
    assert pd.read_parquet(tmp_path / "a.parquet").empty


def test_layer_in_another_crs_is_a_fault(results, tmp_path):
    wrong = dataclasses.replace(results, overlaps=results.overlaps.to_crs("EPSG:3857"))
    with pytest.raises(ValueError, match="overlaps is in EPSG:3857"):
        write_geopackage(wrong, tmp_path / "a.gpkg")


@pytest.mark.parametrize("write", [write_geopackage, write_access])
def test_place_that_cannot_be_written_is_told_in_words(results, tmp_path, write):
    with pytest.raises(OutputError) as caught:
        write(results, tmp_path / "missing" / "a.gpkg")
    assert caught.value.problems[0].code == "outputs.cannot_write"


def test_access_has_place_and_people_of_each_point(results, tmp_path):
    write_access(results, tmp_path / "access.parquet")
    access = pd.read_parquet(tmp_path / "access.parquet")
    assert access["demand_id"].tolist() == ["d2", "d1", "d3", "d1"]
    assert access["lon"].tolist() == [118.01, 118.005, 118.05, 118.005]
    assert access["lat"].tolist() == [28.01, 28.005, 28.05, 28.005]
    assert access["elderly"].tolist() == pytest.approx([np.nan, 1, 3, 1], nan_ok=True)
    assert access["metres"].isna().tolist() == [False, False, True, False]


def test_access_of_an_unknown_point_is_a_fault(results, tmp_path):
    stranger = results.access.assign(demand_id=["d2", "d1", "dx", "d1"])
    with pytest.raises(ValueError, match="dx"):
        write_access(dataclasses.replace(results, access=stranger), tmp_path / "a.parquet")
