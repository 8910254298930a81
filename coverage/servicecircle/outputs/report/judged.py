"""Results by indicator: a table for each plan, what is not met first."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from servicecircle.messages import Language, label
from servicecircle.outputs.column_words import column_title, thing_word, verdict_word
from servicecircle.outputs.report.blocks import Align, Block, Bullets, Column, Heading, Table, Text
from servicecircle.outputs.report.words import NONE, Words, figure, layer_titles, plain
from servicecircle.outputs.workbook_tables import plan_titles
from servicecircle.standards.registry import load_registry

if TYPE_CHECKING:
    from servicecircle.results import Results

__all__ = ["counted", "gaps", "headlines", "judged_blocks"]

# What asks for action comes first; what the plan leaves open comes last and is cut first.
_ORDER = (
    "not_met",
    "undecided",
    "met",
    "not_due",
    "no_data",
    "not_applicable",
    "no_target",
)
_MOST_ROWS = 40
_MOST_PLANS = 12
_MOST_MISSING = 12
_SHARES = (0.265, 0.125, 0.125, 0.09, 0.14, 0.13, 0.125)
_SIDES: tuple[Align, ...] = ("left", "left", "right", "right", "right", "left", "right")
_VERDICT = 5
_OF_LAYER = re.compile(r"\[facilities\.(\w+)\]\s*(\w*)")


def headlines(card: pd.DataFrame) -> pd.DataFrame:
    """Return the targets that speak for each indicator: all rows where none are marked."""
    return card[card["headline"].astype(bool)] if "headline" in card else card


def counted(rows: pd.DataFrame, say: Words) -> str:
    """Return how many of some rows have each verdict, in words."""
    counts = rows["verdict"].value_counts()
    return say.listed(
        f"{label(f'map_verdict_{name}', say.language)} {counts[name]}"
        for name in _ORDER
        if name in counts
    )


def gaps(results: Results) -> pd.DataFrame:
    """Return the headline targets that are not met, those farthest from their target first."""
    rows = headlines(results.scorecard)
    rows = rows[rows["verdict"] == "not_met"] if len(rows) else rows
    value, target = (pd.to_numeric(rows[name]).to_numpy(float) for name in ("value", "target"))
    with np.errstate(divide="ignore", invalid="ignore"):
        missing = np.abs(target - value) / np.maximum(np.abs(target), np.abs(value))
    rows = rows.assign(missing=missing)
    rows = rows[rows["missing"].notna()]
    return rows.sort_values("missing", ascending=False, kind="stable")


def judged_blocks(results: Results, say: Words) -> Iterator[Block]:
    """Yield a table for each plan: headline targets with value, bounds, verdict, shortfall."""
    card = results.scorecard
    if not len(card):
        yield Text(label("workbook_no_plans", say.language))
        return
    yield Text(say("judged_intro"))
    titles = plan_titles(results)
    limits = _at_most(results)
    plans = list(headlines(card).groupby("plan", sort=False))
    for plan, rows in plans[:_MOST_PLANS]:
        title = plain(titles.get(str(plan), plan), 80)
        yield Heading(title, level=2)
        yield Text(say("judged_counts", count=len(rows), verdicts=counted(rows, say)))
        yield _table(title, rows, limits, say)
        missing = _missing(rows, layer_titles(results), say.language)
        if missing:
            yield Bullets((say("judged_missing", inputs=say.listed(missing)),))
    if len(plans) > _MOST_PLANS:
        yield Text(say("judged_more_plans", count=len(plans) - _MOST_PLANS), kind="note")


def _table(title: str, rows: pd.DataFrame, limits: set[tuple[str, str]], say: Words) -> Table:
    language = say.language
    rank = {name: number for number, name in enumerate(_ORDER)}
    order = rows["verdict"].map(rank).fillna(len(_ORDER)).to_numpy(float)
    rows = rows.iloc[np.argsort(order, kind="stable")]
    shown = rows.head(_MOST_ROWS).to_dict("records")
    columns = tuple(
        Column(name, width, align)
        for name, width, align in zip(
            (
                column_title("indicator", language),
                column_title("unit", language),
                say("column_target"),
                column_title("value", language),
                say("column_bounds"),
                column_title("verdict", language),
                column_title("shortfall", language),
            ),
            _SHARES,
            _SIDES,
            strict=True,
        )
    )
    notes = []
    if len(rows) > _MOST_ROWS:
        rest = rows.iloc[_MOST_ROWS:]
        notes.append(say("judged_more", count=len(rest), verdicts=counted(rest, say)))
    contested = "governing" in rows and not rows["governing"].astype(bool).all()
    if contested:
        notes.append(say("judged_contested"))
    return Table(
        caption=say("judged_caption", plan=title),
        columns=columns,
        rows=tuple(_row(row, limits, say) for row in shown),
        tones={(number, _VERDICT): str(row["verdict"]) for number, row in enumerate(shown)},
        note=" ".join(notes),
    )


def _row(row: dict[Any, Any], limits: set[tuple[str, str]], say: Words) -> tuple[str, ...]:
    language = say.language
    unit = "" if pd.isna(row["unit"]) else str(row["unit"])
    percent = unit.startswith("%")
    own_zh = row.get("unit_zh")
    words = load_registry().unit(unit, language, own_zh="" if pd.isna(own_zh) else str(own_zh))
    target, value = _number(row["target"]), _number(row["value"])
    low, high = _number(row.get("low")), _number(row.get("high"))
    sign = "≤ " if (str(row["plan"]), str(row.get("indicator_id"))) in limits else ""
    year = row.get("target_year")
    goal = figure(target, percent=percent, apart_from=value)
    if goal != NONE:
        goal = f"{sign}{goal}" + ("" if year is None or pd.isna(year) else f" ({year:.0f})")
    bounds = NONE
    if not (math.isnan(low) or math.isnan(high) or low == high):
        bounds = f"{figure(low, percent=percent)}–{figure(high, percent=percent)}"
    name = plain(row[f"name_{language}"], 120)
    if not row.get("governing", True):
        name += " ※"
    return (
        name,
        plain(words, 40),
        goal,
        figure(value, percent=percent, apart_from=target),
        bounds,
        verdict_word(str(row["verdict"]), language),
        _shortfall(row, say),
    )


def _shortfall(row: dict[Any, Any], say: Words) -> str:
    lacking = _number(row.get("shortfall"))
    if not lacking > 0.0:
        return NONE
    thing = row.get("shortfall_of")
    word = (
        "" if thing is None or pd.isna(thing) else plain(thing_word(str(thing), say.language), 30)
    )
    return f"{figure(lacking)} {word}".strip()


def _number(value: object) -> float:
    return math.nan if value is None or pd.isna(value) else float(value)  # type: ignore[arg-type,call-overload]  # a cell


def _at_most(results: Results) -> set[tuple[str, str]]:
    """Return the indicators whose target is a most."""
    table = results.tables.get("progress")
    if table is None or "operator" not in table:
        return set()
    rows = table[table["operator"] == "at_most"]
    return set(zip(rows["plan"].astype(str), rows["indicator_id"].astype(str), strict=True))


def _missing(rows: pd.DataFrame, titles: Mapping[str, str], language: Language) -> list[str]:
    """Return the inputs that rows without a value lack, each once, lists by what they are of."""
    if "missing_inputs" not in rows:
        return []
    found = rows.loc[rows["verdict"] == "no_data", "missing_inputs"].dropna().astype(str)
    parts = [part.strip() for text in found for part in text.split(";")]
    named = (_input_words(part, titles, language) for part in filter(None, parts))
    lacking = [plain(part, 60) for part in dict.fromkeys(named)]
    return [*lacking[:_MOST_MISSING], *(["…"] if len(lacking) > _MOST_MISSING else [])]


def _input_words(part: str, titles: Mapping[str, str], language: Language) -> str:
    """Return ``[facilities.canteen] beds`` in words; what is no list of facilities as it is."""
    found = _OF_LAYER.fullmatch(part)
    if found is None or found[1] not in titles:
        return part
    column = column_title(found[2], language) if found[2] else ""
    return " · ".join(filter(None, (titles[found[1]], column)))
