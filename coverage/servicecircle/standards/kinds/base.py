"""What every kind shares: what it measures, and the table of its units."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd

from servicecircle.standards.filters import Selection
from servicecircle.standards.plan import Indicator, Operator
from servicecircle.standards.scopes import units_in_scope
from servicecircle.standards.studied import AREA_UNIT, Study
from servicecircle.standards.trace import no_trace
from servicecircle.standards.uncertainty import Width

if TYPE_CHECKING:
    from servicecircle.standards.kinds.reach import Reach

__all__ = [
    "AREA_UNIT",
    "Kind",
    "Measured",
    "Selection",
    "Study",
    "not_measured",
    "share",
    "unit_table",
    "units_in_scope",
]

NAN = float("nan")

UNIT_COLUMNS = ("unit_id", "value", "numerator", "denominator", "low", "high")


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Measured:
    """What a kind found for one indicator.

    Parameters
    ----------
    value, straight_value : float
        In the indicator's unit; NaN unknown.
    numerator, denominator : float
    low, high : float
        Bounds of the value from named causes; NaN where the value is its own bound. They may be
        known where the value is not: without roads the straight line bounds the network's share.
    causes : tuple of str
        What makes low and high differ.
    missing : tuple of str
        Inputs that are missing, as the project file names them.
    notes : tuple of str
        In the language of the study.
    units : pandas.DataFrame
        Columns unit_id, value, numerator, denominator, low, high.
    judged_by : {"target", "threshold", "nothing"}
        What the units are held against; nothing: shown as reference.
    unit_operator : {"at_least", "at_most"}
        How a unit's value meets the threshold.
    profile : str
    speed_kmh : float
    scale : float
        100 for percentages: value = numerator ÷ denominator × scale.
    whole : bool
        The numerator counts things, so a shortfall is rounded up.
    applicable : bool
        False where the indicator speaks of another level.
    ambiguous : bool
        Bounds without a value are an answer in doubt, not a lack of data.
    widths : tuple of Width
        What each cause does to low and high, in the unit of the value.
    reach : Reach, optional
        People and their ways, where the value is a share of people within reach.
    unit_goal : float
        What units are held against where it is neither the target nor the threshold.
    each : pandas.DataFrame, optional
        Columns value, numerator, denominator, low, high of the units, or facilities, each of which
        has to reach the target; the one farthest off decides, not the value.
    each_of : {"unit", "facility"}
    each_title : str
        What the denominators of ``each`` count, where a share of it says more.
    trace : pandas.DataFrame
        Columns :data:`servicecircle.standards.trace.TRACE_COLUMNS`: the addends of numerator and
        denominator, see :mod:`servicecircle.standards.trace`.
    """

    value: float = NAN
    straight_value: float = NAN
    numerator: float = NAN
    denominator: float = NAN
    low: float = NAN
    high: float = NAN
    causes: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    units: pd.DataFrame = field(default_factory=lambda: unit_table([]))
    judged_by: str = "nothing"
    unit_operator: Operator = "at_least"
    profile: str = ""
    speed_kmh: float = NAN
    scale: float = 1.0
    whole: bool = False
    applicable: bool = True
    ambiguous: bool = False
    widths: tuple[Width, ...] = ()
    reach: Reach | None = None
    unit_goal: float = NAN
    each: pd.DataFrame | None = None
    each_of: Literal["unit", "facility"] = "unit"
    each_title: str = ""
    trace: pd.DataFrame = field(default_factory=no_trace)


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One kind of indicator; the table of kinds is all that knows which there are.

    Parameters
    ----------
    name, zh, en : str
    measure : callable
        (indicator, study, target year or None) → Measured.
    requires, forbids : tuple of str
        Fields of an indicator that a plan file must give, and those that mean nothing here.
    counts_units : bool
        The level is that of the units counted, so a scope must be of the same level.
    total : bool
        A total of the region: not judged on a part of it.
    travels : bool
        Needs access tables.
    """

    name: str
    zh: str
    en: str
    measure: Callable[[Indicator, Study, int | None], Measured]
    requires: tuple[str, ...] = ()
    forbids: tuple[str, ...] = ()
    counts_units: bool = False
    total: bool = False
    travels: bool = False


def unit_table(rows: list[tuple[object, ...]]) -> pd.DataFrame:
    """Return the table of units of a measurement."""
    columns = list(zip(*rows, strict=True)) or [()] * len(UNIT_COLUMNS)
    numbers = (np.array(column, float) for column in columns[1:])
    return pd.DataFrame(
        {"unit_id": list(columns[0])} | dict(zip(UNIT_COLUMNS[1:], numbers, strict=True))
    )


def share(part: float, whole: float) -> float:
    """Return a percentage; 0 of 0 is NaN.

    Examples
    --------
    >>> share(1, 4), share(0, 0)
    (25.0, nan)
    """
    return 100.0 * part / whole if whole > 0 else NAN


def not_measured(*missing: str, notes: tuple[str, ...] = ()) -> Measured:
    """Return a measurement that only names what is missing."""
    return Measured(missing=tuple(dict.fromkeys(missing)), notes=notes)
