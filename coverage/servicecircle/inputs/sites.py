"""What is read for a siting study: lists of plots and buildings, excluded areas, slopes, roads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import shapely
from numpy.typing import NDArray

from servicecircle.errors import InputError
from servicecircle.inputs.load import Inputs
from servicecircle.inputs.raw_roads import RawRoads
from servicecircle.inputs.site_files import AREAS, empty_fault, read_site_file
from servicecircle.inputs.site_lists import SiteList, read_list
from servicecircle.inputs.slopes import Slopes, slopes_of
from servicecircle.problems import Problem
from servicecircle.project import Project, ZoneSettings

__all__ = ["NO_SITES", "Sites", "check_sites", "read_sites"]

Shapes = NDArray[np.object_]


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Sites:
    """Everything that is read for candidates.

    Parameters
    ----------
    lists : mapping of str to SiteList
        Of the kinds ``parcels`` and ``buildings``, by the name of the table.
    zones : mapping of str to numpy.ndarray of shapely.Geometry
        Areas in WGS84 in which nothing may stand; ``barriers`` are those of ``[roads]``.
    slope : callable, optional
        From longitudes and latitudes to the slope of the ground in percent, NaN where unknown;
        None where no slope is too steep.
    roads : RawRoads, optional
        For junctions, by road class.
    problems : tuple of Problem
    files : tuple of pathlib.Path
        That were read, for the record.
    """

    lists: Mapping[str, SiteList] = field(default_factory=dict)
    zones: Mapping[str, Shapes] = field(default_factory=dict)
    slope: Slopes | None = None
    roads: RawRoads | None = None
    problems: tuple[Problem, ...] = ()
    files: tuple[Path, ...] = ()


NO_SITES = Sites()


def check_sites(project: Project) -> None:
    """Refuse what of ``[siting]`` cannot be, before anything is read.

    Parameters
    ----------
    project : Project

    Raises
    ------
    InputError
        With all files that are missing, ``layers`` that the project does not have, and a steepest
        slope without a DEM.

    Examples
    --------
    >>> import datetime as dt
    >>> town = {
    ...     "project": {"name": "town", "as_of": dt.date(2025, 12, 31)},
    ...     "boundaries": {"township": {"path": "a.gpkg"}},
    ...     "facilities": {"canteen": {"path": "b.csv"}},
    ... }
    >>> check_sites(Project.model_validate(town))
    >>> town["siting"] = {"zones": {"water": {"path": "none.gpkg"}}, "slope_max_percent": 25.0}
    >>> try:
    ...     check_sites(Project.model_validate(town))
    ... except InputError as error:
    ...     print([problem.code for problem in error.problems])
    ['site.no_dem', 'input.missing_file']
    """
    faults = _setting_faults(project)
    faults += [
        Problem(
            code="input.missing_file",
            severity="fatal",
            action="stopped",
            file=path.as_posix(),
            value=path.as_posix(),
        )
        for path in _paths(project)
        if not (project.folder / path).exists()
    ]
    if faults:
        raise InputError(faults)


def _paths(project: Project) -> list[Path]:
    """Return the files that ``[siting]`` names, each once."""
    settings = project.siting
    if settings is None:
        return []
    named = [one.path for one in settings.candidates.values()]
    named += [one.path for one in settings.zones.values()]
    return list(dict.fromkeys(path for path in named if path is not None))


def read_sites(project: Project, inputs: Inputs) -> Sites:
    """Read what ``[siting]`` names.

    Parameters
    ----------
    project : Project
    inputs : Inputs
        Of the project: units, roads and facilities tell where a list of unknown datum lies.

    Returns
    -------
    Sites
        Without ``[siting]`` the roads and the areas of their barriers alone.

    Raises
    ------
    InputError
        With the faults of all files: missing, broken or without a usable row; with places whose
        datum cannot be; a candidate that is mandatory and forbidden; ``layers`` that the project
        does not have; a steepest slope without a DEM.

    Examples
    --------
    >>> import datetime as dt, geopandas as gpd
    >>> project = Project.model_validate({
    ...     "project": {"name": "town", "as_of": dt.date(2025, 12, 31)},
    ...     "boundaries": {"township": {"path": "a.gpkg"}},
    ...     "facilities": {"canteen": {"path": "b.csv"}},
    ...     "siting": {"zones": {"water": {"path": "none.gpkg"}}, "slope_max_percent": 25.0},
    ... })
    >>> nothing = gpd.GeoDataFrame({"level": []}, geometry=[], crs=4326)
    >>> inputs = Inputs(
    ...     units=nothing, scopes=nothing, facilities={}, population=None, roads=None,
    ...     problems=(), files=(),
    ... )
    >>> try:
    ...     read_sites(project, inputs)
    ... except InputError as error:
    ...     print([problem.code for problem in error.problems])
    ['site.no_dem', 'input.missing_file']
    """
    settings = project.siting
    zones: dict[str, Shapes] = {}
    barriers = inputs.terrain.barriers
    if barriers is not None:
        areas = barriers[np.isin(shapely.get_type_id(barriers), AREAS)]
        zones |= {"barriers": areas} if areas.size else {}
    if settings is None:
        return Sites(zones=zones, roads=inputs.roads)
    lists: dict[str, SiteList] = {}
    problems: list[Problem] = []
    faults = _setting_faults(project)
    for name, listed in settings.candidates.items():
        if listed.path is None:
            continue
        try:
            lists[name], found = read_list(project, inputs, name, listed)
            problems += found
        except InputError as error:
            faults += error.problems
    for name, zone in settings.zones.items():
        try:
            zones[name], found = _read_zone(project, inputs, zone)
            problems += found
        except InputError as error:
            faults += error.problems
    if faults:
        raise InputError(faults)
    return Sites(
        lists=lists,
        zones=zones,
        slope=slopes_of(project),
        roads=inputs.roads,
        problems=tuple(problems),
        files=tuple(project.folder / path for path in _paths(project)),
    )


def _setting_faults(project: Project) -> list[Problem]:
    """Tell what of ``[siting]`` does not go with the rest of the file."""
    settings = project.siting
    if settings is None:
        return []
    faults = [
        project.fault(
            "site.unknown_layer",
            ("siting", "candidates", name, "layers"),
            value=layer,
            known=project.facilities,
        )
        for name, one in settings.candidates.items()
        for layer in one.layers
        if layer not in project.facilities
    ]
    steep = settings.slope_max_percent
    if steep is not None and (project.roads is None or project.roads.dem is None):
        where = ("siting", "slope_max_percent")
        faults.append(project.fault("site.no_dem", where, value=f"{steep:g}", known=()))
    return faults


def _read_zone(
    project: Project, inputs: Inputs, zone: ZoneSettings
) -> tuple[Shapes, list[Problem]]:
    read = read_site_file(project, inputs, zone)
    raw, places, doors, cells = read.raw, read.places, read.doors, read.cells
    area = np.isin(shapely.get_type_id(doors), AREAS)
    problems = [*raw.problems, *places.problems]
    problems += cells.problems(
        "site.zone_no_area",
        ~area,
        title=raw.place,
        values=raw.given,
        severity="error",
        action="set_aside",
    )
    if not area.any():
        raise InputError([empty_fault(cells.file), *problems[:5]])
    return doors[area], problems
