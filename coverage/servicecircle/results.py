"""The tables of a finished run, as the outputs take them."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from servicecircle.inputs.basemap import NO_BASEMAP, Basemap
from servicecircle.inputs.report import ReportParts
from servicecircle.messages import Language, label
from servicecircle.problems import Problem

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd

__all__ = ["LayerInfo", "Results"]


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerInfo:
    """One facility layer as it was measured.

    Parameters
    ----------
    name, zh, en : str
        Name in the registry, and its titles.
    profile : str
        Profile of travel that the layer's circles and rates are measured with.
    speed_kmh : float
        NaN where it goes by road class.
    invented : bool
        Whether the sites are stand-ins, to be said wherever they show.
    on_network : bool
        False without roads: only straight-line answers exist.
    measured : bool
        False where the layer is only counted in units.
    """

    name: str
    zh: str
    en: str
    profile: str
    speed_kmh: float
    invented: bool
    on_network: bool
    measured: bool = True

    def pace(self, language: Language) -> str:
        """Return the speed in words."""
        if math.isnan(self.speed_kmh):
            return label("map_pace_by_class", language)
        return label("map_pace", language).format(speed=self.speed_kmh)


@dataclass(frozen=True, slots=True, kw_only=True)
class Results:
    """Everything that a run found; all geometry in EPSG:4326, lengths and areas in metres.

    Parameters
    ----------
    name : str
        Of the project.
    language : {"zh", "en"}
    as_of : datetime.date
        Date of judgement, used for every date inside the outputs.
    invented : bool
        Whether the whole project is invented.
    layers : tuple of LayerInfo
        In the order of the project file.
    minutes, metres : tuple of float
        Thresholds of the rules, ascending.
    units : geopandas.GeoDataFrame
        Columns of the table ``units`` for all levels.
    scopes : geopandas.GeoDataFrame
        Columns scope, name, geometry: the named areas such as main_urban_area.
    facilities : geopandas.GeoDataFrame
        Columns of the table ``facilities``, with ``unit_<level>`` for each level, ``snap_m`` and
        ``snap_status`` (attached, unsnapped, no_place, no_roads). Geometry may be None.
    demand : geopandas.GeoDataFrame
        demand_id, population, elderly, ``unit_<level>``, ``in_<scope>``, snap_m, geometry; where
        people compete for places ``score_<name>_<method>`` and ``left_<name>_<rule>``.
    access : pandas.DataFrame
        Long: demand_id, layer, profile, criterion, metres, straight_metres, seconds, facility_id,
        snap_m, status, within_count. Seconds NaN where there is no number.
    unit_coverage : pandas.DataFrame
        The table of ``units.csv``: one row per unit, layer and rule.
    scorecard, unit_results : pandas.DataFrame
        The tables of the same names.
    circles : geopandas.GeoDataFrame
        layer, facility_id ("" for the circle of the whole layer), profile, minutes, area_m2,
        population, elderly (people inside by travel time), geometry. Nested by minutes.
    overlaps : geopandas.GeoDataFrame
        layer, profile, minutes, facilities (how many circles lie over it, at least), geometry.
    roads : geopandas.GeoDataFrame
        Generalised roads for a background, may be empty: class, geometry (lines).
    problems : tuple of Problem
    record : mapping
        What ``run.json`` says, JSON values only.
    staff : pandas.DataFrame, optional
        Table ``staff``, where the project supplies one.
    tables : mapping of str to pandas.DataFrame
        Further tables, as their files are called: ``calibration``, ``roads_by_unit``.
    plan_files : mapping of str to bytes
        Copies of the plan files, by the name of the copy.
    report : ReportParts
        Template and words of the written report.
    basemap : Basemap
        What the map has beneath its services.
    """

    name: str
    language: Language
    as_of: dt.date
    invented: bool
    layers: tuple[LayerInfo, ...]
    minutes: tuple[float, ...]
    metres: tuple[float, ...]
    units: gpd.GeoDataFrame
    scopes: gpd.GeoDataFrame
    facilities: gpd.GeoDataFrame
    demand: gpd.GeoDataFrame
    access: pd.DataFrame
    unit_coverage: pd.DataFrame
    scorecard: pd.DataFrame
    unit_results: pd.DataFrame
    circles: gpd.GeoDataFrame
    overlaps: gpd.GeoDataFrame
    roads: gpd.GeoDataFrame
    problems: tuple[Problem, ...]
    record: Mapping[str, Any]
    staff: pd.DataFrame | None = None
    tables: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    plan_files: Mapping[str, bytes] = field(default_factory=dict)
    report: ReportParts = field(default_factory=ReportParts)
    basemap: Basemap = NO_BASEMAP
