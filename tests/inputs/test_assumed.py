"""GeoJSON without a datum: a note in mainland China, none where it is stated or lies elsewhere."""

from __future__ import annotations

import datetime as dt

import geopandas as gpd
import pytest
import shapely

from servicecircle.inputs.assumed import assumed_datums
from servicecircle.inputs.datum_record import datum_record
from servicecircle.project import Project

CHINA, ELSEWHERE = shapely.box(118.8, 28.9, 118.9, 29.0), shapely.box(-4.6, 54.1, -4.5, 54.2)


def project_of(folder, boundary, roads=None):
    data = {
        "project": {"name": "town", "as_of": dt.date(2025, 12, 31)},
        "boundaries": {"township": {"path": "towns.geojson", **boundary}},
        "facilities": {"canteen": {"path": "none.csv", "datum": "wgs84"}},
    }
    if roads is not None:
        data["roads"] = roads
    project = Project.model_validate(data)
    project._folder = folder
    return project


def units(shape):
    return gpd.GeoDataFrame(geometry=[shape], crs="EPSG:4326")


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "towns.geojson").write_text('{"type": "FeatureCollection"}', encoding="utf-8")
    return tmp_path


def test_it_is_told_and_recorded(folder):
    project = project_of(folder, {})
    (note,) = assumed_datums(project, units(CHINA))
    assert (note.code, note.severity, note.file) == (
        "vector.datum_assumed",
        "note",
        "towns.geojson",
    )
    record = datum_record(project, [note])["boundaries.township"]
    assert record["datum"] == "wgs84"
    assert str(record["known_by"]).startswith("assumed")


@pytest.mark.parametrize(
    "stated", [{"datum": "gcj02"}, {"datum": "auto"}, {"crs": "EPSG:4326"}, {"towgs84": [1, 2, 3]}]
)
def test_what_is_declared_is_not_assumed(folder, stated):
    assert assumed_datums(project_of(folder, stated), units(CHINA)) == []


def test_a_file_that_states_its_system_is_believed(folder):
    text = '{"type": "FeatureCollection", "crs": {"type": "name"}}'
    (folder / "towns.geojson").write_text(text, encoding="utf-8")
    assert assumed_datums(project_of(folder, {}), units(CHINA)) == []


def test_elsewhere_no_datum_is_in_doubt(folder):
    assert assumed_datums(project_of(folder, {}), units(ELSEWHERE)) == []


def test_roads_are_told_too_and_other_formats_are_not(folder):
    (folder / "roads.json").write_text("{}", encoding="utf-8")
    project = project_of(folder, {"datum": "wgs84"}, roads={"path": "roads.json"})
    assert [note.file for note in assumed_datums(project, units(CHINA))] == ["roads.json"]
    project = project_of(folder, {"path": "towns.gpkg"}, roads={"path": "missing.geojson"})
    assert assumed_datums(project, units(CHINA)) == []
