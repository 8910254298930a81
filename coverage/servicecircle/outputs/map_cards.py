"""What the cards of the map tell of units and facilities, beyond what is drawn.

The numbers are those of ``units.csv``, ``unit_results.csv`` and ``facilities.csv``. Arrays stand in
the order of the units and facilities of the map's other payload, so that nothing is named twice.
"""

from __future__ import annotations

from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from servicecircle.outputs import payload
from servicecircle.outputs.bilingual import Said, both, both_labels
from servicecircle.outputs.column_words import column_title, rule_word, thing_word, word_or
from servicecircle.outputs.shading import PRESENCE, shade_of
from servicecircle.project import LEVELS
from servicecircle.standards.registry import load_registry

if TYPE_CHECKING:
    from servicecircle.results import Results

__all__ = ["CARD_LABELS", "map_cards"]

Floats = npt.NDArray[np.float64]
Places = npt.NDArray[np.int64]

MOST_RATES = 400_000
"""Rows of units.csv that the page carries whole; above it, of each layer only the main rule."""
MOST_RESULTS = 300_000
"""Rows of unit_results.csv that the page carries; above it those without a verdict go first."""
_SLACK = 1e-6
_RATED = ("covered_population", "covered_elderly")
_VERDICTS = ("met", "not_met", "undecided", "no_data", "not_due", "not_applicable", "no_target")
_OF_UNITS = {"presence_per_unit", "phasing"}
_MEASURED = {
    "presence_per_unit": "facilities",
    "phasing": "facilities",
    "travel_time": "minutes",
    "distance": "metres",
}
_OPERATORS = ("state", "social")
_DETAILS = (
    "grade",
    "nursing_beds",
    "dementia_beds",
    "floor_area_m2",
    "operator",
    "opened",
    "renovated",
    "planned",
    "closed",
    "serves",
    "placed_by",
)

# fmt: off
CARD_LABELS = (
    "card", "card_back", "card_official_people", "card_official_elderly", "card_indicators",
    "card_without_target", "card_no_indicators", "card_services", "card_here", "card_nearest",
    "card_inside", "card_away", "card_none", "card_nearest_note", "card_rule", "card_mean",
    "card_cut_rates", "card_cut_results", "card_units", "card_reach", "card_source", "card_row",
    "card_at_point", "card_show", "card_lacks", "card_unnamed", "card_not_counted",
    "card_minutes", "card_m", "card_km", "card_facilities",
    "search", "search_hint", "search_none", "search_found", "search_more", "search_list",
    "share", "share_done", "share_by_hand",
    "table", "table_level", "table_more", "table_unit", "table_caption", "table_skip",
    "alt_map", "alt_units", "alt_layers", "alt_verdicts", "alt_help",
    "keys", "keys_single", "keys_search", "keys_table", "keys_panels", "keys_close", "keys_pan",
    "keys_middle", "keys_tab", "keys_lists",
)
# fmt: on


def map_cards(results: Results) -> dict[str, Any]:
    """Return what the cards of units and facilities tell, as JSON values.

    Parameters
    ----------
    results : Results

    Returns
    -------
    dict
        ``layers`` (names in the registry), ``rules``, ``verdicts``, ``levels`` (one for each level
        that is drawn: ids, above, middles, official figures), ``coverage`` (by layer, then by
        level), ``indicators`` with the results of units, ``facilities`` (by layer), ``statistics``
        and what was left out for its size. Text in it is raw.
    """
    units = results.units
    levels = [level for level in LEVELS if (units["level"] == level).any()]
    rows = [units[units["level"] == level] for level in levels]
    ids = [frame["unit_id"].to_numpy(dtype=object) for frame in rows]
    spans = np.cumsum([0, *(len(part) for part in ids)])
    place = pd.Index(np.concatenate([np.empty(0, object), *ids]))
    coverage, rules, whole = _coverage(results, place, spans)
    indicators, complete = _indicators(results, place)
    return {
        "layers": [layer.name for layer in results.layers],
        "rules": [both(partial(rule_word, rule)) for rule in rules],
        "verdicts": list(_VERDICTS),
        "things": _things(results),
        "starts": spans[:-1].tolist(),
        "levels": [
            _level(results, level, frame) for level, frame in zip(levels, rows, strict=True)
        ],
        "coverage": coverage,
        "all_rules": whole,
        "indicators": indicators,
        "all_results": complete,
        "facilities": _facilities(results, place),
        "statistics": _statistics(results, place),
    }


