"""Water for the map: read, set aside where it has no shape, refused where it is not there."""

from __future__ import annotations

import datetime as dt

import geopandas as gpd
import pytest
import shapely

from servicecircle.errors import InputError, ProjectError
from servicecircle.inputs.basemap import read_basemap
from servicecircle.project import Project, load_project

RIVER = shapely.LineString([(120.0, 30.0), (120.1, 30.1)])
LAKE = shapely.box(120.0, 30.0, 120.01, 30.01)


def project_in(folder, **table):
    project = Project.model_validate(
        {
            "project": {"name": "town", "as_of": dt.date(2025, 12, 31)},
            "boundaries": {"township": {"path": "a.gpkg"}},
            "facilities": {"canteen": {"path": "b.csv"}},
            "map": table,
        }
    )
    project._folder = folder
    return project


def test_lines_and_areas_are_kept_and_points_set_aside(tmp_path):
    frame = gpd.GeoDataFrame(geometry=[RIVER, shapely.Point(120, 30), LAKE], crs="EPSG:4326")
    frame.to_file(tmp_path / "water.geojson", driver="GeoJSON")
    basemap, problems = read_basemap(project_in(tmp_path, water="water.geojson"), barriers=None)
    assert [shape.geom_type for shape in basemap.water] == ["LineString", "Polygon"]
    assert [(one.code, one.row, one.action) for one in problems] == [
        ("map.no_shape", 2, "set_aside")
    ]
    assert basemap.tiles is None


def test_water_that_is_not_there_is_a_fault(tmp_path):
    with pytest.raises(InputError) as error:
        read_basemap(project_in(tmp_path, water="none.geojson"), barriers=None)
    assert [one.code for one in error.value.problems] == ["input.missing_file"]


@pytest.mark.parametrize(
    ("table", "word"),
    [
        ('tiles = "tianditu"', "tianditu_key"),
        ('tiles = "google"', "tiles"),
        ('tiles = "tianditu"\ntianditu_key = "</script><b>"', "tianditu_key"),
        ('tile = "osm"', "tile"),
    ],
)
def test_wrong_choices_are_told(tmp_path, table, word):
    file = tmp_path / "town.toml"
    file.write_text(
        '[project]\nname = "town"\nas_of = 2025-12-31\n[boundaries.township]\npath = "a.gpkg"\n'
        f'[facilities.canteen]\npath = "b.csv"\n[map]\n{table}\n',
        encoding="utf-8",
    )
    with pytest.raises(ProjectError) as error:
        load_project(file)
    assert word in str(error.value)


def test_a_key_makes_tianditu_possible(tmp_path):
    project = project_in(tmp_path, tiles="tianditu", tianditu_key="0123456789abcdef")
    basemap, _ = read_basemap(project, barriers=None)
    assert (basemap.tiles, basemap.key) == ("tianditu", "0123456789abcdef")
