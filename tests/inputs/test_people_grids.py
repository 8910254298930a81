"""People in another datum or grid: tested, declared with parameters, or refused in words."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import pytest
import rasterio
import shapely
from affine import Affine

from servicecircle.datums import wgs84_to_bd09, wgs84_to_gcj02
from servicecircle.errors import CrsError
from servicecircle.inputs.datum_layers import Known
from servicecircle.inputs.datum_record import datum_record
from servicecircle.inputs.population import read_population
from servicecircle.project import PopulationSettings, Project

WEST, SOUTH, STEP = 118.60, 28.70, 0.01
SHIFT = {"wgs84": lambda *place: place, "gcj02": wgs84_to_gcj02, "bd09": wgs84_to_bd09}
PARAMETERS = [15.8, -154.4, -82.3]
KRASSOWSKY = "+proj=tmerc +lon_0=120 +x_0=500000 +ellps=krass +type=crs +towgs84=" + ",".join(
    map(str, PARAMETERS)
)


@pytest.fixture
def villages():
    """Return 8 × 5 villages of about 1 km by 1 km."""
    places = [(column, row) for row in range(5) for column in range(8)]
    boxes = [
        shapely.box(
            WEST + STEP * x, SOUTH + STEP * y, WEST + STEP * (x + 1), SOUTH + STEP * (y + 1)
        )
        for x, y in places
    ]
    names = [f"{'甲乙丙丁戊己庚辛'[x]}{'东南西北中'[y]}村" for x, y in places]
    columns = {"name": names, "code": [""] * len(names), "level": ["village_level"] * len(names)}
    return gpd.GeoDataFrame(columns, geometry=boxes, crs=4326)


@pytest.fixture
def people(villages):
    """Return a point of each village, anywhere in it: a shift of 500 m takes half of them out."""
    west, south, east, north = villages.bounds.to_numpy().T
    part = np.random.default_rng(5).uniform(0.02, 0.98, (2, len(villages)))
    x, y = west + part[0] * (east - west), south + part[1] * (north - south)
    return pd.DataFrame({"村": villages["name"], "lon": x, "lat": y, "population": 100})


def read(base, known=None, **given):
    for key in ("raster", "points", "buildings"):
        if key in given:
            given[key] = Path(given[key])
    settings = PopulationSettings(basis="resident", date=dt.date(2020, 11, 1), **given)
    units = gpd.GeoDataFrame({"level": []}, geometry=[], crs=4326)
    return read_population(settings, base=base, units=units, known=known)


def refusal(base, known=None, **given):
    with pytest.raises(CrsError) as caught:
        read(base, known, **given)
    (problem,) = caught.value.problems
    for language in ("zh", "en"):
        assert "{" not in problem.text(language)
    return problem


def metres_off(demand, people):
    geod = pyproj.Geod(ellps="WGS84")
    return geod.inv(demand["lon"], demand["lat"], people["lon"], people["lat"])[2].max()


class TestAuto:
    @pytest.mark.parametrize("datum", SHIFT)
    @pytest.mark.parametrize("suffix", [".csv", ".geojson"])
    def test_points_of_villages_lie_in_the_village_of_their_name(
        self, tmp_path, villages, people, datum, suffix
    ):
        lon, lat = SHIFT[datum](people["lon"], people["lat"])
        table = people.assign(lon=lon, lat=lat)
        if suffix == ".csv":
            table.to_csv(tmp_path / "people.csv", index=False)
        else:
            points = gpd.points_from_xy(lon, lat, crs=4326)
            frame = gpd.GeoDataFrame(table[["村", "population"]], geometry=points)
            # Without the usual seven digits the way back is as exact as for a table.
            frame.to_file(tmp_path / "people.geojson", COORDINATE_PRECISION=12)
        data = read(tmp_path, Known(units=villages), points=f"people{suffix}", datum="auto")
        assert metres_off(data.demand, people) < 0.01
        (note,) = [one for one in data.problems if one.code == "population.datum_detected"]
        assert (note.value, note.severity) == (datum, "note")
        assert f"{datum} 40/40" in note.details["evidence"]

    def test_it_is_recorded_for_the_run(self, tmp_path, villages, people):
        people.to_csv(tmp_path / "people.csv", index=False)
        data = read(tmp_path, Known(units=villages), points="people.csv", datum="auto")
        project = Project.model_validate(
            {
                "project": {"name": "town", "as_of": dt.date(2025, 12, 31)},
                "boundaries": {"township": {"path": "a.gpkg"}},
                "facilities": {"canteen": {"path": "b.csv"}},
                "population": {
                    "points": "people.csv",
                    "datum": "auto",
                    "basis": "resident",
                    "date": dt.date(2020, 11, 1),
                },
            }
        )
        entry = datum_record(project, data.problems)["population"]
        assert (entry["datum"], entry["known_by"]) == ("wgs84", "test")
        assert float(entry["confidence"]) > 0.99

    def test_too_little_evidence_is_refused_with_it(self, tmp_path, villages, people):
        people[:2].to_csv(tmp_path / "people.csv", index=False)
        problem = refusal(tmp_path, Known(units=villages), points="people.csv", datum="auto")
        assert problem.code == "population.datum_undecided"
        assert "wgs84 2/2" in problem.text("en")

    def test_without_anything_known_it_is_refused(self, tmp_path, people):
        people.to_csv(tmp_path / "people.csv", index=False)
        for known in (None, Known()):
            problem = refusal(tmp_path, known, points="people.csv", datum="auto")
            assert problem.code == "population.auto_needs_units"

    def test_rows_without_a_place_stay_set_aside(self, tmp_path, villages, people):
        people.loc[3, "lon"] = np.nan
        people.to_csv(tmp_path / "people.csv", index=False)
        data = read(tmp_path, Known(units=villages), points="people.csv", datum="auto")
        assert len(data.demand) == 39
        aside = [(one.code, one.row) for one in data.problems if one.action == "set_aside"]
        assert aside == [("population.no_coordinates", 5)]

    def test_rasters_and_buildings_are_refused(self, tmp_path, villages):
        raster(tmp_path / "people.tif", crs="EPSG:4326")
        given = {"raster": "people.tif", "kind": "count", "datum": "auto"}
        assert refusal(tmp_path, **given).code == "vector.datum_auto"


def raster(path, *, crs, transform=None):
    with rasterio.open(
        path, "w", driver="GTiff", width=3, height=2, count=1, dtype="float32", crs=crs,
        transform=transform or Affine(STEP, 0, WEST, 0, -STEP, SOUTH + 2 * STEP),
    ) as file:  # fmt: skip
        file.write(np.arange(1, 7, dtype="float32").reshape(2, 3), 1)


class TestGrids:
    def test_swapped_axes_of_a_table_and_of_a_layer(self, tmp_path, people):
        swapped = people.rename(columns={"lon": "lat", "lat": "lon"})
        swapped.to_csv(tmp_path / "people.csv", index=False)
        points = gpd.points_from_xy(people["lat"], people["lon"], crs=4326)
        frame = gpd.GeoDataFrame(people[["population"]], geometry=points)
        frame.to_file(tmp_path / "people.gpkg")
        for name, datum in (("people.csv", "wgs84"), ("people.gpkg", None)):
            assert refusal(tmp_path, points=name, datum=datum).code == "vector.swapped"
            data = read(tmp_path, points=name, datum=datum, swap_axes=True)
            assert metres_off(data.demand, people) < 1e-3

    def test_an_old_datum_needs_its_parameters(self, tmp_path, people):
        move = pyproj.Transformer.from_crs(4326, KRASSOWSKY, always_xy=True)
        x, y = move.transform(people["lon"], people["lat"])
        people.assign(lon=x, lat=y).to_csv(tmp_path / "people.csv", index=False)
        given = {"points": "people.csv", "crs": "EPSG:2437"}
        assert refusal(tmp_path, **given).code == "vector.old_grid"
        data = read(tmp_path, **given, towgs84=PARAMETERS)
        assert metres_off(data.demand, people) < 1e-3

    def test_a_grid_of_the_town(self, tmp_path, people):
        move = pyproj.Transformer.from_crs(4326, 4549, always_xy=True)
        x, y = move.transform(people["lon"], people["lat"])
        # Turned by a quarter about a mark: its x goes north, its y goes west.
        dx, dy = 360_000.0, 3_170_000.0
        people.assign(lon=y - dy, lat=dx - x).to_csv(tmp_path / "people.csv", index=False)
        grid = {"dx": dx, "dy": dy, "rotation_degrees": 90.0}
        data = read(tmp_path, points="people.csv", crs="EPSG:4549", local_grid=grid)
        assert metres_off(data.demand, people) < 1e-3

    def test_a_pipeline(self, tmp_path, people):
        swapped = people.rename(columns={"lon": "lat", "lat": "lon"})
        swapped.to_csv(tmp_path / "people.csv", index=False)
        crs = "+proj=pipeline +step +proj=axisswap +order=2,1"
        assert metres_off(read(tmp_path, points="people.csv", crs=crs).demand, people) < 1e-3

    def test_cells_of_an_old_datum_are_moved_by_its_parameters(self, tmp_path):
        x, y = pyproj.Transformer.from_crs(4326, KRASSOWSKY, always_xy=True).transform(WEST, SOUTH)
        place = Affine(100, 0, x, 0, -100, y)
        raster(tmp_path / "people.tif", crs="EPSG:2437", transform=place)
        given = {"raster": "people.tif", "kind": "count"}
        assert refusal(tmp_path, **given).code == "vector.old_grid"
        demand = read(tmp_path, **given, towgs84=PARAMETERS).demand
        back = pyproj.Transformer.from_crs(KRASSOWSKY, 4326, always_xy=True)
        lon, lat = back.transform([x + 50, x + 250], [y - 50, y - 150])
        truth = pd.DataFrame({"lon": lon, "lat": lat})
        assert metres_off(demand.iloc[[0, 5]], truth) < 1e-3
        assert demand["population"].tolist() == [1, 2, 3, 4, 5, 6]

    @pytest.mark.parametrize(
        "given",
        [
            {"swap_axes": True},
            {"local_grid": {"dx": 0.0, "dy": 0.0}},
            {"crs": "+proj=pipeline +step +proj=axisswap +order=2,1"},
        ],
    )
    def test_what_a_raster_cannot_take_is_refused(self, tmp_path, given):
        raster(tmp_path / "people.tif", crs="EPSG:4326")
        problem = refusal(tmp_path, raster="people.tif", kind="count", **given)
        assert problem.code == "population.raster_grid"
