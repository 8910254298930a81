"""Each way to travel that a run asks for: its network, what it costs, and who is attached to it.

A mode's network is built when the first profile of that mode is asked for, and kept.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
from numpy.typing import NDArray

from servicecircle.errors import InputError
from servicecircle.inputs.raw_roads import Mode, RawRoads
from servicecircle.measure.access import Points
from servicecircle.network.barriers import attach_around
from servicecircle.network.doors import attach_doors
from servicecircle.network.graph import Network
from servicecircle.network.modes import ModeNetwork, mode_network, profile_travel
from servicecircle.network.paths import foot_places
from servicecircle.network.profiles import Profile, drive_kmh, profile
from servicecircle.network.snap import EdgeIndex, edge_index, nearest_edges
from servicecircle.network.travel import Travel
from servicecircle.problems import Problem
from servicecircle.project import Project

__all__ = ["PlacedRoads", "Way", "Ways", "profile_of", "ways_of"]

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Way:
    """How one profile travels.

    Parameters
    ----------
    profile : Profile
        At the project's speeds.
    travel : Travel
    index : EdgeIndex
        Of its network.
    facilities, demand : Points
        Attached to its network; all rows, NaN where one has no place.
    slope : str
        Whether slopes count, or why not.
    attach : callable
        Attaches further points as it did these.
    """

    profile: Profile
    travel: Travel
    index: EdgeIndex
    facilities: Points
    demand: Points
    slope: str
    attach: Callable[[Points], Points]

    @property
    def network(self) -> Network:
        """The network of the profile's mode."""
        return self.travel.network

    @property
    def entrances(self) -> NDArray[np.int64]:
        """Places at which each facility joins the network, to the millimetre."""
        at = self.facilities.at
        counts = np.zeros(self.facilities.x.size, np.int64)
        if at is not None:
            feet = np.flatnonzero(at.snapped)
            places = np.round(foot_places(self.travel, at)[feet], 3)
            doors = np.unique(np.column_stack([at.owners[feet], places]), axis=0)
            counts += np.bincount(doors[:, 0].astype(np.int64), minlength=counts.size)
        return counts

    def described(self) -> dict[str, object]:
        """Return what a run's record says of it."""
        chosen, network = self.profile, self.network
        return {
            "mode": chosen.mode,
            "speed": "by road class" if chosen.class_kmh else f"{chosen.speed_kmh:g} km/h",
            "access_legs": f"{chosen.access_kmh:g} km/h",
            "least_in": self.travel.unit,
            "slope": self.slope,
            "nodes": int(network.x.size),
            "edges": int(network.u.size),
            "metres": float(network.length_m.sum()),
            "components": int(network.component_m.size),
            "eligible_edges": int(network.eligible.sum()),
        }


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class PlacedRoads:
    """Roads in the run's metric coordinate system.

    Parameters
    ----------
    raw : RawRoads
    x, y : numpy.ndarray of float
        Its nodes, in metres; NaN where the coordinate system does not reach.
    heights_m : numpy.ndarray of float, optional
        Heights of the nodes, NaN where the DEM has none; None without a DEM.
    barriers : numpy.ndarray of shapely.Geometry, optional
        That access legs do not cross.
    """

    raw: RawRoads
    x: Floats
    y: Floats
    heights_m: Floats | None = None
    barriers: NDArray[np.object_] | None = None


Ways = Callable[[str], Way | None]


def profile_of(project: Project, name: str) -> Profile:
    """Return a profile at the project's speeds.

    Parameters
    ----------
    project : Project
    name : str

    Examples
    --------
    >>> import datetime as dt
    >>> project = Project.model_validate({
    ...     "project": {"name": "town", "as_of": dt.date(2025, 12, 31)},
    ...     "boundaries": {"township": {"path": "a.gpkg"}},
    ...     "facilities": {"canteen": {"path": "b.csv"}},
    ...     "network": {"walk_kmh": 4.5, "drive": {"motorway": 90.0}},
    ... })
    >>> profile_of(project, "walk").speed_kmh, profile_of(project, "cycle").access_kmh
    (4.5, 4.5)
    >>> profile_of(project, "drive").class_kmh["motorway"]
    90.0
    """
    known = profile(name)
    return replace(
        known,
        speed_kmh=project.speed_kmh(name),
        leg_kmh=None if known.leg_kmh is None else project.network.walk_kmh,
        class_kmh={**drive_kmh(), **project.network.drive} if known.class_kmh else {},
        max_slope=project.network.wheelchair_max_slope
        if known.mode == "wheelchair"
        else known.max_slope,
    )


