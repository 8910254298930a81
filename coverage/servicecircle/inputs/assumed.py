"""GeoJSON that says nothing of its datum: taken for WGS84, as its standard has it, and told."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd

from servicecircle.datums import in_mainland_china
from servicecircle.problems import Problem
from servicecircle.project import (
    BoundarySettings,
    PopulationSettings,
    Project,
    RoadSettings,
)

__all__ = ["assumed_datums"]

_ENDINGS = frozenset({".geojson", ".json"})


def assumed_datums(project: Project, units: gpd.GeoDataFrame) -> list[Problem]:
    """Return a note for each GeoJSON in mainland China whose datum nobody states.

    RFC 7946 has GeoJSON in WGS84, yet much of what Chinese map services hand out as GeoJSON is in
    GCJ-02. Facility lists are refused without a datum; of other layers it is said what was done.

    Parameters
    ----------
    project : Project
    units : geopandas.GeoDataFrame
        Of the project, in EPSG:4326; tell where it lies.

    Returns
    -------
    list of Problem
        Code ``vector.datum_assumed``; none for a project elsewhere.

    Examples
    --------
    >>> import datetime as dt
    >>> project = Project.model_validate({
    ...     "project": {"name": "town", "as_of": dt.date(2025, 12, 31)},
    ...     "boundaries": {"township": {"path": "none.geojson"}},
    ...     "facilities": {"canteen": {"path": "none.csv", "datum": "wgs84"}},
    ... })
    >>> assumed_datums(project, gpd.GeoDataFrame(geometry=[], crs=4326))
    []
    """
    if units.empty:
        return []
    west, south, east, north = units.total_bounds
    if not bool(in_mainland_china((west + east) / 2.0, (south + north) / 2.0)):
        return []
    found: dict[str, Problem] = {}
    for settings, path in _sources(project):
        stated = settings.datum is not None or settings.crs is not None or not _plain(settings)
        if not stated and path.suffix.lower() in _ENDINGS and _silent(project.folder / path):
            name = path.as_posix()
            found[name] = Problem(
                code="vector.datum_assumed", severity="note", file=name, value="wgs84"
            )
    return list(found.values())


def _sources(
    project: Project,
) -> list[tuple[BoundarySettings | PopulationSettings | RoadSettings, Path]]:
    sources: list[tuple[BoundarySettings | PopulationSettings | RoadSettings, Path]] = [
        (one, one.path) for one in project.boundaries.values()
    ]
    if project.roads is not None:
        sources.append((project.roads, project.roads.path))
    if (people := project.population) is not None:
        paths = (people.points, people.buildings, people.residential)
        sources += [(people, path) for path in paths if path is not None]
    return sources


def _plain(settings: BoundarySettings | PopulationSettings | RoadSettings) -> bool:
    return not settings.towgs84 and settings.local_grid is None


def _silent(path: Path) -> bool:
    """Tell whether a file is there and has no member ``crs``."""
    try:
        return b'"crs"' not in path.read_bytes()
    except OSError:
        return False
