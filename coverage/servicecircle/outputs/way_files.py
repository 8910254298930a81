"""Ways as a GeoJSON file."""

from __future__ import annotations

import os
from pathlib import Path

import geopandas as gpd

from servicecircle.outputs.folder import write_error

__all__ = ["write_ways"]


def write_ways(ways: gpd.GeoDataFrame, path: Path) -> None:
    """Write ways as GeoJSON, whole or not at all; an earlier file is replaced.

    Parameters
    ----------
    ways : geopandas.GeoDataFrame
        In EPSG:4326; what has no way has no geometry.
    path : pathlib.Path

    Raises
    ------
    OutputError
        If the file cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> way = gpd.GeoDataFrame({"layer": ["canteen"], "metres": [float("nan")]}, geometry=[None])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_ways(way.set_crs(4326), Path(folder) / "way.geojson")
    ...     '"metres": null' in (Path(folder) / "way.geojson").read_text()
    True
    """
    text = ways.to_json(na="null", drop_id=True, ensure_ascii=False)
    part = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        part.write_text(text, encoding="utf-8")
        part.replace(path)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise write_error(error, path) from error
