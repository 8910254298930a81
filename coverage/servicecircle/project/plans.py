"""``[plans]``: the plans that a run judges by."""

from __future__ import annotations

from typing import Literal

from servicecircle.project.base import FilePath, Level, Positive, Settings

__all__ = ["PlanSettings"]


class PlanSettings(Settings):
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
