"""``[roads]`` and ``[network]``: the network to travel on, and the choices of travel."""

from __future__ import annotations

from typing import Literal

from servicecircle.project.base import (
    Datum,
    FilePath,
    LocalGrid,
    NotNegative,
    Positive,
    Settings,
)

__all__ = ["NetworkSettings", "RoadSettings"]


class RoadSettings(Settings):
    """``[roads]``: the network to travel on."""

    path: FilePath
    layer: str | None = None
    crs: str | None = None
    datum: Datum | None = None
    swap_axes: bool = False
    """A line layer has latitude or northing first."""
    towgs84: list[float] = []
    """Parameters of the old datum of a line layer, as PROJ's."""
    local_grid: LocalGrid | None = None
    """Of a line layer in a town's own grid: how its coordinates become those of ``crs``."""
    encoding: str | None = None
    class_column: str | None = None
    """Column of a line layer with the road class, read as OSM's ``highway``."""
    all_walkable: bool = False
    """Take every line as walkable, whatever its class."""
    gated: Literal["closed", "destination", "open"] = "closed"
    """Private ways and gates: closed, open, or open to those who start or end their way there."""
    ferries: bool = False
    """Take ferries of OpenStreetMap data as part of the network."""
    node_crossings: bool = False
    """Lines of a layer touch wherever they cross on one level."""
    level_columns: list[str] = []
    """Columns by which lines of different levels are told; else layer, bridge and tunnel."""
    join_m: NotNegative = 0.0
    """Ends of lines of a layer are joined to another line this near; 0 joins none."""
    dem: FilePath | None = None
    """Raster of heights of the ground in metres, for slopes."""
    barriers: FilePath | None = None
    """Lines and areas (water, railways) that no access leg crosses."""
    credit: str = ""
    invented: bool = False


class NetworkSettings(Settings):
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
    """Also on the access legs of those who ride or drive."""
    elderly_kmh: Positive = 3.0
    wheelchair_kmh: Positive = 3.0
    wheelchair_max_slope: Positive = 0.08
    """Steepest slope that a wheelchair takes, rise over run, where there is a DEM."""
    ebike_kmh: Positive = 15.0
    cycle_kmh: Positive = 12.0
    drive: dict[str, Positive] = {}
    """Road class → speed of driving in km/h, where a way states no speed limit."""