def _level(results: Results, level: str, rows: pd.DataFrame) -> dict[str, Any]:
    """Return of each unit of a level its id, what it lies in, its middle, its official figures."""
    ids = rows["unit_id"].astype(str)
    names = dict(zip(results.units["unit_id"], results.units["name"], strict=True))
    above = _column(rows, "parent_id").map(names)
    above = above.where(above.notna(), _column(rows, "parent_name"))
    middles = _middles(rows)
    official = {"people": _column(rows, "population"), "elderly": _column(rows, "elderly")}
    held = results.tables.get("calibration")
    if held is not None and len(held):
        held = held.drop_duplicates("unit_id").set_index("unit_id").reindex(rows["unit_id"])
        for key, name in (("people", "official_population"), ("elderly", "official_elderly")):
            known = pd.Series(held[name].to_numpy(), index=rows.index)
            official[key] = known.where(known.notna(), official[key])
    return {
        "ids": [one.removeprefix(f"{level}:") for one in ids],
        # Codes of parents that no boundaries were given for say nothing.
        "above": ["" if text.isdigit() else text for text in _texts(above)],
        "middles": payload.encode_points(middles[:, 0], middles[:, 1]),
        "official": {key: payload.numbers(values) for key, values in official.items()},
    }


def _middles(rows: pd.DataFrame) -> Floats:
    """Return the centre of each unit, or a point in it where the centre is not; shape (n, 2)."""
    shapes = np.asarray(rows.geometry.array, dtype=object)
    found = np.zeros((len(shapes), 2))
    drawn = ~(shapely.is_missing(shapes) | shapely.is_empty(shapes))
    centres = shapely.centroid(shapes[drawn])
    outside = ~shapely.intersects(shapes[drawn], centres)
    centres[outside] = shapely.point_on_surface(shapes[drawn][outside])
    found[drawn] = np.column_stack([shapely.get_x(centres), shapely.get_y(centres)])
    return found


def _coverage(
    results: Results, place: pd.Index[Any], spans: Places
) -> tuple[list[dict[str, Any]], list[str], bool]:
    """Return the rows of ``units.csv`` by layer, the rules, and whether each rule is there."""
    table = results.unit_coverage
    at = place.get_indexer(pd.Index(table["unit_id"]))
    table, at = table[at >= 0], at[at >= 0]
    whole = int((table["rule"] != PRESENCE.rule).sum()) <= MOST_RATES
    codes, names = pd.factorize(table["rule"])
    order, rules = _ranked([str(name) for name in names])
    codes = order[codes] if len(codes) else codes
    counts = len(place)
    found = []
    for layer in results.layers:
        mine = (table["layer"] == layer.name).to_numpy()
        part, where, rule = table[mine], at[mine], codes[mine]
        kept = set(range(len(rules)))
        main = shade_of(results, layer).rule
        if not whole:
            kept = {number for number, name in enumerate(rules) if name == main}
        rated = []
        for number in sorted(set(rule.tolist()) & kept):
            rows = np.flatnonzero(rule == number)
            if rules[number] == PRESENCE.rule or part[list(_RATED)].iloc[rows].isna().all(
                axis=None
            ):
                continue
            rated.append({"rule": number} | _rates(part.iloc[rows], where[rows], spans))
        told = {
            key: _split(payload.numbers(_spread(part, name, where, counts), digits=digits), spans)
            for key, name, digits in (
                ("facilities", "facilities", 0),
                ("mean", "mean_minutes_of_reached", 1),
                ("p90", "p90_minutes", 1),
            )
            if name in part.columns and part[name].notna().any()
        }
        found.append(told | {"rated": rated, "main": rules.index(main) if main in rules else -1})
    return found, rules, whole


def _ranked(names: list[str]) -> tuple[Places, list[str]]:
    """Return the new number of each rule, and the rules: minutes, metres, straight lines."""

    def rank(name: str) -> tuple[int, float, str]:
        number, _, rest = name.partition(" ")
        kinds = ["min", "m", "m straight"]
        if rest not in kinds:
            return len(kinds), 0.0, name
        return kinds.index(rest), float(number), name

    ranked = sorted(names, key=rank)
    return np.array([ranked.index(name) for name in names], dtype=np.int64), ranked


