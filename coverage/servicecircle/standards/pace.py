"""Targets over time: where an indicator stands on its path, the pace so far and the pace needed."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import pandas as pd

from servicecircle.messages import Language, label
from servicecircle.standards.plan import Indicator, Operator, Plan, Target, variants
from servicecircle.standards.target_paths import expected_at, path_of, year_point
from servicecircle.standards.verdicts import is_due, judge

__all__ = ["PROGRESS_COLUMNS", "STATES", "progress_table"]

NAN = math.nan
STATES = ("reached", "yes", "no", "undecided", "missed", "unknown")
"""What ``on_track`` may say."""

PROGRESS_COLUMNS = (
    "plan",
    "indicator_id",
    "alternative",
    "name_zh",
    "name_en",
    "layer",
    "unit",
    "operator",
    "measure",
    "as_of",
    "value",
    "low",
    "high",
    "baseline_year",
    "baseline",
    "previous_year",
    "previous_target",
    "next_year",
    "next_target",
    "last_year",
    "last_target",
    "expected_at_as_of",
    "ahead_by",
    "pace_so_far",
    "pace_needed_next",
    "pace_needed_last",
    "projected",
    "on_track",
    "why",
)

_YEARS = ("baseline_year", "previous_year", "next_year", "last_year")
_FULL = 100.0


def progress_table(
    plan: Plan,
    scorecard: pd.DataFrame,
    *,
    as_of: dt.date,
    area: Literal["whole", "part"] = "whole",
    language: Language = "zh",
) -> pd.DataFrame:
    """Return where every indicator of a plan stands on its way to its targets.

    Parameters
    ----------
    plan : Plan
    scorecard : pandas.DataFrame
        Its rows from :func:`servicecircle.standards.evaluate.evaluate`.
    as_of : datetime.date
    area : {"whole", "part"}
        On a part the plan's baseline speaks of another area, so there is no pace so far.
    language : {"zh", "en"}
        Of ``why``.

    Returns
    -------
    pandas.DataFrame
        Columns :data:`PROGRESS_COLUMNS`, one row per indicator and alternative in the order of
        the plan file. Paces are changes of the value per year; ``ahead_by`` is positive on the
        better side of the path, whichever that is.

    Examples
    --------
    >>> rule = Indicator(
    ...     id="a", name_zh="甲", name_en="a", layer="canteen", kind="presence_per_unit",
    ...     level="township", unit="%", threshold=1, baseline_year=2020, baseline=20.0,
    ...     targets=(Target(year=2025, value=60),),
    ... )
    >>> plan = Plan(
    ...     id="p", name_zh="甲", name_en="p", level="county", region_zh="甲", region_en="a",
    ...     period=(2021, 2025), indicators=(rule,),
    ... )
    >>> card = pd.DataFrame({
    ...     "indicator_id": ["a"], "alternative": [""], "target_year": [2025],
    ...     "value": [40.0], "low": [40.0], "high": [40.0], "verdict": ["not_due"],
    ... })
    >>> table = progress_table(plan, card, as_of=dt.date(2023, 12, 31))
    >>> table.loc[0, ["expected_at_as_of", "ahead_by", "pace_so_far", "pace_needed_last"]].tolist()
    [44.0, -4.0, 6.666666666666667, 10.0]
    >>> round(table.loc[0, "projected"], 1), table.loc[0, "on_track"]
    (np.float64(53.3), 'no')
    >>> progress_table(plan, card.iloc[:0], as_of=dt.date(2023, 12, 31))["on_track"].tolist()
    ['unknown']
    """
    groups: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for card in scorecard.to_dict("records"):
        row = {str(key): value for key, value in card.items()}
        groups.setdefault((row["indicator_id"], row["alternative"]), []).append(row)
    rows = [
        _row(one, plan, groups.get((one.id, one.alternative), []), as_of, area, language)
        for first in plan.indicators
        for one in variants(first)
    ]
    table = pd.DataFrame(rows, columns=list(PROGRESS_COLUMNS))
    floats = [name for name in PROGRESS_COLUMNS if isinstance(_EMPTY.get(name), float)]
    return table.astype(dict.fromkeys(floats, float) | dict.fromkeys(_YEARS, "Int64"))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Stand:
    """Where an indicator stands: its value, and the time it is of, in years.

    ``short`` holds the years of targets to which something is missing: where each unit has to
    reach them, also when the value of them all does.
    """

    value: float
    low: float
    high: float
    at: float
    applicable: bool
    verdict: str = ""
    short: frozenset[int] = frozenset()


_EMPTY: dict[str, Any] = dict.fromkeys(
    (
        "value",
        "low",
        "high",
        "baseline",
        "previous_target",
        "next_target",
        "last_target",
        "expected_at_as_of",
        "ahead_by",
        "pace_so_far",
        "pace_needed_next",
        "pace_needed_last",
        "projected",
    ),
    NAN,
)


def _row(
    indicator: Indicator,
    plan: Plan,
    cards: Sequence[Mapping[str, Any]],
    as_of: dt.date,
    area: str,
    language: Language,
) -> dict[str, Any]:
    baseline = _baseline(indicator, plan)
    targets = sorted(indicator.targets, key=lambda target: target.year)
    due = [target for target in targets if is_due(target, as_of)]
    coming = targets[len(due) :]
    stand = _stand(indicator, cards, coming, as_of)
    path = path_of(baseline, targets, operator=indicator.operator)
    expected = expected_at(path, stand.at) if targets else NAN
    sign = 1.0 if indicator.operator == "at_least" else -1.0
    pace = NAN
    if baseline is not None and area == "whole" and stand.at > baseline[0] + 1.0:
        pace = (stand.value - baseline[1]) / (stand.at - baseline[0] - 1.0)
    state, reasons = _state(indicator, stand, expected, due, coming)
    worse = baseline is not None and not math.isnan(pace) and sign * pace < 0.0
    if worse:
        reasons.append("worse_than_baseline")
    elif baseline is not None and area == "part" and indicator.measure == "stock":
        reasons.append("part")
    if baseline is not None and targets and _beyond(baseline, targets, indicator.operator):
        reasons.append("beyond")
    years = {"previous": due[-1:], "next": coming[:1], "last": targets[-1:]}
    row: dict[str, Any] = _EMPTY | {
        "plan": plan.id,
        "indicator_id": indicator.id,
        "alternative": indicator.alternative,
        "name_zh": indicator.name_zh,
        "name_en": indicator.name_en,
        "layer": indicator.layer,
        "unit": indicator.unit,
        "operator": indicator.operator,
        "measure": indicator.measure,
        "as_of": as_of.isoformat(),
        "value": stand.value,
        "low": stand.low,
        "high": stand.high,
        "baseline_year": None if baseline is None else baseline[0],
        "baseline": NAN if baseline is None else baseline[1],
        "expected_at_as_of": expected,
        "ahead_by": sign * (stand.value - expected),
        "pace_so_far": pace,
        "on_track": state,
        "why": "; ".join(_words(reason, targets, language) for reason in reasons),
    }
    for name, found in years.items():
        row[f"{name}_year"] = found[0].year if found else None
        row[f"{name}_target"] = found[0].value if found else NAN
    if coming:
        row["pace_needed_next"] = _needed(stand, coming[0], indicator.operator)
        row["pace_needed_last"] = _needed(stand, coming[-1], indicator.operator)
        end = stand.value + pace * (coming[-1].year + 1.0 - stand.at)
        # Where lists count otherwise than the plan did, a fall would be drawn out into nonsense.
        row["projected"] = NAN if worse else _within(end, indicator.unit)
    return row


def _baseline(indicator: Indicator, plan: Plan) -> tuple[int, float] | None:
    """Return year and value that a path starts from; additions start from none."""
    if indicator.measure == "flow":
        return (indicator.since or plan.period[0]) - 1, 0.0
    if indicator.baseline is None or indicator.baseline_year is None:
        return None
    return indicator.baseline_year, indicator.baseline


def _stand(
    indicator: Indicator,
    cards: Sequence[Mapping[str, Any]],
    coming: Sequence[Target],
    as_of: dt.date,
) -> _Stand:
    """Return the value that speaks of today: that of the next target, else of the last one.

    Additions and milestones are counted to the end of their target's year, so theirs is no later
    than that.
    """
    at = year_point(as_of)
    if not cards:
        return _Stand(value=NAN, low=NAN, high=NAN, at=at, applicable=True)
    years = {None if pd.isna(card["target_year"]) else card["target_year"]: card for card in cards}
    card = years.get(coming[0].year) if coming else None
    card = card if card is not None else cards[-1]
    dated = indicator.measure == "flow" or indicator.kind == "phasing"
    if dated and not pd.isna(card["target_year"]):
        at = min(at, float(card["target_year"]) + 1.0)
    return _Stand(
        value=float(card["value"]),
        low=float(card["low"]),
        high=float(card["high"]),
        at=at,
        applicable=card["verdict"] != "not_applicable",
        verdict=card["verdict"],
        short=frozenset(
            int(year)
            for year, one in years.items()
            if year is not None and one.get("shortfall", 0.0) > 0
        ),
    )


def _state(
    indicator: Indicator,
    stand: _Stand,
    expected: float,
    due: Sequence[Target],
    coming: Sequence[Target],
) -> tuple[str, list[str]]:
    """Return what ``on_track`` says, and the reasons that are to be told."""
    silent = (
        ("no_target", not coming and not due),
        ("not_applicable", not stand.applicable),
        ("no_value", math.isnan(stand.low) or math.isnan(stand.high)),
    )
    for reason, holds in silent:
        if holds:
            return "unknown", [reason]
    goals = coming or due[-1:]
    found = {judge(stand.low, stand.high, one.value, indicator.operator) for one in goals}
    if not coming and stand.verdict in {"met", "not_met", "undecided"}:
        found = {stand.verdict}
    elif found == {"met"} and any(one.year in stand.short for one in goals):
        return ("no" if coming else "missed"), ["each"]
    if found == {"met"}:
        return "reached", []
    if math.isnan(stand.value) and found != {"not_met"}:
        return "unknown", ["no_value"]
    return _at_last(found, due[-1]) if not coming else _on_path(indicator, stand, expected)


def _at_last(found: set[str], target: Target) -> tuple[str, list[str]]:
    """Return the state once the last target is due and not reached for certain."""
    if target.basis == "reading":
        return "undecided", ["reading"]
    return ("missed", []) if found == {"not_met"} else ("undecided", ["straddles_target"])


def _on_path(indicator: Indicator, stand: _Stand, expected: float) -> tuple[str, list[str]]:
    """Return the state while a target is to come."""
    if math.isnan(expected):
        known = indicator.measure == "flow" or (
            indicator.baseline is not None and indicator.baseline_year is not None
        )
        return "unknown", ["before_baseline" if known else "no_baseline"]
    found = judge(stand.low, stand.high, expected, indicator.operator)
    if found == "undecided":
        return "undecided", ["straddles_path"]
    return ("yes", []) if found == "met" else ("no", [])


def _beyond(baseline: tuple[int, float], targets: Sequence[Target], operator: Operator) -> bool:
    """Return whether the baseline is as good as every target, or better."""
    return all(judge(baseline[1], baseline[1], one.value, operator) == "met" for one in targets)


def _needed(stand: _Stand, target: Target, operator: Operator) -> float:
    """Return the change per year that reaches a target in time; 0 where it is reached."""
    if math.isnan(stand.value):
        return NAN
    if judge(stand.value, stand.value, target.value, operator) == "met":
        return 0.0
    return (target.value - stand.value) / (target.year + 1.0 - stand.at)


def _within(value: float, unit: str) -> float:
    """Return a projection, held in the bounds that its unit has."""
    if math.isnan(value):
        return NAN
    return min(max(value, 0.0), _FULL) if unit == "%" else max(value, 0.0)


def _words(reason: str, targets: Sequence[Target], language: Language) -> str:
    first = targets[0].year if targets else ""
    return label(f"pace_{reason}", language).format(first=first)
