"""People from every kind of source, by way of the settings of a project."""

from __future__ import annotations

import datetime as dt
import math
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import pytest
import rasterio
import shapely
from affine import Affine

from servicecircle.datums import wgs84_to_gcj02
from servicecircle.errors import CrsError, InputError
from servicecircle.inputs.population import read_population
from servicecircle.project import PopulationSettings

WEST, EAST = shapely.box(118.0, 28.0, 118.1, 28.1), shapely.box(118.1, 28.0, 118.2, 28.1)
NOWHERE = gpd.GeoDataFrame({"level": []}, geometry=[], crs=4326)


def units(population=(400.0, 100.0), elderly=(80.0, 30.0)) -> gpd.GeoDataFrame:
    county = {"unit_id": "county:3", "name": "江山市", "level": "county"}
    rows = [
        county | {"population": np.nan, "elderly": np.nan, "geometry": WEST.union(EAST)},
        {"unit_id": "township:1", "name": "西镇", "level": "township", "geometry": WEST},
        {"unit_id": "township:2", "name": "东镇", "level": "township", "geometry": EAST},
    ]
    for row, people, old in zip(rows[1:], population, elderly, strict=True):
        row |= {"population": people, "elderly": old}
    return gpd.GeoDataFrame(pd.DataFrame(rows), geometry="geometry", crs=4326)


def read(base: Path, table=NOWHERE, **given):
    for key in ("raster", "elderly_raster", "points", "buildings", "residential"):
        if key in given:
            given[key] = Path(given[key])
    settings = PopulationSettings(basis="resident", date=dt.date(2020, 11, 1), **given)
    return read_population(settings, base=base, units=table)


def code_of(caught) -> str:
    assert caught.value.text("zh")
    return caught.value.problems[0].code


def grid(path: Path, values) -> None:
    values = np.asarray(values, dtype="float32")
    with rasterio.open(
        path, "w", driver="GTiff", width=values.shape[1], height=values.shape[0], count=1,
        dtype="float32", crs="EPSG:4326", transform=Affine(0.1, 0, 118.0, 0, -0.1, 28.1),
    ) as file:  # fmt: skip
        file.write(values, 1)


def houses(path: Path, *lons: float) -> None:
    shapes = [shapely.box(lon, 28.05, lon + 2e-4, 28.0502) for lon in lons]
    pyogrio.write_dataframe(gpd.GeoDataFrame(geometry=shapes, crs=4326), path)


# --- rasters -------------------------------------------------------------------------------------


def test_a_raster_keeps_cells_outside_the_units(tmp_path):
    grid(tmp_path / "people.2020.tif", [[5.0, 0.0, 7.0]])
    data = read(tmp_path, units(), raster="people.2020.tif", kind="count", age_from=65)
    assert data.demand["demand_id"].tolist() == ["people:0:0", "people:0:2"]
    assert data.demand["lon"].tolist() == pytest.approx([118.05, 118.25])
    assert data.demand["population"].tolist() == [5.0, 7.0]
    assert list(data.demand.columns) == [
        "demand_id", "lon", "lat", "population", "elderly", "position_error_m",
    ]  # fmt: skip
    assert (data.basis, data.age_from, data.date) == ("resident", 65, dt.date(2020, 11, 1))
    assert data.source == "people.2020.tif"
    assert data.balance["people_in_source"] == data.balance["people_used"] == 12.0


def test_two_sources_of_the_elderly_are_refused(tmp_path):
    grid(tmp_path / "a.tif", [[5.0]])
    with pytest.raises(InputError) as caught:
        read(tmp_path, raster="a.tif", elderly_raster="a.tif", raster_holds="elderly", kind="count")
    assert code_of(caught) == "population.two_elderly"


def test_two_runs_give_the_same_ids_and_bytes(tmp_path):
    grid(tmp_path / "a.tif", np.arange(12).reshape(3, 4))
    one, other = (read(tmp_path, raster="a.tif", kind="count").demand for _ in range(2))
    pd.testing.assert_frame_equal(one, other, check_exact=True)
    assert one["demand_id"].is_unique


