"""The project file: what a run reads, and every choice that changes a result.

The models are the one description of the TOML file; unknown keys are errors that suggest the
nearest known one, and all faults of a file are reported together with their lines.
"""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PrivateAttr,
    ValidationError,
    model_validator,
)

from servicecircle.errors import ProjectError
from servicecircle.problems import Problem, nearest_name
from servicecircle.toml_files import (
    BrokenRule,
    Location,
    key_lines,
    model_faults,
    parse_toml,
    pruned,
    read_bytes,
    row_of,
    with_changes,
)

__all__ = [
    "AssignmentSettings",
    "BoundarySettings",
    "CatchmentSettings",
    "ChangeSettings",
    "ClusterSettings",
    "CodeSettings",
    "EquitySettings",
    "FacilitySettings",
    "GeocodeSettings",
    "LayerSettings",
    "LocalGrid",
    "MonteCarloSettings",
    "NetworkSettings",
    "PlanSettings",
    "PopulationSettings",
    "Project",
    "ProjectSettings",
    "RoadSettings",
    "RuleSettings",
    "StaffSettings",
    "StatisticsSettings",
    "load_project",
    "salvage_project",
]

Datum = Literal["wgs84", "cgcs2000", "gcj02", "bd09", "auto"]
Level = Literal["province", "prefecture", "county", "township", "village_level"]
LEVELS: tuple[Level, ...] = ("province", "prefecture", "county", "township", "village_level")
ClusterLevel = Literal["planning_unit", "big_community"]
DrawnLevel = Literal["planning_unit", "big_community", "residential_estate", "industrial_cluster"]
DRAWN_LEVELS: tuple[DrawnLevel, ...] = (
    "planning_unit",
    "big_community",
    "residential_estate",
    "industrial_cluster",
)
"""Levels of units that no administration has: they may leave gaps, and lie in no other unit."""
_PRUNINGS = 5
_LONGEST_NAME = 255
_SHOWN = 60
ProfileName = Literal["walk", "elderly", "wheelchair", "ebike", "cycle", "drive"]


def _path(value: object) -> object:
    return Path(value) if isinstance(value, str) and value.strip() else value


def _short_enough(path: Path) -> Path:
    """Refuse a path that no file system takes, and that asking for would be an error of."""
    if any(len(os.fsencode(part)) > _LONGEST_NAME for part in path.parts) or "\0" in str(path):
        shown = str(path).replace("\0", "\N{REPLACEMENT CHARACTER}")[:_SHOWN]
        raise BrokenRule("project.bad_path", path=shown, most=_LONGEST_NAME)
    return path


def _paths(value: object) -> object:
    found = [value] if isinstance(value, str) else value
    return [_path(item) for item in found] if isinstance(found, list) else found


