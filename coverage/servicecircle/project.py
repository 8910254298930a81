"""The project file: what a run reads, and every choice that changes a result.

The models are the one description of the TOML file; unknown keys are errors that suggest the
nearest known one, and all faults of a file are reported together with their lines.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PrivateAttr,
    ValidationError,
    model_validator,
)

from servicecircle.problems import Problem, nearest_name
from servicecircle.toml_files import (
    BrokenRule,
    Location,
    key_lines,
    model_faults,
    parse_toml,
    read_bytes,
    row_of,
)

__all__ = [
    "BoundarySettings",
    "FacilitySettings",
    "LayerSettings",
    "NetworkSettings",
    "PlanSettings",
    "PopulationSettings",
    "Project",
    "ProjectSettings",
    "RoadSettings",
    "RuleSettings",
    "load_project",
]

Datum = Literal["wgs84", "cgcs2000", "gcj02", "bd09", "auto"]
Level = Literal["province", "prefecture", "county", "township", "village_level"]
LEVELS: tuple[Level, ...] = ("province", "prefecture", "county", "township", "village_level")
ProfileName = Literal["walk", "elderly"]


def _path(value: object) -> object:
    return Path(value) if isinstance(value, str) and value.strip() else value


FilePath = Annotated[Path, BeforeValidator(_path)]
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


class BoundarySettings(_Settings):
    """``[boundaries.LEVEL]``: polygons of one level, or of a named scope."""

    path: FilePath
    layer: str | None = None
    crs: str | None = None
    """Declares the CRS of a file that states none."""
    datum: Datum | None = None
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


class RoadSettings(_Settings):
    """``[roads]``: the network to travel on."""

    path: FilePath
    layer: str | None = None
    crs: str | None = None
    datum: Datum | None = None
    encoding: str | None = None
    class_column: str | None = None
    """Column of a line layer with the road class, read as OSM's ``highway``."""
    all_walkable: bool = False
    """Take every line as walkable, whatever its class."""


class PopulationSettings(_Settings):
    """``[population]``: one of a raster, units' columns spread over shapes, or points."""

    raster: FilePath | None = None
    elderly_raster: FilePath | None = None
    kind: Literal["count", "density_km2"] | None = None
    """What a cell of the raster holds: people, or people per square kilometre."""
    raster_holds: Literal["population", "elderly"] = "population"
    """``elderly`` when the only raster there is counts the elderly alone."""
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
    encoding: str | None = None
    columns: dict[str, str] = {}
    """For points: lon, lat, population, elderly, id → column of the file."""
    basis: Literal["resident", "registered"]
    date: dt.date
    age_from: int = Field(default=60, ge=0, le=120)
    """Age from which ``elderly`` counts."""
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
        return self


class FacilitySettings(_Settings):
    """``[facilities.LAYER]``: one list of facilities."""

    path: FilePath
    sheet: str | None = None
    layer: str | None = None
    """Layer of a GeoPackage."""
    crs: str | None = None
    datum: Datum | None = None
    encoding: str | None = None
    profile: ProfileName | None = None
    columns: dict[str, str] = {}
    """Facility column (name, lon, lat, capacity, unit …) → column of the file."""
    capacity_sum: list[str] = []
    """Columns of the file to add up to the capacity."""
    osm: list[str] = []
    """For .osm and .osm.pbf: tag selectors beyond the registry's, ``key=value+key=value``."""
    serves_level: Level | None = None
    """Level of the units named in ``serves``."""
    unit_level: Level | None = None
    """Level of the declared unit."""
    circles: bool = True
    invented: bool = False
    """The sites are stand-ins, said in every output that rests on them."""


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
    elderly_kmh: Positive = 3.0


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


class Project(_Settings):
    """A whole project file.

    All paths are relative to ``folder``.
    """

    project: ProjectSettings
    plans: dict[str, PlanSettings] = {}
    boundaries: dict[str, BoundarySettings]
    roads: RoadSettings | None = None
    population: PopulationSettings | None = None
    facilities: dict[str, FacilitySettings] = Field(min_length=1)
    layers: dict[str, LayerSettings] = {}
    network: NetworkSettings = NetworkSettings()
    rules: RuleSettings = RuleSettings()
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
        """Return the speed of a profile in km/h."""
        return {"walk": self.network.walk_kmh, "elderly": self.network.elderly_kmh}[profile]

    def layer_profile(self, layer: str) -> ProfileName:
        """Return the profile of a layer: its own, else the project's."""
        return self.facilities[layer].profile or self.project.profile


def load_project(path: Path) -> Project:
    """Read and validate a project file.

    Parameters
    ----------
    path : pathlib.Path
        A TOML file; paths inside it are relative to its folder.

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
    data, text = parse_toml(read_bytes(path, missing="project.missing"), name=path.name)
    try:
        project = Project.model_validate(data)
    except ValidationError as error:
        raise model_faults(error, Project, text, name=path.name) from None
    project._folder = path.resolve().parent
    project._file = path.name
    project._lines = key_lines(text)
    return project
