"""Read everything a project names, and report the faults of all files at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeVar

import geopandas as gpd
import pandas as pd

from servicecircle.errors import InputError
from servicecircle.inputs.asked import NOTHING_ASKED, Asked
from servicecircle.inputs.assumed import assumed_datums
from servicecircle.inputs.basemap import NO_BASEMAP, Basemap, read_basemap
from servicecircle.inputs.changes import NO_CHANGES, Changes
from servicecircle.inputs.datum_reference import surroundings
from servicecircle.inputs.duplicates import no_proposals
from servicecircle.inputs.facilities import FacilityData
from servicecircle.inputs.kept_roads import read_kept_roads
from servicecircle.inputs.osm_extract import OsmFiles
from servicecircle.inputs.population import PopulationData, read_population
from servicecircle.inputs.project_layers import layer_proposals, read_layers
from servicecircle.inputs.project_osm import osm_files
from servicecircle.inputs.project_tables import project_staff, project_statistics
from servicecircle.inputs.raw_roads import RawRoads
from servicecircle.inputs.report import ReportParts, read_report_parts
from servicecircle.inputs.roads import road_files
from servicecircle.inputs.staff import StaffData
from servicecircle.inputs.statistics import StatisticData
from servicecircle.inputs.terrain import NO_TERRAIN, Terrain, read_terrain
from servicecircle.inputs.titles import title_keys
from servicecircle.inputs.unit_layers import UnitData, read_units, renew_facilities
from servicecircle.inputs.unit_matches import no_matches
from servicecircle.inputs.unit_rows import other_basis
from servicecircle.problems import Problem
from servicecircle.progress import Progress
from servicecircle.project import PopulationSettings, Project

__all__ = ["Inputs", "read_inputs"]

_Read = TypeVar("_Read")


@dataclass(frozen=True, slots=True, kw_only=True)
class Inputs:
    """What the readers found, all in WGS84.

    Parameters
    ----------
    units : geopandas.GeoDataFrame
        Table ``units`` of all levels given.
    scopes : geopandas.GeoDataFrame
        scope, name, geometry.
    facilities : mapping of str to FacilityData
        By layer, in the order of the project file.
    population : PopulationData, optional
    roads : RawRoads, optional
    problems : tuple of Problem
    files : tuple of pathlib.Path
        Every file read, for the record.
    proposals : pandas.DataFrame
        Facilities that may be one, or share a place: within layers, then across them.
    faults : tuple of Problem
        What stops a run; only where :func:`read_inputs` was asked to go on.
    terrain : Terrain
        Heights of the nodes of the roads, and barriers.
    staff : StaffData, optional
    statistics : StatisticData, optional
    changes : Changes
        What became of units.
    matches : pandas.DataFrame
        Entries of official lists that units may have become.
    unit_checks : mapping
        For the record: topology by level, rows of change tables, units against lists of codes.
    report : ReportParts
        Template and words of the written report.
    basemap : Basemap
        What the map has beneath its services.
    """

    units: gpd.GeoDataFrame
    scopes: gpd.GeoDataFrame
    facilities: Mapping[str, FacilityData]
    population: PopulationData | None
    roads: RawRoads | None
    problems: tuple[Problem, ...]
    files: tuple[Path, ...]
    proposals: pd.DataFrame = field(default_factory=no_proposals)
    faults: tuple[Problem, ...] = ()
    terrain: Terrain = NO_TERRAIN
    staff: StaffData | None = None
    statistics: StatisticData | None = None
    changes: Changes = NO_CHANGES
    matches: pd.DataFrame = field(default_factory=no_matches)
    unit_checks: Mapping[str, object] = field(default_factory=dict)
    report: ReportParts = field(default_factory=ReportParts)
    basemap: Basemap = NO_BASEMAP


def input_files(project: Project) -> tuple[Path, ...]:
    """Return every file that a project names, each once, in order.

    Parameters
    ----------
    project : Project

    Returns
    -------
    tuple of pathlib.Path
        Whether they exist or not.

    Examples
    --------
    >>> import datetime as dt
    >>> project = Project.model_validate({
    ...     "project": {"name": "town", "as_of": dt.date(2025, 12, 31)},
    ...     "boundaries": {"township": {"path": "a.gpkg"}, "county": {"path": "a.gpkg"}},
    ...     "facilities": {"canteen": {"path": "b.csv"}},
    ... })
    >>> [path.name for path in input_files(project)]
    ['a.gpkg', 'b.csv']
    """
    paths: list[Path | None] = [settings.path for settings in project.boundaries.values()]
    paths += [settings.path for settings in project.facilities.values()]
    paths += [settings.entrances for settings in project.facilities.values()]
    paths += [settings.path for settings in project.plans.values()]
    if project.roads is not None:
        paths += road_files(project.roads, base=project.folder)
        paths += [project.roads.dem, project.roads.barriers]
    if project.staff is not None:
        paths.append(project.staff.path)
    if project.statistics is not None:
        paths.append(project.statistics.path)
    if (people := project.population) is not None:
        paths += [people.raster, people.elderly_raster, people.points, people.totals]
        paths += [people.buildings, people.residential]
    if (changes := project.changes) is not None:
        paths += [*changes.path, *(older.path for older in changes.outlines.values())]
    paths += [listed.path for listed in project.codes.values()]
    paths += [project.report.template, project.report.wording, project.map.water]
    return tuple(dict.fromkeys(project.folder / path for path in paths if path is not None))


def read_inputs(
    project: Project,
    *,
    selectors: Mapping[str, tuple[str, ...]],
    progress: Progress,
    go_on: bool = False,
    asked: Asked = NOTHING_ASKED,
) -> Inputs:
    """Read all inputs of a project.

    Parameters
    ----------
    project : Project
    selectors : mapping of str to tuple of str
        OpenStreetMap tag selectors of each facility layer.
    progress : Progress
    go_on : bool
        Return what could be read in spite of faults, with them, for a report.
    asked : Asked
        Attributes of facilities and figures of units that are known by name.

    Returns
    -------
    Inputs

    Raises
    ------
    InputError
        With the faults of all files, if there is any, unless told to go on.

    Examples
    --------
    >>> import datetime as dt
    >>> from servicecircle.progress import Silent
    >>> project = Project.model_validate({
    ...     "project": {"name": "town", "as_of": dt.date(2025, 12, 31)},
    ...     "boundaries": {"township": {"path": "none.geojson"}},
    ...     "facilities": {"canteen": {"path": "none.csv", "datum": "wgs84"}},
    ... })
    >>> try:
    ...     read_inputs(project, selectors={}, progress=Silent())
    ... except InputError as error:
    ...     print(*[problem.file for problem in error.problems])
    none.geojson none.csv
    """
    faults: list[Problem] = []
    problems: list[Problem] = []

    def attempt(read: Callable[[], _Read]) -> _Read | None:
        try:
            return read()
        except InputError as error:
            # What lies in no file of its own lies in the project's.
            faults.extend(
                problem if problem.file else replace(problem, file=project.file)
                for problem in error.problems
            )
            return None

    base = project.folder
    total = len(project.boundaries) + len(project.facilities)
    total += (project.roads is not None) + (project.population is not None)
    with progress.stage("reading", total) as advance:
        roads, terrain = None, NO_TERRAIN
        if (road_settings := project.roads) is not None:
            read = attempt(lambda: read_kept_roads(road_settings, base=base))
            if read is not None:
                roads = read[0]
                problems += read[1]
                lie = attempt(lambda: read_terrain(road_settings, read[0], base=base))
                terrain, found = lie or (NO_TERRAIN, [])
                problems += found
            advance(1)
        # Roads come first: a datum is tested against them.
        osm = osm_files(project, selectors)
        data = read_units(project, advance=advance, roads=roads, selectors=selectors, osm=osm)
        faults += data.faults
        problems += data.problems
        faults += _title_faults(project, asked)
        facilities = read_layers(
            project, selectors, data.units, roads, osm, attempt, advance, asked=asked
        )
        facilities = renew_facilities(project, facilities, data)
        problems += [problem for data in facilities.values() for problem in data.problems]
        staff = attempt(lambda: project_staff(project, data, facilities))
        statistics = attempt(lambda: project_statistics(project, data, asked))
        report = attempt(lambda: read_report_parts(project.report, base=base))
        basemap = attempt(lambda: read_basemap(project, barriers=terrain.barriers))
        problems += basemap[1] if basemap is not None else ()
        # That units are not known which were refused is no fault of these tables.
        problems += [
            problem
            for table in (staff, statistics)
            for problem in (table.problems if table is not None else ())
            if problem.code not in _UNKNOWN_UNITS or not data.refused
        ]
        population = None
        if (people := project.population) is not None:
            population = attempt(lambda: _people(project, people, data, roads, facilities, osm))
            problems += population.problems if population is not None else ()
            if people.units is not None and len(data.units):
                counted = data.units[data.units["level"] == people.units]
                problems += other_basis(counted, basis=people.basis, age_from=people.age_from)
            advance(1)
    problems += assumed_datums(project, data.units)
    if faults and not go_on:
        raise InputError(_first_causes(data, faults))
    proposals, shared = layer_proposals(facilities)
    return Inputs(
        changes=data.changes,
        matches=data.matches,
        unit_checks=data.checks,
        units=data.units,
        scopes=data.scopes,
        facilities=facilities,
        population=population,
        roads=roads,
        terrain=terrain,
        staff=staff,
        statistics=statistics,
        report=report or ReportParts(),
        basemap=basemap[0] if basemap is not None else NO_BASEMAP,
        problems=(*problems, *shared),
        files=input_files(project),
        proposals=proposals,
        faults=_first_causes(data, faults),
    )


def _first_causes(data: UnitData, faults: list[Problem]) -> tuple[Problem, ...]:
    """Leave out that units are missing which were refused: their own fault is told."""
    if not data.refused:
        return tuple(faults)
    later = {"population.no_level"}
    for kind in ("facility", "population"):
        later |= {f"{kind}.auto_needs_units", f"{kind}.datum_undecided"}
    return tuple(fault for fault in faults if fault.code not in later)


def _people(
    project: Project,
    settings: PopulationSettings,
    data: UnitData,
    roads: RawRoads | None,
    facilities: Mapping[str, FacilityData],
    osm: OsmFiles,
) -> PopulationData:
    known = None
    if settings.datum == "auto":
        known = surroundings(
            settings.datum_reference,
            file=settings.points.as_posix() if settings.points is not None else "",
            base=project.folder,
            units=data.units,
            roads=roads,
            facilities={name: one.frame for name, one in facilities.items()},
        )
    return read_population(
        settings,
        base=project.folder,
        units=data.units,
        known=known,
        osm=osm,
        renewal=data.renewal,
    )


def _title_faults(project: Project, asked: Asked) -> list[Problem]:
    known = (*title_keys(), *asked.attributes)
    return [
        project.fault("columns.unknown_title_key", ("titles", key), value=key, known=known)
        for key in project.titles
        if key not in known
    ]


_UNKNOWN_UNITS = ("staffing.unknown_unit", "statistics.unknown_unit")