FilePath = Annotated[Path, BeforeValidator(_path), AfterValidator(_short_enough)]
FilePaths = Annotated[
    list[Annotated[Path, AfterValidator(_short_enough)]],
    BeforeValidator(_paths),
    Field(min_length=1),
]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
NotNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class _Settings(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class ProjectSettings(_Settings):
    """``[project]``: name, date of judgement, language."""

    name: str = Field(min_length=1)
    as_of: dt.date
    language: Literal["zh", "en"] = "zh"
    profile: ProfileName = "walk"
    invented: bool = False
    """Everything in this project is invented (a demo); said in every output."""


class PlanSettings(_Settings):
    """``[plans.NAME]``: a packaged plan, or one of the user's own by ``path``."""

    path: FilePath | None = None
    area: Literal["part", "whole"]
    """Whether the project covers the whole area of the plan or a part of it."""
    level: Level | None = None
    """Level of the project's own area, where it is not the plan's (a county in a province)."""
    pins: dict[str, Literal["straight", "network"]] = {}
    """Indicator id → the meaning of distance to judge by."""
    anyway: list[str] = []
    """Indicators to judge although their clause speaks of other areas."""
    norms: dict[str, Positive] = {}
    """Indicator id → a norm that the plan leaves to another document."""


class LocalGrid(_Settings):
    """E = dx + scale (x cos r - y sin r), N = dy + scale (x sin r + y cos r)."""

    dx: float = Field(allow_inf_nan=False)
    dy: float = Field(allow_inf_nan=False)
    rotation_degrees: float = Field(default=0.0, allow_inf_nan=False)
    scale: Positive = 1.0


class BoundarySettings(_Settings):
    """``[boundaries.LEVEL]``: polygons of one level, or of a named scope."""

    path: FilePath
    layer: str | None = None
    crs: str | None = None
    """Declares the CRS of a file that states none."""
    datum: Datum | None = None
    swap_axes: bool = False
    """The file has latitude or northing first."""
    towgs84: list[float] = []
    """Parameters of an old datum: dx, dy, dz, or dx, dy, dz, rx, ry, rz, s, as PROJ's."""
    local_grid: LocalGrid | None = None
    """Of a town's own grid: how its coordinates become those of ``crs``."""
    datum_reference: str | None = None
    """For ``datum = "auto"``: a level, a facility layer or a file whose datum is known."""
    encoding: str | None = None
    admin_level: int | None = Field(default=None, ge=1, le=12)
    """For .osm and .osm.pbf: which ``boundary=administrative`` relations."""
    columns: dict[str, str] = {}
    """Unit column (code, name, parent, type, population, elderly …) → column of the file."""
    default_type: Literal["", "community", "village"] = ""
    should_have_not: dict[str, list[str]] = {}
    """Column → values whose units need have nothing (farms, reservoirs)."""
    urban: dict[str, list[str]] = {}
    """Column → values whose units are urban."""
    date: dt.date | None = None
    """Date of the outlines: changes of units after it are made up for."""
    credit: str = ""
    """What the source asks to be said wherever the results are shown."""
    invented: bool = False


class ChangeSettings(_Settings):
    """``[changes]``: what became of units that were renamed, merged, split or moved."""

    path: FilePaths
    sheet: str | None = None
    encoding: str | None = None
    columns: dict[str, str] = {}
    """Column of a change table (old_code, new_code, kind, date …) → column of the file."""
    outlines: dict[Level, BoundarySettings] = {}
    """Level → outlines of an earlier date: people inside them tell how a split is shared out."""


class CodeSettings(_Settings):
    """``[codes.LEVEL]``: an official list to check the units of a level against."""

    path: FilePath
    sheet: str | None = None
    encoding: str | None = None
    datum: Datum | None = None
    """Of the list's coordinates, where it has any."""
    columns: dict[str, str] = {}
    """code, name, parent, lon, lat → column of the file."""
    date: dt.date | None = None
    """Date of the list, which proposed changes bear."""
    score: Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)] = 0.6
    """A unit without a match of at least this score is unresolved."""


class RoadSettings(_Settings):
    """``[roads]``: the network to travel on."""

    path: FilePath
    layer: str | None = None
    crs: str | None = None
    datum: Datum | None = None
    swap_axes: bool = False
    """A line layer has latitude or northing first."""
    towgs84: list[float] = []
    """Parameters of the old datum of a line layer, as PROJ's."""
    local_grid: LocalGrid | None = None
    """Of a line layer in a town's own grid: how its coordinates become those of ``crs``."""
    encoding: str | None = None
    class_column: str | None = None
    """Column of a line layer with the road class, read as OSM's ``highway``."""
    all_walkable: bool = False
    """Take every line as walkable, whatever its class."""
    gated: Literal["closed", "destination", "open"] = "closed"
    """Private ways and gates: closed, open, or open to those who start or end their way there."""
    ferries: bool = False
    """Take ferries of OpenStreetMap data as part of the network."""
    node_crossings: bool = False
    """Lines of a layer touch wherever they cross on one level."""
    level_columns: list[str] = []
    """Columns by which lines of different levels are told; else layer, bridge and tunnel."""
    join_m: NotNegative = 0.0
    """Ends of lines of a layer are joined to another line this near; 0 joins none."""
    dem: FilePath | None = None
    """Raster of heights of the ground in metres, for slopes."""
    barriers: FilePath | None = None
    """Lines and areas (water, railways) that no access leg crosses."""
    credit: str = ""
    invented: bool = False


