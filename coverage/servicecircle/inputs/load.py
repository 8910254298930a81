"""Read everything a project names, and report the faults of all files at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeVar

import geopandas as gpd
import pandas as pd

from servicecircle.errors import InputError
from servicecircle.inputs.addresses import AddressBook, address_book
from servicecircle.inputs.asked import NOTHING_ASKED, Asked
from servicecircle.inputs.assumed import assumed_datums
from servicecircle.inputs.attribute_words import ListWords
from servicecircle.inputs.changes import NO_CHANGES, Changes
from servicecircle.inputs.columns import title_keys
from servicecircle.inputs.datum_reference import surroundings
from servicecircle.inputs.duplicates import (
    no_proposals,
    propose_shared_places,
    shared_place_problems,
)
from servicecircle.inputs.facilities import FacilityData, read_facilities
from servicecircle.inputs.geocoding import geocoder
from servicecircle.inputs.kept_roads import read_kept_roads
from servicecircle.inputs.osm_extract import OsmFiles, OsmSource
from servicecircle.inputs.population import PopulationData, read_population
from servicecircle.inputs.project_osm import osm_files
from servicecircle.inputs.raw_roads import RawRoads
from servicecircle.inputs.roads import road_files
from servicecircle.inputs.staff import StaffData, read_staff
from servicecircle.inputs.statistics import Area, StatisticData, read_statistics
from servicecircle.inputs.terrain import NO_TERRAIN, Terrain, read_terrain
from servicecircle.inputs.unit_layers import UnitData, read_units, renew_facilities
from servicecircle.inputs.unit_matches import no_matches
from servicecircle.inputs.unit_rows import other_basis
from servicecircle.problems import Problem
from servicecircle.progress import Advance, Progress
from servicecircle.project import LEVELS, PopulationSettings, Project

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
        facilities = _layers(
            project, selectors, data.units, roads, osm, attempt, advance, asked=asked
        )
        facilities = renew_facilities(project, facilities, data)
        problems += [problem for data in facilities.values() for problem in data.problems]
        staff = attempt(lambda: _staff(project, data, facilities))
        statistics = attempt(lambda: _statistics(project, data, asked))
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
    proposals, shared = _proposals(facilities)
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


def _layers(
    project: Project,
    selectors: Mapping[str, tuple[str, ...]],
    units: gpd.GeoDataFrame,
    roads: RawRoads | None,
    osm: OsmFiles,
    attempt: Callable[[Callable[[], FacilityData]], FacilityData | None],
    advance: Advance,
    *,
    asked: Asked,
) -> dict[str, FacilityData]:
    """Read the facilities of every layer; one that is refused is left out."""
    addresses = _addresses(project, units, roads)
    facilities: dict[str, FacilityData] = {}
    # Layers of a declared datum come first: the others may be tested against them.
    order = sorted(project.facilities.items(), key=lambda item: item[1].datum == "auto")
    for name, settings in order:
        data = attempt(
            lambda: read_facilities(
                settings,  # noqa: B023 - called at once
                layer=name,  # noqa: B023 - called at once
                base=project.folder,
                invented=project.project.invented or settings.invented,  # noqa: B023 - called at once
                selectors=OsmSource(
                    selectors=selectors.get(name, ()),  # noqa: B023 - called at once
                    files=osm,
                ),
                units=surroundings(
                    settings.datum_reference,  # noqa: B023 - called at once
                    file=settings.path.as_posix(),  # noqa: B023 - called at once
                    base=project.folder,
                    units=units,
                    roads=roads,
                    facilities={other: one.frame for other, one in facilities.items()},
                ),
                addresses=addresses,
                words=ListWords(titles=project.titles, attributes=asked.attributes),
            )
        )
        if data is not None:
            facilities[name] = data
        advance(1)
    return {name: facilities[name] for name in project.facilities if name in facilities}


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


def _staff(
    project: Project, data: UnitData, facilities: Mapping[str, FacilityData]
) -> StaffData | None:
    if project.staff is None:
        return None
    return read_staff(
        project.staff,
        base=project.folder,
        units=data.units,
        facilities={name: layer.frame for name, layer in facilities.items()},
        as_of=project.project.as_of,
        invented=project.project.invented,
        changes=data.changes,
    )


_UNKNOWN_UNITS = ("staffing.unknown_unit", "statistics.unknown_unit")


def _statistics(project: Project, data: UnitData, asked: Asked) -> StatisticData | None:
    settings = project.statistics
    if settings is None:
        return None
    if project.project.invented and not settings.invented:
        settings = settings.model_copy(update={"invented": True})
    return read_statistics(
        settings,
        base=project.folder,
        units=data.units,
        as_of=project.project.as_of,
        figures=asked.figures,
        area=Area(name=project.project.name, level=_area_level(project, data.units)),
        changes=data.changes,
    )


def _area_level(project: Project, units: pd.DataFrame) -> str:
    """Return the level of the whole area: as declared, else by its units; "" unknown.

    One unit of the coarsest level supplied is the area; of several it is one level higher.
    """
    declared = {plan.level for plan in project.plans.values() if plan.level is not None}
    if len(declared) == 1:
        return str(declared.pop())
    for at, level in enumerate(LEVELS):
        count = int((units["level"] == level).sum())
        if count:
            return level if count == 1 or at == 0 else LEVELS[at - 1]
    return ""


def _addresses(
    project: Project, units: gpd.GeoDataFrame, roads: RawRoads | None
) -> AddressBook | None:
    """Return what addresses are looked up in, where a layer asks for it."""
    ways = {way for settings in project.facilities.values() for way in settings.place_by}
    if not ways or not len(units):
        return None
    service = project.geocode if "geocoder" in ways else None
    return address_book(
        units,
        roads=roads if "street" in ways else None,
        geocode=None if service is None else geocoder(service),
    )


def _proposals(facilities: Mapping[str, FacilityData]) -> tuple[pd.DataFrame, list[Problem]]:
    """Return the duplicates proposed within layers, then the places that layers share."""
    # Two facilities in the middle of one unit do not share a place.
    across = propose_shared_places(
        {
            name: data.frame[(data.frame["placed_by"] == "coordinates").to_numpy(bool)]
            for name, data in facilities.items()
        }
    )
    tables = [*(data.proposals for data in facilities.values()), across]
    tables = [table for table in tables if len(table)]
    whole = pd.concat(tables, ignore_index=True) if tables else no_proposals()
    return whole, shared_place_problems(across)
