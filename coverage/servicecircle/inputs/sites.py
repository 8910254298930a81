"""What is read for a siting study: plots and buildings, excluded areas, slopes of the ground."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from servicecircle.errors import InputError
from servicecircle.inputs.attribute_words import AttributeWords, ListWords
from servicecircle.inputs.attributes import attribute_columns
from servicecircle.inputs.datum_layers import Known
from servicecircle.inputs.datum_reference import surroundings
from servicecircle.inputs.entrances import doors_in_wgs84
from servicecircle.inputs.facility_cells import Cells, codes, text_columns
from servicecircle.inputs.facility_places import Places, settle_places
from servicecircle.inputs.facility_sources import read_raw
from servicecircle.inputs.facility_values import number_columns
from servicecircle.inputs.load import Inputs
from servicecircle.inputs.old_grids import grid_of
from servicecircle.inputs.osm_extract import OsmSource
from servicecircle.inputs.raw_facilities import RawFacilities
from servicecircle.inputs.raw_roads import RawRoads
from servicecircle.inputs.shapes import areas_m2
from servicecircle.inputs.slopes import Slopes, slopes_of
from servicecircle.inputs.values import fold_width
from servicecircle.problems import Problem
from servicecircle.project import CandidateSettings, FacilitySettings, Project, ZoneSettings

__all__ = ["NO_SITES", "SiteList", "Sites", "read_sites", "site_ids"]

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Shapes = NDArray[np.object_]

WORDS = {
    "cost": AttributeWords(
        name="cost",
        zh="成本",
        en="cost",
        type="number",
        titles=("造价", "费用", "投资", "总投资", "建设成本", "投资额", "price"),
    ),
    "mandatory": AttributeWords(
        name="mandatory", zh="必选", en="mandatory", type="yes_no", titles=("必建", "required")
    ),
    "forbidden": AttributeWords(
        name="forbidden", zh="禁选", en="forbidden", type="yes_no", titles=("禁建", "excluded")
    ),
}
"""Columns of a list of candidates beyond those of every list."""
_FROM_PATH = (
    *("path", "sheet", "layer", "crs", "datum", "swap_axes", "towgs84", "local_grid"),
    *("datum_reference", "encoding", "columns", "only", "osm"),
)
_BUILDINGS = ("building=*+building!=no",)
_AREAS = (3, 6)


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class SiteList:
    """One list of candidates as read, in WGS84.

    Parameters
    ----------
    name : str
        Of its table in the project file.
    table : pandas.DataFrame
        site_id, code, name, lon, lat, cost, capacity (NaN: not stated), mandatory, forbidden,
        area_m2 (of the outline, NaN without one), source_row.
    doors : numpy.ndarray of shapely.Geometry, shape (n,)
        Outline or entrances of each row, None where it has one place alone.
    file : str
        As the project names it.
    small : int
        Rows left out for ``least_area_m2``.
    """

    name: str
    table: pd.DataFrame
    doors: Shapes
    file: str
    small: int = 0


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
        areas = barriers[np.isin(shapely.get_type_id(barriers), _AREAS)]
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
            lists[name], found = _read_list(project, inputs, name, listed)
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
    named = [one.path for one in settings.candidates.values()]
    named += [one.path for one in settings.zones.values()]
    return Sites(
        lists=lists,
        zones=zones,
        slope=slopes_of(project),
        roads=inputs.roads,
        problems=tuple(problems),
        files=tuple(dict.fromkeys(project.folder / path for path in named if path is not None)),
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


def _facility_settings(given: CandidateSettings | ZoneSettings) -> FacilitySettings:
    """Return the settings as those of a facility list, which is read by the same rules."""
    keys = [name for name in _FROM_PATH if name in type(given).model_fields]
    return FacilitySettings(**{name: getattr(given, name) for name in keys})


def _settled(
    project: Project,
    inputs: Inputs,
    settings: FacilitySettings,
    selectors: tuple[str, ...],
    words: ListWords,
) -> tuple[RawFacilities, Places, Shapes]:
    raw = read_raw(
        settings, base=project.folder, selectors=OsmSource(selectors=selectors), words=words
    )
    file = settings.path.as_posix()
    if not len(raw.frame):
        fault = Problem(code="input.empty_layer", severity="fatal", action="stopped", file=file)
        raise InputError([fault, *raw.problems[:5]])
    known = Known(units=inputs.units if len(inputs.units) else None)
    if settings.datum == "auto":
        known = surroundings(
            settings.datum_reference,
            file=file,
            base=project.folder,
            units=inputs.units,
            roads=inputs.roads,
            facilities={name: one.frame for name, one in inputs.facilities.items()},
        )
    grid = grid_of(settings)
    places = settle_places(raw, file=file, datum=settings.datum, grid=grid, known=known)
    return raw, places, doors_in_wgs84(raw, places, grid=grid, name=file)


def _read_list(
    project: Project, inputs: Inputs, name: str, listed: CandidateSettings
) -> tuple[SiteList, list[Problem]]:
    settings = _facility_settings(listed)
    buildings = listed.kind == "buildings" and not listed.osm
    selectors = _BUILDINGS if buildings else ()
    words = ListWords(titles=project.titles, attributes=WORDS)
    raw, places, doors = _settled(project, inputs, settings, selectors, words)
    cells = Cells(raw, settings.path.as_posix())
    problems = [*raw.problems, *places.problems]
    bad = places.fault != ""
    for fault in sorted(set(places.fault[bad].tolist())):
        problems += cells.problems(
            "site.no_place" if fault == "facility.no_place" else fault,
            places.fault == fault,
            title=raw.place,
            values=raw.given,
            severity="error",
            action="set_aside",
        )
    code, found = codes(cells, declared="code" in listed.columns)
    problems += found
    numbers, found = number_columns(cells, settings, ~bad)
    problems += [one for one in found if one.column == cells.title("capacity")]
    asked, found = attribute_columns(cells, WORDS, ~bad)
    problems += found
    nothing = np.full(bad.size, np.nan)
    flags = {
        key: asked[key].fillna(False).to_numpy(bool) if key in asked else np.zeros(bad.size, bool)
        for key in ("mandatory", "forbidden")
    }
    both = ~bad & flags["mandatory"] & flags["forbidden"]
    if both.any():
        raise InputError(
            cells.problems(
                "site.both",
                both,
                title=cells.title("forbidden"),
                values=text_columns(cells)["name"],
                severity="fatal",
                action="stopped",
            )
        )
    area = np.where(np.isin(shapely.get_type_id(doors), _AREAS), areas_m2(doors), np.nan)
    small = ~bad & (listed.least_area_m2 > 0.0) & ~(area >= listed.least_area_m2)
    use = np.flatnonzero(~bad & ~small)
    if not use.size:
        fault_of = Problem(
            code="input.empty_layer", severity="fatal", action="stopped", file=cells.file
        )
        aside = [one for one in problems if one.severity == "error"][:5]
        raise InputError([fault_of, *aside])
    names = text_columns(cells)["name"]
    table = pd.DataFrame(
        {
            "code": code,
            "name": names,
            "lon": places.lon,
            "lat": places.lat,
            "cost": asked["cost"].to_numpy(np.float64) if "cost" in asked else nothing,
            "capacity": numbers["capacity"],
            **flags,
            "area_m2": area,
            "source_row": pd.array(raw.rows, dtype="Int64"),
        }
    ).iloc[use]
    table.insert(0, "site_id", site_ids(name, table))
    return SiteList(
        name=name,
        table=table.reset_index(drop=True),
        doors=doors[use],
        file=cells.file,
        small=int(small.sum()),
    ), problems


def site_ids(name: str, table: pd.DataFrame) -> NDArray[np.object_]:
    """Return stable ids of places: by their code, else by their name and rounded place.

    Parameters
    ----------
    name : str
        Of the list, with which every id begins.
    table : pandas.DataFrame
        code, name, lon, lat.

    Examples
    --------
    >>> table = pd.DataFrame({
    ...     "code": ["A1", "A1", ""], "name": ["", "", "空地"],
    ...     "lon": [120.5, 120.6, 120.7], "lat": [30.5, 30.5, 30.5],
    ... })
    >>> site_ids("land", table).tolist()
    ['land:A1', 'land:A1#2', 'land:19122670']
    >>> site_ids("land", table.iloc[:0]).tolist()
    []
    """
    labels = []
    columns = (table[key].tolist() for key in ("code", "name", "lon", "lat"))
    for code, title, lon, lat in zip(*columns, strict=True):
        plain = re.sub(r"\s+", "", fold_width(title)).casefold()
        key = f"{plain}|{lon:.5f}|{lat:.5f}"
        labels.append(code or hashlib.blake2b(key.encode(), digest_size=4).hexdigest())
    own = pd.Series([f"{name}:{label}" for label in labels], dtype=object)
    times = own.groupby(own, sort=False).cumcount()
    again = [f"#{time + 1}" if time else "" for time in times.tolist()]
    return np.array([a + b for a, b in zip(own.tolist(), again, strict=True)], dtype=object)


def _read_zone(
    project: Project, inputs: Inputs, zone: ZoneSettings
) -> tuple[Shapes, list[Problem]]:
    settings = _facility_settings(zone)
    raw, places, doors = _settled(project, inputs, settings, (), ListWords())
    area = np.isin(shapely.get_type_id(doors), _AREAS)
    cells = Cells(raw, settings.path.as_posix())
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
        fault = Problem(
            code="input.empty_layer", severity="fatal", action="stopped", file=cells.file
        )
        raise InputError([fault, *problems[:5]])
    return doors[area], problems
