"""All boundaries of a project: read, brought to its date, linked, measured and checked."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial

import geopandas as gpd
import pandas as pd

from servicecircle.errors import InputError
from servicecircle.inputs.boundaries import (
    UNIT_TABLE,
    read_boundaries,
    read_scope,
    read_unit_rows,
)
from servicecircle.inputs.carried_totals import Renewal
from servicecircle.inputs.change_checks import unknown_units
from servicecircle.inputs.change_rows import read_changes
from servicecircle.inputs.changed_references import renew_references
from servicecircle.inputs.changes import NO_CHANGES, Changes
from servicecircle.inputs.code_lists import check_codes, read_codes
from servicecircle.inputs.datum_layers import Known, Reference
from servicecircle.inputs.datum_reference import (
    facility_reference,
    find_reference,
    unit_reference,
)
from servicecircle.inputs.facilities import FacilityData, read_facilities
from servicecircle.inputs.nesting import link_parents
from servicecircle.inputs.osm_extract import OsmFiles
from servicecircle.inputs.raw_roads import RawRoads
from servicecircle.inputs.topology import measure_topology
from servicecircle.inputs.unit_matches import no_matches
from servicecircle.problems import Problem
from servicecircle.progress import Advance
from servicecircle.project import DRAWN_LEVELS, LEVELS, BoundarySettings, Project

__all__ = ["UnitData", "read_units", "renew_facilities"]


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class UnitData:
    """The units of a project.

    Parameters
    ----------
    units : geopandas.GeoDataFrame
        Of all levels that could be read, from the highest; linked to their parents if all could.
    scopes : geopandas.GeoDataFrame
        scope, name, geometry.
    changes : Changes
    matches : pandas.DataFrame
        Entries of official lists that units may have become.
    checks : mapping
        For the record: ``topology`` by level, ``codes`` by level, rows of ``changes``.
    problems : list of Problem
    faults : list of Problem
        Of files that were refused.
    refused : bool
        Whether a level could not be read.
    renewal : Renewal, optional
        What brings official figures of an earlier date to these units.
    """

    units: gpd.GeoDataFrame
    scopes: gpd.GeoDataFrame
    changes: Changes
    matches: pd.DataFrame
    checks: Mapping[str, object]
    problems: list[Problem]
    faults: list[Problem]
    refused: bool
    renewal: Renewal | None = None


def read_units(
    project: Project,
    *,
    advance: Advance,
    roads: RawRoads | None = None,
    selectors: Mapping[str, tuple[str, ...]] | None = None,
    osm: OsmFiles | None = None,
) -> UnitData:
    """Read change tables, boundaries, scopes and lists of codes.

    Parameters
    ----------
    project : Project
    advance : callable
        Told of every boundary file.
    roads : RawRoads, optional
        For boundaries whose datum is to be tested.
    selectors : mapping of str to tuple of str, optional
        OpenStreetMap tags of the facility layers, for one that a datum is tested against.
    osm : OsmFiles, optional
        Where an OpenStreetMap file is read for several layers at once.

    Returns
    -------
    UnitData
        Faults of files are in it, not raised.

    Examples
    --------
    >>> import datetime as dt
    >>> project = Project.model_validate({
    ...     "project": {"name": "town", "as_of": dt.date(2025, 12, 31)},
    ...     "boundaries": {"township": {"path": "none.geojson"}},
    ...     "facilities": {"canteen": {"path": "none.csv", "datum": "wgs84"}},
    ... })
    >>> data = read_units(project, advance=lambda steps: None)
    >>> len(data.units), [fault.code for fault in data.faults], data.refused
    (0, ['input.missing_file'], True)
    """
    faults: list[Problem] = []
    problems: list[Problem] = []
    changes, counts = NO_CHANGES, dict[str, int]()
    try:
        changes, counts, problems = read_changes(project.changes, base=project.folder)
    except InputError as error:
        faults += error.problems
    frames: dict[bool, list[gpd.GeoDataFrame]] = {True: [], False: []}
    stands: dict[str, tuple[str, int]] = {}
    wanted = 0
    # Boundaries of a declared datum come first: the others are tested against them.
    for name, settings in sorted(
        project.boundaries.items(), key=lambda item: item[1].datum == "auto"
    ):
        is_level = name in LEVELS or name in DRAWN_LEVELS
        wanted += is_level
        try:
            known = _known(project, settings, frames, roads=roads, selectors=selectors or {})
            if is_level:
                numbered, found = read_unit_rows(
                    settings,
                    level=name,
                    base=project.folder,
                    changes=changes,
                    as_of=project.project.as_of,
                    known=known,
                    osm=osm,
                )
                file = settings.path.as_posix()
                stands |= {
                    unit: (file, int(row))
                    for unit, row in zip(numbered["unit_id"], numbered["row"], strict=True)
                }
                frame = numbered.drop(columns="row")
            else:
                frame, found = read_scope(settings, scope=name, base=project.folder, known=known)
            frames[is_level].append(frame)
            problems += found
        except InputError as error:
            faults += error.problems
        advance(1)
    units = _levels_in_order(frames[True])
    topology: Mapping[str, object] = {}
    if not faults and len(units):
        units, found = link_parents(units)
        topology, measured = measure_topology(units)
        problems += _located([*found, *measured], project, units, stands)
        problems += unknown_units(changes, units, as_of=project.project.as_of)
    outlines, found = _earlier_outlines(project, faults)
    problems += found
    people = project.population
    renewal = Renewal(
        as_of=project.project.as_of,
        changes=changes,
        since=None if people is None else people.totals_date,
        outlines=outlines,
    )
    matches, codes, found = _check_lists(project, units, faults, stands=stands)
    return UnitData(
        units=units,
        scopes=_scopes(frames[False]),
        changes=changes,
        matches=matches,
        checks={"topology": topology, "changes": counts, "codes": codes},
        problems=problems + found,
        faults=faults,
        refused=len(frames[True]) < wanted,
        renewal=renewal,
    )


def _located(
    problems: list[Problem],
    project: Project,
    units: gpd.GeoDataFrame,
    stands: Mapping[str, tuple[str, int]],
) -> list[Problem]:
    """Name the file of what is wrong with units of a level, and the row where one unit is meant."""
    called = units["name"].where(units["name"] != "", units["code"])
    rows: dict[tuple[str, str], list[str]] = {}
    for unit, level, name in zip(units["unit_id"], units["level"], called, strict=True):
        rows.setdefault((level, name), []).append(unit)
    located = []
    for problem in problems:
        level = problem.column
        if problem.file or level not in project.boundaries:
            located.append(problem)
            continue
        meant = rows.get((level, problem.value), [])
        row = stands[meant[0]][1] if len(meant) == 1 and meant[0] in stands else None
        file = project.boundaries[level].path.as_posix()
        located.append(replace(problem, file=file, row=row))
    return located


def _earlier_outlines(
    project: Project, faults: list[Problem]
) -> tuple[dict[str, gpd.GeoDataFrame], list[Problem]]:
    """Read the outlines of split units of an earlier date; faults are added to those given."""
    outlines: dict[str, gpd.GeoDataFrame] = {}
    problems: list[Problem] = []
    for level, settings in {} if project.changes is None else project.changes.outlines.items():
        try:
            outlines[level], found = read_boundaries(settings, level=level, base=project.folder)
            problems += found
        except InputError as error:
            faults += error.problems
    return outlines, problems


def _known(
    project: Project,
    settings: BoundarySettings,
    frames: Mapping[bool, list[gpd.GeoDataFrame]],
    *,
    roads: RawRoads | None,
    selectors: Mapping[str, tuple[str, ...]],
) -> Known:
    """Return what is known of the area when a boundary file is read."""
    layers: dict[str, Callable[[], Reference]] = {}
    for frame in frames[True]:
        level = str(frame["level"].iloc[0])
        layers[level] = partial(unit_reference, frame, label=level)
    for name, listed in project.facilities.items():
        if listed.datum != "auto":
            layers[name] = partial(_facilities, project, name, selectors.get(name, ()))
    reference = find_reference(
        settings.datum_reference,
        base=project.folder,
        layers=layers,
        file=settings.path.as_posix(),
    )
    units = _levels_in_order(frames[True])
    return Known(units=units if len(units) else None, roads=roads, reference=reference)


def _facilities(project: Project, layer: str, selectors: tuple[str, ...]) -> Reference:
    settings = project.facilities[layer]
    data = read_facilities(settings, layer=layer, base=project.folder, selectors=selectors)
    return facility_reference(data.frame, label=layer)


def _check_lists(
    project: Project,
    units: gpd.GeoDataFrame,
    faults: list[Problem],
    *,
    stands: Mapping[str, tuple[str, int]],
) -> tuple[pd.DataFrame, dict[str, object], list[Problem]]:
    """Check units against official lists; faults of files are added to those given."""
    tables: list[pd.DataFrame] = []
    counts: dict[str, object] = {}
    problems: list[Problem] = []
    for level, settings in project.codes.items():
        try:
            listed, found = read_codes(settings, level=level, base=project.folder)
        except InputError as error:
            faults += error.problems
            continue
        problems += found
        if len(units):
            matches, counts[level], found = check_codes(
                units, listed, settings, level=level, stands=stands
            )
            tables += [matches] if len(matches) else []
            problems += found
    return pd.concat(tables, ignore_index=True) if tables else no_matches(), counts, problems


def _levels_in_order(frames: list[gpd.GeoDataFrame]) -> gpd.GeoDataFrame:
    if not frames:
        columns = {column: pd.Series(dtype="object") for column in UNIT_TABLE}
        return gpd.GeoDataFrame(columns, geometry=[], crs="EPSG:4326")
    rank = {level: number for number, level in enumerate((*LEVELS, *DRAWN_LEVELS))}
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


def renew_facilities(
    project: Project, facilities: Mapping[str, FacilityData], data: UnitData
) -> dict[str, FacilityData]:
    """Return the facilities, the units that they name followed to those of the project.

    Parameters
    ----------
    project : Project
    facilities : mapping of str to FacilityData
        By layer.
    data : UnitData

    Examples
    --------
    >>> import datetime as dt
    >>> nothing = gpd.GeoDataFrame({"unit_id": []}, geometry=[], crs=4326)
    >>> data = UnitData(
    ...     units=nothing, scopes=nothing, changes=NO_CHANGES, matches=no_matches(), checks={},
    ...     problems=[], faults=[], refused=False,
    ... )
    >>> project = Project.model_validate({
    ...     "project": {"name": "town", "as_of": dt.date(2025, 12, 31)},
    ...     "boundaries": {"township": {"path": "none.geojson"}},
    ...     "facilities": {"canteen": {"path": "none.csv", "datum": "wgs84"}},
    ... })
    >>> renew_facilities(project, {}, data)
    {}
    """
    if not data.changes or data.faults:
        return dict(facilities)
    done: dict[str, FacilityData] = {}
    for name, layer in facilities.items():
        settings = project.facilities[name]
        frame, problems = renew_references(
            layer.frame,
            data.units,
            data.changes,
            as_of=project.project.as_of,
            since=settings.units_date,
            levels=(settings.unit_level, settings.serves_level),
        )
        done[name] = replace(layer, frame=frame, problems=(*layer.problems, *problems))
    return done
