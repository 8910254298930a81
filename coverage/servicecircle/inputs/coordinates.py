"""The CRS of a file: settled once, proved by its coordinates, and left for WGS84."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray
from pyproj import CRS, Proj, Transformer
from pyproj.exceptions import CRSError as ProjCrsError

from servicecircle.datums import to_wgs84
from servicecircle.errors import CrsError
from servicecircle.inputs.crs_candidates import area_of, told_candidates
from servicecircle.inputs.old_grids import refuse_old_datum, with_towgs84
from servicecircle.problems import Problem

__all__ = ["WGS84", "Bounds", "Floats", "fatal", "same_crs", "settle_crs", "to_wgs84_points"]

Floats = NDArray[np.float64]
Bounds = tuple[float, float, float, float]

WGS84 = CRS.from_epsg(4326)
_FARTHEST_FROM_AREA_OF_USE_DEG = 5.0


def fatal(code: str, *, name: str, **where: Any) -> Problem:
    """Return a problem that stops the run.

    Examples
    --------
    >>> fatal("input.empty_layer", name="villages.gpkg").action
    'stopped'
    """
    return Problem(code=code, severity="fatal", action="stopped", file=name, **where)


def settle_crs(
    stated: CRS | None,
    declared: str | None,
    *,
    name: str,
    bounds: Bounds,
    default: CRS | None = None,
    towgs84: Sequence[float] = (),
    area: Bounds | None = None,
) -> CRS:
    """Return the CRS of a file, from what it states and what the project declares.

    Parameters
    ----------
    stated : pyproj.CRS or None
        What the file states.
    declared : str or None
        What the project file declares.
    name : str
    bounds : tuple of float
        min x, min y, max x, max y of the file, in its own coordinates.
    default : pyproj.CRS, optional
        What the format itself prescribes (GeoJSON) where both are silent.
    towgs84 : sequence of float
        Parameters of an old datum, as the project declares them.
    area : tuple of float, optional
        Of the project, in degrees, for naming the systems that would put a silent file there.

    Raises
    ------
    CrsError
        If neither says anything, both contradict each other, the declared one is unknown, or it is
        an old Chinese grid without parameters.

    Examples
    --------
    >>> settle_crs(None, "EPSG:4490", name="a.shp", bounds=(118.0, 28.0, 119.0, 29.0)).to_epsg()
    4490
    """
    wanted: CRS | None = None
    if declared is not None:
        try:
            wanted = CRS.from_user_input(declared)
        except ProjCrsError:
            raise CrsError(fatal("vector.bad_crs", name=name, value=declared)) from None
    if stated is not None and ("undefined" in stated.name.lower() or stated.is_engineering):
        stated = None
    if stated is not None and wanted is not None and not same_crs(stated, wanted, bounds=bounds):
        raise CrsError(
            fatal("vector.crs_conflict", name=name, value=wanted.name, details={"own": stated.name})
        )
    settled = stated or wanted or default
    if settled is None:
        details: dict[str, object] = {"candidates": told_candidates(bounds, area=area)}
        raise CrsError(fatal("vector.no_crs", name=name, details=details))
    if wanted is not None and wanted.is_bound:
        # The same system as the file's own, with the parameters that the file does not have.
        settled = wanted
    settled = with_towgs84(settled, towgs84, name=name)
    refuse_old_datum(settled, name=name)
    return settled


def same_crs(one: CRS, other: CRS, *, bounds: Bounds) -> bool:
    """Return whether two descriptions give the same places within the bounds.

    WGS84 and CGCS2000 count as the same; so do a CRS and its ESRI spelling.

    Examples
    --------
    >>> here = (118.0, 28.0, 119.0, 29.0)
    >>> same_crs(CRS("EPSG:4326"), CRS("EPSG:4490"), bounds=here)
    True
    >>> same_crs(CRS("EPSG:4326"), CRS("EPSG:4549"), bounds=here)
    False
    """
    if one.equals(other, ignore_axis_order=True):
        return True
    # Parameters of a datum say how to leave the system, not which it is.
    one, other = (crs.source_crs or crs if crs.is_bound else crs for crs in (one, other))
    if one.is_geographic != other.is_geographic:
        return False
    spheres = [crs.ellipsoid for crs in (one, other)]
    if any(sphere is None for sphere in spheres):
        return False
    first, second = cast(list[Any], spheres)
    if (
        abs(first.semi_major_metre - second.semi_major_metre) > 0.5  # noqa: PLR2004 - metres
        or abs(first.inverse_flattening - second.inverse_flattening) > 1e-3  # noqa: PLR2004 - said by the line itself
    ):
        return False
    if one.is_geographic:
        return str(one.prime_meridian) == str(other.prime_meridian)
    corners = np.array([[bounds[0], bounds[1]], [bounds[2], bounds[3]]])
    lon, lat = Proj(one)(corners[:, 0], corners[:, 1], inverse=True)
    there = np.column_stack(Proj(other)(lon, lat))
    return bool(np.allclose(there, corners, rtol=0.0, atol=0.01))


def to_wgs84_points(
    x: Floats, y: Floats, *, crs: CRS, datum: str | None, name: str
) -> tuple[Floats, Floats]:
    """Convert coordinates of a file to longitude and latitude on WGS84.

    Parameters
    ----------
    x, y : numpy.ndarray of float, shape (n,)
        Longitude first, in units of ``crs``.
    crs : pyproj.CRS
    datum : str or None
        GCJ-02 or BD-09 are undone after the conversion to degrees.
    name : str

    Returns
    -------
    lon, lat : numpy.ndarray of float, shape (n,)

    Raises
    ------
    CrsError
        If the coordinates cannot be of this CRS: swapped, metres for degrees, another zone.

    Examples
    --------
    >>> to_wgs84_points(
    ...     np.array([28.7]), np.array([118.6]), crs=WGS84, datum=None, name="a.geojson"
    ... )  # doctest: +ELLIPSIS
    Traceback (most recent call last):
        ...
    servicecircle.errors.CrsError: a.geojson: latitude comes first: x = 28.7, y = 118.6
    ...
    """
    lon, lat = np.asarray(x, np.float64), np.asarray(y, np.float64)
    if crs.is_geographic:
        _check_degrees(lon, lat, name)
    if not crs.equals(WGS84, ignore_axis_order=True):
        # pyproj's stubs give the type of the scalar overload.
        moved = Transformer.from_crs(crs, WGS84, always_xy=True).transform(lon, lat)
        lon, lat = (np.asarray(part, np.float64) for part in moved)
        _check_area_of_use(np.asarray(x), np.asarray(y), lon, lat, crs, name)
    return to_wgs84(lon, lat, datum=datum or "wgs84")


def _check_degrees(lon: Floats, lat: Floats, name: str) -> None:
    wrong = np.flatnonzero((np.abs(lon) > 180.0) | (np.abs(lat) > 90.0))  # noqa: PLR2004 - degrees
    if not len(wrong):
        return
    at = wrong[0]
    details: dict[str, object] = {
        "x": f"{lon[at]:.10g}",
        "y": f"{lat[at]:.10g}",
        "count": len(wrong),
    }
    # A whole file in the wrong order stays in range when read the other way round.
    swapped = bool((np.abs(lat) <= 180.0).all() and (np.abs(lon) <= 90.0).all())  # noqa: PLR2004 - said by the line itself
    metres = bool(np.median(np.abs(lon)) > 360.0)  # noqa: PLR2004 - degrees
    code = "swapped" if swapped else "projected" if metres else "out_of_range"
    raise CrsError(
        fatal(f"vector.{code}", name=name, value=f"{lon[at]}, {lat[at]}", details=details)
    )


def _check_area_of_use(x: Floats, y: Floats, lon: Floats, lat: Floats, crs: CRS, name: str) -> None:
    wrong = ~_in_area(lon, lat, crs)
    if not wrong.any():
        return
    at = int(np.flatnonzero(wrong)[0])
    details: dict[str, object] = {"x": f"{x[at]:.10g}", "y": f"{y[at]:.10g}", "crs": crs.name}
    other = Transformer.from_crs(crs, WGS84, always_xy=True).transform(y, x)
    there = _in_area(np.asarray(other[0], np.float64), np.asarray(other[1], np.float64), crs)
    code = "vector.swapped_metres" if there.all() else "vector.outside_crs"
    raise CrsError(fatal(code, name=name, value=crs.name, details=details))


def _in_area(lon: Floats, lat: Floats, crs: CRS) -> NDArray[np.bool_]:
    """Return which places a CRS can be used for, or little beyond."""
    inside = np.isfinite(lon) & np.isfinite(lat)
    area, far = area_of(crs), _FARTHEST_FROM_AREA_OF_USE_DEG
    if area is None or area[0] > area[2]:
        return inside
    inside &= (lon >= area[0] - far) & (lon <= area[2] + far)
    return np.asarray(inside & (lat >= area[1] - far) & (lat <= area[3] + far))
