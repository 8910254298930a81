"""Rules that hold for each unit, or each facility: the one farthest off decides."""

from __future__ import annotations

import math
from dataclasses import dataclass

import pandas as pd

from servicecircle.standards.kinds.base import Measured, Study
from servicecircle.standards.plan import Indicator, Operator, Target
from servicecircle.standards.verdicts import judge, verdict_in_range, verdict_of

__all__ = ["EachFound", "each_found", "each_note", "hold_each"]


@dataclass(frozen=True, slots=True, kw_only=True)
class EachFound:
    """What came of holding each of some units against a goal.

    Parameters
    ----------
    verdict : str
        met, not_met, undecided or no_data.
    worst : float
        The value farthest off; NaN where none is known.
    reached, total : int
        Units whose value reaches the goal, and all.
    percent : float
        Of what stands below the line, in units that reach it.
    """

    verdict: str
    worst: float
    reached: int
    total: int
    percent: float


def hold_each(
    each: pd.DataFrame,
    goal: float,
    *,
    operator: Operator,
    maximum: float | None = None,
) -> EachFound:
    """Hold each of some units against a goal.

    Parameters
    ----------
    each : pandas.DataFrame
        value, low, high, denominator.
    goal : float
    operator : {"at_least", "at_most"}
    maximum : float, optional
        Upper end of a range, inclusive.

    Examples
    --------
    >>> each = pd.DataFrame({
    ...     "value": [8.0, 3.0, 14.0], "low": [8.0, 3.0, 14.0], "high": [8.0, 3.0, 14.0],
    ...     "denominator": 1.0,
    ... })
    >>> found = hold_each(each, 6, operator="at_least", maximum=12)
    >>> found.verdict, found.worst, found.reached, found.total
    ('not_met', 3.0, 1, 3)
    >>> hold_each(each.iloc[:0], 6, operator="at_least").verdict
    'no_data'
    """
    value = each["value"]
    low = each["low"].fillna(value)
    high = each["high"].fillna(value)
    worst = _worst(value, operator)
    found = verdict_of(
        worst, _worst(low, operator), _worst(high, operator), goal, operator=operator
    )
    if math.isnan(worst) and low.notna().any():
        found = judge(_worst(low, operator), _worst(high, operator), goal, operator)
    value_most, low_most, high_most = (float(one.max()) for one in (value, low, high))
    found = verdict_in_range(found, value_most, low_most, high_most, maximum)
    passes = [
        not math.isnan(one)
        and judge(one, one, goal, operator) == "met"
        and (maximum is None or judge(one, one, maximum, "at_most") == "met")
        for one in value
    ]
    below = each["denominator"].astype(float)
    whole_below = float(below.sum())
    return EachFound(
        verdict=found,
        worst=worst,
        reached=sum(passes),
        total=len(each),
        percent=100.0 * float(below[passes].sum()) / whole_below if whole_below > 0.0 else math.nan,
    )


def _worst(values: pd.Series[float], operator: Operator) -> float:
    return float(values.min() if operator == "at_least" else values.max())


def each_found(indicator: Indicator, measured: Measured, target: Target | None) -> EachFound | None:
    """Return what holding each unit against the target or the threshold gives; None without."""
    goal = indicator.threshold if target is None else target.value
    if measured.each is None or goal is None or measured.each.empty:
        return None
    return hold_each(
        measured.each,
        goal,
        operator=indicator.operator,
        maximum=indicator.threshold_max,
    )


def each_note(
    indicator: Indicator, study: Study, measured: Measured, target: Target | None
) -> tuple[str, ...]:
    """Say how many of the units reach the goal, and how far off the farthest is."""
    found = each_found(indicator, measured, target)
    if found is None:
        return ()
    goal = indicator.threshold if target is None else target.value
    text = f"{goal:g}"
    if indicator.threshold_max is not None:
        text = f"{text}–{indicator.threshold_max:g}"
    note = study.note(
        f"each_{measured.each_of}",
        goal=text,
        count=found.reached,
        total=found.total,
        worst="?" if math.isnan(found.worst) else f"{found.worst:.4g}",
    )
    if not measured.each_title or math.isnan(found.percent):
        return (note,)
    people = study.note("each_people", percent=f"{found.percent:.1f}", what=measured.each_title)
    return (note, people)