# --- units spread over shapes --------------------------------------------------------------------


def test_units_over_buildings(tmp_path):
    houses(tmp_path / "houses.gpkg", 118.01, 118.02, 118.15, 119.0)
    data = read(tmp_path, units(), units="township", spread="buildings", buildings="houses.gpkg")
    assert data.demand["population"].tolist() == pytest.approx([200.0, 200.0, 100.0])
    assert data.demand["elderly"].tolist() == pytest.approx([40.0, 40.0, 30.0])
    assert data.demand["demand_id"].tolist() == ["houses:1", "houses:2", "houses:3"]
    assert data.balance["places_outside"] == 1
    assert [problem.code for problem in data.problems] == ["population.shapes_outside"]


def test_units_over_residential_land_close_to_a_millionth(tmp_path):
    land = [shapely.box(118.05, 28.02, 118.13, 28.04)]
    pyogrio.write_dataframe(gpd.GeoDataFrame(geometry=land, crs=4326), tmp_path / "land.gpkg")
    data = read(tmp_path, units(), units="township", spread="residential", residential="land.gpkg")
    west = data.demand["lon"] < 118.1
    assert data.demand.loc[west, "population"].sum() == pytest.approx(400.0, rel=1e-9)
    assert data.demand.loc[~west, "population"].sum() == pytest.approx(100.0, rel=1e-9)
    assert data.demand["elderly"].sum() == pytest.approx(110.0, rel=1e-9)
    # Equal density within a unit.
    ratio = data.demand["population"] / data.demand["position_error_m"] ** 2
    assert ratio[west].max() == pytest.approx(ratio[west].min(), rel=1e-6)


def test_units_at_their_centres(tmp_path):
    data = read(tmp_path, units(), units="township", spread="centroid")
    assert data.demand["demand_id"].tolist() == ["township:1", "township:2"]
    assert data.demand["population"].tolist() == [400.0, 100.0]


def test_a_total_over_the_buildings_of_the_lowest_level(tmp_path):
    houses(tmp_path / "houses.gpkg", 118.01, 118.15, 119.0)
    data = read(
        tmp_path, units(), total=84_000, elderly_total=21_000, spread="buildings",
        buildings="houses.gpkg",
    )  # fmt: skip
    assert data.demand["population"].tolist() == pytest.approx([42_000.0, 42_000.0])
    assert data.demand["elderly"].sum() == pytest.approx(21_000.0, rel=1e-9)
    data = read(tmp_path, units(), total=84_000, spread="buildings", buildings="houses.gpkg")
    assert data.demand["elderly"].isna().all()
    assert math.isnan(data.balance["elderly_in_source"])


def test_a_total_at_centres_is_shared_by_area_and_flagged(tmp_path):
    data = read(tmp_path, units(), total=1000, spread="centroid")
    assert data.demand["population"].tolist() == pytest.approx([500.0, 500.0], rel=1e-6)
    assert [problem.code for problem in data.problems] == ["population.total_by_area"]


@pytest.mark.parametrize(
    ("given", "table", "code"),
    [
        ({"units": "village_level", "spread": "centroid"}, units(), "population.no_level"),
        ({"units": "county", "spread": "centroid"}, units(), "population.no_figures"),
        ({"total": 5, "spread": "centroid"}, NOWHERE, "population.no_level"),
        (
            {"total": 5, "elderly_total": 6, "spread": "centroid"},
            units(),
            "population.elderly_total",
        ),
    ],
)
def test_nothing_to_spread(tmp_path, given, table, code):
    with pytest.raises(InputError) as caught:
        read(tmp_path, table, **given)
    assert code_of(caught) == code


def test_a_total_with_no_building_in_the_area(tmp_path):
    houses(tmp_path / "houses.gpkg", 100.0)
    with pytest.raises(InputError) as caught:
        read(tmp_path, units(), total=5, spread="buildings", buildings="houses.gpkg")
    assert code_of(caught) == "population.no_places"


