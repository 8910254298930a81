"""Read everything a project names, and report the faults of all files at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import geopandas as gpd
import pandas as pd

from servicecircle.errors import InputError
from servicecircle.inputs.boundaries import read_boundaries, read_scope
from servicecircle.inputs.facilities import FacilityData, read_facilities
from servicecircle.inputs.nesting import link_parents
from servicecircle.inputs.population import PopulationData, read_population
from servicecircle.inputs.raw_roads import RawRoads
from servicecircle.inputs.roads import read_roads
from servicecircle.problems import Problem
from servicecircle.progress import Progress
from servicecircle.project import LEVELS, Project

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
    """

    units: gpd.GeoDataFrame
    scopes: gpd.GeoDataFrame
    facilities: Mapping[str, FacilityData]
    population: PopulationData | None
    roads: RawRoads | None
    problems: tuple[Problem, ...]
    files: tuple[Path, ...]


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
    paths += [settings.path for settings in project.plans.values()]
    if project.roads is not None:
        paths.append(project.roads.path)
    if (people := project.population) is not None:
        paths += [people.raster, people.elderly_raster, people.points]
        paths += [people.buildings, people.residential]
    return tuple(dict.fromkeys(project.folder / path for path in paths if path is not None))


def read_inputs(
    project: Project, *, selectors: Mapping[str, tuple[str, ...]], progress: Progress
) -> Inputs:
    """Read all inputs of a project.

    Parameters
    ----------
    project : Project
    selectors : mapping of str to tuple of str
        OpenStreetMap tag selectors of each facility layer.
    progress : Progress

    Returns
    -------
    Inputs

    Raises
    ------
    InputError
        With the faults of all files, if there is any.

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
            faults.extend(error.problems)
            return None

    base = project.folder
    frames: list[gpd.GeoDataFrame] = []
    scopes: list[gpd.GeoDataFrame] = []
    total = len(project.boundaries) + len(project.facilities)
    total += (project.roads is not None) + (project.population is not None)
    with progress.stage("reading", total) as advance:
        for name, settings in project.boundaries.items():
            if name in LEVELS:
                units = attempt(lambda: read_boundaries(settings, level=name, base=base))  # noqa: B023 - called at once
                if units is not None:
                    frames.append(units[0])
                    problems += units[1]
            else:
                scope = attempt(lambda: read_scope(settings, scope=name, base=base))  # noqa: B023 - called at once
                if scope is not None:
                    scopes.append(scope[0])
                    problems += scope[1]
            advance(1)
        units_table = _levels_in_order(frames)
        if not faults and len(units_table):
            units_table, found = link_parents(units_table)
            problems += found
        facilities: dict[str, FacilityData] = {}
        for name, settings_of in project.facilities.items():
            data = attempt(
                lambda: read_facilities(
                    settings_of,  # noqa: B023 - called at once
                    layer=name,  # noqa: B023 - called at once
                    base=base,
                    invented=project.project.invented or settings_of.invented,  # noqa: B023 - called at once
                    selectors=selectors.get(name, ()),  # noqa: B023 - called at once
                    units=units_table if len(units_table) else None,
                )
            )
            if data is not None:
                facilities[name] = data
                problems += data.problems
            advance(1)
        population = None
        if (people := project.population) is not None:
            population = attempt(lambda: read_population(people, base=base, units=units_table))
            problems += population.problems if population is not None else ()
            advance(1)
        roads = None
        if (road_settings := project.roads) is not None:
            read = attempt(lambda: read_roads(road_settings, base=base))
            if read is not None:
                roads = read[0]
                problems += read[1]
            advance(1)
    if faults:
        refused = len(frames) < sum(name in LEVELS for name in project.boundaries)
        raise InputError(_first_causes(faults) if refused else faults)
    return Inputs(
        units=units_table,
        scopes=_scopes(scopes),
        facilities=facilities,
        population=population,
        roads=roads,
        problems=tuple(problems),
        files=input_files(project),
    )


def _first_causes(faults: list[Problem]) -> list[Problem]:
    """Leave out that units are missing which were refused: their own fault is told."""
    return [fault for fault in faults if fault.code != "population.no_level"]


def _levels_in_order(frames: list[gpd.GeoDataFrame]) -> gpd.GeoDataFrame:
    if not frames:
        return gpd.GeoDataFrame({"unit_id": [], "level": []}, geometry=[], crs="EPSG:4326")
    rank = {level: number for number, level in enumerate(LEVELS)}
    frames = sorted(frames, key=lambda frame: rank[frame["level"].iloc[0]])
    return gpd.GeoDataFrame(
        pd.concat(frames, ignore_index=True), geometry="geometry", crs="EPSG:4326"
    )


def _scopes(frames: list[gpd.GeoDataFrame]) -> gpd.GeoDataFrame:
    """Return the scopes, all polygons of one name as one."""
    if not frames:
        return gpd.GeoDataFrame({"scope": [], "name": []}, geometry=[], crs="EPSG:4326")
    table = gpd.GeoDataFrame(
        pd.concat(frames, ignore_index=True), geometry="geometry", crs="EPSG:4326"
    )
    return table.dissolve(by=["scope", "name"], sort=False).reset_index()[list(table.columns)]