def _rates(rows: pd.DataFrame, where: Places, spans: Places) -> dict[str, Any]:
    """Return people covered and their shares, in ten-thousandths, cut as on the map."""
    size = int(spans[-1])
    rates: dict[str, Any] = {}
    for key, part, of in (
        ("people", "covered_population", "population"),
        ("elderly", "covered_elderly", "elderly"),
    ):
        inside, people = (_spread(rows, name, where, size) for name in (part, of))
        share = np.full(size, np.nan)
        np.divide(inside, people, out=share, where=people > 0)
        rates[key] = _split(payload.numbers(inside), spans)
        rates[f"{key}_rate"] = _split(payload.numbers(np.floor(share * 1e4 + _SLACK)), spans)
    return rates


def _spread(rows: pd.DataFrame, name: str, where: Places, size: int) -> Floats:
    """Return a column laid out over all units; the first of several rows of a unit stands."""
    values = np.full(size, np.nan)
    values[where[::-1]] = rows[name].to_numpy(np.float64, na_value=np.nan)[::-1]
    return values


def _split(values: list[Any], spans: Places) -> list[list[Any]]:
    return [values[first:last] for first, last in pairwise(spans.tolist())]


def _indicators(results: Results, place: pd.Index[Any]) -> tuple[list[dict[str, Any]], bool]:
    """Return each indicator with its results by unit, and whether they all are there."""
    table = results.unit_results
    if not len(table):
        return [], True
    at = place.get_indexer(pd.Index(table["unit_id"]))
    table, at = table[at >= 0], at[at >= 0]
    complete = len(table) <= MOST_RESULTS
    if not complete:
        judged = table["verdict"].isin(("met", "not_met", "undecided", "not_due")).to_numpy()
        kept = judged & (np.cumsum(judged) <= MOST_RESULTS)
        table, at = table[kept], at[kept]
    keys = ["plan", "indicator_id", "alternative"]
    told = _told(results, keys)
    verdicts = pd.Index(_VERDICTS)
    found = []
    parts = [pd.Series(_texts(table[key]), dtype=object) for key in keys]
    for mark, rows in pd.DataFrame(dict(zip(keys, parts, strict=True))).groupby(keys, sort=False):
        mine = table.iloc[rows.index]
        row, layer, measured = told.get(mark, (-1, -1, "own"))
        found.append(
            {
                "name": mark[1],
                "alternative": mark[2],
                "score": row,
                "layer": layer,
                "measured": measured,
                "thing": _folded(_texts(_column(mine, "shortfall_of"))),
                "units": at[rows.index].tolist(),
                "verdict": verdicts.get_indexer(pd.Index(mine["verdict"])).tolist(),
            }
            | {
                name: _folded(payload.numbers(_column(mine, name), digits=2))
                for name in ("value", "target", "low", "high", "shortfall")
            }
        )
    return found, complete


def _told(results: Results, keys: list[str]) -> dict[Any, tuple[int, int, str]]:
    """Return of each indicator its first row in the scorecard, its layer, what values of units are.

    Where the share of units is asked for, a unit's own value is not in the unit of the indicator:
    it has so many facilities, is so many minutes away, or has what a norm is held against.
    """
    table = results.scorecard
    if not set(keys) <= set(table.columns):
        return {}
    numbers = {layer.name: number for number, layer in enumerate(results.layers)}
    names = (*keys, "layer", "kind", "denominator_name", "unit")
    columns = [_texts(_column(table, name)) for name in names]
    told: dict[Any, tuple[int, int, str]] = {}
    for row, (*mark, layer, kind, of, unit) in enumerate(zip(*columns, strict=True)):
        # A plan of one's own need not say that a facility in every unit is a share of units.
        shared = (of == "units" or kind in _OF_UNITS) and unit.startswith("%")
        measured = _MEASURED.get(kind, "bare") if shared else "own"
        told.setdefault(tuple(mark), (row, numbers.get(layer, -1), measured))
    return told


def _said(zh: str, en: str) -> Said:
    return both(lambda language: zh if language == "zh" else en)


def _things(results: Results) -> dict[str, Said]:
    """Return what shortfalls count, in words."""
    things = sorted(set(_texts(_column(results.unit_results, "shortfall_of"))) - {""})
    return {thing: both(partial(thing_word, thing)) for thing in things}


def _folded(values: list[Any]) -> Any:
    """Return one value for many where they are all the same, such as a target."""
    return values[0] if len({*values}) == 1 else values