# --- points --------------------------------------------------------------------------------------


def table(path: Path, *rows: str, encoding="utf-8") -> None:
    path.write_text("\n".join(rows) + "\n", encoding=encoding)


def test_a_table_with_wrong_rows(tmp_path):
    table(
        tmp_path / "points.csv",
        "名称,经度,纬度,人口,60岁以上",
        "甲,118.01,28.01,100,20",
        '乙,118.02,28.02,"1,200人",',
        "丙,,28.03,30,3",
        "丁,218.04,28.04,40,4",
        "戊,118.05,28.05,,5",
        "己,118.06,28.06,-6,6",
        "庚,118.07,28.07,0,0",
        "辛,118.08,28.08,7,9",
        "壬,118.09,28.09,8,many",
        "甲,118.10,28.10,9,1",
        encoding="gb18030",
    )
    data = read(tmp_path, points="points.csv", datum="wgs84")
    demand = data.demand
    assert demand["demand_id"].tolist() == [
        "points:甲", "points:乙", "points:辛", "points:壬", "points:甲 #2",
    ]  # fmt: skip
    assert demand["population"].tolist() == [100.0, 1200.0, 7.0, 8.0, 9.0]
    assert demand["elderly"].fillna(-1).tolist() == [20.0, -1.0, 7.0, -1.0, 1.0]
    assert [(problem.row, problem.code, problem.action) for problem in data.problems] == [
        (4, "population.no_coordinates", "set_aside"),
        (5, "population.out_of_range", "set_aside"),
        (7, "population.bad_number", "set_aside"),
        (6, "population.no_people", "set_aside"),
        (10, "population.bad_elderly", "mended"),
        (9, "population.elderly_above", "mended"),
    ]
    balance = data.balance
    assert balance["rows_total"] == 10
    assert balance["rows_total"] == sum(
        balance[f"rows_{key}"] for key in ("used", "zero", "set_aside")
    )
    assert balance["people_in_source"] == 100 + 1200 + 30 + 40 + 0 + 7 + 8 + 9
    assert balance["people_in_source"] == balance["people_used"] + balance["people_set_aside"]
    assert balance["elderly_in_source"] == sum(
        balance[f"elderly_{key}"] for key in ("used", "set_aside", "clipped")
    )


def test_the_datum_of_a_table_is_declared_or_refused(tmp_path):
    lon, lat = wgs84_to_gcj02([118.05], [28.05])
    table(tmp_path / "points.csv", "lng,lat,pop", f"{lon[0]:.12f},{lat[0]:.12f},5")
    with pytest.raises(CrsError) as caught:
        read(tmp_path, points="points.csv")
    assert code_of(caught) == "population.no_datum"
    with pytest.raises(CrsError) as caught:
        read(tmp_path, points="points.csv", datum="auto")
    assert code_of(caught) == "population.auto_needs_units"
    demand = read(tmp_path, points="points.csv", datum="gcj02").demand
    assert demand[["lon", "lat"]].to_numpy()[0] == pytest.approx([118.05, 28.05], abs=1e-9)


def test_a_table_in_metres(tmp_path):
    table(tmp_path / "points.csv", "x,y,人口", "500000,3100000,5")
    demand = read(tmp_path, points="points.csv", crs="EPSG:4549").demand
    assert demand["lon"].iloc[0] == pytest.approx(120.0, abs=1e-9)
    assert demand["lat"].iloc[0] == pytest.approx(28.013, abs=0.01)


def test_a_table_with_swapped_columns(tmp_path):
    table(tmp_path / "points.csv", "经度,纬度,人口", "28.01,118.01,5", "28.02,118.02,5")
    with pytest.raises(CrsError) as caught:
        read(tmp_path, points="points.csv", datum="wgs84")
    assert code_of(caught) == "vector.swapped"


