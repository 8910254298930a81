"""What one more facility is worth: how far it moves an indicator, and how many it takes."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import pandas as pd

from servicecircle.standards.kinds.base import Study
from servicecircle.standards.one_more import Floats, Worth, worth_of_reach, worth_of_things
from servicecircle.standards.plan import Indicator, variants
from servicecircle.standards.verdicts import headline_target

__all__ = ["WORTH_COLUMNS", "worth_table"]

WORTH_COLUMNS = (
    "plan",
    "indicator_id",
    "alternative",
    "layer",
    "unit_id",
    "target_year",
    "target",
    "unit",
    "value",
    "shortfall",
    "shortfall_of",
    "one_more_of",
    "size",
    "uncovered",
    "gain",
    "bound",
    "needed_at_least",
    "assumption",
)

_FLOATS = ("target", "value", "shortfall", "size", "uncovered", "gain", "needed_at_least")


def worth_table(
    study: Study,
    scorecard: pd.DataFrame,
    unit_results: pd.DataFrame,
    *,
    places: tuple[Floats, Floats],
    slopes: bool = False,
) -> pd.DataFrame:
    """Return what one more facility is worth to each indicator of a plan.

    Held against the headline target, as ``unit_results`` is.

    Parameters
    ----------
    study : Study
    scorecard, unit_results : pandas.DataFrame
        Of the study's plan, from :func:`servicecircle.standards.evaluate.evaluate`.
    places : tuple of numpy.ndarray of float, shape (n,)
        Metres east and north of the demand points of the evidence, in their order.
    slopes : bool
        Slopes count, so that people may be faster than their profile downhill.

    Returns
    -------
    pandas.DataFrame
        Columns :data:`WORTH_COLUMNS`: one row per indicator and alternative that has a value, and
        for shares of people within reach one more for each unit.

    Examples
    --------
    >>> import datetime as dt
    >>> import numpy as np
    >>> from servicecircle.standards.evidence import Evidence
    >>> from servicecircle.standards.indicators import load_plan
    >>> evidence = Evidence(
    ...     as_of=dt.date(2025, 12, 31), units=pd.DataFrame(), layers=frozenset(),
    ...     facilities=pd.DataFrame(), demand=pd.DataFrame(), access=pd.DataFrame(),
    ... )
    >>> study = Study(plan=load_plan("minle"), evidence=evidence, area="whole", own_level="county")
    >>> columns = ["indicator_id", "alternative", "target_year", "value"]
    >>> nowhere = np.empty(0)
    >>> len(worth_table(
    ...     study, pd.DataFrame(columns=columns), pd.DataFrame(columns=columns),
    ...     places=(nowhere, nowhere),
    ... ))
    0
    """
    cards = {
        (card["indicator_id"], card["alternative"], _year(card["target_year"])): card
        for card in ({str(k): v for k, v in one.items()} for one in scorecard.to_dict("records"))
    }
    results = {
        (str(key[0]), str(key[1])): rows
        for key, rows in unit_results.groupby(["indicator_id", "alternative"], sort=False)
    }
    rows: list[dict[str, Any]] = []
    for first in study.plan.indicators:
        for one in variants(first):
            goal = headline_target(one.targets, study.evidence.as_of)
            card = cards.get((one.id, one.alternative, None if goal is None else goal.year))
            if card is None or card["verdict"] == "not_applicable" or math.isnan(card["value"]):
                continue
            units = results.get((one.id, one.alternative), unit_results.iloc[:0])
            if one.kind in {"distance", "travel_time"} and one.denominator != "units":
                found = worth_of_reach(one, study, card, places, slopes=slopes)
            else:
                found = {"": worth_of_things(one, study, card, units)}
            rows += _rows(one, study, card, units, found)
    table = pd.DataFrame(rows, columns=list(WORTH_COLUMNS))
    return table.astype(dict.fromkeys(_FLOATS, float) | {"target_year": "Int64"})


def _year(value: Any) -> int | None:
    return None if pd.isna(value) else int(value)


def _rows(
    indicator: Indicator,
    study: Study,
    card: Mapping[str, Any],
    units: pd.DataFrame,
    found: Mapping[str, Worth],
) -> list[dict[str, Any]]:
    inside = units.set_index("unit_id")
    rows = []
    for unit, worth in found.items():
        if unit and unit not in inside.index:
            continue
        own = card if not unit else inside.loc[unit]
        rows.append(
            {
                "plan": study.plan.id,
                "indicator_id": indicator.id,
                "alternative": indicator.alternative,
                "layer": indicator.layer,
                "unit_id": unit,
                "target_year": _year(card["target_year"]),
                "target": card["target"],
                "unit": indicator.unit,
                "value": own["value"],
                "shortfall": own["shortfall"],
                "shortfall_of": own["shortfall_of"],
                "one_more_of": worth.of,
                "size": worth.size,
                "uncovered": worth.uncovered,
                "gain": worth.gain,
                "bound": worth.bound,
                "needed_at_least": worth.needed,
                "assumption": worth.assumption,
            }
        )
    return rows
