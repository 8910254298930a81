"""Where a new facility may stand: in the study area, outside excluded zones, not too steep."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from servicecircle.crs import transformer
from servicecircle.inputs.sites import Sites
from servicecircle.measure.ground import Ground
from servicecircle.measure.places import GAP_M, place_points

__all__ = ["Building", "Checked", "building_rules"]

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Shapes = NDArray[np.object_]
Project = Callable[[Floats, Floats], tuple[Floats, Floats]]


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Checked:
    """What places fail of the rules.

    Parameters
    ----------
    outside, steep, unknown : numpy.ndarray of bool, shape (k,)
        Out of the study area; on ground that is too steep; of unknown slope.
    zone : numpy.ndarray of str, shape (k,)
        The first excluded zone that each lies in, "" for none.
    slope : numpy.ndarray of float, shape (k,)
        In percent, NaN where unknown or not asked for.
    """

    outside: Bools
    steep: Bools
    unknown: Bools
    zone: NDArray[np.object_]
    slope: Floats


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Building:
    """The rules of where new facilities may stand, in the run's metric coordinate system.

    Parameters
    ----------
    area : shapely.Geometry
        Study area.
    units : numpy.ndarray of shapely.Geometry
        In gaps of up to 200 m between them somebody may build.
    zones : mapping of str to numpy.ndarray of shapely.Geometry
        Excluded.
    slope : callable, optional
        From places in metres to slopes in percent.
    most_percent : float
        Steepest slope; infinite without a rule.
    to_metric, to_degrees : callable
        From longitudes and latitudes to metres and back.
    """

    area: shapely.Geometry
    units: Shapes
    zones: Mapping[str, Shapes]
    slope: Callable[[Floats, Floats], Floats] | None
    most_percent: float
    to_metric: Project
    to_degrees: Project

    @property
    def all_zones(self) -> Shapes:
        """All excluded areas."""
        parts = [zone for zone in self.zones.values() if zone.size]
        return np.concatenate(parts) if parts else np.empty(0, object)

    def projected(self, shapes: Shapes) -> Shapes:
        """Return shapes in degrees as shapes in metres; None stays None."""
        return _projected(shapes, self.to_metric)

    def steep(self, x: Floats, y: Floats) -> Bools:
        """Return which places are too steep; those of unknown slope are not."""
        if self.slope is None:
            return np.zeros(x.size, np.bool_)
        with np.errstate(invalid="ignore"):
            return np.asarray(self.slope(x, y) > self.most_percent)

    def check(self, x: Floats, y: Floats) -> Checked:
        """Return what places fail.

        Parameters
        ----------
        x, y : numpy.ndarray of float, shape (k,)
            In metres; not finite: outside.
        """
        points = np.asarray(shapely.points(x, y), dtype=object)
        inside = np.asarray(shapely.intersects(self.area, points))
        apart = np.flatnonzero(~inside)
        found = place_points(x[apart], y[apart], self.units, gap_m=GAP_M)
        inside[apart] = found.polygon >= 0
        zone = np.full(x.size, "", object)
        for name, shapes in self.zones.items():
            at, _ = shapely.STRtree(shapes).query(points, predicate="intersects")
            mine = np.zeros(x.size, np.bool_)
            mine[at] = True
            zone[mine & (zone == "")] = name
        slope = np.full(x.size, np.nan) if self.slope is None else self.slope(x, y)
        with np.errstate(invalid="ignore"):
            steep = slope > self.most_percent
        asked = self.slope is not None
        return Checked(
            outside=~inside,
            steep=np.asarray(steep),
            unknown=np.isnan(slope) & asked,
            zone=zone,
            slope=slope,
        )


def building_rules(ground: Ground, sites: Sites, *, most_percent: float | None) -> Building:
    """Return the rules of where new facilities may stand.

    Parameters
    ----------
    ground : Ground
    sites : Sites
        Its zones and slopes.
    most_percent : float, optional
        Steepest slope.
    """
    there, back = ("EPSG:4326", ground.metric.crs), (ground.metric.crs, "EPSG:4326")

    def to_metric(lon: Floats, lat: Floats) -> tuple[Floats, Floats]:
        x, y = transformer(*there).transform(lon, lat)
        bad = ~(np.isfinite(x) & np.isfinite(y))
        return np.where(bad, np.nan, x), np.where(bad, np.nan, y)

    def to_degrees(x: Floats, y: Floats) -> tuple[Floats, Floats]:
        lon, lat = transformer(*back).transform(x, y)
        return np.asarray(lon, np.float64), np.asarray(lat, np.float64)

    def slope(x: Floats, y: Floats) -> Floats:
        return np.full(x.size, np.nan) if sites.slope is None else sites.slope(*to_degrees(x, y))

    return Building(
        area=ground.area,
        units=_projected(ground.units.geometry.to_numpy(), to_metric),
        zones={name: _projected(shapes, to_metric) for name, shapes in sites.zones.items()},
        slope=slope if sites.slope is not None and most_percent is not None else None,
        most_percent=np.inf if most_percent is None else most_percent,
        to_metric=to_metric,
        to_degrees=to_degrees,
    )


def _projected(shapes: Shapes, to_metric: Project) -> Shapes:
    # The stubs know only functions of one array of pairs.
    moved = shapely.transform(shapes, to_metric, interleaved=False)  # type: ignore[arg-type]  # stubs: one array
    return np.asarray(moved, dtype=object)