class PopulationSettings(_Settings):
    """``[population]``: one of a raster, units' columns spread over shapes, or points."""

    raster: FilePath | None = None
    elderly_raster: FilePath | None = None
    kind: Literal["count", "density_km2"] | None = None
    """What a cell of the raster holds: people, or people per square kilometre."""
    raster_holds: Literal["population", "elderly"] = "population"
    """``elderly`` when the only raster there is counts the elderly alone."""
    elderly: Literal["units", "ages"] | None = None
    """The share of elderly of the units' columns, or age groups of the table of points."""
    calibrate: Level | None = None
    """Level whose official figures the cells of the raster are scaled to."""
    totals: FilePath | None = None
    """Table of official figures of that level; else the units' own columns."""
    totals_date: dt.date | None = None
    """Date whose units the table names; changes after it are followed."""
    most_cells: int = Field(default=4_000_000_000, gt=0)
    """A raster with more cells to read is refused."""
    most_points: int = Field(default=100_000_000, gt=0)
    """A raster with more cells that hold people is refused."""
    points: FilePath | None = None
    units: Level | None = None
    """Level whose columns population and elderly are spread."""
    total: NotNegative | None = None
    """People in the whole area, to be spread when no unit has a column."""
    elderly_total: NotNegative | None = None
    spread: Literal["buildings", "residential", "centroid"] | None = None
    buildings: FilePath | None = None
    residential: FilePath | None = None
    crs: str | None = None
    datum: Datum | None = None
    swap_axes: bool = False
    """The points or shapes have latitude or northing first."""
    towgs84: list[float] = []
    """Parameters of an old datum: dx, dy, dz, or dx, dy, dz, rx, ry, rz, s, as PROJ's."""
    local_grid: LocalGrid | None = None
    """Of a town's own grid: how the coordinates of points or shapes become those of ``crs``."""
    datum_reference: str | None = None
    """For ``datum = "auto"``: a level, a facility layer or a file whose datum is known."""
    encoding: str | None = None
    columns: dict[str, str] = {}
    """For points and totals: lon, lat, population, elderly, id, code, name → column of the file."""
    basis: Literal["resident", "registered"]
    date: dt.date
    age_from: int = Field(default=60, ge=0, le=120)
    """Age from which ``elderly`` counts."""
    credit: str = ""
    invented: bool = False

    @model_validator(mode="after")
    def _one_source(self) -> PopulationSettings:
        sources = [
            name
            for name, given in (
                ("raster", self.raster),
                ("points", self.points),
                ("units", self.units),
                ("total", self.total),
            )
            if given is not None
        ]
        if len(sources) != 1:
            found = ", ".join(sources) or "–"
            raise BrokenRule("project.population_source", found=found)
        if self.raster is not None and self.kind is None:
            raise BrokenRule("project.population_kind")
        if sources[0] in ("units", "total") and self.spread is None:
            raise BrokenRule("project.population_spread")
        for spread, given in (("buildings", self.buildings), ("residential", self.residential)):
            if self.spread == spread and given is None:
                raise BrokenRule("project.population_places", spread=spread)
        if self.calibrate is not None and self.raster is None:
            raise BrokenRule("project.population_calibrate", found=sources[0])
        official = self.totals is not None or self.totals_date is not None
        if official and (self.calibrate is None or self.totals is None):
            raise BrokenRule("project.population_totals")
        no_shares = sources[0] in ("units", "total") or self.raster_holds == "elderly"
        if self.elderly == "units" and (no_shares or self.elderly_raster is not None):
            raise BrokenRule("project.population_elderly_units")
        if self.elderly == "ages" and self.points is None:
            raise BrokenRule("project.population_elderly_ages", found=sources[0])
        return self


