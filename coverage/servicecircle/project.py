"""The project file: what a run reads, and every choice that changes a result.

The models are the one description of the TOML file; unknown keys are errors that suggest the
nearest known one, and all faults of a file are reported together with their lines.
"""

from __future__ import annotations

import datetime as dt
import difflib
import re
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from servicecircle.errors import ProjectError
from servicecircle.problems import Problem

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
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False, strict=False)]
NotNegative = Annotated[float, Field(ge=0, allow_inf_nan=False, strict=False)]


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
            found = ", ".join(sources) or "none"
            raise ValueError(
                f"give exactly one of raster, points, units, total (found: {found})"
            )
        if self.raster is not None and self.kind is None:
            raise ValueError('a raster needs kind = "count" or "density_km2"; it is never guessed')
        if sources[0] in ("units", "total") and self.spread is None:
            raise ValueError(
                'people of units need spread = "buildings", "residential" or "centroid"'
            )
        for spread, given in (("buildings", self.buildings), ("residential", self.residential)):
            if self.spread == spread and given is None:
                raise ValueError(f'spread = "{spread}" needs the path {spread} = "…"')
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
    neighbours_count: bool = True
    """Whether travel rules count facilities of other units."""
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

    minutes: list[Positive] = [5.0, 10.0, 15.0]
    metres: list[Positive] = [1000.0]

    @model_validator(mode="after")
    def _distinct(self) -> RuleSettings:
        for name, values in (("minutes", self.minutes), ("metres", self.metres)):
            if len(set(values)) != len(values):
                raise ValueError(f"{name} holds a threshold twice: {values}")
        return self


class Project(_Settings):
    """A whole project file.

    ``folder`` and ``file`` are set by :func:`load_project`; all paths are relative to ``folder``.
    """

    project: ProjectSettings
    plans: dict[str, PlanSettings] = {}
    boundaries: dict[str, BoundarySettings]
    roads: RoadSettings | None = None
    population: PopulationSettings | None = None
    facilities: dict[str, FacilitySettings]
    layers: dict[str, LayerSettings] = {}
    network: NetworkSettings = NetworkSettings()
    rules: RuleSettings = RuleSettings()
    folder: Path = Field(default=Path(), exclude=True)
    file: str = Field(default="", exclude=True)

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
    """
    name = path.name
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        raise ProjectError(_fatal("project.missing", value=str(path))) from None
    except OSError as error:
        raise ProjectError(
            _fatal("project.unreadable", value=str(path), details={"reason": error.strerror or ""})
        ) from None
    text = _decode(raw, name)
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ProjectError(_syntax(error, text, name)) from None
    for reserved in ("folder", "file"):
        if reserved in data:
            raise ProjectError(_unknown((reserved,), Project, text, name))
    try:
        project = Project.model_validate(data)
    except ValidationError as error:
        raise ProjectError([_fault(item, text, name) for item in error.errors()]) from None
    return project.model_copy(update={"folder": path.resolve().parent, "file": name})


def _fatal(code: str, **where: Any) -> Problem:
    return Problem(code=code, severity="fatal", action="stopped", **where)


def _decode(raw: bytes, name: str) -> str:
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ProjectError(_fatal("project.encoding", file=name)) from None


def _syntax(error: tomllib.TOMLDecodeError, text: str, name: str) -> Problem:
    found = re.search(r"at line (\d+), column (\d+)", str(error))
    row = int(found[1]) if found else len(text.splitlines())
    lines = text.splitlines()
    line = lines[row - 1] if 0 < row <= len(lines) else ""
    code = "project.syntax"
    if re.search(r'"[^"]*\\[^"]*"', line):
        code = "project.backslash"
    elif re.match(r"\s*(\[+[^\]\"']*[^\x00-\x7f][^\]\"']*\]+|[^\"'=#\[]*[^\x00-\x7f][^\"'=]*=)", line):
        code = "project.bare_key"
    return _fatal(code, file=name, row=row, value=line.strip(), details={"reason": str(error)})


def _fault(item: Any, text: str, name: str) -> Problem:
    location = tuple(str(part) for part in item["loc"])
    if item["type"] == "extra_forbidden":
        return _unknown(location, Project, text, name)
    where = {"file": name, "row": _line(text, location), "column": ".".join(location)}
    if item["type"] == "missing":
        return _fatal("project.missing_key", value=location[-1], **where)
    reason = item["msg"].removeprefix("Value error, ")
    value = "" if isinstance(item["input"], dict) else str(item["input"])
    return _fatal("project.bad_value", value=value, details={"reason": reason}, **where)


def _unknown(location: tuple[str, ...], model: type[BaseModel], text: str, name: str) -> Problem:
    known = _known_keys(location[:-1], model)
    near = difflib.get_close_matches(location[-1], known, n=1, cutoff=0.5)
    return _fatal(
        "project.unknown_key_near" if near else "project.unknown_key",
        file=name,
        row=_line(text, location),
        column=".".join(location),
        value=location[-1],
        details={"near": near[0] if near else "", "known": ", ".join(known)},
    )


def _known_keys(location: tuple[str, ...], model: type[BaseModel]) -> list[str]:
    tables: dict[str, type[BaseModel]] = {
        "plans": PlanSettings,
        "boundaries": BoundarySettings,
        "facilities": FacilitySettings,
        "layers": LayerSettings,
        "project": ProjectSettings,
        "roads": RoadSettings,
        "population": PopulationSettings,
        "network": NetworkSettings,
        "rules": RuleSettings,
    }
    here = tables[location[0]] if location and location[0] in tables else model
    return [key for key in here.model_fields if not (here is Project and key in ("folder", "file"))]


def _line(text: str, location: tuple[str, ...]) -> int | None:
    """Return the line of a key: the last table header that leads to it, then the key in it."""
    header = re.compile(r"^\s*\[+\s*(?P<name>[^\]]+?)\s*\]+\s*(?:#.*)?$")
    table: tuple[str, ...] = ()
    best: int | None = None
    depth = 0
    for number, line in enumerate(text.splitlines(), start=1):
        if found := header.match(line):
            table = tuple(part.strip().strip("\"'") for part in found["name"].split("."))
            path = table
        elif key := re.match(r"^\s*(?P<key>[^=#\[]+?)\s*=", line):
            path = (*table, *(part.strip().strip("\"'") for part in key["key"].split(".")))
        else:
            continue
        shared = 0
        for ours, theirs in zip(path, location, strict=False):
            if ours != theirs:
                break
            shared += 1
        if shared == len(path) and shared > depth:
            best, depth = number, shared
    return best