def ways_of(
    project: Project, roads: PlacedRoads | None, *, facilities: Points, demand: Points
) -> Ways:
    """Return a function that lays out a profile's way to travel, each once.

    Parameters
    ----------
    project : Project
    roads : PlacedRoads, optional
    facilities, demand : Points

    Returns
    -------
    callable
        From the name of a profile to its :class:`Way`; None without roads. It raises an
        InputError where the mode may use no component of roads that is long enough.

    Examples
    --------
    >>> import datetime as dt
    >>> project = Project.model_validate({
    ...     "project": {"name": "town", "as_of": dt.date(2025, 12, 31)},
    ...     "boundaries": {"township": {"path": "a.gpkg"}},
    ...     "facilities": {"canteen": {"path": "b.csv"}},
    ... })
    >>> none = Points(ids=np.empty(0, object), x=np.empty(0), y=np.empty(0), at=None)
    >>> ways_of(project, None, facilities=none, demand=none)("walk") is None
    True
    """
    if roads is None:
        return _no_way

    points = (facilities, demand)

    @cache
    def laid(mode: Mode) -> tuple[ModeNetwork, EdgeIndex, Points, Points]:
        found = mode_network(
            roads.raw,
            roads.x,
            roads.y,
            mode=mode,
            min_component_m=project.network.min_component_m,
        )
        if not found.network.eligible.any():
            raise InputError(_no_component(project, roads.raw, found))
        index = edge_index(found.network)
        attached = [_attached(project, found.network, index, one, roads) for one in points]
        return found, index, attached[0], attached[1]

    @cache
    def way(name: str) -> Way:
        chosen = profile_of(project, name)
        found, index, facility_points, demand_points = laid(chosen.mode)
        return Way(
            profile=chosen,
            travel=profile_travel(
                found,
                roads.raw,
                chosen,
                heights_m=roads.heights_m,
                to_door=project.roads is not None and project.roads.gated == "destination",
            ),
            index=index,
            facilities=facility_points,
            demand=demand_points,
            slope=_slope(chosen, roads),
            attach=lambda points: _attached(project, found.network, index, points, roads),
        )

    return way


def _no_way(name: str) -> None:
    """Without roads no profile gets anywhere."""


def _slope(chosen: Profile, roads: PlacedRoads) -> str:
    if not chosen.hilly:
        return "flat: the profile does not mind"
    return "flat: no DEM" if roads.heights_m is None else "Tobler's function on the DEM"


def _attached(
    project: Project, network: Network, index: EdgeIndex, points: Points, roads: PlacedRoads
) -> Points:
    most_m = project.network.max_snap_m
    if points.doors is not None:
        at = attach_doors(
            network, index, points.x, points.y, points.doors,
            most_m=most_m, barriers=roads.barriers,
        )  # fmt: skip
    elif roads.barriers is None:
        at = nearest_edges(network, index, points.x, points.y, most_m=most_m)
    else:
        at = attach_around(
            network, index, points.x, points.y, most_m=most_m, barriers=roads.barriers
        )
    return replace(points, at=at)


def _no_component(project: Project, roads: RawRoads, found: ModeNetwork) -> Problem:
    return Problem(
        code="roads.no_component",
        severity="fatal",
        action="stopped",
        file=roads.source,
        value=f"{found.network.component_m.max(initial=0.0):.0f} m",
        details={"least": f"{project.network.min_component_m:g}", "mode": found.mode},
    )