class FacilitySettings(_Settings):
    """``[facilities.LAYER]``: one list of facilities."""

    path: FilePath
    sheet: str | None = None
    layer: str | None = None
    """Layer of a GeoPackage."""
    crs: str | None = None
    datum: Datum | None = None
    swap_axes: bool = False
    """The file has latitude or northing first."""
    towgs84: list[float] = []
    """Parameters of an old datum: dx, dy, dz, or dx, dy, dz, rx, ry, rz, s, as PROJ's."""
    local_grid: LocalGrid | None = None
    """Of a town's own grid: how its coordinates become those of ``crs``."""
    datum_reference: str | None = None
    """For ``datum = "auto"``: a level, a facility layer or a file whose datum is known."""
    encoding: str | None = None
    profile: ProfileName | None = None
    columns: dict[str, str] = {}
    """Facility column (name, lon, lat, capacity, unit …) → column of the file."""
    capacity_sum: list[str] = []
    """Columns of the file to add up to the capacity."""
    fill_down: list[str] = []
    """Columns of the file written once for the rows below, whose blanks take the value above."""
    only: dict[str, Annotated[list[str], Field(min_length=1)]] = {}
    """Column of the file → values: rows with others are left out; ``*`` stands for any text."""
    osm: list[str] = []
    """For .osm and .osm.pbf: tag selectors beyond the registry's, ``key=value+key=value``."""
    entrances: FilePath | None = None
    """Table or layer of entrances: code or name of the facility and a place, a row each."""
    serves_level: Level | None = None
    """Level of the units named in ``serves``."""
    unit_level: Level | None = None
    """Level of the declared unit."""
    units_date: dt.date | None = None
    """Date whose units the list names; changes after it are followed."""
    place_by: list[Literal["geocoder", "street", "village", "township", "county"]] = []
    """Ways to place rows without coordinates by their address; of several the most exact."""
    position_error_m: NotNegative = 0.0
    """Known error of the coordinates of the list."""
    far_km: Positive = 30.0
    """A place farther than this from the box around all units is not used."""
    partial_dates: Literal["first", "last"] = "first"
    """The day that stands for a year or a month alone."""
    circles: bool = True
    count_only: bool = False
    """Only count the facilities of each unit; measure no travel that no rule of a plan asks for."""
    direction: Literal["to", "from"] = "to"
    """Whether people travel to the facility, or it comes to them."""
    duplicates: Literal["flag", "merge"] = "flag"
    """What becomes of a row with the name and the place of an earlier one of the layer."""
    credit: str = ""
    invented: bool = False
    """The sites are stand-ins, said in every output that rests on them."""
    max_unpacked_mb: Positive = 500.0
    """Most megabytes that a workbook may unpack to."""


class StaffSettings(_Settings):
    """``[staff]``: people who work in units and facilities, by role."""

    path: FilePath
    sheet: str | None = None
    encoding: str | None = None
    columns: dict[str, str] = {}
    """Staff column (unit, facility, role, count, date …) → column of the file."""
    roles: dict[str, str] = {}
    """Role → column of the file that holds its number, where each role has its own."""
    unit_level: Level | None = None
    """Level of the units named."""
    units_date: dt.date | None = None
    """Date whose units rows without a date of their own name; changes after it are followed."""
    credit: str = ""
    invented: bool = False

    @model_validator(mode="after")
    def _one_shape(self) -> StaffSettings:
        both = sorted({"role", "count"} & set(self.columns))
        if self.roles and both:
            raise BrokenRule("project.staff_shape", found=", ".join(both))
        return self


