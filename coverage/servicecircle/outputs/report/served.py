"""Coverage by service: a table of all layers over the whole area, then the figures."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from servicecircle.messages import label
from servicecircle.outputs.column_words import column_title, profile_word, rule_word
from servicecircle.outputs.report.blocks import Block, Column, Picture, Table, Text
from servicecircle.outputs.report.words import NONE, Words, figure, layer_titles, plain

if TYPE_CHECKING:
    from servicecircle.outputs.figures import Chart
    from servicecircle.results import LayerInfo, Results

__all__ = ["area_rates", "main_rule", "pictures", "rule_of", "served_blocks"]

_MOST_LAYERS = 30
_MOST_FIGURES = 14
_MOST_RULES = 3


def rule_of(layer: LayerInfo, results: Results) -> str:
    """Return the rule of ``units.csv`` that speaks for a layer; "" where nothing is measured."""
    if not layer.measured:
        return ""
    if layer.on_network and results.minutes:
        return f"{max(results.minutes):g} min"
    return f"{min(results.metres):g} m straight" if results.metres else ""


def main_rule(results: Results, say: Words) -> str:
    """Return the rule that speaks for the layers, in words."""
    rules = [rule_of(layer, results) for layer in results.layers if layer.measured]
    return rule_word(rules[0], say.language) if rules else NONE


def area_rates(results: Results, rule: str = "") -> pd.DataFrame:
    """Return for each measured layer who is covered in the whole area.

    Parameters
    ----------
    results : Results
    rule : str
        Of ``units.csv``; "" for the one that speaks for each layer.

    Returns
    -------
    pandas.DataFrame
        Columns layer, people (elderly where they are known, else population), total, covered,
        rate (NaN where nobody is), unsnapped, unreachable (people).
    """
    rows = results.unit_coverage
    found = []
    for layer in results.layers:
        mine = rows[
            (rows["layer"] == layer.name) & (rows["rule"] == (rule or rule_of(layer, results)))
        ]
        if not layer.measured or not len(mine):
            continue
        level = _levels(mine, results)
        top = mine[level == level.iloc[0]]
        who = "elderly" if top["elderly"].sum() > 0 else "population"
        total, covered = float(top[who].sum()), float(top[f"covered_{who}"].sum())
        found.append(
            {
                "layer": layer.name,
                "people": who,
                "total": total,
                "covered": covered,
                "rate": covered / total if total > 0.0 else math.nan,
                **{
                    name: float(top[name].sum()) if name in top else math.nan
                    for name in ("unsnapped", "unreachable", "population")
                },
            }
        )
    columns = ["layer", "people", "total", "covered", "rate", "unsnapped", "unreachable"]
    return pd.DataFrame(found, columns=[*columns, "population"])


def served_blocks(results: Results, charts: Sequence[Chart], say: Words) -> Iterator[Block]:
    """Yield the rates of all measured layers over the area, and the figures of the run."""
    yield from _layer_table(results, say)
    yield from pictures([one for one in charts if one.kind != "gains"], say)


def pictures(charts: Sequence[Chart], say: Words) -> Iterator[Block]:
    """Yield figures, and where the rest are."""
    for one in charts[:_MOST_FIGURES]:
        yield Picture(
            title=plain(one.title),
            caption=plain(one.caption, 600),
            alt=plain(one.alt, 1000),
            png=one.png,
            svg=one.svg,
            width_cm=one.width_cm,
        )
    if len(charts) > _MOST_FIGURES:
        yield Text(say("more_figures", count=len(charts) - _MOST_FIGURES), kind="note")


def _layer_table(results: Results, say: Words) -> Iterator[Block]:
    language = say.language
    layers = [layer for layer in results.layers if layer.measured]
    if not layers:
        return
    network = any(layer.on_network for layer in layers)
    rules = (
        [f"{limit:g} min" for limit in sorted(results.minutes)[-_MOST_RULES:]] if network else []
    )
    rules += [f"{limit:g} m straight" for limit in sorted(results.metres)[:1]]
    by_rule = {rule: area_rates(results, rule).set_index("layer") for rule in rules}
    by_rule = {rule: table for rule, table in by_rule.items() if table["rate"].notna().any()}
    titles = layer_titles(results)
    counts = results.record.get("facilities", {})
    # Without people there are no rates: facilities are counted all the same.
    wider = 1.0 if by_rule else 1.0 / 0.58
    columns = (
        Column(column_title("layer", language), 0.27 * wider),
        Column(say("column_travel"), 0.21 * wider),
        Column(say("column_open"), 0.10 * wider, "right"),
        *(Column(rule_word(rule, language), 0.42 / len(by_rule), "right") for rule in by_rule),
    )
    rows = []
    for layer in layers[:_MOST_LAYERS]:
        rates = [
            figure(100.0 * float(np.float64(table["rate"].get(layer.name, math.nan))), percent=True)
            for table in by_rule.values()
        ]
        own = counts.get(layer.name, {}).get("open")
        way = profile_word(layer.profile, language) if layer.on_network else say("as_the_crow")
        pace = layer.pace(language) if layer.on_network else ""
        rows.append(
            (
                titles[layer.name],
                say.listed(filter(None, (way, pace))),
                _open(results, layer.name) if own is None else f"{own:,}",
                *rates,
            )
        )
    notes = [say("served_note")] if by_rule else []
    if len(layers) > _MOST_LAYERS:
        notes.append(say("more_rows", count=len(layers) - _MOST_LAYERS, file="units.csv"))
    caption = say("served_counts")
    if by_rule:
        people = str(next(iter(by_rule.values()))["people"].iloc[0])
        caption = say("served_caption", people=label(f"people_{people}", language))
    yield Table(
        caption=caption,
        columns=columns,
        rows=tuple(rows),
        note=" ".join(notes),
    )


def _open(results: Results, layer: str) -> str:
    return f"{int((results.facilities['layer'] == layer).sum()):,}"


def _levels(rows: pd.DataFrame, results: Results) -> pd.Series[str]:
    if "level" in rows:
        return rows["level"]
    levels = dict(zip(results.units["unit_id"], results.units["level"], strict=True))
    return rows["unit_id"].map(levels)
