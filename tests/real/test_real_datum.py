"""Datums of the real layers; the formulae against points on which two converters agree."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from pyproj import Geod

from servicecircle.datums import (
    bd09_to_gcj02,
    gcj02_to_bd09,
    in_mainland_china,
    to_wgs84,
    wgs84_to_bd09,
    wgs84_to_gcj02,
)
from servicecircle.errors import CrsError
from servicecircle.inputs.boundaries import read_boundaries
from servicecircle.inputs.datum_layers import Known
from servicecircle.inputs.datum_reference import layer_reference
from servicecircle.inputs.facilities import read_facilities
from servicecircle.inputs.population import read_population
from servicecircle.project import BoundarySettings, FacilitySettings, PopulationSettings

GEOD = Geod(ellps="GRS80")


@pytest.fixture(scope="module")
def reference(shared):
    return pd.read_csv(shared / "datum" / "datum_reference_points.csv", index_col="place")


def pair(table, datum):
    return table[f"lon_{datum}"].to_numpy(float), table[f"lat_{datum}"].to_numpy(float)


def test_forward(reference):
    inland = reference[in_mainland_china(*pair(reference, "wgs84"))]
    assert len(inland) == 9
    for convert, datum in ((wgs84_to_gcj02, "gcj02"), (wgs84_to_bd09, "bd09")):
        found = np.array(convert(*pair(inland, "wgs84")))
        error = np.abs(found - np.array(pair(inland, datum)))
        assert error.max() <= 1e-9


def test_bd09_alone(reference):
    """The step from GCJ-02 to BD-09 knows no borders."""
    found = np.array(gcj02_to_bd09(*pair(reference, "gcj02")))
    assert np.abs(found - np.array(pair(reference, "bd09"))).max() <= 2e-9
    found = np.array(bd09_to_gcj02(*pair(reference, "bd09")))
    assert np.abs(found - np.array(pair(reference, "gcj02"))).max() <= 2e-9


def test_inverse(reference):
    inland = reference[in_mainland_china(*pair(reference, "wgs84"))]
    for datum in ("gcj02", "bd09"):
        found = to_wgs84(*pair(inland, datum), datum=datum)
        # The references are rounded to 1e-9°, a tenth of a millimetre.
        assert GEOD.inv(*found, *pair(inland, "wgs84"))[2].max() < 1e-3


def test_taipei_is_not_shifted(reference):
    taipei = reference[reference.index.str.startswith("Taipei")]
    assert len(taipei) == 1
    there = pair(taipei, "wgs84")
    np.testing.assert_array_equal(wgs84_to_gcj02(*there), there)
    np.testing.assert_array_equal(to_wgs84(*there, datum="gcj02"), there)


# Every layer whose datum is known, tested against the others.

SURVEY = "counties/quzhou_counties_survey_wgs84.geojson"
AMAP = "counties/counties_amap_wgs84.geojson"
TAIPEI_VILLAGES = "taipei/113年12月行政區三段年齡組性別人口統計_村里_WGS84_臺北市.geojson"


def units(shared, path, *, level="county", name="name", datum=None):
    frame = gpd.read_file(shared / path)
    table = gpd.GeoDataFrame(
        {"name": frame[name].astype(str), "code": "", "level": level},
        geometry=frame.geometry,
        crs=4326,
    )
    if datum is not None:
        table["geometry"] = shapely.make_valid(
            shapely.transform(
                table.geometry.to_numpy(),
                lambda at: np.column_stack(to_wgs84(at[:, 0], at[:, 1], datum=datum)),
            )
        )
    return table


def boundaries(shared, path, known, **columns):
    """Return what the test finds for a boundary file: the datum and its note, or the refusal."""
    file = BoundarySettings(path=Path(path), datum="auto", columns=columns)
    try:
        _, problems = read_boundaries(file, level="township", base=shared, known=known)
    except CrsError as error:
        return None, error.problems[0]
    note = next(item for item in problems if item.code == "vector.datum_detected")
    return note.value, note


# File, what it is tested against, the datum, figures that the note shows.
POLYGONS = [
    ("counties/counties_amap_gcj02.geojson", SURVEY, "gcj02", "wgs84 400 m, gcj02 84 m"),
    (AMAP, SURVEY, "wgs84", "wgs84 84 m, gcj02 392 m, bd09 737 m (n = 957)"),
    (SURVEY, AMAP, "wgs84", "wgs84 84 m, gcj02 400 m, bd09 746 m (n = 957)"),
    ("pinghu/townships.geojson", AMAP, "wgs84", "wgs84 30 m, gcj02 377 m, bd09 737 m (n = 128)"),
    ("jiangshan/townships.geojson", AMAP, "wgs84", "wgs84 38 m"),
    ("kecheng/townships.geojson", SURVEY, "wgs84", "wgs84 105 m"),
    ("changshan/townships.geojson", SURVEY, "wgs84", "wgs84 70 m"),
    ("ningbo/townships.geojson", AMAP, "wgs84", "wgs84 52 m"),
]


@pytest.mark.parametrize(("path", "against", "datum", "figures"), POLYGONS)
def test_outlines_name_the_datum_of_boundaries(shared, path, against, datum, figures):
    columns = {"code": "code_src"} if "ningbo" in path else {}
    found, note = boundaries(shared, path, Known(units=units(shared, against)), **columns)
    assert found == datum
    assert figures in note.details["evidence"]
    assert float(note.details["p"]) < 1e-9
    assert note.details["confidence"] == "1"


@pytest.mark.parametrize("datum", ["gcj02", "bd09"])
def test_shifted_outlines_are_told_as_well(shared, tmp_path, datum):
    shift = {"gcj02": wgs84_to_gcj02, "bd09": wgs84_to_bd09}[datum]
    frame = gpd.read_file(shared / "kecheng" / "townships.geojson")
    frame["geometry"] = shapely.transform(
        frame.geometry.to_numpy(), lambda at: np.column_stack(shift(at[:, 0], at[:, 1]))
    )
    frame.to_file(tmp_path / "towns.geojson")
    known = Known(units=units(shared, SURVEY))
    assert boundaries(tmp_path, "towns.geojson", known)[0] == datum


def test_polygons_with_nothing_near_are_refused_with_the_figures(shared):
    for path, known in (
        ("facilities_messy/shanghai_gumei_subareas_bd09.geojson", Known(units=units(shared, AMAP))),
        (TAIPEI_VILLAGES, Known()),
    ):
        columns = {"name": "VILLAGE"} if path == TAIPEI_VILLAGES else {}
        found, problem = boundaries(shared, path, known, **columns)
        assert found is None
        assert problem.code == "vector.datum_undecided"
    assert "没有可供检验的依据" in problem.text("zh")


def test_taipeis_villages_are_told_by_their_care_points(shared):
    """504 care points state their village; GCJ-02 is no rival there."""
    points = pd.read_csv(shared / "taipei" / "114年度臺北市社區照顧關懷據點㇐覽表_coord.csv")
    frame = gpd.GeoDataFrame(
        {"name": points["據點名稱"], "村": points["里別"]},
        geometry=gpd.points_from_xy(points["lon"], points["lat"]),
        crs=4326,
    )
    reference = layer_reference(frame.rename(columns={"村": "所属村"}), label="care points")
    assert reference.stated
    found, note = boundaries(shared, TAIPEI_VILLAGES, Known(reference=reference), name="VILLAGE")
    assert found == "wgs84"
    assert "bd09" in note.details["evidence"]


def points(shared, path, known, **options):
    settings = FacilitySettings(path=Path(path), datum="auto", **options)
    try:
        data = read_facilities(settings, layer="care_home", base=shared, units=known)
    except CrsError as error:
        return None, error.problems[0]
    note = next(item for item in data.problems if item.code == "facility.datum_detected")
    return note.value, note


# The beginning of a file's name, the datum, and who lies in the district stated or named in the
# address. Lists of 3, 9 and 11 are too short: BD-09 puts 3, 7 and 8 of them there as well.
TAIPEI_LISTS = {
    "臺北市老人福利機構名冊": ("wgs84", "wgs84 93/94, gcj02 93/94, bd09 62/94"),
    "臺北市立案一般護理之家": ("wgs84", "wgs84 18/18, gcj02 18/18, bd09 11/18"),
    "臺北市公辦民營老人福利": (None, "wgs84 3/3, gcj02 3/3, bd09 3/3"),
    "114年度臺北市失智": ("wgs84", "wgs84 50/50, gcj02 50/50, bd09 36/50"),
    "臺北市日間照顧機構": (None, "wgs84 8/9, gcj02 8/9, bd09 7/9"),
    "臺北市立案住宿式": (None, "wgs84 11/11, gcj02 11/11, bd09 8/11"),
    "臺北市社區整合型": ("wgs84", "wgs84 53/63, gcj02 53/63, bd09 34/63"),
    "據點清單名冊": ("wgs84", "wgs84 442/451, gcj02 442/451, bd09 299/451"),
    "114年度臺北市社區照顧": ("wgs84", "wgs84 490/505, gcj02 490/505, bd09 338/505"),
    "臺北市政府衛生局": ("wgs84", "wgs84 24/25, gcj02 24/25, bd09 15/25"),
}


@pytest.mark.parametrize("name", TAIPEI_LISTS)
def test_taipeis_lists_are_told_by_their_districts(shared, name):
    datum, figures = TAIPEI_LISTS[name]
    (path,) = (shared / "taipei").glob(f"{name}*.csv")
    districts = gpd.read_file(shared / TAIPEI_VILLAGES).dissolve("TOWN").reset_index()
    known = Known(units=units_of(districts, "TOWN"))
    found, problem = points(shared / "taipei", path.name, known)
    assert found == datum
    assert figures in problem.details["evidence"]
    assert problem.code == ("facility.datum_detected" if datum else "facility.datum_undecided")


def units_of(frame, name):
    return gpd.GeoDataFrame(
        {"name": frame[name].astype(str), "code": "", "level": "county"},
        geometry=frame.geometry,
        crs=4326,
    )


def test_gumeis_points_are_told_by_its_areas_when_those_are_known(shared):
    known = Known(
        units=units(
            shared,
            "facilities_messy/shanghai_gumei_subareas_bd09.geojson",
            level="village_level",
            datum="bd09",
        )
    )
    path = "facilities_messy/shanghai_gumei_bd09.csv"
    found, note = points(shared, path, known)
    assert found == "bd09"
    # 45 of 52 have the name of an area in their own.
    assert "wgs84 0/45, gcj02 1/45, bd09 42/45" in note.details["evidence"]


def test_points_without_units_or_roads_are_refused(shared):
    path = "facilities_messy/aizhaohu_ltc_orgs_gcj02.csv"
    columns = {"name": "name_vi"}
    found, problem = points(shared, path, Known(), columns=columns)
    assert (found, problem.code) == (None, "facility.auto_needs_units")
    found, problem = points(shared, path, Known(units=units(shared, AMAP)), columns=columns)
    assert (found, problem.code) == (None, "facility.datum_undecided")
    assert "0/" in problem.details["evidence"]


def test_pinghus_villages_need_more_than_their_townships(shared, tmp_path):
    """70, 67 and 58 of 72 lie in their township: p = 0.12; a list of the same names tells."""
    frame = gpd.read_file(shared / "pinghu" / "village_points.geojson")
    frame = frame.rename(columns={"village": "名称", "street": "街道"})
    for datum, x, y in (
        ("wgs84", frame.geometry.x, frame.geometry.y),
        ("bd09", frame["lng_bd09"], frame["lat_bd09"]),
    ):
        table = frame[["名称", "街道"]].assign(经度=x, 纬度=y)
        table.to_csv(tmp_path / "villages.csv", index=False)
        towns = units(shared, "pinghu/townships.geojson", level="township")
        found, problem = points(tmp_path, "villages.csv", Known(units=towns))
        assert (found, problem.code) == (None, "facility.datum_undecided")
        reference = layer_reference(frame, label="village_points.geojson")
        known = Known(units=towns, reference=reference)
        assert points(tmp_path, "villages.csv", known)[0] == datum


def test_ningbos_villages_are_told_by_their_townships(shared):
    towns = units(shared, "ningbo/townships.geojson", level="township")
    found, note = points(
        shared,
        "ningbo/village_points.geojson",
        Known(units=towns),
        columns={"name": "NAME", "unit": "TOWN"},
    )
    assert found == "wgs84"
    # Every eleventh or so is left out: at most 2,000 points are compared.
    assert "wgs84 1979/2000, gcj02 1876/2000, bd09 1722/2000" in note.details["evidence"]


@pytest.mark.parametrize("datum", ["wgs84", "gcj02", "bd09"])
def test_people_at_ningbos_villages_are_told_by_their_townships(shared, tmp_path, datum):
    frame = gpd.read_file(shared / "ningbo" / "village_points.geojson")
    x, y = frame.geometry.x.to_numpy(), frame.geometry.y.to_numpy()
    shift = {"gcj02": wgs84_to_gcj02, "bd09": wgs84_to_bd09}.get(datum, lambda *place: place)
    lon, lat = shift(x, y)
    table = pd.DataFrame({"村": frame["NAME"], "乡镇": frame["TOWN"], "lon": lon, "lat": lat})
    table.assign(population=100).to_csv(tmp_path / "people.csv", index=False)
    towns = units(shared, "ningbo/townships.geojson", level="township")
    settings = PopulationSettings(
        points=Path("people.csv"), datum="auto", basis="resident", date=dt.date(2020, 11, 1)
    )
    data = read_population(settings, base=tmp_path, units=towns, known=Known(units=towns))
    (note,) = [one for one in data.problems if one.code == "population.datum_detected"]
    assert note.value == datum
    assert len(data.demand) == 2208
    assert GEOD.inv(data.demand["lon"], data.demand["lat"], x, y)[2].max() < 0.01


def test_people_at_pinghus_villages_are_refused_with_the_figures(shared, tmp_path):
    frame = gpd.read_file(shared / "pinghu" / "village_points.geojson")
    places = {"lon": frame["lng_bd09"], "lat": frame["lat_bd09"], "population": 100}
    frame[["village", "street"]].assign(**places).to_csv(tmp_path / "people.csv", index=False)
    towns = units(shared, "pinghu/townships.geojson", level="township")
    settings = PopulationSettings(
        points=Path("people.csv"), datum="auto", basis="resident", date=dt.date(2020, 11, 1)
    )
    with pytest.raises(CrsError) as caught:
        read_population(settings, base=tmp_path, units=towns, known=Known(units=towns))
    assert caught.value.problems[0].code == "population.datum_undecided"
