"""League tables: the ten best and the ten worst units, in all and by service."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import pandas as pd

from servicecircle.messages import label
from servicecircle.outputs.column_words import level_word, rule_word
from servicecircle.outputs.report.blocks import Block, Column, Table, Text
from servicecircle.outputs.report.served import rule_of, whose
from servicecircle.outputs.report.words import NONE, Words, layer_titles, plain, rate

if TYPE_CHECKING:
    from servicecircle.outputs.figures import Chart
    from servicecircle.results import LayerInfo, Results

__all__ = ["ranked_blocks"]

_EACH = 10
_MOST_LAYERS = 3
_PREFERRED = ("township", "county", "village_level")


def ranked_blocks(results: Results, charts: Sequence[Chart], say: Words) -> Iterator[Block]:
    """Yield the best and worst units by rules met, then by the rate of the services drawn."""
    if not len(results.units):
        return
    level = _level(results)
    if not level:
        yield Text(say("ranked_one"))
        return
    word = level_word(level, say.language)
    league = results.tables.get("league_units")
    if league is not None and len(league):
        rows = league[(league["level"] == level) & league["share_met"].notna()]
        if len(rows) > 1:
            yield Text(say("ranked_intro"))
            shown = rows.assign(order=rows["rank"].astype(float), value=100.0 * rows["share_met"])
            caption = say("ranked_caption", level=word, count=len(rows))
            yield _table(shown, caption, say("column_share_met"), say, "league_units.csv")
    drawn = [chart.layer for chart in charts]
    yield from _by_service(results, level, drawn, say)


def _level(results: Results) -> str:
    """Return the level to rank: townships where there are several, else where most is seen."""
    counts = results.units["level"].value_counts()
    several = [str(name) for name in counts.index if counts[name] > 1]
    preferred = [name for name in _PREFERRED if name in several]
    return (preferred or several or [""])[0]


def _by_service(results: Results, level: str, drawn: Sequence[str], say: Words) -> Iterator[Block]:
    titles = layer_titles(results)
    measured = [layer for layer in results.layers if layer.measured]
    # Those that have figures of their own come first, in their order.
    order = {name: number for number, name in enumerate(dict.fromkeys(drawn))}
    layers = sorted(measured, key=lambda layer: order.get(layer.name, len(order)))
    for layer in layers[:_MOST_LAYERS]:
        rows = _rates(results, layer, level)
        if rows["value"].notna().sum() < 2:  # noqa: PLR2004 - one unit is no ranking
            continue
        words = {
            "layer": titles[layer.name],
            "rule": rule_word(rule_of(layer, results), say.language),
            "people": label(f"people_{rows['people'].iloc[0]}", say.language),
        }
        caption = say("ranked_service", level=level_word(level, say.language), **words)
        yield _table(rows, caption, say("column_rate"), say, "units.csv")
    if len(layers) > _MOST_LAYERS:
        yield Text(say("ranked_more", file="league.csv"), kind="note")


def _rates(results: Results, layer: LayerInfo, level: str) -> pd.DataFrame:
    units = results.units[results.units["level"] == level].set_index("unit_id")
    rows = results.unit_coverage
    mine = (rows["layer"] == layer.name) & (rows["rule"] == rule_of(layer, results))
    rows = rows[mine & rows["unit_id"].isin(units.index)]
    who = whose(layer, rows)
    people = rows[who].astype(float)
    value = 100.0 * rows[f"covered_{who}"].astype(float) / people.where(people > 0.0)
    table = pd.DataFrame(
        {
            "name": units["name"].reindex(rows["unit_id"]).to_numpy(),
            "unit_id": rows["unit_id"].to_numpy(),
            "value": value.to_numpy(),
            "people": who,
        }
    )
    # To nine digits, as league.csv ranks them.
    table["order"] = (-table["value"].round(9)).rank(method="min")
    return table[table["value"].notna()].sort_values(["order"], kind="stable")


def _table(rows: pd.DataFrame, caption: str, value: str, say: Words, file: str) -> Table:
    """Return one row a unit where all fit, else the best on the left and the worst on the right."""
    records = rows.to_dict("records")
    if len(records) <= _EACH:
        columns = _columns(say("column_unit"), value, say, wider=2.0)
        return Table(caption, columns, tuple(_cells(row) for row in records))
    most = min(_EACH, (len(records) + 1) // 2)
    best, worst = records[:most], records[most:][-most:][::-1]
    left = [_cells(row) for row in best]
    right = [_cells(row) for row in worst] + [(NONE,) * 3] * (len(best) - len(worst))
    count = len(records) - len(best) - len(worst)
    notes = [say("more_rows", count=count, file=file)] if count else []
    first, last = (
        sum(row["order"] == edge["order"] for row in records) for edge in (best[0], worst[0])
    )
    if first > len(best) or last > len(worst):
        notes.append(say("ranked_ties", first=first, last=last))
    return Table(
        caption,
        (*_columns(say("best"), value, say), *_columns(say("worst"), value, say)),
        tuple((*one, *other) for one, other in zip(left, right, strict=True)),
        note=" ".join(notes),
    )


def _columns(unit: str, value: str, say: Words, *, wider: float = 1.0) -> tuple[Column, ...]:
    return (
        Column(say("column_rank"), 0.08 * wider, "right"),
        Column(unit, 0.27 * wider),
        Column(value, 0.15 * wider, "right"),
    )


def _cells(row: dict[Any, Any]) -> tuple[str, str, str]:
    name = row["name"]
    missing = (
        name is None or (isinstance(name, float) and math.isnan(name)) or not str(name).strip()
    )
    return (
        f"{row['order']:.0f}",
        plain(row["unit_id"] if missing else name, 40),
        rate(float(row["value"]), 100.0),
    )
