"""Grids that need parameters: Beijing 1954, Xi'an 1980, a town's own, or axes the wrong way round.

There are no public parameters from the old Chinese datums to CGCS2000: a national average leaves
errors of 50 to 150 m, so a file in them is refused unless the project gives parameters of its area.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pyproj import CRS, Transformer
from pyproj.crs import BoundCRS
from pyproj.crs.coordinate_operation import ToWGS84Transformation
from pyproj.exceptions import CRSError as ProjCrsError
from pyproj.exceptions import ProjError

from servicecircle.errors import CrsError
from servicecircle.problems import Problem

__all__ = ["Grid", "grid_of", "is_pipeline", "old_datum", "refuse_old_datum", "with_towgs84"]

Floats = NDArray[np.float64]

_OLD_NAMES = ("beijing", "xian", "xi'an", "xi_an", "北京", "西安")
_AXES_M = ((6378245.0, 298.3), (6378140.0, 298.257))
"""Krassowsky 1940 and IAG 1975, which the old datums stand on: axis and inverse flattening."""
_UNNAMED = ("unknown", "unnamed", "user", "custom", "not_specified", "not specified")
_PARAMETERS = (3, 7)
_MODERN_AXIS_M, _MODERN_FLATTENING = 6378137.0, 298.2572
"""WGS84, GRS80 and CGCS2000, whose datums agree to a metre or two: nothing is left to convert."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """How the coordinates of a file become those of its coordinate system.

    Parameters
    ----------
    swap_axes : bool
        Whether the file has latitude or northing first.
    towgs84 : tuple of float
        3 or 7 parameters of the datum: shifts in metres, rotations in seconds of arc (position
        vector), scale in parts per million.
    local : tuple of float, optional
        dx, dy (metres), rotation (degrees, counter-clockwise) and scale of a town's own grid:
        E = dx + scale (x cos r - y sin r), N = dy + scale (x sin r + y cos r).
    pipeline : str
        A PROJ pipeline from the file's coordinates to longitude and latitude on WGS84.
    """

    swap_axes: bool = False
    towgs84: tuple[float, ...] = ()
    local: tuple[float, float, float, float] | None = None
    pipeline: str = ""

    def apply(self, x: Floats, y: Floats, *, name: str) -> tuple[Floats, Floats]:
        """Return the coordinates in the file's coordinate system; in degrees after a pipeline.

        Raises
        ------
        CrsError
            If PROJ cannot read the pipeline.

        Examples
        --------
        >>> one = np.array([1.0])
        >>> Grid(swap_axes=True).apply(one, one * 2, name="a.shp")
        (array([2.]), array([1.]))
        >>> x, y = Grid(local=(100.0, 200.0, 90.0, 1.0)).apply(one, one * 0, name="a.shp")
        >>> x.round(9).tolist(), y.tolist()
        ([100.0], [201.0])
        """
        if self.swap_axes:
            x, y = y, x
        if self.local is not None:
            dx, dy, degrees, scale = self.local
            cosine = scale * np.cos(np.radians(degrees))
            sine = scale * np.sin(np.radians(degrees))
            x, y = dx + cosine * x - sine * y, dy + sine * x + cosine * y
        if self.pipeline:
            try:
                moved = Transformer.from_pipeline(self.pipeline).transform(x, y)
            except (ProjCrsError, ProjError):
                raise CrsError(
                    Problem(
                        code="crs.bad_pipeline",
                        severity="fatal",
                        action="stopped",
                        file=name,
                        value=self.pipeline,
                    )
                ) from None
            x, y = (np.asarray(part, np.float64) for part in moved)
        return x, y

    @property
    def plain(self) -> bool:
        """Whether there is nothing to apply before the coordinate system is known."""
        return not self.swap_axes and self.local is None and not self.pipeline


def is_pipeline(declared: str | None) -> bool:
    """Return whether a declared ``crs`` is a PROJ pipeline.

    Examples
    --------
    >>> is_pipeline("+proj=pipeline +step +proj=axisswap +order=2,1"), is_pipeline(None)
    (True, False)
    """
    return declared is not None and "+proj=pipeline" in declared.replace(" ", "")


def grid_of(settings: Any) -> Grid:
    """Return the grid that a table of the project file declares.

    Parameters
    ----------
    settings : BoundarySettings, FacilitySettings or the like
        With ``crs``, ``swap_axes``, ``towgs84`` and ``local_grid``.
    """
    local = settings.local_grid
    return Grid(
        swap_axes=settings.swap_axes,
        towgs84=tuple(settings.towgs84),
        local=None if local is None else (local.dx, local.dy, local.rotation_degrees, local.scale),
        pipeline=settings.crs if is_pipeline(settings.crs) else "",
    )


def old_datum(crs: CRS) -> bool:
    """Return whether a coordinate system stands on an old Chinese datum without parameters.

    By its name, or by its ellipsoid: under whatever name unless the system has an EPSG code of
    its own, such as Pulkovo 1942 on Krassowsky's.

    Examples
    --------
    >>> old_datum(CRS("EPSG:2437")), old_datum(CRS("EPSG:4549"))
    (True, False)
    """
    geodetic = crs.geodetic_crs
    if crs.is_bound or geodetic is None or geodetic.datum is None:
        return False
    names = f"{crs.name} {geodetic.name} {geodetic.datum.name}".lower()
    if any(word in names for word in _OLD_NAMES):
        return True
    ellipsoid = geodetic.ellipsoid
    unnamed = any(word in geodetic.datum.name.lower() for word in _UNNAMED)
    if ellipsoid is None or not (unnamed or geodetic.to_epsg() is None):
        return False
    return any(_same_sphere(ellipsoid, axis, flattening) for axis, flattening in _AXES_M)


def _same_sphere(ellipsoid: Any, axis: float, flattening: float) -> bool:
    return bool(
        abs(ellipsoid.semi_major_metre - axis) < 0.01  # noqa: PLR2004 - metres
        and abs(ellipsoid.inverse_flattening - flattening) < 1e-3  # noqa: PLR2004 - said by the line itself
    )


def refuse_old_datum(crs: CRS, *, name: str) -> None:
    """Refuse Beijing 1954, Xi'an 1980 and unnamed datums on their ellipsoids.

    Parameters
    ----------
    crs : pyproj.CRS
        Of a vector or a raster file.
    name : str
        The file as the project names it.

    Raises
    ------
    CrsError
        Unless parameters come with it (a bound CRS).

    Examples
    --------
    >>> refuse_old_datum(CRS("EPSG:4549"), name="a.tif")
    >>> refuse_old_datum(CRS("EPSG:4610"), name="a.tif")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
        ...
    servicecircle.errors.CrsError: a.tif: an old coordinate system: Xian 1980
    ...
    """
    if old_datum(crs):
        raise CrsError(
            Problem(
                code="vector.old_grid",
                severity="fatal",
                action="stopped",
                file=name,
                value=crs.name,
            )
        )


def with_towgs84(crs: CRS, parameters: Sequence[float], *, name: str) -> CRS:
    """Return a CRS bound to WGS84 by 3 or 7 parameters.

    Parameters
    ----------
    crs : pyproj.CRS
    parameters : sequence of float
        dx, dy, dz (metres), rx, ry, rz (seconds of arc, position vector), s (ppm), as PROJ's
        ``+towgs84``; none leaves the CRS as it is.
    name : str

    Raises
    ------
    CrsError
        If there are not 3 or 7 finite ones, or the system is not of an old datum: they would
        shift by some 150 m what is right as it is.

    Examples
    --------
    >>> with_towgs84(CRS("EPSG:2437"), (15.8, -154.4, -82.3), name="a.shp").is_bound
    True
    >>> with_towgs84(CRS("EPSG:2437"), (), name="a.shp").is_bound
    False
    """
    if not len(parameters):
        return crs
    if len(parameters) not in _PARAMETERS or not np.isfinite(parameters).all():
        raise CrsError(
            Problem(
                code="crs.bad_towgs84",
                severity="fatal",
                action="stopped",
                file=name,
                value=", ".join(f"{value:g}" for value in parameters),
            )
        )
    source = crs.source_crs if crs.is_bound and crs.source_crs is not None else crs
    geodetic = source.geodetic_crs
    if geodetic is None:
        return crs
    if geodetic.ellipsoid is not None and _same_sphere(
        geodetic.ellipsoid, _MODERN_AXIS_M, _MODERN_FLATTENING
    ):
        raise CrsError(
            Problem(
                code="crs.needless_towgs84",
                severity="fatal",
                action="stopped",
                file=name,
                value=source.name,
            )
        )
    values = [*parameters, *[0.0] * (7 - len(parameters))]
    return BoundCRS(
        source_crs=source,
        target_crs=CRS.from_epsg(4326),
        transformation=ToWGS84Transformation(geodetic, *values),
    )