class StatisticsSettings(_Settings):
    """``[statistics]``: figures of units by name, as a yearbook or an office gives them."""

    path: FilePath
    sheet: str | None = None
    encoding: str | None = None
    columns: dict[str, str] = {}
    """Column (unit, unit_code, parent, name, value, date) → column of the file."""
    names: dict[str, str] = {}
    """Name of a figure → column of the file that holds it, where each figure has its own."""
    unit_level: Level | DrawnLevel | None = None
    """Level of the units named."""
    units_date: dt.date | None = None
    """Date whose units rows without a date of their own name; changes after it are followed."""
    credit: str = ""
    invented: bool = False

    @model_validator(mode="after")
    def _one_shape(self) -> StatisticsSettings:
        both = sorted({"name", "value"} & set(self.columns))
        if self.names and both:
            raise BrokenRule("project.statistics_shape", found=", ".join(both))
        return self


class GeocodeSettings(_Settings):
    """``[geocode]``: a service that turns addresses into places, asked only by ``place_by``."""

    geocoder: str = Field(min_length=1)
    """Name of a geocoder of the library geopy, such as ``nominatim``."""
    datum: Literal["wgs84", "cgcs2000", "gcj02", "bd09"]
    """What its coordinates are in."""
    error_m: Positive
    """Error of an answer that does not state its own extent."""
    area: str = ""
    """Put in front of addresses that do not begin with it, such as ``浙江省嘉兴市``."""
    delay_s: NotNegative = 1.0
    """Pause between two questions; public services ask for one second."""
    # Keys of services are secrets: the record of a run leaves them out.
    options: dict[str, str | int | float | bool] = Field(default={}, exclude=True)
    """Passed to the geocoder: ``user_agent``, ``domain``, ``api_key`` …"""


class LayerSettings(_Settings):
    """``[layers.NAME]``: a facility layer that the registry does not know."""

    zh: str = Field(min_length=1)
    en: str = Field(min_length=1)
    osm: list[str] = []


class NetworkSettings(_Settings):
    """``[network]``: the choices of travel that change a result."""

    max_snap_m: Positive = 500.0
    """A point farther from the network is unsnapped."""
    min_component_m: NotNegative = 1000.0
    """Only components with at least this much road are attached to."""
    draw_m: Positive = 25.0
    """Circles are drawn at most this far from their nearest edge."""
    cell_m: Positive = 10.0
    """Cell of the drawing of circles."""
    walk_kmh: Positive = 4.0
    """Also on the access legs of those who ride or drive."""
    elderly_kmh: Positive = 3.0
    wheelchair_kmh: Positive = 3.0
    wheelchair_max_slope: Positive = 0.08
    """Steepest slope that a wheelchair takes, rise over run, where there is a DEM."""
    ebike_kmh: Positive = 15.0
    cycle_kmh: Positive = 12.0
    drive: dict[str, Positive] = {}
    """Road class → speed of driving in km/h, where a way states no speed limit."""


class RuleSettings(_Settings):
    """``[rules]``: thresholds that every layer is measured with."""

    minutes: list[Positive] = Field(default=[5.0, 10.0, 15.0], min_length=1)
    metres: list[Positive] = Field(default=[1000.0], min_length=1)

    @model_validator(mode="after")
    def _distinct(self) -> RuleSettings:
        for name, values in (("minutes", self.minutes), ("metres", self.metres)):
            if len(set(values)) != len(values):
                raise BrokenRule("project.threshold_twice", name=name, values=str(values))
        return self


class _CompetitionSettings(_Settings):
    """What people compete for, and how far they go for it."""

    layer: str | None = None
    """Facility layer whose places are competed for; the name of the table where not given."""
    minutes: Positive = 30.0
    """A facility farther than this is out of reach."""
    profile: ProfileName | None = None
    weight: Literal["elderly", "population"] = "elderly"
    """Who competes."""
    outsiders: bool = False
    """People who live in no unit compete too."""


