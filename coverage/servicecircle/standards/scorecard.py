"""The scorecard: its columns, and the rows of the two result tables."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from servicecircle.standards.kinds.base import Measured
from servicecircle.standards.plan import Indicator, Operator, Target
from servicecircle.standards.things import WHOLE_THINGS, missing_thing, ratio_scale
from servicecircle.standards.verdicts import is_due, shortfall, verdict_in_range, verdict_of

__all__ = ["SCORECARD_COLUMNS", "UNIT_RESULT_COLUMNS", "scorecard_table", "unit_rows"]

SCORECARD_COLUMNS = (
    "plan",
    "indicator_id",
    "alternative",
    "target_year",
    "name_zh",
    "name_en",
    "layer",
    "kind",
    "measure",
    "unit_level",
    "denominator_name",
    "scope",
    "attribute",
    "as_of",
    "profile",
    "speed_kmh",
    "value",
    "straight_value",
    "unit",
    "numerator",
    "denominator",
    "baseline_year",
    "baseline",
    "target",
    "target_basis",
    "verdict",
    "low",
    "high",
    "width_causes",
    "shortfall",
    "missing_inputs",
    "notes",
    "source_file",
    "source_lines",
    "shortfall_of",
    "unit_zh",
    "governing",
    "headline",
)

UNIT_RESULT_COLUMNS = (
    "plan",
    "indicator_id",
    "alternative",
    "unit_id",
    "value",
    "numerator",
    "denominator",
    "target",
    "verdict",
    "low",
    "high",
    "shortfall",
    "shortfall_of",
)

_INTEGERS = ("target_year", "baseline_year")
_FLOATS = (
    "speed_kmh",
    "value",
    "straight_value",
    "numerator",
    "denominator",
    "baseline",
    "target",
    "low",
    "high",
    "shortfall",
)
_NUMBERS = ("value", "low", "high", "numerator", "denominator")


def scorecard_table(rows: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """Return the scorecard of some rows, with its columns and types also where it is empty."""
    table = pd.DataFrame(rows, columns=list(SCORECARD_COLUMNS))
    types: dict[str, Any] = dict.fromkeys(_FLOATS, float) | dict.fromkeys(_INTEGERS, "Int64")
    return table.astype(types | {"headline": bool, "governing": bool})


def unit_rows(
    indicator: Indicator,
    measured: Measured,
    *,
    plan: str,
    target: Target | None,
    as_of: dt.date,
    applicable: bool,
    reference: Collection[str] = (),
) -> pd.DataFrame:
    """Return the rows of ``unit_results`` of one indicator.

    Units are held against the threshold (presence, mean times) or against the headline target
    (shares of people); where neither applies they are shown as reference and not judged, and so
    are the units of ``reference``, which are of another level than the plan judges at. A target
    that is not due is not judged, one that is only a reading is never missed.

    Returns
    -------
    pandas.DataFrame
        Columns of :data:`UNIT_RESULT_COLUMNS`.
    """
    found = measured.units
    goal = math.nan
    operator: Operator = indicator.operator
    if measured.judged_by == "threshold":
        goal, operator = indicator.threshold or 1.0, measured.unit_operator
        goal = goal if math.isnan(measured.unit_goal) else measured.unit_goal
    elif measured.judged_by == "target" and target is not None:
        goal = target.value
    scale = ratio_scale(indicator, measured.scale)
    thing = missing_thing(indicator, per_unit=True)
    verdicts, missing = [], []
    numbers = (found[name].tolist() for name in _NUMBERS)
    shown_only = found["unit_id"].isin(list(reference)).tolist()
    for only, value, low, high, numerator, denominator in zip(shown_only, *numbers, strict=True):
        missing.append(
            shortfall(
                value,
                goal,
                operator=operator,
                numerator=numerator,
                denominator=math.nan if scale is None else denominator,
                scale=scale or 1.0,
                whole=thing in WHOLE_THINGS,
            )
        )
        if only or not applicable or measured.judged_by == "nothing":
            verdicts.append("not_applicable")
        elif math.isnan(goal):
            verdicts.append("no_data" if math.isnan(value) else "no_target")
        else:
            verdict = verdict_of(
                value, low, high, goal, operator=operator, ambiguous=measured.ambiguous
            )
            # More facilities than a unit needs are no fault; more than a norm allows are.
            maximum = indicator.threshold_max if measured.each is not None else None
            verdict = verdict_in_range(verdict, value, low, high, maximum)
            verdicts.append(_softened(verdict, target, as_of))
    return pd.DataFrame(
        {
            "plan": plan,
            "indicator_id": indicator.id,
            "alternative": indicator.alternative,
            **{name: found[name] for name in ("unit_id", "value", "numerator", "denominator")},
            "target": goal,
            "verdict": verdicts,
            "low": found["low"],
            "high": found["high"],
            "shortfall": np.array(missing, float),
            "shortfall_of": "" if math.isnan(goal) else thing,
        },
        index=found.index,
        columns=list(UNIT_RESULT_COLUMNS),
    )


def _softened(verdict: str, target: Target | None, as_of: dt.date) -> str:
    """Return the verdict on a target that may not be due, or be only a reading."""
    if target is None or verdict == "no_data":
        return verdict
    if not is_due(target, as_of):
        return "not_due"
    return "undecided" if verdict == "not_met" and target.basis == "reading" else verdict
