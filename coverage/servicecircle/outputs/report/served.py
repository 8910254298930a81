"""Coverage by service: a table of all layers over the whole area, then the figures."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import pandas as pd

from servicecircle.messages import label
from servicecircle.outputs.column_words import column_title, profile_word, rule_word
from servicecircle.outputs.figures.choice import shown_people
from servicecircle.outputs.report.blocks import Block, Column, Picture, Table, Text
from servicecircle.outputs.report.words import Words, layer_titles, plain, rate
from servicecircle.outputs.shading import PRESENCE, shade_of

if TYPE_CHECKING:
    from servicecircle.outputs.figures import Chart
    from servicecircle.results import LayerInfo, Results

__all__ = ["area_rates", "pictures", "rule_of", "served_blocks", "whose"]

_MOST_LAYERS = 30
_MOST_FIGURES = 14
_MOST_RULES = 3


def rule_of(layer: LayerInfo, results: Results) -> str:
    """Return the rule of ``units.csv`` that speaks for a layer on the page and in the figures.

    "" where nothing is measured or nobody can be counted: there is no rate.
    """
    shade = shade_of(results, layer)
    return shade.rule if layer.measured and shade != PRESENCE else ""


def whose(layer: LayerInfo, rows: pd.DataFrame) -> str:
    """Return whose rate is told: those that the page opens with, else those who are known.

    Parameters
    ----------
    layer : LayerInfo
    rows : pandas.DataFrame
        Of ``unit_coverage``.

    Returns
    -------
    {"elderly", "population"}
    """
    known = {
        who
        for who in ("elderly", "population")
        if (rows[who].astype(float) > 0.0).any() and rows[f"covered_{who}"].notna().any()
    }
    return shown_people(layer, known)


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
        Columns layer, rule, people (elderly or population: those whose rate the page opens with
        where they are known), total, covered, rate (NaN where nobody is), unsnapped, unreachable
        (people).
    """
    rows = results.unit_coverage
    found = []
    for layer in results.layers:
        own = rule or rule_of(layer, results)
        mine = rows[(rows["layer"] == layer.name) & (rows["rule"] == own)]
        if not layer.measured or not len(mine):
            continue
        level = _levels(mine, results)
        top = mine[level == level.iloc[0]]
        who = whose(layer, top)
        total, covered = float(top[who].sum()), float(top[f"covered_{who}"].sum())
        found.append(
            {
                "layer": layer.name,
                "rule": own,
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
    columns = ["layer", "rule", "people", "total", "covered", "rate", "unsnapped", "unreachable"]
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
    """Yield a table of rates for each group of people: theirs are not to be held together."""
    measured = [layer for layer in results.layers if layer.measured]
    layers = measured[:_MOST_LAYERS]
    by_rule = {
        rule: area_rates(results, rule).set_index("layer") for rule in _rules(results, measured)
    }
    by_rule = {rule: table for rule, table in by_rule.items() if table["rate"].notna().any()}
    note = ""
    if len(measured) > len(layers):
        note = say("more_rows", count=len(measured) - len(layers), file="units.csv")
    if layers and not by_rule:
        yield _one_table(layers, by_rule, results, say, caption=say("served_counts"), note=note)
        return
    known: dict[str, str] = {}
    for table in by_rule.values():
        known |= dict(zip(table.index, table["people"], strict=True))
    groups: dict[str, list[LayerInfo]] = {}
    for layer in layers:
        who = known.get(layer.name) or next(iter(known.values()))
        groups.setdefault(who, []).append(layer)
    for number, (who, some) in enumerate(groups.items(), 1):
        caption = say("served_caption", people=label(f"people_{who}", say.language))
        notes = [say("served_note"), note] if number == len(groups) else []
        told = " ".join(filter(None, notes))
        yield _one_table(some, by_rule, results, say, caption=caption, note=told)


def _rules(results: Results, layers: Sequence[LayerInfo]) -> list[str]:
    """Return the rules to show: those that speak for layers, then the longest, in order."""
    shades = [shade_of(results, layer) for layer in layers]
    minutes = {shade.limit for shade in shades if shade.kind == "minutes"}
    if any(layer.on_network for layer in layers):
        others = sorted(set(results.minutes) - minutes)
        minutes |= set(others[len(others) - max(0, _MOST_RULES - len(minutes)) :])
    straight = {shade.limit for shade in shades if shade.kind == "straight"}
    straight |= set(sorted(results.metres)[:1])
    roads = {shade.limit for shade in shades if shade.kind == "metres"}
    return [
        *(f"{limit:g} min" for limit in sorted(minutes)),
        *(f"{limit:g} m" for limit in sorted(roads)),
        *(f"{limit:g} m straight" for limit in sorted(straight)),
    ]


def _one_table(
    layers: Sequence[LayerInfo],
    by_rule: Mapping[str, pd.DataFrame],
    results: Results,
    say: Words,
    *,
    caption: str,
    note: str,
) -> Table:
    language = say.language
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
    for layer in layers:
        rates = [rate(float(table["rate"].get(layer.name, math.nan))) for table in by_rule.values()]
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
    return Table(caption=caption, columns=columns, rows=tuple(rows), note=note)


def _open(results: Results, layer: str) -> str:
    return f"{int((results.facilities['layer'] == layer).sum()):,}"


def _levels(rows: pd.DataFrame, results: Results) -> pd.Series[str]:
    if "level" in rows:
        return rows["level"]
    levels = dict(zip(results.units["unit_id"], results.units["level"], strict=True))
    return rows["unit_id"].map(levels)
