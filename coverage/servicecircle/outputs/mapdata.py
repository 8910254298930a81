"""The tables of a run as the payload of the map: numbers, texts and encoded geometry, no markup."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import pandas as pd

from servicecircle.messages import Language, label
from servicecircle.outputs import palettes, payload
from servicecircle.outputs.shading import shade_levels, shade_of, shade_values
from servicecircle.outputs.sited import map_sites
from servicecircle.outputs.uncovered import uncovered_cells
from servicecircle.project import LEVELS
from servicecircle.standards.registry import load_registry

if TYPE_CHECKING:
    import geopandas as gpd

    from servicecircle.results import LayerInfo, Results

__all__ = ["map_payload"]

Frame = TypeVar("Frame", bound=pd.DataFrame)

MOST_OWN_CIRCLES = 60
MOST_LABELS = 200
_UNIT_VERTICES = 250_000
_CIRCLE_VERTICES = 400_000
_ROAD_VERTICES = 120_000
_LINE_TOLERANCE = 3e-5

_ROAD_RANKS = (
    re.compile(r"^(motorway|trunk|primary)"),
    re.compile(r"^(secondary|tertiary)"),
)


def map_payload(results: Results) -> dict[str, Any]:
    """Return everything that the page shows, as JSON values.

    Parameters
    ----------
    results : Results

    Returns
    -------
    dict
        Keys language, labels, project, levels, layers, roads, scopes, scorecard. Text in it is
        raw: the page sets it as text, never as markup.
    """
    language = results.language
    titles = [layer.zh if language == "zh" else layer.en for layer in results.layers]
    marks = palettes.layer_marks(titles)
    levels = _levels(results)
    most_vertices = _most_vertices(results)
    return {
        "language": language,
        "labels": _labels(language),
        "palette": {
            "rates": list(palettes.RATE_COLOURS),
            "breaks": list(palettes.RATE_BREAKS),
            "presence": list(palettes.PRESENCE_COLOURS),
            "none": palettes.NO_DATA_COLOUR,
            "verdicts": palettes.VERDICT_COLOURS,
            "signs": palettes.VERDICT_SIGNS,
        },
        "bounds": map_bounds(results),
        "levels": levels,
        "layers": [
            _layer(
                part,
                layer,
                title=title,
                mark=mark,
                colour=palettes.layer_colour(number),
                most_vertices=most_vertices,
            )
            for number, (part, layer, title, mark) in enumerate(
                zip(_parted(results), results.layers, titles, marks, strict=True)
            )
        ],
        "roads": _roads(results.roads),
        "scopes": _scopes(results),
        "scorecard": _scorecard(results),
        "siting": map_sites(results),
    }


def _parted(results: Results) -> list[Results]:
    """Return, for each layer, the results with its own rows alone in the long tables."""
    names = [layer.name for layer in results.layers]
    tables = {
        name: _rows_of(getattr(results, name), names)
        for name in ("unit_coverage", "circles", "overlaps", "facilities", "access")
    }
    return [
        replace(results, **{name: parts[at] for name, parts in tables.items()})
        for at in range(len(names))
    ]


def _rows_of(table: Frame, layers: list[str]) -> list[Frame]:
    """Return the rows of each layer; those that follow each other are not copied."""
    codes, names = pd.factorize(table["layer"])
    rows = np.append(pd.Index(layers).get_indexer(pd.Index(names)), -1)[codes]
    order = np.argsort(rows, kind="stable")
    ends = np.searchsorted(rows[order], np.arange(len(layers) + 1))
    parts = []
    for first, last in pairwise(ends.tolist()):
        mine = order[first:last]
        together = last > first and mine[-1] - mine[0] == last - first - 1
        parts.append(table.iloc[mine[0] : mine[-1] + 1] if together else table.iloc[mine])
    return parts


def map_bounds(results: Results) -> list[list[float]] | None:
    """Return ``[[south, west], [north, east]]`` of all that has a place, or None."""
    for frame in (results.units, results.scopes, results.facilities, results.circles):
        if len(frame):
            west, south, east, north = (float(value) for value in frame.total_bounds)
            if np.isfinite([west, south, east, north]).all():
                return [[round(south, 5), round(west, 5)], [round(north, 5), round(east, 5)]]
    return None


def _labels(language: Language) -> dict[str, str]:
    return {key: label(f"map_{key}", language) for key in _PAGE_LABELS}


def _profile_title(profile: str, language: Language) -> str:
    try:
        return label(f"map_profile_{profile}", language)
    except LookupError:
        return profile


def _texts(values: pd.Series[Any]) -> list[str]:
    return [
        "" if missing else str(value) for value, missing in zip(values, values.isna(), strict=True)
    ]


def _column(frame: pd.DataFrame, name: str) -> pd.Series[Any]:
    """Return a column, or one of missing values where the table has none."""
    return frame[name] if name in frame.columns else pd.Series([None] * len(frame), dtype=object)


def _levels(results: Results) -> list[dict[str, Any]]:
    units, coverage = results.units, results.unit_coverage
    people = coverage.drop_duplicates("unit_id").set_index("unit_id")
    shaded = shade_levels(units)
    levels = []
    for level in LEVELS:
        rows = units[units["level"] == level].reset_index(drop=True)
        if rows.empty:
            continue
        simple = payload.simplify_coverage(
            np.asarray(rows.geometry.array, dtype=object), most_vertices=_UNIT_VERTICES
        )
        counts = people.reindex(rows["unit_id"])
        levels.append(
            {
                "level": level,
                "title": label(f"map_level_{level}", results.language),
                "shaded": level in shaded,
                "names": _texts(rows["name"]),
                "types": _texts(rows["type"]),
                "required": [bool(value) for value in rows["should_have"].fillna(True)],
                "people": payload.numbers(counts["population"]),
                "elderly": payload.numbers(counts["elderly"]),
                "shapes": payload.encode_polygons(simple),
            }
        )
    return levels


def _layer(
    results: Results,
    layer: LayerInfo,
    *,
    title: str,
    mark: str,
    colour: str,
    most_vertices: int,
) -> dict[str, Any]:
    shade = shade_of(results, layer)
    language = results.language
    profile = _profile_title(layer.profile, language)
    rule = label(f"map_rule_{shade.kind}", language)
    return {
        "title": title,
        "mark": mark,
        "colour": colour,
        "invented": layer.invented or results.invented,
        "on_network": layer.on_network,
        "profile": profile,
        "kind": "presence" if shade.kind == "presence" else "rate",
        "rule": rule.format(limit=shade.limit, profile=profile, speed=layer.pace(language)),
        "way": (
            label("map_way_network", language).format(profile=profile, speed=layer.pace(language))
            if layer.on_network
            else label("map_way_straight", language)
        ),
        "shade": shade_values(results, layer, shade),
        "circles": _circles(results, layer, most_vertices),
        "own": _own_circles(results, layer, most_vertices),
        "overlaps": _overlaps(results, layer, most_vertices),
        "facilities": _facilities(results, layer),
        "uncovered": uncovered_cells(results, layer, shade),
    }


def _most_vertices(results: Results) -> int:
    """Return the vertices that each layer with circles may have."""
    return _CIRCLE_VERTICES // max(1, int(results.circles["layer"].nunique()))


def _circles(results: Results, layer: LayerInfo, most_vertices: int) -> list[dict[str, Any]]:
    circles = results.circles
    rows = circles[(circles["layer"] == layer.name) & (circles["facility_id"] == "")]
    rows = rows.sort_values("minutes", ascending=False, kind="stable")
    shapes = _shapes(rows, most_vertices=most_vertices)
    return [
        {"minutes": minutes, "area": area, "people": people, "elderly": elderly, "shape": shape}
        for minutes, area, people, elderly, shape in zip(
            payload.numbers(rows["minutes"], digits=2),
            payload.numbers(rows["area_m2"]),
            payload.numbers(rows["population"]),
            payload.numbers(rows["elderly"]),
            shapes,
            strict=True,
        )
    ]


def _own_circles(results: Results, layer: LayerInfo, most_vertices: int) -> list[dict[str, Any]]:
    """Return the widest circle of each facility, where they are few enough to be told apart."""
    circles = results.circles
    rows = circles[(circles["layer"] == layer.name) & (circles["facility_id"] != "")]
    if rows.empty or rows["facility_id"].nunique() > MOST_OWN_CIRCLES:
        return []
    rows = rows[rows["minutes"] == rows["minutes"].max()]
    names = results.facilities.drop_duplicates("facility_id").set_index("facility_id")["name"]
    return [
        {"name": name, "minutes": minutes, "people": people, "elderly": elderly, "shape": shape}
        for name, minutes, people, elderly, shape in zip(
            _texts(names.reindex(rows["facility_id"])),
            payload.numbers(rows["minutes"], digits=2),
            payload.numbers(rows["population"]),
            payload.numbers(rows["elderly"]),
            _shapes(rows, most_vertices=most_vertices),
            strict=True,
        )
    ]


def _overlaps(results: Results, layer: LayerInfo, most_vertices: int) -> list[dict[str, Any]]:
    rows = results.overlaps[results.overlaps["layer"] == layer.name]
    if rows.empty:
        return []
    rows = rows[rows["minutes"] == rows["minutes"].max()].sort_values("facilities", kind="stable")
    shapes = _shapes(rows, most_vertices=most_vertices)
    return [
        {"minutes": minutes, "facilities": count, "shape": shape}
        for minutes, count, shape in zip(
            payload.numbers(rows["minutes"], digits=2),
            payload.numbers(rows["facilities"]),
            shapes,
            strict=True,
        )
    ]


def _shapes(rows: gpd.GeoDataFrame, *, most_vertices: int) -> list[list[list[list[int]]]]:
    simple = payload.simplify_shapes(
        np.asarray(rows.geometry.array, dtype=object),
        tolerance=_LINE_TOLERANCE,
        most_vertices=most_vertices,
    )
    return payload.encode_polygons(simple)


def _facilities(results: Results, layer: LayerInfo) -> dict[str, Any]:
    rows = results.facilities[results.facilities["layer"] == layer.name]
    placed = rows[~(rows.geometry.isna() | rows.geometry.is_empty)]
    return {
        "names": _texts(placed["name"]),
        "addresses": _texts(placed["address"]),
        "capacity": payload.numbers(placed["capacity"]),
        "status": _texts(placed["status"]),
        "snap": _texts(_column(placed, "snap_status")),
        "invented": [int(bool(value)) for value in placed["invented"].fillna(False)],
        "points": payload.encode_points(placed.geometry.x, placed.geometry.y),
        "unplaced": len(rows) - len(placed),
    }


def _roads(roads: gpd.GeoDataFrame) -> list[list[list[int]]]:
    """Return the lines of major, middle and minor roads."""
    names = _texts(_column(roads, "class"))
    rank = np.array(
        [
            next((number for number, form in enumerate(_ROAD_RANKS) if form.match(name)), 2)
            for name in names
        ],
        dtype=np.int64,
    )
    simple = payload.simplify_shapes(
        np.asarray(roads.geometry.array, dtype=object),
        tolerance=_LINE_TOLERANCE,
        most_vertices=_ROAD_VERTICES,
    )
    return [payload.encode_lines(simple[rank == number]) for number in range(3)]


def _scopes(results: Results) -> list[dict[str, Any]]:
    shapes = _shapes(results.scopes, most_vertices=_ROAD_VERTICES)
    words = load_registry().scopes

    def title(scope: str) -> str:
        if scope not in words:
            return scope
        return words[scope].zh if results.language == "zh" else words[scope].en

    return [
        {"name": name if name not in ("", scope) else title(scope), "shape": shape}
        for name, scope, shape in zip(
            _texts(_column(results.scopes, "name")),
            _texts(results.scopes["scope"]),
            shapes,
            strict=True,
        )
    ]


def _scorecard(results: Results) -> list[dict[str, Any]]:
    table, language = results.scorecard, results.language
    texts = {
        "name": f"name_{language}",
        "plan": "plan",
        "verdict": "verdict",
        "unit": "unit",
        "level": "unit_level",
        "alternative": "alternative",
        "missing": "missing_inputs",
        "year": "target_year",
    }
    columns: dict[str, list[Any]] = {
        key: _texts(_column(table, name)) for key, name in texts.items()
    }
    columns["year"] = [value.removesuffix(".0") for value in columns["year"]]
    for key in ("value", "straight_value", "target", "low", "high", "shortfall"):
        columns[key] = payload.numbers(_column(table, key), digits=3)
    # The count in the page's header is of headlines alone, as in the summary of the run.
    headline = table["headline"] if "headline" in table else pd.Series(True, index=table.index)
    columns["headline"] = [bool(value) for value in headline]
    # The notes name whichever layers of an indicator are stand-ins, in both languages at once.
    columns["invented"] = ["示意数据" in note for note in _texts(_column(table, "notes"))]
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


# fmt: off
_PAGE_LABELS = (
    "people", "elderly", "rate", "facilities_in_unit", "capacity", "address", "status",
    "status_open", "status_planned", "status_closed", "snap_unsnapped", "invented", "no_data",
    "not_required", "has", "has_not", "people_rate", "elderly_rate", "presence_rate", "circles",
    "own_circles", "overlaps", "overlap_at_least", "facilities", "uncovered", "uncovered_elderly",
    "cell", "cause_beyond", "cause_unreachable", "cause_unsnapped", "minutes", "people_inside",
    "unplaced", "scope", "indicator", "value", "target", "verdict", "straight", "range",
    "none_in_scorecard", "home", "only_results", "verdict_met", "verdict_not_met",
    "verdict_undecided", "verdict_no_data", "verdict_not_applicable", "verdict_not_due",
    "verdict_no_target", "service", "switch_to", "person_unit", "roads", "missing",
    "status_proposed", "site", "site_closes", "site_added", "site_alone", "site_covered",
    "site_served", "site_source", "site_cost", "site_unit", "site_candidate", "site_before",
    "site_after", "site_gained", "site_line", "site_new", "candidates", "candidates_some",
)
# fmt: on
