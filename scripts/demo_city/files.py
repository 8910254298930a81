"""Files whose bytes depend on nothing but what is in them."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
import os
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import geopandas as gpd
import numpy as np
import osmium
import pyogrio
import rasterio
import shapely
import xlsxwriter
from rasterio.transform import from_origin

from demo_city.frame import CELL_M, EPSG, ROWS, SOUTH, WEST, Bools, Floats, to_lonlat
from demo_city.land import Land
from demo_city.lists import Listing, Row
from demo_city.net import Net, ways

NODATA = -9999.0
MADE = dt.datetime(2025, 12, 31)


def write_geojson(path: Path, features: Sequence[tuple[Mapping[str, object], object]]) -> None:
    """Write features, one a line."""
    lines = [
        json.dumps(
            {"type": "Feature", "properties": properties, "geometry": geometry},
            ensure_ascii=False,
            separators=(",", ":"),
        )
        for properties, geometry in features
    ]
    text = '{"type":"FeatureCollection","features":[\n' + ",\n".join(lines) + "\n]}\n"
    path.write_bytes(text.encode())


def shape_of(polygon: shapely.Geometry) -> object:
    """Return a polygon as GeoJSON, its rings wound as the standard asks."""
    parts = shapely.get_parts(polygon)
    wound = [shapely.orient_polygons(part) for part in parts]
    one = wound[0] if len(wound) == 1 else shapely.MultiPolygon(wound)
    return json.loads(shapely.to_geojson(one))


def write_gpkg(path: Path, frame: gpd.GeoDataFrame, *, layer: str) -> None:
    """Write a GeoPackage that carries a fixed date."""
    path.unlink(missing_ok=True)
    pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": f"{MADE.isoformat()}.000Z"})
    try:
        pyogrio.write_dataframe(frame, path, layer=layer, driver="GPKG")
    finally:
        pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": None})


def write_raster(path: Path, grid: Floats, inside: Bools) -> None:
    """Write a raster cut to the city, nodata outside of it."""
    rows, columns = (np.flatnonzero(inside.any(axis=axis)) for axis in (1, 0))
    window = (slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1))
    values = np.where(inside, grid, NODATA)[window][::-1].astype(np.float32)
    north = SOUTH + (rows[-1] + 1) * CELL_M
    assert rows[-1] < ROWS
    with rasterio.open(
        path,
        "w",
        driver="GTiff",
        width=values.shape[1],
        height=values.shape[0],
        count=1,
        dtype="float32",
        crs=f"EPSG:{EPSG}",
        transform=from_origin(WEST + columns[0] * CELL_M, north, CELL_M, CELL_M),
        nodata=NODATA,
        compress="deflate",
        predictor=3,
    ) as file:
        file.write(values, 1)


def write_csv(path: Path, rows: list[Row], *, encoding: str, delimiter: str = ",") -> None:
    """Write a CSV as Excel on a Chinese Windows saves it."""
    text = io.StringIO(newline="")
    table = csv.DictWriter(text, list(rows[0]), delimiter=delimiter, lineterminator="\r\n")
    table.writeheader()
    table.writerows(rows)
    path.write_bytes(text.getvalue().encode(encoding))


def write_points(path: Path, listing: Listing) -> None:
    """Write a list as points."""
    features: list[tuple[dict[str, object], object]] = []
    for row in listing.rows:
        place = {"type": "Point", "coordinates": [row["lon"], row["lat"]]}
        properties = {key: cell for key, cell in row.items() if key not in ("lon", "lat")}
        features.append((dict(properties), None if row["lon"] is None else place))
    write_geojson(path, features)


def _workbook(path: Path, data: io.BytesIO) -> None:
    """Store a workbook's parts uncompressed, with a fixed date: no bytes left to a library."""
    with zipfile.ZipFile(data) as source, zipfile.ZipFile(path, "w") as target:
        for name in source.namelist():
            target.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), source.read(name))


