"""How QGIS draws and names the layers of ``coverage.gpkg`` once it opens them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import pandas as pd

from servicecircle.messages import label
from servicecircle.outputs import palettes
from servicecircle.outputs.column_words import field_aliases, rule_word, scope_word
from servicecircle.outputs.qml import (
    Rule,
    fill,
    marker,
    outline,
    qml,
    quoted_field,
    quoted_text,
)
from servicecircle.outputs.shading import PRESENCE, shade_of

if TYPE_CHECKING:
    from servicecircle.messages import Language
    from servicecircle.results import LayerInfo, Results

__all__ = ["Style", "layer_styles"]

_SHAPES = ("circle", "square", "triangle", "diamond", "pentagon")
_NEAR_TO_FAR = ("#2b4b9b", "#3a87bf", "#62bfc4", "#b9e0ba", "#fff7c9")
_FEW_TO_MANY = ("#fde9cf", "#f9bf86", "#e98a4a", "#b3400a", "#6d2200")
_GREY, _DARK = "#8a9099", "#40464f"
_LABELS_FROM = {"township": 500_000, "village_level": 60_000, "facilities": 25_000}
_MOST_COUNTS = 8


@dataclass(frozen=True, slots=True)
class Style:
    """A style of a layer: its name, its QML, and whether QGIS takes it up by itself."""

    name: str
    qml: str
    default: bool


def layer_styles(name: str, frame: gpd.GeoDataFrame, results: Results) -> list[Style]:
    """Return the styles of one layer, the one to begin with first.

    Units have one for each facility layer, shaded by what the map shades them by; all other
    layers have one. The first holds titles of fields and labels too.

    Parameters
    ----------
    name : str
        Of the layer, such as ``units_township``.
    frame : geopandas.GeoDataFrame
        As it is written.
    results : Results
    """
    language = results.language
    if name.startswith("units_"):
        found = list(_unit_rules(frame, results))
    elif name in {"circles_facility", "circles_layer"}:
        found = [(label("map_circles", language), _circle_rules(frame, results))]
    elif name == "overlaps":
        found = [(label("map_overlaps", language), _overlap_rules(frame, results))]
    elif name == "facilities":
        found = [(label("map_facilities", language), _facility_rules(frame, results))]
    elif name == "demand":
        found = [(label("map_people", language), _demand_rules(frame, results))]
    elif name == "scopes":
        found = [(label("map_scopes", language), _scope_rules(frame, language))]
    elif name == "sites":
        found = [(label("map_sites", language), _site_rules(frame, language))]
    else:
        grey = marker(_GREY, size=1.4, shape="diamond")
        title = label("style_candidates", language)
        found = [(title, [Rule(title, grey)])]
    fields = [str(field) for field in frame.columns if field != frame.geometry.name]
    rules = dict.fromkeys(map(str, results.unit_coverage["rule"]))
    aliases = field_aliases(fields, results.layers, rules, language)
    order = {"circles_facility": "minutes", "circles_layer": "minutes"}.get(name, "")
    by = quoted_field(order) if order else f"-{quoted_field('facilities')}"
    level = name.removeprefix("units_")
    labelled = "name" if level in _LABELS_FROM else "number" if name == "sites" else ""
    labelled = labelled if labelled in fields else ""
    return [
        Style(
            title,
            qml(
                drawn,
                aliases=None if number else aliases,
                label=labelled,
                from_scale=_LABELS_FROM.get(level, 0),
                order_by=by if order or name == "overlaps" else "",
            ),
            default=not number,
        )
        for number, (title, drawn) in enumerate(found)
    ]


def _title(layer: LayerInfo, language: Language) -> str:
    return layer.zh if language == "zh" else layer.en


def _unit_rules(frame: gpd.GeoDataFrame, results: Results) -> Iterator[tuple[str, list[Rule]]]:
    """Yield a style for each facility layer, those with rates first, and one for verdicts."""
    language = results.language
    shades = [(layer, shade_of(results, layer)) for layer in results.layers]
    for layer, shade in sorted(shades, key=lambda pair: pair[1] == PRESENCE):
        field = f"{layer.name}_{shade.rule.replace(' ', '_')}"
        elderly = f"{field}_elderly"
        of_elderly = elderly in frame and bool(frame[elderly].notna().any())
        if shade != PRESENCE and of_elderly:
            field = elderly
        if field not in frame:
            continue
        words = rule_word(shade.rule, language)
        if shade != PRESENCE:
            who = label("style_people_of" if of_elderly else "style_people_all", language)
            words = f"{words} · {who}"
        title = label("style_name", language).format(layer=_title(layer, language), rule=words)
        classes = _presence(field, language) if shade == PRESENCE else _rates(field, language)
        nothing = Rule(
            label("style_no_data", language), fill(palettes.NO_DATA_COLOUR, alpha=0.7), "ELSE"
        )
        yield title, [Rule(title, within=[*classes, nothing])]
    if "share_met" in frame and bool(frame["share_met"].notna().any()):
        title = label("style_met", language)
        nothing = Rule(
            label("style_no_data", language), fill(palettes.NO_DATA_COLOUR, alpha=0.7), "ELSE"
        )
        yield title, [Rule(title, within=[*_rates("share_met", language), nothing])]
    if not results.layers:
        yield label("map_borders", language), [Rule(label("map_borders", language), outline(_DARK))]


def _rates(field: str, language: Language) -> list[Rule]:
    rules = []
    column = quoted_field(field)
    bounds = list(pairwise(palettes.RATE_BREAKS))
    for number, (low, high) in enumerate(bounds):
        below = "" if number == len(bounds) - 1 else f" AND {column} < {high:g}"
        words = label("style_classes", language).format(
            low=f"{low:.0%}"[:-1], high=f"{high:.0%}"[:-1]
        )
        symbol = fill(palettes.RATE_COLOURS[number], alpha=0.85, line=_GREY)
        rules.append(Rule(words, symbol, f"{column} >= {low:g}{below}"))
    return rules


def _presence(field: str, language: Language) -> list[Rule]:
    column = quoted_field(field)
    without, having = (fill(colour, alpha=0.85, line=_GREY) for colour in palettes.PRESENCE_COLOURS)
    return [
        Rule(label("style_has", language), having, f"{column} >= 1"),
        Rule(label("style_has_not", language), without, f"{column} = 0"),
    ]


def _by_layer(frame: gpd.GeoDataFrame, results: Results) -> Iterator[tuple[int, LayerInfo, str]]:
    """Yield the facility layers that a table has rows of, with the condition that picks them."""
    present = set(frame["layer"].dropna())
    for number, layer in enumerate(results.layers):
        if layer.name in present:
            yield number, layer, f"{quoted_field('layer')} = {quoted_text(layer.name)}"


def _circle_rules(frame: gpd.GeoDataFrame, results: Results) -> list[Rule]:
    language = results.language
    column = quoted_field("minutes")
    minutes = sorted(set(frame["minutes"].dropna().tolist()))
    bands = [
        Rule(
            label("style_within", language).format(minutes=f"{limit:g}"),
            fill(colour, alpha=0.6, line=_DARK, width=0.15),
            f"{column} = {limit:g}",
        )
        for limit, colour in zip(minutes, _spread(_NEAR_TO_FAR[:4], len(minutes)), strict=True)
    ]
    found = [
        Rule(_title(layer, language), where=where, within=bands)
        for _, layer, where in _by_layer(frame, results)
    ]
    return _first_shown(found) or [Rule(label("map_circles", language), outline(_DARK))]


def _overlap_rules(frame: gpd.GeoDataFrame, results: Results) -> list[Rule]:
    language = results.language
    column = quoted_field("facilities")
    found = []
    for _, layer, where in _by_layer(frame, results):
        mine = frame[frame["layer"] == layer.name]
        picked = where
        if "minutes" in mine:
            longest = float(mine["minutes"].max())
            picked += f" AND {quoted_field('minutes')} = {longest:g}"
            mine = mine[mine["minutes"] == longest]
        counts = sorted(set(mine["facilities"].dropna().astype(int)))
        shown = counts[:_MOST_COUNTS]
        within = [
            Rule(
                label("style_at_least", language).format(count=count),
                fill(colour, alpha=0.7, width=0),
                f"{column} = {count}" if count != shown[-1] else f"{column} >= {count}",
            )
            for count, colour in zip(shown, _spread(_FEW_TO_MANY, len(shown)), strict=True)
        ]
        found.append(Rule(_title(layer, language), where=picked, within=within))
    return _first_shown(found) or [Rule(label("map_overlaps", language), outline(_DARK))]


def _facility_rules(frame: gpd.GeoDataFrame, results: Results) -> list[Rule]:
    language = results.language
    found = []
    for number, layer, where in _by_layer(frame, results):
        colour = palettes.layer_colour(number)
        shape = _SHAPES[number % len(_SHAPES)]
        title = _title(layer, language)
        if "open" not in frame or bool(frame["open"].all()):
            found.append(Rule(title, marker(colour, shape=shape), where))
            continue
        closed = marker("#ffffff", size=2.2, shape=shape, line=colour)
        within = [
            Rule(label("map_status_open", language), marker(colour, shape=shape), '"open"'),
            Rule(label("style_not_open", language), closed, "ELSE"),
        ]
        found.append(Rule(title, where=where, within=within))
    return found or [Rule(label("map_facilities", language), marker(_DARK))]


def _demand_rules(frame: gpd.GeoDataFrame, results: Results) -> list[Rule]:
    """Return people by their travel time to the first layer that has any."""
    language = results.language
    size = 1.0
    for layer in results.layers:
        field = f"{layer.name}_seconds"
        if field not in frame or not frame[field].notna().any():
            continue
        column = quoted_field(field)
        rules, low = [], -1.0
        for limit, colour in zip(
            results.minutes, _spread(_NEAR_TO_FAR[:3], len(results.minutes)), strict=True
        ):
            words = label("style_within", language).format(minutes=f"{limit:g}")
            condition = f"{column} > {low:g} AND {column} <= {limit * 60:g}"
            rules.append(Rule(words, marker(colour, size=size, line=colour), condition))
            low = limit * 60
        farther = marker("#e98a4a", size=size, line="#e98a4a")
        rules.append(Rule(label("style_beyond", language), farther, f"{column} > {low:g}"))
        nowhere = marker("#6d2200", size=size, shape="square", line="#6d2200")
        rules.append(Rule(label("style_unreached", language), nowhere, "ELSE"))
        return [Rule(_title(layer, language), within=rules)]
    return [Rule(label("map_people", language), marker(_GREY, size=size, line=_GREY))]


def _scope_rules(frame: gpd.GeoDataFrame, language: Language) -> list[Rule]:
    column = quoted_field("scope")
    names = list(dict.fromkeys(map(str, frame["scope"].dropna())))
    found = [
        Rule(
            scope_word(name, language),
            outline(palettes.layer_colour(number), dashed=True),
            f"{column} = {quoted_text(name)}",
        )
        for number, name in enumerate(names)
    ]
    return found or [Rule(label("map_scopes", language), outline(_DARK, dashed=True))]


def _site_rules(frame: gpd.GeoDataFrame, language: Language) -> list[Rule]:
    """Return proposed sites by phase, those to be closed as crosses."""
    new = label("style_new", language)
    plain = Rule(new, marker(palettes.PHASE_COLOURS[0], size=4.2, shape="star"), "ELSE")
    if "action" not in frame or "phase" not in frame:
        return [Rule(new, plain.symbol)]
    action, phase = quoted_field("action"), quoted_field("phase")
    opened = frame[frame["action"] == "open"]
    phases = sorted(set(opened["phase"].dropna().astype(int)))
    years = opened.drop_duplicates("phase").set_index("phase")["year"] if "year" in frame else {}
    found = [
        Rule(
            _phase_title(number, years.get(number), language),
            marker(
                palettes.PHASE_COLOURS[(number - 1) % len(palettes.PHASE_COLOURS)],
                size=4.2,
                shape="star",
            ),
            f"{action} = 'open' AND {phase} = {number}",
        )
        for number in phases
    ]
    closing = marker(_DARK, size=3.4, shape="cross2", line=_DARK)
    found.append(Rule(label("style_closes", language), closing, f"{action} = 'close'"))
    return [*found, plain]


def _phase_title(phase: int, year: float | None, language: Language) -> str:
    words = label("style_phase", language).format(phase=phase)
    return words if year is None or pd.isna(year) else f"{words} {int(year)}"


def _first_shown(rules: list[Rule]) -> list[Rule]:
    """Return rules of which only the first is on: circles of many layers hide each other."""
    return [
        Rule(rule.title, rule.symbol, rule.where, rule.within, shown=not number)
        for number, rule in enumerate(rules)
    ]


def _spread(colours: tuple[str, ...], count: int) -> list[str]:
    """Return so many colours, from the first to the last."""
    places = np.linspace(0, len(colours) - 1, max(count, 1)).round().astype(int)
    return [colours[place] for place in places[:count]]
