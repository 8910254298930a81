"""``[boundaries]``, ``[changes]`` and ``[codes]``: units, what became of them, official lists."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Literal

from pydantic import Field

from servicecircle.project.base import Datum, FilePath, FilePaths, Level, LocalGrid, Settings

__all__ = ["BoundarySettings", "ChangeSettings", "CodeSettings"]


class BoundarySettings(Settings):
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


class ChangeSettings(Settings):
    """``[changes]``: what became of units that were renamed, merged, split or moved."""

    path: FilePaths
    sheet: str | None = None
    encoding: str | None = None
    columns: dict[str, str] = {}
    """Column of a change table (old_code, new_code, kind, date …) → column of the file."""
    outlines: dict[Level, BoundarySettings] = {}
    """Level → outlines of an earlier date: people inside them tell how a split is shared out."""


class CodeSettings(Settings):
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
