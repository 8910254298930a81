"""The layer of known datum that a project names for the test of another one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from servicecircle.errors import InputError
from servicecircle.inputs.columns import match_columns
from servicecircle.inputs.coordinates import fatal
from servicecircle.inputs.datum_layers import Known, Reference
from servicecircle.inputs.raw_roads import RawRoads
from servicecircle.inputs.unit_names import plain_name
from servicecircle.inputs.vectors import VECTOR_FORMATS, read_vector

__all__ = [
    "facility_reference",
    "find_reference",
    "layer_reference",
    "surroundings",
    "unit_reference",
]

Texts = NDArray[np.object_]


def find_reference(
    wanted: str | None, *, base: Path, layers: Mapping[str, Callable[[], Reference]], file: str
) -> Reference | None:
    """Return the layer named by ``datum_reference``.

    Parameters
    ----------
    wanted : str or None
        Name of a layer, or a path.
    base : pathlib.Path
        Folder that a path is relative to.
    layers : mapping of str to callable
        Layers of known datum of the project.
    file : str
        For messages.

    Raises
    ------
    InputError
        If there is no such layer, or it cannot be read.

    Examples
    --------
    >>> find_reference(None, base=Path(), layers={}, file="a.csv") is None
    True
    >>> find_reference("county", base=Path(), layers={}, file="a.csv")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
        ...
    servicecircle.errors.InputError: a.csv: there is no layer county to compare with...
    """
    if wanted is None:
        return None
    if wanted in layers:
        return layers[wanted]()
    path = base / wanted
    if path.is_file() and path.suffix.lower() in VECTOR_FORMATS:
        frame, _ = read_vector(path, name=Path(wanted).as_posix())
        return layer_reference(frame, label=Path(wanted).name)
    details: dict[str, object] = {"known": ", ".join(layers) or "–"}
    raise InputError(fatal("crs.reference_unknown", name=file, value=wanted, details=details))


def layer_reference(frame: gpd.GeoDataFrame, *, label: str) -> Reference:
    """Return a layer in WGS84 as a reference; names and units by the titles of its columns.

    Examples
    --------
    >>> import shapely
    >>> frame = gpd.GeoDataFrame(
    ...     {"名称": ["甲 院"], "乡镇": ["石门镇"]}, geometry=[shapely.Point(120, 30)], crs=4326
    ... )
    >>> found = layer_reference(frame, label="a.gpkg")
    >>> found.names.tolist(), found.stated[0].tolist()
    (['甲院'], ['石门镇'])
    """
    titles = [str(title) for title in frame.columns if title != "geometry"]
    ours = match_columns(titles).columns
    stated = [_texts(frame[ours[key]]) for key in ("unit", "unit_code", "parent") if key in ours]
    names = _texts(frame[ours["name"]]).tolist() if "name" in ours else [""] * len(frame)
    return Reference(
        label=label,
        geometry=np.asarray(frame.geometry.to_numpy(), dtype=object),
        names=np.array([plain_name(name) for name in names], dtype=object),
        stated=tuple(stated),
    )


def surroundings(
    wanted: str | None,
    *,
    file: str,
    base: Path,
    units: gpd.GeoDataFrame,
    roads: RawRoads | None,
    facilities: Mapping[str, gpd.GeoDataFrame],
) -> Known:
    """Return what is known of the area when a list of facilities or people is read.

    Parameters
    ----------
    wanted : str or None
        ``datum_reference`` of the list.
    file : str
        The list, for messages.
    base : pathlib.Path
        Folder of the project file.
    units : geopandas.GeoDataFrame
    roads : RawRoads, optional
    facilities : mapping of str to geopandas.GeoDataFrame
        Tables of the layers read so far.

    Raises
    ------
    InputError
        If ``datum_reference`` names no layer, or it cannot be read.
    """
    layers: dict[str, Callable[[], Reference]] = {
        str(level): partial(unit_reference, units[units["level"] == level], label=str(level))
        for level in dict.fromkeys(units["level"])
    }
    for name, frame in facilities.items():
        layers[name] = partial(facility_reference, frame, label=name)
    reference = find_reference(wanted, base=base, layers=layers, file=file)
    return Known(units=units if len(units) else None, roads=roads, reference=reference)


def facility_reference(frame: gpd.GeoDataFrame, *, label: str) -> Reference:
    """Return the table of a facility layer as a reference.

    Parameters
    ----------
    frame : geopandas.GeoDataFrame
        With name, declared_unit and declared_parent.
    label : str
    """
    names = [plain_name(name) for name in _texts(frame["name"]).tolist()]
    return Reference(
        label=label,
        geometry=np.asarray(frame.geometry.to_numpy(), dtype=object),
        names=np.array(names, dtype=object),
        stated=tuple(_texts(frame[key]) for key in ("declared_unit", "declared_parent")),
    )


def unit_reference(frame: gpd.GeoDataFrame, *, label: str) -> Reference:
    """Return units, or the polygons of a scope, as a reference."""
    names = [plain_name(name) for name in _texts(frame["name"]).tolist()]
    return Reference(
        label=label,
        geometry=np.asarray(frame.geometry.to_numpy(), dtype=object),
        names=np.array(names, dtype=object),
    )


def _texts(column: pd.Series) -> Texts:
    """Return cells as text, "" where empty."""
    missing = column.isna().to_numpy()
    cells = ["" if gone else str(cell) for cell, gone in zip(column, missing, strict=True)]
    return np.array(cells, dtype=object)