class CatchmentSettings(_CompetitionSettings):
    """``[catchments.NAME]``: places for each person within reach, where people compete."""

    methods: list[Literal["2sfca", "e2sfca", "3sfca"]] = Field(
        default=["2sfca", "e2sfca", "3sfca"], min_length=1
    )
    steps: list[Annotated[list[NotNegative], Field(min_length=2, max_length=2)]] = []
    """Zones of time as [minutes, weight], instead of Gaussian weights."""
    per: Positive = 10000.0
    """Scores are places for so many people."""
    norm: Positive | None = None
    """A score that people are to have."""

    @model_validator(mode="after")
    def _zones(self) -> CatchmentSettings:
        ends = [minutes for minutes, _ in self.steps]
        weights = [weight for _, weight in self.steps]
        ordered = ends == sorted(set(ends)) and weights == sorted(weights, reverse=True)
        if self.steps and not (ordered and ends[-1] == self.minutes and weights[-1] > 0.0):
            raise BrokenRule("project.catchment_steps", minutes=f"{self.minutes:g}")
        if len(set(self.methods)) != len(self.methods):
            raise BrokenRule("project.methods_twice", values=", ".join(self.methods))
        return self


class AssignmentSettings(_CompetitionSettings):
    """``[assignment.NAME]``: each person gets a place at a facility that has room, or none."""

    rules: list[Literal["nearest", "least_time"]] = Field(
        default=["nearest", "least_time"], min_length=1
    )
    share: Annotated[float, Field(gt=0, le=1, allow_inf_nan=False)] = 1.0
    """Of these people, the part that needs a place."""

    @model_validator(mode="after")
    def _distinct(self) -> AssignmentSettings:
        if len(set(self.rules)) != len(self.rules):
            raise BrokenRule("project.methods_twice", values=", ".join(self.rules))
        return self


class ClusterSettings(_Settings):
    """``[clusters.LEVEL]``: stand-ins for units that nobody has drawn, of about equal people."""

    people: Positive | None = None
    """People of a cluster, about."""
    number: int | None = Field(default=None, ge=1)
    """Clusters, in each unit of ``within`` or in all."""
    weight: Literal["elderly", "population", "units"] = "elderly"
    """Who counts; ``units``: each unit as one."""
    units: Level | None = None
    """Level of the units that are put together; the finest where not given."""
    within: Level | None = None
    """Level whose borders no cluster crosses."""

    @model_validator(mode="after")
    def _one_size(self) -> ClusterSettings:
        if (self.people is None) == (self.number is None):
            raise BrokenRule("project.cluster_size")
        return self


class EquitySettings(_Settings):
    """``[equity]``: how evenly ways and rates are spread over people; left out: not computed."""

    layers: list[str] = []
    """Facility layers; none named: all."""
    people: Literal["elderly", "population"] | None = None
    """Who counts; not given: the elderly where they are known, else all people."""
    level: Level | None = None
    """Level of the units held against each other; not given: townships, else the finest."""
    measures: list[Literal["minutes", "metres", "straight_metres"]] = []
    """What is spread over people; not given: minutes, without roads straight metres."""
    minutes: list[Positive] = []
    """Limits of the rates of coverage; not given: the longest of ``[rules]``."""


class MonteCarloSettings(_Settings):
    """``[monte_carlo]``: rules of distance and travel time under drawn speeds and places."""

    runs: int = Field(default=200, ge=1, le=100_000)
    seed: int = Field(default=1, ge=0)


