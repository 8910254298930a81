"""``[population]``: the people, from a raster, points or the units' own figures."""

from __future__ import annotations

import datetime as dt
from typing import Literal

from pydantic import Field, model_validator

from servicecircle.project.base import Datum, FilePath, Level, LocalGrid, NotNegative, Settings
from servicecircle.toml_files import BrokenRule

__all__ = ["PopulationSettings"]


class PopulationSettings(Settings):
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
