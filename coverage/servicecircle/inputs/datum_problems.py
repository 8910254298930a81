"""What the test of datums and of the order of axes tells the user, and where it stops a run."""

from __future__ import annotations

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from servicecircle.errors import CrsError
from servicecircle.inputs.coordinates import Bounds, fatal
from servicecircle.inputs.datum_detect import Detection, detect_outlines
from servicecircle.inputs.datum_layers import Known
from servicecircle.problems import Problem

__all__ = ["check_elsewhere", "check_order", "details_of", "settle_outlines"]

Geometries = NDArray[np.object_]

_MARGIN_DEGREES = 1.0


def details_of(found: Detection) -> dict[str, object]:
    """Return what a message and the record tell of a test.

    Examples
    --------
    >>> from servicecircle.inputs.datum_detect import judge
    >>> details_of(judge([]))["confidence"]
    '0'
    """
    return {
        "evidence": found.evidence,
        "confidence": f"{found.confidence:.6g}",
        "p": f"{found.chance:.2g}",
    }


def settle_outlines(
    geometries: Geometries, *, attributes: pd.DataFrame, known: Known, name: str
) -> tuple[str, list[Problem]]:
    """Return the datum of polygons, and a note of how it was found.

    Parameters
    ----------
    geometries : numpy.ndarray of polygons or None, shape (n,)
        Degrees, in the unknown datum.
    attributes : pandas.DataFrame, length n
    known : Known
    name : str
        The file as the project names it.

    Raises
    ------
    CrsError
        If the evidence does not single a datum out; the evidence is in the message.

    Examples
    --------
    >>> square = np.array([shapely.box(120.0, 30.0, 120.1, 30.1)])
    >>> nothing = pd.DataFrame(index=[0])
    >>> settle_outlines(
    ...     square, attributes=nothing, known=Known(), name="a.shp"
    ... )  # doctest: +ELLIPSIS
    Traceback (most recent call last):
        ...
    servicecircle.errors.CrsError: a.shp: the datum cannot be told from the data...
    """
    found = detect_outlines(geometries, attributes=attributes, known=known)
    details = details_of(found)
    if found.datum is None:
        raise CrsError(fatal("vector.datum_undecided", name=name, value="auto", details=details))
    problem = Problem(
        code="vector.datum_detected",
        severity="note",
        file=name,
        value=found.datum,
        details=details,
    )
    return found.datum, [problem]


def check_order(geometries: Geometries, *, area: Bounds, name: str) -> None:
    """Refuse degrees that are in range either way, but in the project's area only when swapped.

    Parameters
    ----------
    geometries : numpy.ndarray of shapely geometries, shape (n,)
    area : tuple of float
        West, south, east, north of what is known of the project.
    name : str

    Raises
    ------
    CrsError

    Examples
    --------
    >>> check_order(shapely.points([[46.0, 82.0]]), area=(81.0, 45.0, 83.0, 47.0), name="a.shp")
    Traceback (most recent call last):
        ...
    servicecircle.errors.CrsError: a.shp: latitude comes first: x = 46, y = 82
      longitude comes first, and a latitude lies within ±90° (1 vertices do not)
      swap the two and export the file again, or declare swap_axes = true
    >>> check_order(np.array([None], dtype=object), area=(81.0, 45.0, 83.0, 47.0), name="a.shp")
    """
    points = shapely.get_coordinates(geometries)
    points = points[np.isfinite(points).all(axis=1)]
    if not len(points):
        return
    low = np.array(area[:2]) - _MARGIN_DEGREES
    high = np.array(area[2:]) + _MARGIN_DEGREES
    here = ((points >= low) & (points <= high)).all(axis=1)
    there = ((points[:, ::-1] >= low) & (points[:, ::-1] <= high)).all(axis=1)
    if not here.any() and there.all():
        x, y = points[0]
        details: dict[str, object] = {"x": f"{x:.10g}", "y": f"{y:.10g}", "count": len(points)}
        raise CrsError(fatal("vector.swapped", name=name, value=f"{x}, {y}", details=details))


def check_elsewhere(geometries: Geometries, *, area: Bounds, declared: str, name: str) -> None:
    """Refuse a layer that its declared CRS puts a degree or more away from the project.

    Parameters
    ----------
    geometries : numpy.ndarray of shapely geometries, shape (n,)
        In WGS84.
    area : tuple of float
        West, south, east, north of what is known of the project.
    declared : str
        Name of the CRS.
    name : str

    Raises
    ------
    CrsError

    Examples
    --------
    >>> here = (118.0, 28.0, 119.0, 29.0)
    >>> check_elsewhere(shapely.points([[118.5, 28.5]]), area=here, declared="", name="a.shp")
    >>> check_elsewhere(
    ...     shapely.points([[115.5, 28.5]]), area=here, declared="zone 38", name="a.shp"
    ... )  # doctest: +ELLIPSIS
    Traceback (most recent call last):
        ...
    servicecircle.errors.CrsError: a.shp: zone 38 puts the layer at 115.5000, 28.5000, away from...
    """
    west, south, east, north = (float(value) for value in shapely.total_bounds(geometries))
    apart = west > area[2] + _MARGIN_DEGREES or east < area[0] - _MARGIN_DEGREES
    apart = apart or south > area[3] + _MARGIN_DEGREES or north < area[1] - _MARGIN_DEGREES
    if apart:
        details: dict[str, object] = {
            "lon": f"{(west + east) / 2.0:.4f}",
            "lat": f"{(south + north) / 2.0:.4f}",
            "area": ", ".join(f"{value:.4f}" for value in area),
        }
        raise CrsError(fatal("vector.elsewhere", name=name, value=declared, details=details))