def _facilities(results: Results, place: pd.Index[Any]) -> dict[str, Any]:
    """Return of each facility on the map its id, its units, its source and what is filled in."""
    rows = results.facilities
    drawn = rows[~(rows.geometry.isna() | rows.geometry.is_empty)]
    sources = zip(
        _texts(_column(drawn, "source_file")), _texts(_column(drawn, "source_sheet")), strict=True
    )
    named = [" · ".join(part for part in pair if part) for pair in sources]
    codes, files = pd.factorize(pd.Series(named, dtype=object))
    code_of = pd.Series(codes, index=drawn.index)
    details = [name for name in _DETAILS if name in rows.columns and rows[name].notna().any()]
    levels = [level for level in LEVELS if f"unit_{level}" in rows.columns]
    return {
        "files": [str(file) for file in files],
        "details": {name: both(partial(column_title, name)) for name in details},
        "values": {
            "placed_by": {
                value: both(partial(word_or, f"placed_{value}", value))
                for value in sorted(set(_texts(_column(rows, "placed_by"))) - {""})
            },
            "operator": {value: both_labels(f"operator_{value}") for value in _OPERATORS},
        },
        "layers": [
            _of_layer(results, drawn[drawn["layer"] == layer.name], layer.name)
            | {"file": code_of[drawn["layer"] == layer.name].tolist()}
            | {
                "units": {
                    level: place.get_indexer(
                        pd.Index(drawn.loc[drawn["layer"] == layer.name, f"unit_{level}"])
                    ).tolist()
                    for level in levels
                }
            }
            | {
                "details": {
                    name: words
                    for name in details
                    if any(words := _words(drawn.loc[drawn["layer"] == layer.name, name]))
                }
            }
            for layer in results.layers
        ],
    }


def _of_layer(results: Results, rows: pd.DataFrame, layer: str) -> dict[str, Any]:
    """Return of each facility of a layer its id, its row in the source and people in reach."""
    status = pd.Series(_texts(_column(rows, "status")), dtype=object)
    counted = rows["open"].fillna(True) if "open" in rows.columns else status.isin(("", "open"))
    circles = results.circles
    own = circles[(circles["layer"] == layer) & (circles["facility_id"] != "")]
    reach = []
    for minutes, part in own.groupby("minutes", sort=True):
        inside = part.drop_duplicates("facility_id").set_index("facility_id")
        inside = inside.reindex(rows["facility_id"])
        people, elderly = (payload.numbers(inside[name]) for name in ("population", "elderly"))
        if any(one is not None for one in (*people, *elderly)):
            reach.append({"minutes": float(minutes), "people": people, "elderly": elderly})
    return {
        "ids": [one.removeprefix(f"{layer}:") for one in _texts(rows["facility_id"])],
        "open": [int(bool(one)) for one in counted],
        "row": payload.numbers(_column(rows, "source_row")),
        "reach": reach,
    }


def _statistics(results: Results, place: pd.Index[Any]) -> list[dict[str, Any]]:
    """Return the figures of the project's own statistics that are about one unit."""
    table = results.tables.get("statistics")
    if table is None or not len(table):
        return []
    at = place.get_indexer(pd.Index(_texts(table["unit_id"])))
    table, at = table[at >= 0], at[at >= 0]
    titles = {
        words.of: _said(words.zh, words.en)
        for words in load_registry().quantities.values()
        if words.kind == "statistics"
    }
    columns = (
        at.tolist(),
        _texts(table["name"]),
        payload.numbers(_column(table, "value"), digits=2),
        _words(_column(table, "date")),
    )
    return [
        {
            "unit": unit,
            "name": titles.get(name, name),
            "value": value,
            "date": date,
        }
        for unit, name, value, date in zip(*columns, strict=True)
    ]


def _words(values: pd.Series[Any]) -> list[str]:
    """Return cells as people read them: whole numbers without a point, days without a time."""
    texts = _texts(values)
    if pd.api.types.is_datetime64_any_dtype(values):
        return [text[:10] for text in texts]
    if pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values):
        return [text.removesuffix(".0") for text in texts]
    return texts


def _column(frame: pd.DataFrame, name: str) -> pd.Series[Any]:
    """Return a column, or one of missing values where the table has none."""
    if name in frame.columns:
        return frame[name]
    return pd.Series([None] * len(frame), index=frame.index, dtype=object)


def _texts(values: pd.Series[Any]) -> list[str]:
    return [
        "" if missing else str(value) for value, missing in zip(values, values.isna(), strict=True)
    ]
