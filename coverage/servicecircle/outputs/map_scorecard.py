"""The scorecard as the page of the map shows it, in both languages."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pandas as pd

from servicecircle.messages import LANGUAGES, Language
from servicecircle.outputs import payload
from servicecircle.outputs.bilingual import Said, both
from servicecircle.outputs.workbook_tables import plan_titles
from servicecircle.standards.registry import load_registry

if TYPE_CHECKING:
    from collections.abc import Mapping

    from servicecircle.results import Results

__all__ = ["map_scorecard"]

_TEXTS = {
    "verdict": "verdict",
    "id": "indicator_id",
    "level": "unit_level",
    "alternative": "alternative",
    "missing": "missing_inputs",
}
_NUMBERS = ("value", "straight_value", "target", "low", "high", "shortfall")


def map_scorecard(results: Results) -> list[dict[str, Any]]:
    """Return the rows of the scorecard as JSON values, in their order.

    Parameters
    ----------
    results : Results
        Whose scorecard may lack columns, or be empty.

    Returns
    -------
    list of dict
        Keys name, plan, unit (texts, or ``{zh, en}``), verdict, id, level, alternative, missing,
        year (texts), value, straight_value, target, low, high, shortfall (numbers or None),
        headline, invented (bool).
    """
    table = results.scorecard
    columns: dict[str, list[Any]] = {key: _texts(table, name) for key, name in _TEXTS.items()}
    names = {language: _texts(table, f"name_{language}") for language in LANGUAGES}
    titles = {language: plan_titles(replace(results, language=language)) for language in LANGUAGES}
    columns["name"] = [
        _name(dict(zip(LANGUAGES, pair, strict=True)))
        for pair in zip(*(names[language] for language in LANGUAGES), strict=True)
    ]
    plans = _texts(table, "plan")
    said: Mapping[str, Said] = {plan: _plan(plan, titles) for plan in set(plans)}
    columns["plan"] = [said[plan] for plan in plans]
    own = zip(_texts(table, "unit"), _texts(table, "unit_zh"), strict=True)
    columns["unit"] = [_unit(unit, zh) for unit, zh in own]
    columns["year"] = [value.removesuffix(".0") for value in _texts(table, "target_year")]
    for key in _NUMBERS:
        columns[key] = payload.numbers(_column(table, key), digits=3)
    # The count in the page's header is of headlines alone, as in the summary of the run.
    headline = table["headline"] if "headline" in table else pd.Series(True, index=table.index)
    columns["headline"] = [bool(value) for value in headline]
    # The notes name whichever layers of an indicator are stand-ins, in both languages at once.
    columns["invented"] = ["示意数据" in note for note in _texts(table, "notes")]
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def _name(names: dict[Language, str]) -> Said:
    """Return a name in both languages, the other one's where one is missing."""
    return both(lambda language: names[language] or names["zh"] or names["en"])


def _plan(plan: str, titles: Mapping[Language, Mapping[str, str]]) -> Said:
    return both(lambda language: titles[language].get(plan, plan))


def _unit(unit: str, own_zh: str) -> Said:
    registry = load_registry()
    return both(lambda language: registry.unit(unit, language, own_zh=own_zh))


def _column(table: pd.DataFrame, name: str) -> pd.Series[Any]:
    """Return a column, or one of missing values where the table has none."""
    return table[name] if name in table.columns else pd.Series([None] * len(table), dtype=object)


def _texts(table: pd.DataFrame, name: str) -> list[str]:
    values = _column(table, name)
    return [
        "" if missing else str(value) for value, missing in zip(values, values.isna(), strict=True)
    ]
