"""The one metric coordinate system of a run."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from servicecircle.datums import Floats, in_mainland_china
from servicecircle.errors import CrsError
from servicecircle.problems import Problem

if TYPE_CHECKING:
    from pyproj import Transformer

__all__ = ["MetricCrs", "metric_crs", "transformer"]

MOST_SCALE_ERROR_PPM = 200.0


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricCrs:
    """The one metric coordinate system of a run.

    Parameters
    ----------
    crs : str
        For pyproj: an EPSG code or a PROJ string.
    name : str
    scale_error_ppm : float
        Largest error of length over the area, in parts per million.
    fitted : bool
        Whether it was fitted to the area because the standard one was not good enough.
    """

    crs: str
    name: str
    scale_error_ppm: float
    fitted: bool


@cache
def transformer(source: str, target: str) -> Transformer:
    """Return a transformer in x, y order (longitude first).

    Parameters
    ----------
    source, target : str
        For pyproj: an EPSG code or a PROJ string.

    Returns
    -------
    pyproj.Transformer
        The same one for the same names.

    Examples
    --------
    >>> x, y = transformer("EPSG:4326", "EPSG:4549").transform([120.0], [0.0])
    >>> round(x[0], 3), round(y[0], 3)
    (500000.0, 0.0)
    >>> transformer("EPSG:4326", "EPSG:4549").transform([], [])
    ([], [])
    """
    from pyproj import Transformer

    return Transformer.from_crs(source, target, always_xy=True)


def _scale_error_ppm(crs: str, lon: Floats, lat: Floats) -> float:
    from pyproj import CRS, Proj

    factors = Proj(CRS(crs)).get_factors(lon, lat)
    return float(np.max(np.abs(np.asarray(factors.meridional_scale) - 1.0)) * 1e6)


def metric_crs(lon: ArrayLike, lat: ArrayLike) -> MetricCrs:
    """Choose the metric coordinate system for an area.

    In mainland China the 3° Gauss-Krüger zone of CGCS2000, elsewhere UTM; where that is off by
    more than 200 ppm anywhere in the area, the better of a transverse Mercator and a Lambert
    conformal conic fitted to the area.

    Parameters
    ----------
    lon, lat : array_like of float
        Points (or corners) of the area, in degrees.

    Returns
    -------
    MetricCrs

    Raises
    ------
    CrsError
        If there is no finite point.

    Examples
    --------
    >>> metric_crs([120.0, 120.4], [30.1, 30.4]).crs
    'EPSG:4549'
    >>> metric_crs([-4.8, -4.3], [54.0, 54.4]).fitted
    True
    """
    lon, lat = np.asarray(lon, np.float64), np.asarray(lat, np.float64)
    good = np.isfinite(lon) & np.isfinite(lat)
    if not good.any():
        raise CrsError(Problem(code="crs.no_area", severity="fatal", action="stopped"))
    west, east = float(lon[good].min()), float(lon[good].max())
    south, north = float(lat[good].min()), float(lat[good].max())
    mid_lon, mid_lat = (west + east) / 2.0, (south + north) / 2.0
    grid_lon, grid_lat = (
        part.ravel()
        for part in np.meshgrid(np.linspace(west, east, 9), np.linspace(south, north, 9))
    )
    if bool(in_mainland_china(mid_lon, mid_lat)):
        zone = min(max(round(mid_lon / 3.0), 25), 45)
        standard, name = f"EPSG:{4534 + zone - 25}", f"CGCS2000 / 3-degree GK CM {3 * zone}E"
    else:
        zone = min(int((mid_lon + 180.0) // 6.0) + 1, 60)
        standard = f"EPSG:{(32600 if mid_lat >= 0 else 32700) + zone}"
        name = f"WGS 84 / UTM zone {zone}{'N' if mid_lat >= 0 else 'S'}"
    error = _scale_error_ppm(standard, grid_lon, grid_lat)
    if error <= MOST_SCALE_ERROR_PPM:
        return MetricCrs(crs=standard, name=name, scale_error_ppm=error, fitted=False)
    return min(
        _fitted_candidates(mid_lon, mid_lat, south, north, grid_lon, grid_lat),
        key=lambda candidate: candidate.scale_error_ppm,
    )


def _fitted_candidates(
    mid_lon: float, mid_lat: float, south: float, north: float, lon: Floats, lat: Floats
) -> list[MetricCrs]:
    from pyproj import Proj

    common = "+ellps=GRS80 +units=m +no_defs +x_0=500000 +y_0=0"
    shapes = {
        "transverse Mercator": f"+proj=tmerc +lat_0={mid_lat:.4f} +lon_0={mid_lon:.4f}",
        "Lambert conformal conic": f"+proj=lcc +lat_0={mid_lat:.4f} +lon_0={mid_lon:.4f}"
        f" +lat_1={mid_lat:.4f}",
    }
    fitted = []
    for name, shape in shapes.items():
        scales = np.asarray(Proj(f"{shape} +k_0=1 {common}").get_factors(lon, lat).meridional_scale)
        # Dividing by the middle of the range makes the error equal at both ends.
        k_0 = 2.0 / (float(scales.min()) + float(scales.max()))
        crs = f"{shape} +k_0={k_0:.9f} {common}"
        fitted.append(
            MetricCrs(
                crs=f"{crs} +type=crs",
                name=f"{name} fitted to the area ({south:.2f} to {north:.2f} N)",
                scale_error_ppm=_scale_error_ppm(f"{crs} +type=crs", lon, lat),
                fitted=True,
            )
        )
    return fitted
