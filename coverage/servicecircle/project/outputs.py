"""``[figures]`` and ``[output]``: what a run draws and writes beside what it always writes."""

from __future__ import annotations

from pydantic import Field

from servicecircle.project.base import Settings

__all__ = ["FigureSettings", "OutputSettings"]


class FigureSettings(Settings):
    """``[figures]``: which services have figures of their own."""

    layers: list[str] = []
    """Facility layers, in their order; none named: those with a target of travel first."""
    most: int = Field(default=4, ge=0, le=50)
    """Layers with a map and a chart of their own, where none are named."""


class OutputSettings(Settings):
    """``[output]``: files that are written on request alone."""

    geoparquet: bool = False
    """The layers of ``coverage.gpkg`` as GeoParquet too."""
