"""The conflicts of the plans of a run, with the rows of the scorecard that they touch."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

import pandas as pd

from servicecircle.messages import Language
from servicecircle.standards.conflicts import Conflict
from servicecircle.standards.plan import Plan

__all__ = ["CONFLICT_COLUMNS", "conflict_table", "line_words", "said"]

CONFLICT_COLUMNS = (
    "plan",
    "conflict_id",
    "type",
    "severity",
    "between",
    "topic",
    "says",
    "reason",
    "handling",
    "source_file",
    "source_lines",
    "indicator_id",
    "alternative",
    "target_year",
    "target",
    "value",
    "unit",
    "verdict",
    "governing",
)
_NUMBERS = re.compile(r"\d[\d;, -]*")
_OF_ROW = CONFLICT_COLUMNS[11:]
_UNTOUCHED = {"indicator_id": "", "alternative": "", "unit": "", "verdict": ""}


def said(conflict: Conflict, language: Language) -> tuple[str, ...]:
    """Return what the plans say, each with plan and lines, in one language.

    Examples
    --------
    >>> from servicecircle.standards.indicators import between_plans, load_plan
    >>> said(load_plan("minle").conflicts[0], "en")[:2]
    ('line 87: general aims: 30 %', 'lines 157, 159: chapter on care: 50 %')
    >>> said(between_plans()[0], "zh")[1]
    'quzhou 第 225 行：2022 年每县 1 所'
    """
    zh = language == "zh"
    return tuple(
        f"{one.plan} {line_words(one.lines, language)}".strip()
        + ("：" if zh else ": ")
        + (one.zh if zh else one.en)
        for one in conflict.says
    )


def line_words(lines: str, language: Language) -> str:
    """Return line numbers as a text has them; anything else stays as it is.

    Examples
    --------
    >>> line_words("157;159", "zh"), line_words("87", "en"), line_words("p. 12", "en")
    ('第 157、159 行', 'line 87', 'p. 12')
    """
    if not _NUMBERS.fullmatch(lines):
        return lines
    if language == "zh":
        return f"第 {lines.replace(';', '、')} 行"
    several = ";" in lines or "-" in lines
    return f"{'lines' if several else 'line'} {lines.replace(';', ', ')}"


def conflict_table(
    plans: Iterable[Plan], scorecard: pd.DataFrame, language: Language
) -> pd.DataFrame:
    """Return the conflicts of some plans, one row for each row of the scorecard they touch.

    Parameters
    ----------
    plans : iterable of Plan
    scorecard : pandas.DataFrame
    language : {"zh", "en"}
        Of topic, says, reason, handling.

    Returns
    -------
    pandas.DataFrame
        Columns :data:`CONFLICT_COLUMNS`, in the order of the plan files. A conflict that touches no
        indicator has one row without one. ``source_lines`` are those of this plan.

    Examples
    --------
    >>> from servicecircle.standards.indicators import load_plan
    >>> from servicecircle.standards.scorecard import scorecard_table
    >>> found = conflict_table([load_plan("minle")], scorecard_table([]), "en")
    >>> len(found), found["conflict_id"].nunique(), bool(found["indicator_id"].eq("").all())
    (32, 32, True)
    >>> conflict_table([], scorecard_table([]), "en").empty
    True
    """
    rows: list[dict[str, Any]] = []
    for plan in plans:
        card = scorecard[scorecard["plan"] == plan.id]
        by_indicator = dict(iter(card.groupby("indicator_id", sort=False)))
        for conflict in plan.conflicts:
            told = _told(conflict, plan, language)
            touched = [
                by_indicator[one.id]
                for one in plan.indicators
                if conflict.id in one.conflicts and one.id in by_indicator
            ]
            found = [
                dict(zip(_OF_ROW, values, strict=True))
                for table in touched
                for values in table[list(_OF_ROW)].itertuples(index=False, name=None)
            ]
            rows += [told | one for one in found or [_UNTOUCHED]]
    table = pd.DataFrame(rows, columns=list(CONFLICT_COLUMNS))
    return table.astype(
        {"target_year": "Int64", "target": float, "value": float, "governing": "boolean"}
    )


def _told(conflict: Conflict, plan: Plan, language: Language) -> dict[str, Any]:
    lines = [one.lines for one in conflict.says if one.lines and one.plan in ("", plan.id)]
    return {
        "plan": plan.id,
        "conflict_id": conflict.id,
        "type": conflict.type,
        "severity": conflict.severity,
        "between": ";".join(conflict.plans),
        "topic": conflict.words("topic", language),
        "says": " | ".join(said(conflict, language)),
        "reason": conflict.words("reason", language),
        "handling": conflict.words("handling", language),
        "source_file": plan.source_file,
        "source_lines": ";".join(lines),
    }