class Project(_Settings):
    """A whole project file.

    All paths are relative to ``folder``.
    """

    project: ProjectSettings
    plans: dict[str, PlanSettings] = {}
    boundaries: dict[str, BoundarySettings]
    changes: ChangeSettings | None = None
    codes: dict[Level, CodeSettings] = {}
    roads: RoadSettings | None = None
    population: PopulationSettings | None = None
    facilities: dict[str, FacilitySettings] = Field(min_length=1)
    layers: dict[str, LayerSettings] = {}
    titles: dict[str, list[Annotated[str, Field(min_length=1)]]] = {}
    """Facility column → further titles that it comes under, in every list."""
    staff: StaffSettings | None = None
    statistics: StatisticsSettings | None = None
    geocode: GeocodeSettings | None = None
    network: NetworkSettings = NetworkSettings()
    rules: RuleSettings = RuleSettings()
    catchments: dict[str, CatchmentSettings] = {}
    assignment: dict[str, AssignmentSettings] = {}
    clusters: dict[ClusterLevel, ClusterSettings] = {}
    equity: EquitySettings | None = None
    monte_carlo: MonteCarloSettings | None = None
    _folder: Path = PrivateAttr(default=Path())
    _file: str = PrivateAttr(default="")
    _lines: dict[Location, int] = PrivateAttr(default_factory=dict)

    @model_validator(mode="after")
    def _levels(self) -> Project:
        levels = [level for level in LEVELS if level in self.boundaries]
        if not levels:
            known, found = ", ".join(LEVELS), ", ".join(self.boundaries) or "–"
            raise BrokenRule("project.no_level", known=known, found=found)
        units = None if self.population is None else self.population.units
        if units is not None and units not in levels:
            raise BrokenRule("project.units_level", level=units, found=", ".join(levels))
        calibrate = None if self.population is None else self.population.calibrate
        if calibrate is not None and calibrate not in levels:
            raise BrokenRule("project.calibrate_level", level=calibrate, found=", ".join(levels))
        asking = [name for name, layer in self.facilities.items() if "geocoder" in layer.place_by]
        if asking and self.geocode is None:
            raise BrokenRule("project.no_geocoder", layers=", ".join(asking))
        return self

    @property
    def folder(self) -> Path:
        """Folder of the project file."""
        return self._folder

    @property
    def file(self) -> str:
        """Name of the project file."""
        return self._file

    def fault(self, code: str, where: Location, *, value: str, known: Iterable[str]) -> Problem:
        """Return a fatal fault of the project file at a key, with its line and the nearest name.

        Parameters
        ----------
        code : str
        where : tuple of str
            The tables and the key, such as ``("facilities", "carehome")``.
        value : str
            What is given there.
        known : iterable of str
            What may be given.
        """
        names = list(known)
        return Problem(
            code=code,
            severity="fatal",
            action="stopped",
            file=self.file,
            row=row_of(self._lines, where),
            column=".".join(where),
            value=value,
            details={"known": ", ".join(names), "near": nearest_name(value, names)},
        )

    def speed_kmh(self, profile: str) -> float:
        """Return the speed of a profile in km/h; NaN where it goes by road class."""
        return {
            "walk": self.network.walk_kmh,
            "elderly": self.network.elderly_kmh,
            "wheelchair": self.network.wheelchair_kmh,
            "ebike": self.network.ebike_kmh,
            "cycle": self.network.cycle_kmh,
            "drive": float("nan"),
        }[profile]

    @property
    def travel_layers(self) -> tuple[str, ...]:
        """Layers that travel is measured to, in the order of the file."""
        return tuple(name for name, given in self.facilities.items() if not given.count_only)

    def with_layers(self, facilities: Mapping[str, FacilitySettings]) -> Project:
        """Return the project with these layers alone, and without all that may name others.

        No plan is judged, nobody competes for places, and no table of staff or figures is read.

        Examples
        --------
        >>> project = Project.model_validate({
        ...     "project": {"name": "town", "as_of": dt.date(2025, 12, 31)},
        ...     "boundaries": {"township": {"path": "a.gpkg"}},
        ...     "facilities": {"canteen": {"path": "b.csv"}, "care_home": {"path": "c.csv"}},
        ...     "equity": {"layers": ["care_home"]},
        ... })
        >>> alone = project.with_layers({"canteen": project.facilities["canteen"]})
        >>> list(alone.facilities), alone.equity
        (['canteen'], None)
        """
        alone: dict[str, Any] = {"facilities": dict(facilities)}
        alone |= {name: {} for name in ("plans", "catchments", "assignment", "clusters")}
        alone |= dict.fromkeys(("equity", "monte_carlo", "staff", "statistics"))
        return self.model_copy(update=alone)

    def layer_profile(self, layer: str) -> ProfileName:
        """Return the profile of a layer: its own, else the project's."""
        return self.facilities[layer].profile or self.project.profile


