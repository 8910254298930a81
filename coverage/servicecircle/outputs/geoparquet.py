"""The layers of ``coverage.gpkg`` as GeoParquet, for those who work with big tables."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from servicecircle.outputs.folder import write_error
from servicecircle.outputs.geopackage import package_layers

if TYPE_CHECKING:
    from servicecircle.results import Results

__all__ = ["FOLDER", "write_geoparquet"]

FOLDER = "geoparquet"
_VERSION = "1.1.0"


def write_geoparquet(results: Results, folder: Path) -> tuple[str, ...]:
    """Write each layer of the GeoPackage as ``geoparquet/<layer>.parquet``, version 1.1.0.

    Shapes are WKB in EPSG:4326, with the box of each row in a column ``bbox``; demand points are
    all there, however many.

    Parameters
    ----------
    results : Results
    folder : pathlib.Path
        Of the run; exists.

    Returns
    -------
    tuple of str
        Names of the files, from the folder on.

    Raises
    ------
    OutputError
        If a file cannot be written.
    """
    names = []
    for name, frame in package_layers(results, every_point=True):
        path = folder / FOLDER / f"{name}.parquet"
        try:
            path.parent.mkdir(exist_ok=True)
            frame.to_parquet(
                path,
                index=False,
                compression="zstd",
                schema_version=_VERSION,
                write_covering_bbox=True,
            )
        except (OSError, pa.ArrowException) as error:
            raise write_error(error, path) from error
        names.append(f"{FOLDER}/{path.name}")
    return tuple(names)