def write_workbook(path: Path, sheets: dict[str, list[Row]]) -> None:
    """Write plain sheets: one header row each, then the rows."""
    data = io.BytesIO()
    with xlsxwriter.Workbook(data, {"in_memory": True, "strings_to_formulas": False}) as book:
        book.set_properties({"created": MADE})
        bold = book.add_format({"bold": True})
        for sheet, rows in sheets.items():
            page = book.add_worksheet(sheet)
            page.write_row(0, 0, list(rows[0]), bold)
            page.set_column(1, 2, 24)
            for number, row in enumerate(rows, start=1):
                page.write_row(number, 0, list(row.values()))
    _workbook(path, data)


def write_office_sheet(
    path: Path, rows: list[Row], *, sheet: str, title: str, groups: dict[str, str], note: str
) -> None:
    """Write a sheet as offices like it: a title, a header of two merged lines, a note below.

    Parameters
    ----------
    groups : dict
        Lower title → upper title of the columns that stand under a common one.
    """
    data = io.BytesIO()
    with xlsxwriter.Workbook(data, {"in_memory": True, "strings_to_formulas": False}) as book:
        book.set_properties({"created": MADE})
        page = book.add_worksheet(sheet)
        middle = book.add_format({"bold": True, "align": "center", "valign": "vcenter"})
        titles = list(rows[0])
        page.merge_range(0, 0, 0, len(titles) - 1, title, middle)
        for column, below in enumerate(titles):
            above = groups.get(below)
            if above is None:
                page.merge_range(1, column, 2, column, below, middle)
                continue
            page.write(2, column, below, middle)
            same = [i for i, name in enumerate(titles) if groups.get(name) == above]
            if column == same[0]:
                page.merge_range(1, same[0], 1, same[-1], above, middle)
        page.set_column(1, 3, 22)
        for number, row in enumerate(rows, start=3):
            page.write_row(number, 0, list(row.values()))
        page.write(len(rows) + 3, 0, note)
    _workbook(path, data)


def write_pbf(path: Path, net: Net, land: Land) -> None:
    """Write the roads, the river and the lake as OpenStreetMap data without times or authors."""
    path.unlink(missing_ok=True)
    drawn = [
        ({"highway": street.kind, "name": street.name, **dict(street.tags)}, nodes)
        for street, nodes in ways(net)
    ]
    used = sorted({node for _, nodes in drawn for node in nodes})
    number = {node: rank + 1 for rank, node in enumerate(used)}
    places = to_lonlat(net.points()[used])
    lines = [
        ({"highway" if key == "highway" else key: value for key, value in tags.items() if value},
         [number[node] for node in nodes])
        for tags, nodes in drawn
    ]  # fmt: skip
    extra = [
        ({"waterway": "river", "name": "澜江"}, land.river),
        ({"natural": "water", "name": "澄湖"}, shapely.LineString(land.lake.exterior.coords)),
        ({"place": "island", "name": "湖心屿"}, shapely.LineString(land.island.exterior.coords)),
    ]
    for tags, line in extra:
        points = to_lonlat(shapely.get_coordinates(line.simplify(3.0)))
        first = len(places) + 1
        ids = list(range(first, first + len(points)))
        if line.is_closed:
            points, ids = points[:-1], [*ids[:-1], ids[0]]
        places = np.concatenate([places, points])
        lines.append((tags, ids))
    header = osmium.io.Header()
    header.set("generator", "servicecircle make_demo_city (invented)")
    header.add_box(osmium.osm.Box(*(float(v) for v in (*places.min(axis=0), *places.max(axis=0)))))
    writer = osmium.SimpleWriter(os.fspath(path), 4 * 1024 * 1024, header)
    try:
        for rank, (lon, lat) in enumerate(places.tolist(), start=1):
            writer.add_node(osmium.osm.mutable.Node(id=rank, location=(lon, lat)))
        for rank, (tags, ids) in enumerate(lines, start=1):
            writer.add_way(osmium.osm.mutable.Way(id=rank, nodes=ids, tags=tags))
    finally:
        writer.close()
