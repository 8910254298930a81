"""The whole project file: its tables, and the rules that go beyond one of them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, PrivateAttr, model_validator

from servicecircle.problems import Problem, nearest_name
from servicecircle.project.analyses import (
    AssignmentSettings,
    CatchmentSettings,
    ClusterSettings,
    EquitySettings,
    MonteCarloSettings,
    RuleSettings,
)
from servicecircle.project.base import LEVELS, ClusterLevel, Level, ProfileName, Settings
from servicecircle.project.boundaries import BoundarySettings, ChangeSettings, CodeSettings
from servicecircle.project.facilities import FacilitySettings, GeocodeSettings, LayerSettings
from servicecircle.project.figures import StaffSettings, StatisticsSettings
from servicecircle.project.map import MapSettings
from servicecircle.project.outputs import FigureSettings, OutputSettings
from servicecircle.project.plans import PlanSettings
from servicecircle.project.population import PopulationSettings
from servicecircle.project.report import ReportSettings
from servicecircle.project.roads import NetworkSettings, RoadSettings
from servicecircle.project.siting import SitingSettings
from servicecircle.toml_files import BrokenRule, Location, row_of

__all__ = ["Project", "ProjectSettings"]


class ProjectSettings(Settings):
    """``[project]``: name, date of judgement, language."""

    name: str = Field(min_length=1)
    as_of: dt.date
    language: Literal["zh", "en"] = "zh"
    profile: ProfileName = "walk"
    invented: bool = False
    """Everything in this project is invented (a demo); said in every output."""


class Project(Settings):
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
    siting: SitingSettings | None = None
    figures: FigureSettings = FigureSettings()
    output: OutputSettings = OutputSettings()
    report: ReportSettings = ReportSettings()
    map: MapSettings = MapSettings()
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
        alone |= dict.fromkeys(("equity", "monte_carlo", "siting", "staff", "statistics"))
        return self.model_copy(update=alone)

    def layer_profile(self, layer: str) -> ProfileName:
        """Return the profile of a layer: its own, else the project's."""
        return self.facilities[layer].profile or self.project.profile
