"""Circles as files for a GIS: a GeoPackage, GeoParquet, and a table without shapes."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from pathlib import Path

import geopandas as gpd

from servicecircle.outputs.folder import write_error
from servicecircle.outputs.geopackage import write_layers
from servicecircle.outputs.tables import write_csv

__all__ = ["write_circles"]


def write_circles(
    layers: Mapping[str, gpd.GeoDataFrame], folder: Path, *, as_of: dt.date, about: str
) -> None:
    """Write ``circles.gpkg``, ``circles.parquet`` and ``circles.csv``.

    Parameters
    ----------
    layers : mapping of str to geopandas.GeoDataFrame
        ``circles`` and what else the GeoPackage is to hold, in EPSG:4326.
    folder : pathlib.Path
        Exists.
    as_of : datetime.date
        Date inside the files.
    about : str
        What the layers' descriptions say, such as that the data are invented; may be empty.

    Raises
    ------
    OutputError
        If a file cannot be written.
    """
    write_layers(layers, folder / "circles.gpkg", as_of=as_of, about=about)
    path = folder / "circles.parquet"
    circles = layers["circles"]
    try:
        circles.to_parquet(path, compression="zstd", index=False, write_covering_bbox=True)
    except OSError as error:
        raise write_error(error, path) from error
    write_csv(circles.drop(columns=circles.geometry.name), folder / "circles.csv")