def test_a_table_without_its_columns(tmp_path):
    table(tmp_path / "points.csv", "经度,foo,bar", "118.01,28.01,5")
    with pytest.raises(InputError) as caught:
        read(tmp_path, points="points.csv", datum="wgs84")
    assert [problem.value for problem in caught.value.problems] == ["lat", "population"]
    columns = {"lat": "foo", "population": "bar"}
    data = read(tmp_path, points="points.csv", datum="wgs84", columns=columns)
    assert data.demand["population"].tolist() == [5.0]
    with pytest.raises(InputError) as caught:
        read(tmp_path, points="points.csv", datum="wgs84", columns={"lat": "fooo"})
    assert code_of(caught) == "unit.no_such_column"


def test_no_usable_row(tmp_path):
    table(tmp_path / "points.csv", "经度,纬度,人口", "118.01,28.01,", "118.01,28.01,0")
    with pytest.raises(InputError) as caught:
        read(tmp_path, points="points.csv", datum="wgs84")
    assert code_of(caught) == "input.empty_layer"
    assert [problem.row for problem in caught.value.problems] == [None, 2]


def test_a_layer_of_points_and_of_cells(tmp_path):
    shapes = [shapely.Point(118.01, 28.01), shapely.box(118.02, 28.02, 118.03, 28.03), None]
    frame = gpd.GeoDataFrame({"id": [7, 8, 9], "population": [5, 6, 7]}, geometry=shapes, crs=4326)
    frame.to_parquet(tmp_path / "cells.parquet")
    data = read(tmp_path, points="cells.parquet")
    assert data.demand["demand_id"].tolist() == ["cells:7", "cells:8"]
    assert data.demand["population"].tolist() == [5.0, 6.0]
    assert data.demand["position_error_m"].iloc[0] == 0.0
    assert data.demand["position_error_m"].iloc[1] == pytest.approx(590, rel=0.02)
    assert [problem.row for problem in data.problems] == [3]
    assert data.balance["people_set_aside"] == 7.0


def test_age_groups_of_points_from_the_age_that_is_declared(tmp_path):
    table(
        tmp_path / "villages.csv",
        "村,经度,纬度,0-59岁,60-64岁,65岁及以上",
        "甲,118.01,28.01,80,12,8",
        "乙,118.02,28.02,50,,3",
    )
    for age, elderly in ((60, 20.0), (65, 8.0)):
        data = read(tmp_path, points="villages.csv", datum="wgs84", elderly="ages", age_from=age)
        assert data.demand["population"].tolist() == [100.0]
        assert data.demand["elderly"].tolist() == [elderly]
        assert [(one.code, one.row) for one in data.problems] == [("population.no_people", 3)]
    with pytest.raises(InputError) as caught:
        read(tmp_path, points="villages.csv", datum="wgs84", elderly="ages", age_from=62)
    assert code_of(caught) == "population.age_from_groups"


def test_zones_and_totals_come_with_a_raster_that_is_to_be_scaled(tmp_path):
    grid(tmp_path / "a.tif", [[5.0, 3.0, 7.0]])
    table(tmp_path / "t.csv", "名称,人口", "西镇,50")
    data = read(tmp_path, units(), raster="a.tif", kind="count", calibrate="township",
                totals="t.csv")  # fmt: skip
    zones = data.zones.set_index("unit_id")
    assert zones["wholly_inside"].all()
    assert zones.loc["township:1", "exact_population"] == pytest.approx(5.0)
    assert np.isnan(zones.loc["county:3", "exact_population"])
    assert data.totals["population"].tolist() == [50.0]
    assert read(tmp_path, units(), raster="a.tif", kind="count").totals is None


def test_limits_can_be_lowered_and_raised(tmp_path):
    grid(tmp_path / "a.tif", np.ones((3, 3)))
    for key, code in (("most_cells", "too_large"), ("most_points", "too_many_points")):
        with pytest.raises(InputError) as caught:
            read(tmp_path, raster="a.tif", kind="count", **{key: 8})
        assert code_of(caught) == f"population.{code}"
        assert len(read(tmp_path, raster="a.tif", kind="count", **{key: 9}).demand) == 9
