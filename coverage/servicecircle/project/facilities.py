"""``[facilities]``, ``[layers]`` and ``[geocode]``: lists of facilities, how they are placed."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Literal

from pydantic import Field

from servicecircle.project.base import (
    Datum,
    FilePath,
    Level,
    LocalGrid,
    NotNegative,
    Positive,
    ProfileName,
    Settings,
)

__all__ = ["FacilitySettings", "GeocodeSettings", "LayerSettings"]


class FacilitySettings(Settings):
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


class LayerSettings(Settings):
    """``[layers.NAME]``: a facility layer that the registry does not know."""

    zh: str = Field(min_length=1)
    en: str = Field(min_length=1)
    osm: list[str] = []


class GeocodeSettings(Settings):
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
