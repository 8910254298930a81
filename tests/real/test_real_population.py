"""People of real sources: every sum closes, and is stated here."""

from __future__ import annotations

import datetime as dt
import math
from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import rasterio
import shapely

from servicecircle.errors import InputError
from servicecircle.inputs.age_groups import age_columns
from servicecircle.inputs.boundaries import read_boundaries
from servicecircle.inputs.population import read_population
from servicecircle.project import BoundarySettings, PopulationSettings

NOWHERE = gpd.GeoDataFrame({"level": []}, geometry=[], crs=4326)
PBF = Path("isle_of_man/isle_of_man_2020-03-14.osm.pbf")
TAIPEI = "taipei/113年12月行政區三段年齡組性別人口統計_村里_WGS84_臺北市.geojson"


def people(shared: Path, table=NOWHERE, **given):
    settings = PopulationSettings(basis="resident", date=dt.date(2020, 11, 1), **given)
    return read_population(settings, base=shared, units=table)


@pytest.mark.parametrize(
    ("age", "total"), [(20, 4_067_668.007), (60, 804_643.659), (80, 85_471.806)]
)
def test_wuhan_rasters(shared, age, total):
    path = Path(f"wuhan/wuhan_core_pop{age}plus.tif")
    data = people(shared, raster=path, kind="count", raster_holds="elderly", age_from=age)
    balance = data.balance
    assert balance["cells_total"] == 300 * 240
    assert balance["cells_nodata"] == 22_718
    assert balance["cells_used"] == len(data.demand) == 49_282
    assert balance["cells_zero"] == balance["cells_negative"] == 0
    assert balance["elderly_in_source"] == pytest.approx(total, abs=0.001)
    assert balance["elderly_used"] == pytest.approx(balance["elderly_in_source"], rel=1e-12)
    assert math.isnan(balance["people_in_source"])
    assert data.problems == []
    with rasterio.open(shared / path) as file:
        values = file.read(1).astype(float)
        row, col = (int(part) for part in data.demand["demand_id"].iloc[777].split(":")[1:])
        lon, lat = file.xy(row, col)
    assert data.demand["elderly"].iloc[777] == values[row, col]
    assert data.demand[["lon", "lat"]].iloc[777].tolist() == pytest.approx([lon, lat], abs=1e-9)


def test_wuhan_adults_and_elderly_are_on_one_grid(shared):
    data = people(
        shared, raster=Path("wuhan/wuhan_core_pop20plus.tif"), kind="count",
        elderly_raster=Path("wuhan/wuhan_core_pop60plus.tif"),
    )  # fmt: skip
    assert data.problems == []
    assert (data.demand["elderly"] <= data.demand["population"]).all()
    assert data.balance["elderly_clipped"] == data.balance["elderly_masked"] == 0.0
    share = data.balance["elderly_used"] / data.balance["people_used"]
    assert share == pytest.approx(0.1978, abs=1e-4)


def test_helsinki_grid(shared):
    data = people(shared, points=Path("helsinki/helsinki_population_grid_2020.gpkg"))
    assert len(data.demand) == 92
    assert data.balance["people_used"] == 71_724
    assert data.demand["elderly"].isna().all()
    # Cells of 250 m: a circle of the same area has a radius of 141 m.
    assert data.demand["position_error_m"].median() == pytest.approx(141.0, abs=0.5)


def test_isle_of_man_over_its_buildings(shared):
    units, _ = read_boundaries(
        BoundarySettings(path=PBF, admin_level=8), level="township", base=shared
    )
    data = people(shared, units, total=84_000, spread="buildings", buildings=PBF)
    assert data.balance["people_used"] == pytest.approx(84_000, rel=1e-9)
    assert (
        data.balance["places_total"] == data.balance["places_used"] + data.balance["places_outside"]
    )
    assert len(data.demand) == data.balance["places_used"] > 12_000
    assert data.demand["demand_id"].is_unique


def test_taipei_at_the_centres_of_its_villages(shared):
    units, _ = read_boundaries(
        BoundarySettings(
            path=Path(TAIPEI),
            columns={"population": "A0A14_CNT+A15A64_CNT+A65UP_CNT", "elderly": "A65UP_CNT"},
        ),
        level="village_level",
        base=shared,
    )
    data = people(shared, units, units="village_level", spread="centroid", age_from=65)
    assert len(data.demand) == 456
    assert data.balance["people_used"] == 2_490_869
    assert data.balance["elderly_used"] == 574_458
    inside = units.geometry.contains(
        gpd.GeoSeries.from_xy(data.demand["lon"], data.demand["lat"], crs=4326)
    )
    assert np.asarray(inside).all()


def test_wuhan_s_raster_does_not_hold_the_whole_city(shared):
    units, _ = read_boundaries(
        BoundarySettings(path=Path("wuhan/wuhan_boundary.geojson")), level="prefecture", base=shared
    )
    data = people(
        shared, units, raster=Path("wuhan/wuhan_core_pop60plus.tif"), kind="count",
        raster_holds="elderly", calibrate="prefecture",
    )  # fmt: skip
    zones = data.zones.iloc[0]
    assert not zones["wholly_inside"]
    # All of the raster lies in the city: the exact sum is that of the cells.
    assert zones["exact_elderly"] == pytest.approx(data.balance["elderly_used"], rel=1e-6)
    # 49,282 cells of about 0.7 km² by a hundredth of 8,597 km².
    assert 0.03 < zones["data_share"] < 0.06


def test_porto_s_eleven_buildings_do_not_hold_a_city(shared):
    area = gpd.GeoDataFrame(
        {"unit_id": ["p"], "name": ["Porto"], "level": ["county"]},
        geometry=[shapely.box(-9.0, 40.8, -8.2, 41.6)], crs=4326,
    )  # fmt: skip
    pbf = Path("porto/porto_portugal.osm.pbf")
    data = people(shared, area, total=1_000_000, spread="buildings", buildings=pbf)
    (problem,) = [one for one in data.problems if one.code == "population.crowded_buildings"]
    assert int(problem.details["worst_places"]) == data.balance["places_used"] <= 11
    assert data.balance["people_used"] == pytest.approx(1_000_000)


@pytest.mark.parametrize(
    ("path", "age", "groups", "elderly"),
    [
        ("taipei/pop_5yr_by_village_113Y12M.csv", 65, 21, 8),
        ("census/census2020_county_zj_gs_5yr.csv", 60, 38, 12),
    ],
)
def test_real_columns_of_five_year_groups(shared, path, age, groups, elderly):
    with (shared / path).open(encoding="utf-8-sig") as file:
        columns = file.readline().strip().split(",")
    chosen = age_columns(columns, age_from=age, name=path)
    assert (len(chosen.population), len(chosen.elderly)) == (groups, elderly)


@pytest.mark.parametrize("county", ["pinghu", "ningbo"])
def test_villages_without_figures_are_no_people(shared, county):
    with pytest.raises(InputError) as caught:
        people(shared, points=Path(county) / "village_points.geojson")
    assert [(one.code, one.value) for one in caught.value.problems] == [
        ("population.no_column", "population")
    ]
