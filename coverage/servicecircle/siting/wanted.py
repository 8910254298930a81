"""What a plan's indicator asks of new facilities: records, and the words of a refusal."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from servicecircle.errors import SitingError
from servicecircle.problems import Problem
from servicecircle.standards.kinds import Study
from servicecircle.standards.plan import Filter, Indicator, Target

__all__ = ["End", "Form", "Journey", "Service", "SiteTarget", "attributes_of", "refused"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

End = Literal["low", "value"]
Form = Literal["people", "amounts", "communities"]
Criterion = Literal["metres", "seconds", "straight_metres"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """How people reach what a rule asks for.

    Parameters
    ----------
    layer, profile : str
    criterion : {"metres", "seconds", "straight_metres"}
    limit : float
        In metres or seconds: how far candidates have to be looked for.
    """

    layer: str
    profile: str
    criterion: Criterion
    limit: float


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Journey:
    """How people of the scope reach a layer now, and what a new site has to be within.

    All of the length of ``SiteTarget.rows``.

    Parameters
    ----------
    reached : numpy.ndarray of bool
        Who is reached by what exists, at the end that is asked for.
    taken : numpy.ndarray of float
        Metres or seconds to what exists, at that end; NaN where there is no number.
    facility : numpy.ndarray of str
        The nearest that exists, "" without one.
    error : numpy.ndarray of float
        What is added to the way to a new site, in the unit of the limit: how far from their point
        people may live.
    slow : float
        What the way to a new site is multiplied by: the slowest speed.
    """

    reached: Bools
    taken: Floats
    facility: NDArray[np.object_]
    error: Floats
    slow: float


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class SiteTarget:
    """What new facilities have to do so that the verdict on one target turns.

    Parameters
    ----------
    study : Study
    rule : Indicator
    target : Target, optional
        None where the plan sets none; ``goal`` is then what is taken instead.
    goal : float
        What the value has to reach, in the unit of the indicator.
    form : {"people", "amounts", "communities"}
        A share of people is to be reached; units (or the area) are to have so much; or people of
        units are to reach a basket in a mean time.
    end : {"low", "value"}
        Whether the verdict is to be met for certain, or the value alone is to reach the goal.
    services : tuple of Service
        One for each layer that is to be reached; for ``amounts`` empty.
    level : str
        Level of ``units``, "" where the area is the one unit.
    units : pandas.DataFrame
        Index unit_id: before, line (both in the unit of the value), numerator, denominator, need
        (what is missing, in ``thing``; NaN where it is not known) and verdict (met, not_met,
        no_data).
    wanted : int
        So many of the units have to reach their line, those included that do.
    rows : numpy.ndarray of int64
        Rows of the demand table whose people count.
    weights : numpy.ndarray of float
        Their people.
    journeys : tuple of Journey
        One for each service.
    share : float
        Of the people, 0 to 1; NaN where only units are asked for.
    each_level : str
        Every unit of this level has to reach the share; "" for the whole alone.
    allowed : mapping of str to frozenset of str
        Column of candidates, such as ``unit_township``, and what it has to be one of.
    inside : str
        Column of candidates that has to be true; "" for none.
    thing : str
        What is missing: facilities, beds, m2, places, persons, units.
    size : float
        How much of it one new facility is taken to bring, where it has no capacity of its own.
    size_column : str
        Column of facilities that holds it; "" where a facility counts as one.
    dilutes : float
        What of a facility's size counts below the line for each that counts above it: the goal of
        a share of beds, else 0.
    attributes : mapping
        Columns that a new facility needs so that the rule counts it.
    opened : datetime.date
        It has to be open by then.
    value, low : float
        Of the indicator as it is.
    verdict : str
        On them, leaving aside whether the target is due.
    notes : tuple of str
        In the language of the study.
    """

    study: Study
    rule: Indicator
    target: Target | None
    goal: float
    form: Form
    end: End
    services: tuple[Service, ...] = ()
    level: str = ""
    units: pd.DataFrame = field(default_factory=pd.DataFrame)
    wanted: int = 0
    rows: Ints = field(default_factory=lambda: np.empty(0, np.int64))
    weights: Floats = field(default_factory=lambda: np.empty(0))
    journeys: tuple[Journey, ...] = ()
    share: float = float("nan")
    each_level: str = ""
    allowed: Mapping[str, frozenset[str]] = field(default_factory=dict)
    inside: str = ""
    thing: str = "facilities"
    size: float = 1.0
    size_column: str = ""
    dilutes: float = 0.0
    attributes: Mapping[str, object] = field(default_factory=dict)
    opened: dt.date
    value: float = float("nan")
    low: float = float("nan")
    verdict: str = ""
    notes: tuple[str, ...] = ()

    @property
    def layer(self) -> str:
        """Layer of the new facilities."""
        return self.rule.layer

    @property
    def met(self) -> bool:
        """Whether nothing is missing."""
        return self.verdict == "met"

    @property
    def short(self) -> int:
        """How many of the units still have to reach their line."""
        if not len(self.units):
            return 0
        return max(self.wanted - int((self.units["verdict"] == "met").sum()), 0)


def refused(code: str, rule: Indicator, study: Study, **details: object) -> SitingError:
    """Return the error that says why nothing can be sited for an indicator, and what to do instead.

    Parameters
    ----------
    code : str
        Of ``texts/targets.toml``, without its table.
    rule : Indicator
    study : Study
    """
    name = f"{study.plan.id}:{rule.id}" + (f":{rule.alternative}" if rule.alternative else "")
    return SitingError(
        Problem(
            code=f"target.{code}",
            severity="fatal",
            action="stopped",
            value=name,
            details={"name": rule.name(study.language), **details},
        )
    )


def attributes_of(rule: Indicator) -> dict[str, object]:
    """Return what a new facility has to have so that the filters of a rule let it pass.

    Examples
    --------
    >>> from servicecircle.standards.indicators import load_plan
    >>> known = {one.id: one for one in load_plan("jiaxing").indicators}
    >>> attributes_of(known["jiaxing_day_center_3a_coverage"])
    {'grade': '3A'}
    >>> attributes_of(known["jiaxing_minor_protection_station_township"])
    {}
    """
    found: dict[str, object] = {}
    for condition in (rule.filter, rule.numerator_filter):
        if condition.layers and rule.layer not in condition.layers:
            continue
        for column, value in _asked(condition):
            before = found.get(column)
            if not (isinstance(before, float) and isinstance(value, float) and before > value):
                found[column] = value
    return found


def _asked(condition: Filter) -> list[tuple[str, object]]:
    found: list[tuple[str, object]] = []
    if condition.grade_in:
        found.append(("grade", condition.grade_in[0]))
    if condition.grade_at_least:
        found.append(("grade", condition.grade_at_least))
    for column, least in (
        ("capacity", condition.beds_at_least),
        ("nursing_beds", condition.nursing_beds_at_least),
        ("dementia_beds", condition.dementia_beds_at_least),
        ("floor_area_m2", condition.floor_area_at_least),
    ):
        if least is not None:
            found.append((column, float(least)))
    found += [(column, True) for column in condition.having]
    found += [(column, wanted[0]) for column, wanted in condition.choices.items()]
    return found
