"""Coordinate systems as shapefiles state them, or do not, and grids that need parameters."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import CRS, Geod, Transformer

from servicecircle.errors import CrsError
from servicecircle.inputs.crs_candidates import candidates
from servicecircle.inputs.datum_layers import Known
from servicecircle.inputs.old_grids import Grid, old_datum
from servicecircle.inputs.vectors import read_vector

GEOD = Geod(ellps="GRS80")
# A triangle and its neighbour in Zhejiang.
SHAPES = [
    shapely.Polygon([(118.6, 28.7), (118.7, 28.7), (118.65, 28.8)]),
    shapely.Polygon([(118.7, 28.7), (118.75, 28.8), (118.65, 28.8)]),
]
AREA = gpd.GeoDataFrame(
    {"name": ["县"]}, geometry=[shapely.box(118.5, 28.6, 118.8, 28.9)], crs=4326
)
GEOGCS = (
    'GEOGCS["{gcs}",DATUM["{datum}",SPHEROID["{sphere}",{axis},{flat}]],'
    'PRIMEM["Greenwich",0.0],UNIT["Degree",0.0174532925199433]]'
)
CGCS2000 = GEOGCS.format(
    gcs="GCS_China_Geodetic_Coordinate_System_2000",
    datum="D_China_2000",
    sphere="CGCS2000",
    axis="6378137.0",
    flat="298.257222101",
)


def projected(name, geogcs, *, middle, easting):
    return (
        f'PROJCS["{name}",{geogcs},PROJECTION["Gauss_Kruger"],'
        f'PARAMETER["False_Easting",{easting}],PARAMETER["False_Northing",0.0],'
        f'PARAMETER["Central_Meridian",{middle}],PARAMETER["Scale_Factor",1.0],'
        'PARAMETER["Latitude_Of_Origin",0.0],UNIT["Meter",1.0]]'
    )


def layer(crs="EPSG:4326"):
    return gpd.GeoDataFrame({"name": ["甲", "乙"]}, geometry=SHAPES, crs=4326).to_crs(crs)


def shapefile(folder, frame, *, prj=None):
    """Write a shapefile with the .prj given, None for none."""
    path = folder / "a.shp"
    frame.to_file(path, encoding="UTF-8")
    (folder / "a.prj").unlink(missing_ok=True)
    if prj is not None:
        (folder / "a.prj").write_text(prj)
    return path


def swapped(frame):
    flipped = shapely.transform(frame.geometry.to_numpy(), lambda at: at[:, ::-1])
    return frame.set_geometry(flipped, crs=frame.crs)


def read(path, **options):
    return read_vector(path, name="a.shp", **options)[0]


def fault(run):
    with pytest.raises(CrsError) as caught:
        run()
    for language in ("zh", "en"):
        assert "{" not in caught.value.problems[0].text(language)
    return caught.value.problems[0]


def metres_off(found):
    """Return how far the farthest vertex is from its place; shapefiles turn rings round."""
    worst = 0.0
    for one, true in zip(found.geometry, SHAPES, strict=True):
        points, truth = shapely.get_coordinates(one), shapely.get_coordinates(true)
        pairs = np.repeat(points, len(truth), axis=0), np.tile(truth, (len(points), 1))
        apart = GEOD.inv(*pairs[0].T, *pairs[1].T)[2].reshape(len(points), len(truth))
        worst = max(worst, apart.min(axis=0).max(), apart.min(axis=1).max())
    return float(worst)


ZONES = {
    "3 degrees": (4549, 120.0, 500_000.0, "CGCS2000_3_Degree_GK_CM_120E"),
    "3 degrees, zone in front": (4528, 120.0, 40_500_000.0, "CGCS2000_3_Degree_GK_Zone_40"),
    "6 degrees": (4509, 117.0, 500_000.0, "CGCS2000_GK_CM_117E"),
    "6 degrees, zone in front": (4498, 117.0, 20_500_000.0, "CGCS2000_GK_Zone_20"),
}


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("spelling", ["EPSG", "ESRI", "own"])
def test_gauss_kruger_as_files_spell_it(tmp_path, zone, spelling):
    code, middle, easting, name = ZONES[zone]
    prj = {
        "EPSG": CRS(code).to_wkt("WKT1_GDAL"),
        "ESRI": projected(name, CGCS2000, middle=middle, easting=easting),
        # Names that no register knows: the parameters alone tell.
        "own": projected(
            "某市坐标系",
            GEOGCS.format(
                gcs="2000", datum="2000", sphere="2000", axis="6378137.0", flat="298.257222101"
            ),
            middle=middle,
            easting=easting,
        ),
    }[spelling]
    path = shapefile(tmp_path, layer(code), prj=prj)
    assert metres_off(read(path)) < 1e-3
    # The same declared besides is no contradiction, its neighbour is.
    if spelling != "own":
        assert metres_off(read(path, crs=f"EPSG:{code}")) < 1e-3
    assert fault(lambda: read(path, crs=f"EPSG:{code + 1}")).code == "vector.crs_conflict"


@pytest.mark.parametrize("code", [4549, 4528, 4509, 4498, 4490, 32650, 3857])
def test_a_silent_file_is_answered_with_what_would_fit(tmp_path, code):
    path = shapefile(tmp_path, layer(code))
    problem = fault(lambda: read(path, known=Known(units=AREA)))
    assert problem.code == "vector.no_crs"
    assert f'crs = "EPSG:{code}"' in str(problem.details["candidates"])
    assert "swap_axes" not in str(problem.details["candidates"])
    assert metres_off(read(path, crs=f"EPSG:{code}", known=Known(units=AREA))) < 1e-3


def test_without_a_project_every_zone_is_named_that_lies_in_china(tmp_path):
    path = shapefile(tmp_path, layer(4549))
    told = str(fault(lambda: read(path)).details["candidates"])
    assert 'crs = "EPSG:4549"' in told
    assert 'crs = "EPSG:4547"' in told
    assert "zone 40" not in told


def test_northing_first_is_told_and_mended_when_declared(tmp_path):
    path = shapefile(tmp_path, swapped(layer(4549)), prj=CRS(4549).to_wkt("WKT1_ESRI"))
    assert fault(lambda: read(path)).code == "vector.swapped_metres"
    assert metres_off(read(path, grid=Grid(swap_axes=True))) < 1e-3
    silent = shapefile(tmp_path, swapped(layer(4549)))
    told = str(fault(lambda: read(silent, known=Known(units=AREA))).details["candidates"])
    assert 'crs = "EPSG:4549" (CGCS2000 3° CM 120E), swap_axes = true' in told


def test_latitude_first_is_told_and_mended_when_declared(tmp_path):
    path = shapefile(tmp_path, swapped(layer(4490)), prj=CRS(4490).to_wkt("WKT1_ESRI"))
    assert fault(lambda: read(path)).code == "vector.swapped"
    assert metres_off(read(path, grid=Grid(swap_axes=True))) < 1e-3


def test_latitude_first_is_told_where_both_are_in_range(tmp_path):
    """In the west of China a longitude may pass for a latitude."""
    frame = gpd.GeoDataFrame({"name": ["甲"]}, geometry=[shapely.box(82, 45, 82.5, 45.5)], crs=4326)
    path = shapefile(tmp_path, swapped(frame), prj=CRS(4326).to_wkt("WKT1_ESRI"))
    assert fault(lambda: read(path, known=Known(units=frame))).code == "vector.swapped"
    assert len(read(path, known=Known(units=frame), grid=Grid(swap_axes=True))) == 1


def test_a_declared_zone_away_from_the_project_is_refused(tmp_path):
    path = shapefile(tmp_path, layer(4549))
    problem = fault(lambda: read(path, crs="EPSG:4547", known=Known(units=AREA)))
    assert problem.code == "vector.elsewhere"


OLD = ["EPSG:2437", "EPSG:4214", "EPSG:2385", "EPSG:4610", "EPSG:4555"]


@pytest.mark.parametrize("code", OLD)
def test_old_datums_are_refused_without_parameters(tmp_path, code):
    frame = gpd.GeoDataFrame({"name": ["甲", "乙"]}, geometry=SHAPES, crs=CRS(code).geodetic_crs)
    frame = frame.to_crs(code)
    path = shapefile(tmp_path, frame, prj=CRS(code).to_wkt("WKT1_ESRI"))
    assert fault(lambda: read(path)).code == "vector.old_grid"
    silent = shapefile(tmp_path, frame)
    assert fault(lambda: read(silent, crs=code)).code == "vector.old_grid"


@pytest.mark.parametrize(
    ("sphere", "axis", "flat"),
    [("Krasovsky_1940", "6378245.0", "298.3"), ("Xian_1980", "6378140.0", "298.257")],
)
def test_an_unnamed_datum_on_an_old_ellipsoid_is_an_old_one(sphere, axis, flat):
    geogcs = GEOGCS.format(gcs="unnamed", datum="unknown", sphere=sphere, axis=axis, flat=flat)
    assert old_datum(CRS.from_wkt(projected("unnamed", geogcs, middle=120.0, easting=5e5)))
    assert not old_datum(CRS.from_wkt(projected("unnamed", CGCS2000, middle=120.0, easting=5e5)))
    # Russia's datum stands on the same ellipsoid, and has a name.
    assert not old_datum(CRS("EPSG:4284"))


PARAMETERS = (15.8, -154.4, -82.3, 0.1, -0.2, 0.3, 1.5)


@pytest.mark.parametrize("count", [3, 7])
def test_old_datums_are_converted_with_parameters(tmp_path, count):
    parameters = PARAMETERS[:count]
    told = ",".join(map(str, parameters))
    bound = f"+proj=tmerc +lon_0=120 +x_0=500000 +ellps=krass +towgs84={told} +type=crs"
    frame = layer(bound)
    path = shapefile(tmp_path, frame, prj=CRS("EPSG:2437").to_wkt("WKT1_ESRI"))
    assert metres_off(read(path, grid=Grid(towgs84=parameters))) < 2e-3
    # As a PROJ string besides the file's own statement, too.
    assert metres_off(read(path, crs=bound)) < 2e-3
    bad = Grid(towgs84=parameters[:2])
    assert fault(lambda: read(path, grid=bad)).code == "crs.bad_towgs84"


def test_a_towns_own_grid_is_converted_with_parameters(tmp_path):
    dx, dy, degrees, scale = 452_310.5, 3_112_040.25, 1.25, 1.000_01
    angle = np.radians(degrees)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    own = shapely.transform(
        layer(4549).geometry.to_numpy(), lambda at: (at - [dx, dy]) / scale @ turn
    )
    frame = gpd.GeoDataFrame({"name": ["甲", "乙"]}, geometry=own, crs=4549)
    path = shapefile(tmp_path, frame)
    grid = Grid(local=(dx, dy, degrees, scale))
    assert metres_off(read(path, crs="EPSG:4549", grid=grid)) < 1e-3


def test_a_pipeline_is_taken_for_the_crs(tmp_path):
    path = shapefile(tmp_path, layer(4549))
    pipeline = (
        "+proj=pipeline +step +inv +proj=tmerc +lon_0=120 +x_0=500000 +ellps=GRS80 "
        "+step +proj=unitconvert +xy_in=rad +xy_out=deg"
    )
    assert metres_off(read(path, crs=pipeline, grid=Grid(pipeline=pipeline))) < 1e-3
    bad = "+proj=pipeline +step +proj=nonsense"
    assert fault(lambda: read(path, crs=bad, grid=Grid(pipeline=bad))).code == "crs.bad_pipeline"


@pytest.mark.parametrize("datum", ["gcj02", "bd09"])
def test_equal_vertices_stay_equal(tmp_path, datum):
    path = Path(shapefile(tmp_path, layer(4490), prj=CRS(4490).to_wkt("WKT1_ESRI")))
    found = read(path, datum=datum).geometry.to_numpy()
    shared = set(map(tuple, shapely.get_coordinates(found[0]))) & set(
        map(tuple, shapely.get_coordinates(found[1]))
    )
    assert len(shared) == 2


@settings(deadline=None, derandomize=True, max_examples=60)
@given(st.floats(74, 134), st.floats(19, 53), st.booleans())
def test_the_system_that_a_place_came_from_is_among_the_candidates(lon, lat, prefixed):
    zone = min(max(round(lon / 3.0), 25), 45)
    code = f"EPSG:{(4513 if prefixed else 4534) + zone - 25}"
    x, y = Transformer.from_crs("EPSG:4490", code, always_xy=True).transform(lon, lat)
    area = (lon - 0.1, lat - 0.1, lon + 0.1, lat + 0.1)
    assert (code, False) in {(one[0], one[2]) for one in candidates((x, y, x, y), area=area)}


@settings(deadline=None, derandomize=True, max_examples=100)
@given(st.tuples(*[st.floats()] * 4))
def test_any_bounds_have_candidates_or_none(bounds):
    assert isinstance(candidates(bounds), list)


def test_parameters_for_a_system_that_is_not_old_stop_the_run(tmp_path):
    path = shapefile(tmp_path, layer("EPSG:4549"), prj=CRS("EPSG:4549").to_wkt("WKT1_ESRI"))
    grid = Grid(towgs84=PARAMETERS)
    assert fault(lambda: read(path, grid=grid)).code == "crs.needless_towgs84"


@pytest.mark.parametrize(
    ("datum", "axis", "flat"),
    [("D_IAG_75", "6378140.0", "298.257"), ("D_Krasovsky_1940", "6378245.0", "298.3")],
)
def test_an_old_ellipsoid_is_an_old_datum_under_any_name(datum, axis, flat):
    geogcs = GEOGCS.format(gcs="GCS_X", datum=datum, sphere="x", axis=axis, flat=flat)
    assert old_datum(CRS.from_wkt(projected("X_TM", geogcs, middle=120.0, easting=5e5)))
