"""``[siting]``: where new facilities may stand, how far apart, and what they cost and hold."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from servicecircle.project.base import Datum, FilePath, LocalGrid, NotNegative, Positive, Settings
from servicecircle.toml_files import BrokenRule

__all__ = ["CandidateSettings", "SitingSettings", "ZoneSettings"]

_FILE = (
    *("path", "sheet", "layer", "crs", "datum", "swap_axes", "towgs84", "local_grid"),
    *("datum_reference", "encoding", "columns", "only", "osm", "least_area_m2", "thin_m"),
)
_KEYS: dict[str, tuple[str, ...]] = {
    "parcels": _FILE,
    "buildings": _FILE,
    "facilities": ("layers", "thin_m"),
    "junctions": ("roads", "classes", "thin_m"),
    "grid": ("every_m",),
}
_OF_ALL = ("kind", "cost", "capacity", "invented")


class CandidateSettings(Settings):
    """``[siting.candidates.NAME]``: one list of places where a new facility may stand."""

    kind: Literal["parcels", "facilities", "buildings", "junctions", "grid"]
    """A list of plots, facilities of other layers, buildings, road junctions, or a grid."""
    path: FilePath | None = None
    """Of parcels and buildings: a table with places, points or outlines, or OpenStreetMap data."""
    sheet: str | None = None
    layer: str | None = None
    """Layer of a GeoPackage."""
    crs: str | None = None
    datum: Datum | None = None
    swap_axes: bool = False
    """The file has latitude or northing first."""
    towgs84: list[float] = []
    """Parameters of an old datum, as PROJ's."""
    local_grid: LocalGrid | None = None
    """Of a town's own grid: how its coordinates become those of ``crs``."""
    datum_reference: str | None = None
    """For ``datum = "auto"``: a level, a facility layer or a file whose datum is known."""
    encoding: str | None = None
    columns: dict[str, str] = {}
    """Column (name, code, lon, lat, cost, capacity, mandatory, forbidden) → column of the file."""
    only: dict[str, Annotated[list[str], Field(min_length=1)]] = {}
    """Column of the file → values: rows with others are left out; ``*`` stands for any text."""
    osm: list[str] = []
    """For .osm and .osm.pbf: tag selectors, ``key=value+key=value``; buildings: else all."""
    least_area_m2: NotNegative = 0.0
    """Outlines with less ground are left out."""
    layers: list[str] = []
    """Of facilities: layers in whose facilities a new one may be set up."""
    roads: int = Field(default=3, ge=2)
    """Of junctions: least number of roads that meet."""
    classes: list[str] = []
    """Of junctions: road classes that count; none named: all."""
    thin_m: NotNegative | None = None
    """Of places nearer to each other than this one is kept; junctions 100, else 0."""
    every_m: Positive = 250.0
    """Of a grid: along the roads, no point of them is farther than this from a candidate."""
    cost: NotNegative | None = None
    """Of a site of this list whose row says nothing else; else that of ``[siting]``."""
    capacity: Positive | None = None
    """Of a site of this list whose row says nothing else; else that of ``[siting]``."""
    invented: bool = False
    """The places are made up."""

    @model_validator(mode="after")
    def _keys_of_its_kind(self) -> CandidateSettings:
        known = (*_OF_ALL, *_KEYS[self.kind])
        strange = [name for name in type(self).model_fields if name in self.model_fields_set]
        # What says no more than the default, as in the record of a run, contradicts nothing.
        fields = type(self).model_fields
        strange = [
            name
            for name in strange
            if name not in known and getattr(self, name) != fields[name].get_default()
        ]
        if strange:
            words = {"kind": self.kind, "found": ", ".join(strange), "known": ", ".join(known)}
            raise BrokenRule("project.candidate_keys", **words)
        if self.kind in ("parcels", "buildings") and self.path is None:
            raise BrokenRule("project.candidate_needs", kind=self.kind, needed="path")
        if self.kind == "facilities" and not self.layers:
            raise BrokenRule("project.candidate_needs", kind=self.kind, needed="layers")
        return self

    @property
    def thinned_m(self) -> float:
        """How near to each other places may be: as given, else by the kind."""
        if self.thin_m is not None:
            return self.thin_m
        return 100.0 if self.kind == "junctions" else 0.0


class ZoneSettings(Settings):
    """``[siting.zones.NAME]``: areas in which nothing may be built."""

    path: FilePath
    layer: str | None = None
    """Layer of a GeoPackage."""
    crs: str | None = None
    datum: Datum | None = None
    swap_axes: bool = False
    """The file has latitude or northing first."""
    towgs84: list[float] = []
    """Parameters of an old datum, as PROJ's."""
    local_grid: LocalGrid | None = None
    """Of a town's own grid: how its coordinates become those of ``crs``."""
    datum_reference: str | None = None
    """For ``datum = "auto"``: a level, a facility layer or a file whose datum is known."""
    encoding: str | None = None
    only: dict[str, Annotated[list[str], Field(min_length=1)]] = {}
    """Column of the file → values: rows with others are left out; ``*`` stands for any text."""
    osm: list[str] = []
    """For .osm and .osm.pbf: tag selectors, such as ``natural=water``."""


class SitingSettings(Settings):
    """``[siting]``: what new facilities are like, and where they may stand."""

    spacing_m: NotNegative = 0.0
    """Least straight distance between new sites."""
    spacing_existing_m: NotNegative = 0.0
    """Least straight distance of new sites from existing ones."""
    cost: NotNegative = 1.0
    """Of a new site whose list says nothing else, in any one currency."""
    capacity: Positive | None = None
    """Of a new site whose list says nothing else: beds, seats; without: no bound."""
    slope_max_percent: Positive | None = None
    """Ground steeper than this is left out, by the DEM of ``[roads]``."""
    mandatory: list[str] = []
    """Candidates that have to be opened, by id, code or name."""
    forbidden: list[str] = []
    """Candidates that must not be opened, by id, code or name."""
    closable: list[str] = []
    """Existing facilities that may be closed, by id, code or name; none named: all."""
    candidates: dict[str, CandidateSettings] = {}
    """By a name of one's own; none: a grid, and community service buildings where given."""
    zones: dict[str, ZoneSettings] = {}
