"""Layers with rings that do not close and other geometries that are none."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyogrio
import pyogrio.raw
import shapely

from servicecircle.problems import Problem

__all__ = ["read_features"]


def read_features(
    source: Path | bytes, *, name: str, **options: Any
) -> tuple[pd.DataFrame, list[Problem]]:
    """Read a layer by GDAL; rings that do not close are closed.

    Parameters
    ----------
    source : pathlib.Path or bytes
        A file, or the content of one.
    name : str
        The file as the project names it, for messages.
    **options
        Of :func:`pyogrio.read_dataframe`: layer, encoding.

    Returns
    -------
    layer : pandas.DataFrame
        A GeoDataFrame where it holds geometries; None where one is beyond mending, such as a
        line of a single point.
    problems : list of Problem
        A record for each that was mended, or could not be.

    Examples
    --------
    >>> ring = '{"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [1, 1], [0, 1]]]}'
    >>> row = '{"type": "Feature", "properties": {"name": "a"}, "geometry": %s}'
    >>> layer = '{"type": "FeatureCollection", "features": [%s]}'
    >>> frame, problems = read_features((layer % (row % ring)).encode(), name="a.geojson")
    >>> shapely.area(frame.geometry.to_numpy()).tolist(), [problem.code for problem in problems]
    ([1.0], ['vector.ring_closed'])
    >>> len(read_features((layer % "").encode(), name="a.geojson")[0])
    0
    """
    try:
        with warnings.catch_warnings():
            # GDAL says of an open ring that there is one, not where; the record says both.
            warnings.filterwarnings("ignore", message="Non closed ring")
            return pyogrio.read_dataframe(source, **options), []
    except shapely.errors.GEOSException:
        pass
    with warnings.catch_warnings():
        # What is mended and what is not is told row by row.
        warnings.simplefilter("ignore")
        frame = pyogrio.read_dataframe(source, on_invalid="fix", **options)
        _, _, stored, _ = pyogrio.raw.read(source, columns=[], **options)
        plain = shapely.from_wkb(stored, on_invalid="ignore")
    given = np.array([one is not None for one in stored], dtype=bool)
    broken = given & shapely.is_missing(plain)
    mended = broken & ~shapely.is_missing(frame.geometry.to_numpy())
    problems = [
        Problem(
            code="vector.ring_closed", severity="warning", action="mended", file=name, row=at + 1
        )
        for at in np.flatnonzero(mended).tolist()
    ]
    problems += [
        Problem(
            code="vector.bad_geometry",
            severity="error",
            action="set_aside",
            file=name,
            row=at + 1,
        )
        for at in np.flatnonzero(broken & ~mended).tolist()
    ]
    return frame, problems
