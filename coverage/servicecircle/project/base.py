"""What the tables of the project file share: levels, datums, paths, numbers, a local grid."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from servicecircle.toml_files import BrokenRule

__all__ = [
    "DRAWN_LEVELS",
    "LEVELS",
    "ClusterLevel",
    "Datum",
    "DrawnLevel",
    "FilePath",
    "FilePaths",
    "Level",
    "LocalGrid",
    "NotNegative",
    "Positive",
    "ProfileName",
    "Settings",
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
ProfileName = Literal["walk", "elderly", "wheelchair", "ebike", "cycle", "drive"]
_LONGEST_NAME = 255
_SHOWN = 60


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


class Settings(BaseModel):
    """A table of the file: unknown keys are errors, values are not converted or changed."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class LocalGrid(Settings):
    """E = dx + scale (x cos r - y sin r), N = dy + scale (x sin r + y cos r)."""

    dx: float = Field(allow_inf_nan=False)
    dy: float = Field(allow_inf_nan=False)
    rotation_degrees: float = Field(default=0.0, allow_inf_nan=False)
    scale: Positive = 1.0