def load_project(path: Path, *, changes: Iterable[str] = ()) -> Project:
    """Read and validate a project file.

    Parameters
    ----------
    path : pathlib.Path
        A TOML file; paths inside it are relative to its folder.
    changes : iterable of str
        ``table.key=value`` each: settings that take the place of those in the file.

    Raises
    ------
    ProjectError
        With every fault of the file, each with its line.

    Examples
    --------
    >>> load_project(Path("nowhere.toml"))
    Traceback (most recent call last):
    servicecircle.errors.ProjectError: project file not found: nowhere.toml
      the command needs a project file in TOML
      check the path
    """
    project, fault = salvage_project(path, changes=changes)
    if project is None or fault is not None:
        raise fault or ProjectError(())
    return project


def salvage_project(
    path: Path, *, changes: Iterable[str] = ()
) -> tuple[Project | None, ProjectError | None]:
    """Read a project file, and with faults what of it can be used to check its inputs.

    Parameters
    ----------
    path : pathlib.Path
    changes : iterable of str
        See :func:`load_project`.

    Returns
    -------
    project : Project or None
        Without the keys at fault; None where nothing usable is left.
    fault : ProjectError or None
        With every fault of the file; None where there is none.

    Raises
    ------
    ProjectError
        If the file is not there or is no TOML.
    """
    parsed, text = parse_toml(read_bytes(path, missing="project.missing"), name=path.name)
    given = with_changes(parsed, changes)
    fault: ProjectError | None = None
    data = given
    for _ in range(_PRUNINGS):
        try:
            project = Project.model_validate(data)
        except ValidationError as error:
            found = model_faults(error, Project, text, name=path.name)
            if fault is None:
                fault = found
            else:
                # Other faults follow from what was taken out for the first ones.
                rules = [one for one in found.problems if _breaks_a_rule(one, given, data)]
                fault = ProjectError([*fault.problems, *rules], language=fault.language)
            data = _stand_ins(_without_geocoder(data, found) or pruned(data, error))
        else:
            break
    else:
        return None, fault
    project._folder = path.resolve().parent
    project._file = path.name
    project._lines = key_lines(text)
    return project, fault


# Rule that goes beyond one table → the table that it needs whole.
_RULES = {
    "project.no_level": "boundaries",
    "project.units_level": "boundaries",
    "project.calibrate_level": "boundaries",
    "project.no_geocoder": "geocode",
}


def _breaks_a_rule(problem: Problem, given: Mapping[str, Any], left: Mapping[str, Any]) -> bool:
    """Tell whether a later fault is one of the file, and not of what was taken out of it."""
    needed = _RULES.get(problem.code)
    return needed is not None and given.get(needed) == left.get(needed)


def _without_geocoder(data: Mapping[str, Any], fault: ProjectError) -> dict[str, Any]:
    """Return a file whose layers ask for no geocoder, empty where that is not its only fault."""
    if [problem.code for problem in fault.problems] != ["project.no_geocoder"]:
        return {}
    layers = {
        name: {**layer, "place_by": [way for way in layer["place_by"] if way != "geocoder"]}
        if "place_by" in layer
        else layer
        for name, layer in data["facilities"].items()
    }
    return {**data, "facilities": layers}


def _stand_ins(data: dict[str, Any]) -> dict[str, Any]:
    """Return a file with what the table ``project`` cannot do without, for checking the rest."""
    table = data.get("project")
    today = dt.datetime.now(tz=dt.UTC).date()
    return {**data, "project": {"name": "–", "as_of": today, **(table or {})}} if data else data
