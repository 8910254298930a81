"""``[staff]`` and ``[statistics]``: figures of units and facilities that a table states."""

from __future__ import annotations

import datetime as dt

from pydantic import model_validator

from servicecircle.project.base import DrawnLevel, FilePath, Level, Settings
from servicecircle.toml_files import BrokenRule

__all__ = ["StaffSettings", "StatisticsSettings"]


class StaffSettings(Settings):
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


class StatisticsSettings(Settings):
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
