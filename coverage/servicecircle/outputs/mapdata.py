"""The tables of a run as the payload of the map: numbers, texts and encoded geometry, no markup."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import pandas as pd

from servicecircle.messages import LANGUAGES, Language, label
from servicecircle.outputs import palettes, payload
from servicecircle.outputs.bilingual import Said, both, both_labels
from servicecircle.outputs.map_about import map_about
from servicecircle.outputs.map_cards import CARD_LABELS, map_cards
from servicecircle.outputs.map_scorecard import map_scorecard
from servicecircle.outputs.opening import first_measure, opening_bounds
from servicecircle.outputs.shading import shade_levels, shade_of, shade_values
from servicecircle.outputs.sited import map_sites
from servicecircle.outputs.tiles import map_tiles
from servicecircle.outputs.topology import encode_units
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
_CIRCLE_VERTICES = 800_000
_ROAD_VERTICES = 120_000
_WATER_VERTICES = 60_000
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
        What is drawn (levels, layers, roads, scopes, water, barriers, tiles, siting), what is told
        (labels, scorecard, cards, about) and how the page opens (language, name, as_of, palette,
        bounds, opening). Text in it is raw: the page sets it as text, never as markup.
    """
    levels = _levels(results)
    most_vertices = _most_vertices(results)
    return {
        "language": results.language,
        "labels": {language: _labels(language) for language in LANGUAGES},
        "palette": {
            "rates": list(palettes.RATE_COLOURS),
            "breaks": list(palettes.RATE_BREAKS),
            "presence": list(palettes.PRESENCE_COLOURS),
            "none": palettes.NO_DATA_COLOUR,
            "verdicts": palettes.VERDICT_COLOURS,
            "signs": palettes.VERDICT_SIGNS,
        },
        "name": results.name,
        "as_of": results.as_of.isoformat(),
        "about": map_about(results),
        "bounds": map_bounds(results),
        "opening": opening_bounds(results),
        "levels": levels,
        "layers": [
            _layer(
                part,
                layer,
                mark=mark,
                colour=palettes.layer_colour(number),
                shape=palettes.layer_shape(number),
                most_vertices=most_vertices,
            )
            for number, (part, layer, mark) in enumerate(
                zip(_parted(results), results.layers, _marks(results), strict=True)
            )
        ],
        "roads": _roads(results.roads),
        "water": _beneath(results.basemap.water),
        "barriers": _beneath(results.basemap.barriers),
        "tiles": map_tiles(results.basemap, map_bounds(results)),
        "scopes": _scopes(results),
        "scorecard": map_scorecard(results),
        "siting": map_sites(results),
        "cards": map_cards(results),
    }


def _marks(results: Results) -> list[Said]:
    """Return the mark of each layer, from its title in each language."""
    marks = {
        "zh": palettes.layer_marks(layer.zh for layer in results.layers),
        "en": palettes.layer_marks(layer.en for layer in results.layers),
    }
    return [
        one if one == other else {"zh": one, "en": other}
        for one, other in zip(*marks.values(), strict=True)
    ]


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
    return {key: label(f"map_{key}", language) for key in (*_PAGE_LABELS, *CARD_LABELS)}


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
        arcs, shapes = encode_units(simple)
        counts = people.reindex(rows["unit_id"])
        levels.append(
            {
                "level": level,
                "title": both_labels(f"map_level_{level}"),
                "shaded": level in shaded,
                "names": _texts(rows["name"]),
                "types": _texts(rows["type"]),
                "required": [bool(value) for value in rows["should_have"].fillna(True)],
                "people": payload.numbers(counts["population"]),
                "elderly": payload.numbers(counts["elderly"]),
                "arcs": arcs,
                "shapes": shapes,
            }
        )
    return levels


def _layer(
    results: Results,
    layer: LayerInfo,
    *,
    mark: Said,
    colour: str,
    shape: str,
    most_vertices: int,
) -> dict[str, Any]:
    shade = shade_of(results, layer)

    def rule(language: Language) -> str:
        return label(f"map_rule_{shade.kind}", language).format(
            limit=shade.limit,
            profile=_profile_title(layer.profile, language),
            speed=layer.pace(language),
        )

    def way(language: Language) -> str:
        return label("map_way_network", language).format(
            profile=_profile_title(layer.profile, language), speed=layer.pace(language)
        )

    return {
        "title": both(lambda language: layer.zh if language == "zh" else layer.en),
        "mark": mark,
        "colour": colour,
        "shape": shape,
        "invented": layer.invented or results.invented,
        "on_network": layer.on_network,
        "profile": both(lambda language: _profile_title(layer.profile, language)),
        "measured": layer.measured,
        "measure": first_measure(layer),
        "kind": "presence" if shade.kind == "presence" else "rate",
        "rule": both(rule),
        "way": both(way) if layer.on_network else both_labels("map_way_straight"),
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


def _beneath(shapes: payload.Geometries) -> dict[str, Any] | None:
    """Return water or barriers as areas and lines; None without any."""
    if not shapes.size:
        return None
    simple = payload.simplify_shapes(
        shapes, tolerance=_LINE_TOLERANCE, most_vertices=_WATER_VERTICES
    )
    areas = [shape for shape in payload.encode_polygons(simple) if shape]
    lines = payload.encode_lines(simple)
    return {"areas": areas, "lines": lines} if areas or lines else None


def _scopes(results: Results) -> list[dict[str, Any]]:
    shapes = _shapes(results.scopes, most_vertices=_ROAD_VERTICES)
    words = load_registry().scopes

    def title(scope: str) -> Said:
        if scope not in words:
            return scope
        return both(lambda language: words[scope].zh if language == "zh" else words[scope].en)

    return [
        {"name": name if name not in ("", scope) else title(scope), "shape": shape}
        for name, scope, shape in zip(
            _texts(_column(results.scopes, "name")),
            _texts(results.scopes["scope"]),
            shapes,
            strict=True,
        )
    ]


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
    "site_after", "site_gained", "site_line", "site_new", "site_within", "with_sites",
    "of_them_proposed", "candidates", "candidates_some",
    "title", "as_of", "scorecard", "layers", "legend", "about", "close", "language",
    "language_tip", "print", "full", "full_exit", "zoom_in", "zoom_out", "filter", "filter_none",
    "counted_only", "invented_short", "rules", "base", "siting", "banner_all", "banner_some",
    "note_travel", "rate_by",
    "note_unreached", "note_crs", "note_offline", "note_made", "people_label", "crs_label",
    "cluster", "cluster_note", "note_tiles", "barriers", "water", "tiles",
    "credits_label", "made_label", "print_headline", "print_more",
    "print_legend_more", "plan",
)
# fmt: on
