"""Evidence: everything that an evaluation needs."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pandas as pd

from servicecircle.inputs.staff import no_staff

if TYPE_CHECKING:
    from servicecircle.standards.registry import LayerWords

__all__ = ["ELDERLY_SPEED_RANGE_KMH", "FASTEST_KMH", "Evidence"]

ELDERLY_SPEED_RANGE_KMH = (2.5, 4.0)
"""A declared assumption: how slowly and how fast older people walk, for ``low`` and ``high``."""

STATISTIC_COLUMNS = ("unit_id", "level", "name", "value", "date")

FASTEST_KMH = 130.0
"""The straight line's speed where a profile has none of its own: nobody drives faster."""


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Evidence:
    """What is known about an area at a date. No table is changed by an evaluation.

    Parameters
    ----------
    as_of : datetime.date
        Date of judgement.
    units : pandas.DataFrame
        The units contract without geometry, all levels, index unit_id.
    facilities : pandas.DataFrame
        The facilities contract without geometry, index facility_id, with ``unit_<level>`` (the
        unit that the facility stands in, None outside) for each supplied level and, for scopes
        that are polygons, ``in_<scope>`` (bool).
    demand : pandas.DataFrame
        Index demand_id: population, elderly (persons, NaN unknown), ``unit_<level>``,
        ``in_<scope>`` (bool).
    access : pandas.DataFrame
        The access contract, long. Only facilities open at ``as_of``; searched at least as far as
        the rules reach (15 min at 4 km/h for the profile ``elderly``).
    layers : frozenset of str
        Facility layers that were supplied, empty ones too.
    scopes : frozenset of str
        Scopes whose polygons were supplied.
    has_roads : bool
    speeds : mapping
        Profile → km/h.
    layer_profiles : mapping
        Layer → the profile it is measured with where a rule names none.
    default_profile : str
        For layers that ``layer_profiles`` does not name.
    invented_layers : frozenset of str
        Layers whose sites are stand-ins.
    basis : str
        Of the population: resident or registered; "" without population.
    age_from : int, optional
        Age from which ``elderly`` counts.
    extra_layers : mapping
        Layers that the project adds to the registry.
    serves_level, declared_level : mapping
        Layer → level of the units named in ``serves`` and ``declared_unit``, where stated.
    staff : pandas.DataFrame
        The staff contract: unit_id or facility_id, role, count, date.
    statistics : pandas.DataFrame
        Figures by unit: unit_id (``area`` for the whole), level, name, value, date.
    norms : mapping
        Indicator id → a norm that the plan leaves to another document.
    calibration : pandas.DataFrame, optional
        Residuals of the population by unit, where it was scaled to official totals.
    roads_by_unit : pandas.DataFrame, optional
        How much of the road network each unit has.
    people_cause : {"cell_size", "people_coordinates"}
        What ``position_error_m`` of ``demand`` comes from: cells of a raster, or other points.
    people_date : datetime.date, optional
        Of the population.
    kept : dict
        What evaluations of several plans share, so that it is made once; never an argument, so
        that a changed copy begins anew.
    """

    as_of: dt.date
    units: pd.DataFrame
    facilities: pd.DataFrame
    demand: pd.DataFrame
    access: pd.DataFrame
    layers: frozenset[str]
    scopes: frozenset[str] = frozenset()
    has_roads: bool = False
    speeds: Mapping[str, float] = field(default_factory=lambda: {"walk": 4.0, "elderly": 3.0})
    layer_profiles: Mapping[str, str] = field(default_factory=dict)
    default_profile: str = "walk"
    invented_layers: frozenset[str] = frozenset()
    basis: str = ""
    age_from: int | None = None
    extra_layers: Mapping[str, LayerWords] = field(default_factory=dict)
    serves_level: Mapping[str, str] = field(default_factory=dict)
    declared_level: Mapping[str, str] = field(default_factory=dict)
    staff: pd.DataFrame = field(default_factory=no_staff)
    statistics: pd.DataFrame = field(
        default_factory=lambda: pd.DataFrame(columns=list(STATISTIC_COLUMNS))
    )
    norms: Mapping[str, float] = field(default_factory=dict)
    calibration: pd.DataFrame | None = None
    roads_by_unit: pd.DataFrame | None = None
    people_date: dt.date | None = None
    kept: dict[object, Any] = field(default_factory=dict, init=False, repr=False)
    people_cause: str = "people_coordinates"
