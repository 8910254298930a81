"""GeoParquet says what the GeoPackage says, in the form of its standard."""

from __future__ import annotations

import json
from dataclasses import replace

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pyogrio
import pytest
import shapely
from click.testing import CliRunner

from servicecircle.cli import main
from servicecircle.commands import running
from servicecircle.errors import OutputError
from servicecircle.outputs import geopackage
from servicecircle.outputs.geopackage import write_geopackage
from servicecircle.outputs.geoparquet import write_geoparquet


@pytest.fixture
def make_rated(make_results):
    """Return a function that makes results with the rates that a run has."""

    def made():
        results = make_results()
        rows = results.unit_coverage
        rates = {
            "population_coverage": rows["covered_population"] / rows["population"],
            "elderly_coverage": rows["covered_elderly"] / rows["elderly"],
        }
        return replace(results, unit_coverage=rows.assign(**rates))

    return made


def manifold(shapes):
    """Return shapes, single ones as collections of one: a GeoPackage has one type in a layer."""
    single = {
        shapely.GeometryType.POINT: shapely.MultiPoint,
        shapely.GeometryType.LINESTRING: shapely.MultiLineString,
        shapely.GeometryType.POLYGON: shapely.MultiPolygon,
    }
    made = []
    for shape in shapes:
        kind = single.get(shapely.get_type_id(shape))
        made.append(kind([shape]) if kind else shape)
    return shapely.normalize(np.array(made, object))


@pytest.mark.parametrize("options", [(), ("--geoparquet",)])
def test_the_option_is_the_setting(monkeypatch, options):
    told = []
    monkeypatch.setattr(running, "_execute", lambda path, **given: told.append(given["changes"]))
    done = CliRunner().invoke(main, ["run", "a.toml", "--set", "network.walk_kmh=5", *options])
    assert done.exit_code == 0, done.output
    asked = ["output.geoparquet=true"] if options else []
    assert list(told[0]) == ["network.walk_kmh=5", *asked]


def test_layers_are_those_of_the_geopackage(make_rated, tmp_path):
    results = make_rated()
    names = write_geoparquet(results, tmp_path)
    package = tmp_path / "coverage.gpkg"
    write_geopackage(results, package)
    layers = [name for name, _ in pyogrio.list_layers(package) if name != "layer_styles"]
    assert names == tuple(f"geoparquet/{name}.parquet" for name in layers)
    for name in layers:
        path = tmp_path / "geoparquet" / f"{name}.parquet"
        found, other = gpd.read_parquet(path), pyogrio.read_dataframe(package, layer=name)
        assert found.crs == "EPSG:4326" == other.crs
        assert sorted(found.columns) == sorted(other.columns)
        assert len(found) == len(other)
        ours, theirs = (np.asarray(one.geometry.array, object) for one in (found, other))
        missing = shapely.is_missing(theirs)
        assert (shapely.is_missing(ours) == missing).all()
        ours, theirs = (manifold(shapes[~missing]) for shapes in (ours, theirs))
        assert shapely.equals_exact(ours, theirs, 0.0).all()
        if "name" in found:
            told = found["name"].fillna("").astype(str).tolist()
            assert told == other["name"].fillna("").astype(str).tolist()


def test_the_standard_is_1_1_with_crs_and_boxes(make_rated, tmp_path):
    write_geoparquet(make_rated(), tmp_path)
    for path in sorted((tmp_path / "geoparquet").iterdir()):
        about = json.loads(pq.read_schema(path).metadata[b"geo"])
        column = about["columns"][about["primary_column"]]
        assert about["version"] == "1.1.0"
        assert column["encoding"] == "WKB"
        assert column["crs"]["id"] == {"authority": "EPSG", "code": 4326}
        assert set(column["covering"]["bbox"]) == {"xmin", "ymin", "xmax", "ymax"}
    facilities = pd.read_parquet(tmp_path / "geoparquet" / "facilities.parquet")
    shapes = gpd.read_parquet(tmp_path / "geoparquet" / "facilities.parquet").geometry
    for box, shape in zip(facilities["bbox"], shapes, strict=True):
        if shape is not None:
            assert (box["xmin"], box["ymax"]) == (shape.x, shape.y)
    whole = shapes.total_bounds
    part = gpd.read_parquet(
        tmp_path / "geoparquet" / "facilities.parquet",
        bbox=(whole[0], whole[1], (whole[0] + whole[2]) / 2, whole[3]),
    )
    assert 0 < len(part) < shapes.notna().sum()


def test_demand_is_whole_and_bytes_are_the_same(make_rated, tmp_path, monkeypatch):
    results = make_rated()
    monkeypatch.setattr(geopackage, "DEMAND_LIMIT", 3)
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        write_geoparquet(results, tmp_path / folder)
    one, other = (tmp_path / folder / "geoparquet" for folder in ("a", "b"))
    assert len(gpd.read_parquet(one / "demand.parquet")) == len(results.demand) > 3
    for path in one.iterdir():
        assert path.read_bytes() == (other / path.name).read_bytes()


def test_a_place_that_cannot_be_written_is_told(make_rated, tmp_path):
    (tmp_path / "geoparquet").write_text("in the way", encoding="utf-8")
    with pytest.raises(OutputError):
        write_geoparquet(make_rated(), tmp_path)
