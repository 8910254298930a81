"""Verdicts: a value held against a target, and what is missing to it."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterable

from servicecircle.standards.kinds.base import Measured
from servicecircle.standards.plan import Indicator, Operator, Target
from servicecircle.standards.things import WHOLE_THINGS, missing_thing

__all__ = [
    "VERDICTS",
    "headline_target",
    "is_due",
    "judge",
    "shortfall",
    "shortfall_of_all",
    "verdict_in_range",
    "verdict_of",
]

VERDICTS = (
    "met",
    "not_met",
    "undecided",
    "no_data",
    "not_applicable",
    "not_due",
    "no_target",
)
_RELATIVE = 1e-9


def is_due(target: Target, as_of: dt.date) -> bool:
    """Return whether a target's year is over: it is due at the end of its year.

    Examples
    --------
    >>> is_due(Target(year=2025, value=1), dt.date(2025, 12, 31))
    True
    >>> is_due(Target(year=2025, value=1), dt.date(2025, 12, 30))
    False
    """
    return dt.date(target.year, 12, 31) <= as_of


def headline_target(targets: Iterable[Target], as_of: dt.date) -> Target | None:
    """Return the latest target due at a date, else the next one to come; None without targets.

    Examples
    --------
    >>> targets = (Target(year=2022, value=55), Target(year=2025, value=58))
    >>> [headline_target(targets, dt.date(year, 12, 31)).year for year in (2021, 2023, 2025)]
    [2022, 2022, 2025]
    >>> headline_target((), dt.date(2025, 12, 31)) is None
    True
    """
    ordered = sorted(targets, key=lambda target: target.year)
    due = [target for target in ordered if is_due(target, as_of)]
    return due[-1] if due else next(iter(ordered), None)


def judge(low: float, high: float, target: float, operator: Operator) -> str:
    """Hold an interval against a target: met, not_met, or undecided where it lies across.

    Equal meets, with a relative slack of 1e-9. A bound that is NaN decides nothing.

    Examples
    --------
    >>> [judge(*bounds, 60, "at_least") for bounds in ((60, 60), (40, 59.9), (40, 60))]
    ['met', 'not_met', 'undecided']
    >>> judge(450, 450, 450, "at_most"), judge(float("nan"), float("nan"), 1, "at_most")
    ('met', 'undecided')
    """
    slack = _RELATIVE * max(1.0, abs(target))
    if operator == "at_most":
        low, high, target = -high, -low, -target
    if low >= target - slack:
        return "met"
    if high < target - slack:
        return "not_met"
    return "undecided"


def _bounds(value: float, low: float, high: float) -> tuple[float, float]:
    return (value if math.isnan(low) else low, value if math.isnan(high) else high)


def verdict_of(
    value: float,
    low: float,
    high: float,
    target: float,
    *,
    operator: Operator,
    ambiguous: bool = False,
) -> str:
    """Return met, not_met, undecided or no_data.

    Without a value the bounds may still prove an answer; where they do not, the answer is
    undecided if the rule itself is ambiguous, else there is no data.

    Examples
    --------
    >>> nan = float("nan")
    >>> verdict_of(nan, 0, 80, 100, operator="at_least")
    'not_met'
    >>> verdict_of(nan, 0, 100, 100, operator="at_least")
    'no_data'
    >>> verdict_of(nan, nan, nan, 100, operator="at_least", ambiguous=True)
    'no_data'
    """
    low, high = _bounds(value, low, high)
    if math.isnan(low) and math.isnan(high):
        return "no_data"
    found = judge(low, high, target, operator)
    if found == "undecided" and math.isnan(value) and not ambiguous:
        return "no_data"
    return found


def verdict_in_range(
    verdict: str, value: float, low: float, high: float, maximum: float | None
) -> str:
    """Return the verdict on a value that may not exceed an upper end either, inclusive.

    Parameters
    ----------
    verdict : str
        On the lower end.
    value, low, high : float
    maximum : float or None

    Examples
    --------
    >>> [verdict_in_range("met", one, one, one, 12) for one in (9, 14)]
    ['met', 'not_met']
    >>> verdict_in_range("not_met", 3, 3, 3, 12), verdict_in_range("met", 9, 9, 9, None)
    ('not_met', 'met')
    """
    if maximum is None or verdict not in {"met", "undecided"}:
        return verdict
    other = verdict_of(value, low, high, maximum, operator="at_most")
    return other if verdict == "met" or other == "not_met" else verdict


def shortfall(
    value: float,
    target: float,
    *,
    operator: Operator,
    numerator: float = math.nan,
    denominator: float = math.nan,
    scale: float = 1.0,
    whole: bool = False,
) -> float:
    """Return what is missing to a target, in things or, without a ratio, in the value's unit.

    Of a ratio (value = numerator ÷ denominator × scale) it is target ÷ scale × denominator −
    numerator, the denominator as it is; where less is better, numerator × scale ÷ target −
    denominator. Of anything else it is the distance of the value to the target. Rounded up where
    things come whole; 0 where the target is met, NaN where it is not known, or no number of things
    would do (at most 0).

    Examples
    --------
    >>> shortfall(
    ...     50, 60, operator="at_least", numerator=8, denominator=16, scale=100, whole=True
    ... )
    2.0

    900 older persons and one social worker, at most 450 each:

    >>> shortfall(900, 450, operator="at_most", numerator=900, denominator=1, whole=True)
    1.0
    >>> shortfall(520, 450, operator="at_most"), shortfall(math.nan, 1, operator="at_least")
    (70.0, nan)
    """
    if math.isnan(value) or math.isnan(target):
        return math.nan
    if judge(value, value, target, operator) == "met":
        return 0.0
    if math.isnan(denominator):
        missing = abs(target - value)
    elif operator == "at_least":
        missing = target / scale * denominator - numerator
    else:
        missing = numerator * scale / target - denominator if target > 0.0 else math.nan
    if not whole or math.isnan(missing):
        return float(missing)
    return float(math.ceil(missing - _RELATIVE * max(1.0, missing)))


def shortfall_of_all(indicator: Indicator, measured: Measured, target: float) -> float:
    """Return what is missing to a target in all; of what has to reach it one by one, the sum.

    A surplus of one unit, or of one facility, helps no other; those of which nothing is known are
    left out of the sum.

    Examples
    --------
    >>> import pandas as pd
    >>> from servicecircle.standards.indicators import load_plan
    >>> known = {one.id: one for one in load_plan("zhejiang").indicators}
    >>> rule = known["zhejiang_care_home_beds_per_10000_elderly_unit"]
    >>> each = pd.DataFrame({
    ...     "value": [250.0, 400.0, math.nan], "numerator": [250.0, 400.0, math.nan],
    ...     "denominator": [10_000.0, 10_000.0, math.nan],
    ... })
    >>> measured = Measured(
    ...     value=325.0, numerator=650.0, denominator=20_000.0, scale=10_000.0, each=each
    ... )
    >>> shortfall_of_all(rule, measured, 300.0)
    50.0
    """
    whole = measured.whole or missing_thing(indicator) in WHOLE_THINGS
    columns = ["value", "numerator", "denominator"]
    one = [(measured.value, measured.numerator, measured.denominator)]
    rows = one if measured.each is None else measured.each[columns].to_numpy(float).tolist()
    found = [
        shortfall(
            value,
            target,
            operator=indicator.operator,
            numerator=numerator,
            denominator=denominator,
            scale=measured.scale,
            whole=whole,
        )
        for value, numerator, denominator in rows
    ]
    known = [missing for missing in found if not math.isnan(missing)]
    return math.fsum(known) if known else math.nan
