"""Circles over roads: a map on paper, with legend, scale, north and credits."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

from servicecircle.messages import Language, label
from servicecircle.outputs import palettes
from servicecircle.outputs.column_words import level_word, rule_word
from servicecircle.outputs.figures.chart import GUIDE, INK, Chart, drawn, say_note, short
from servicecircle.outputs.figures.choice import (
    file_stem,
    headline_of,
    layer_title,
    shown_level,
    shown_people,
)
from servicecircle.outputs.figures.fonts import readable
from servicecircle.outputs.figures.shapes import (
    fill_shapes,
    label_places,
    nice_length,
    stroke_lines,
)
from servicecircle.outputs.figures.view import MAP_INCHES, MapView, view_of
from servicecircle.outputs.shading import shade_levels, shade_of, shade_values
from servicecircle.siting.added import PROPOSED

if TYPE_CHECKING:
    import geopandas as gpd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from servicecircle.results import LayerInfo, Results

__all__ = ["map_chart", "map_figure"]

# From near to far: one run of lightness, safe for all common kinds of colour blindness.
_BANDS = ("#2b4b9b", "#3a87bf", "#72c7c4", "#a9dbb0", "#dcebac")
_WATER = "#c6dcea"
_LAND, _OUTSIDE, _BORDER, _COARSE = "#f4f1ea", "#ffffff", "#8a8f98", "#4b525c"
_ROADS = (
    (("motorway", "trunk", "primary"), "#7c6a58", 0.9),
    (("secondary", "tertiary"), "#8d8378", 0.5),
    ((), "#a8a29a", 0.25),
)
_METRES = 111_320.0
_MOST_NAMES = 45
_FEW_MARKS, _MOST_MARKS = 150, 1000
_KM = 1000.0
_RASTERED = 3.0
_RATES = {"elderly": "elderly_rate", "population": "people_rate"}


def map_chart(
    results: Results,
    layer: LayerInfo,
    families: Sequence[str],
    language: Language,
    note: str,
) -> Chart | None:
    """Return the map of a layer; None where nothing has a place.

    Circles by minutes over the roads; where none were drawn, units shaded by their rate.

    Parameters
    ----------
    results : Results
    layer : LayerInfo
    families : sequence of str
        Fonts.
    language : {"zh", "en"}
        Of the words.
    note : str
        Such as that the data are invented; may be empty.
    """
    view = view_of(results, layer)
    if view is None:
        return None
    bands = _bands(results, layer)
    shade = shade_of(results, layer)
    values = shade_values(results, layer, shade).get(_level(results, layer), {})
    people = _rated_people(layer, values) if values else "population"
    minutes = [minute for minute, _ in bands]
    words = {
        "layer": readable([layer_title(layer, language)], [layer.name], families, most=60)[0],
        "minutes": ("、" if language == "zh" else ", ").join(f"{one:g}" for one in minutes),
        "pace": layer.pace(language),
        "rule": rule_word(shade.rule, language),
        "people": label(f"figure_share_{people}", language),
    }
    presence = shade.kind == "presence"
    key = "figure_map" if bands else "figure_map_presence" if presence else "figure_map_units"
    title = label(key, language).format(**words)
    open_sites = _facilities(results, layer, view)
    png, svg, width = drawn(
        lambda: map_figure(
            results, layer, view, families=families, language=language, title=title, note=note
        ),
        families,
    )
    shaded = "figure_map_had" if presence else "figure_map_shaded"
    told = [label("figure_map_caption" if bands else shaded, language).format(**words)]
    if view.scope:
        scope = readable([view.scope], ["–"], families, most=60)[0]
        told.append(label("figure_map_part", language).format(scope=scope))
    inside = results.circles[
        (results.circles["layer"] == layer.name) & (results.circles["facility_id"] == "")
    ]
    alt = [title, label("figure_map_alt", language).format(count=len(open_sites))]
    if len(inside) and bands:
        widest = inside[inside["minutes"] == minutes[-1]]
        counted = (name for name in ("elderly", "population") if widest[name].sum() > 0.0)
        who = shown_people(layer, set(counted))
        alt.append(
            label("figure_map_alt_people", language).format(
                minutes=f"{minutes[-1]:g}",
                count=f"{float(widest[who].fillna(0.0).sum()):,.0f}",
                people=label(f"figure_people_{who}", language),
            )
        )
    space = "" if language == "zh" else " "
    return Chart(
        name=file_stem("map", layer, results),
        kind="map",
        layer=layer.name,
        title=title,
        caption=space.join(told),
        alt=("；" if language == "zh" else "; ").join(alt),
        png=png,
        svg=svg,
        width_cm=min(width, 16.5),
    )


def _level(results: Results, layer: LayerInfo) -> str:
    """Return the level of the units on a map: the finest where it is about having any at all."""
    finest = [*shade_levels(results.units)][-1:]
    presence = shade_of(results, layer).kind == "presence" and not _bands(results, layer)
    return finest[0] if presence and finest else shown_level(results)


def _bands(results: Results, layer: LayerInfo) -> list[tuple[float, Any]]:
    """Return minutes and shape of a layer's own circles, ascending, at most five."""
    rows = results.circles
    rows = rows[(rows["layer"] == layer.name) & (rows["facility_id"] == "")]
    rows = rows.sort_values("minutes").drop_duplicates("minutes")
    kept = rows.iloc[-len(_BANDS) :]
    return [
        (float(minutes), shape)
        for minutes, shape in zip(kept["minutes"], kept.geometry, strict=True)
        if shape is not None and not shape.is_empty
    ]


def _facilities(results: Results, layer: LayerInfo, view: MapView) -> gpd.GeoDataFrame:
    """Return the open facilities of a layer that a map shows; proposed ones are drawn as sites."""
    west, south, east, north = view.bounds
    rows = results.facilities[results.facilities["layer"] == layer.name]
    if "open" in rows:
        rows = rows[rows["open"].fillna(value=True).astype(bool)]
    if "status" in rows:
        rows = rows[rows["status"] != PROPOSED]
    return rows[rows.geometry.notna() & ~rows.geometry.is_empty].cx[west:east, south:north]


def map_figure(
    results: Results,
    layer: LayerInfo,
    view: MapView,
    *,
    families: Sequence[str],
    language: Language,
    title: str,
    note: str,
) -> Figure:
    """Return the map, by matplotlib's settings of the moment.

    What has many points (areas, roads) becomes a picture in the SVG too; borders, facilities and
    letters stay lines.

    Parameters
    ----------
    results : Results
    layer : LayerInfo
    view : MapView
    families : sequence of str
        Fonts, for the names of units.
    language : {"zh", "en"}
    title, note : str
    """
    from matplotlib.figure import Figure

    west, south, east, north = view.bounds
    tall = MAP_INCHES * (north - south) * view.stretch / (east - west)
    figure = Figure(figsize=(MAP_INCHES, tall + 1.15), layout="constrained")
    axes = figure.add_subplot()
    axes.set_rasterization_zorder(_RASTERED)
    axes.set_facecolor(_OUTSIDE)
    axes.set_xlim(west, east)
    axes.set_ylim(south, north)
    axes.set_aspect(view.stretch, adjustable="box")
    axes.set_xticks([])
    axes.set_yticks([])
    for spine in axes.spines.values():
        spine.set_visible(True)
    pixel = (east - west) / (MAP_INCHES * 150.0)
    level = _level(results, layer)
    units = results.units[results.units["level"] == level]
    handles: list[Any] = _draw_ground(axes, results, layer, units, view, pixel, language)
    handles += _draw_marks(axes, results, layer, view, language)
    _draw_names(axes, units, view, families)
    _draw_scale(axes, view, language)
    figure.legend(
        handles=handles,
        loc="outside lower left",
        ncols=4,
        frameon=False,
        fontsize=8,
        columnspacing=1.2,
    )
    axes.set_title(title, loc="left", wrap=True)
    name = readable([results.name], ["–"], families, most=60)[0]
    owners = [str(owner) for owner in results.record.get("credits", ())]
    credit = " · ".join(readable(owners, ["–"] * len(owners), families, most=110))
    lines = [f"{name} · {results.as_of:%Y-%m-%d}", short(credit, 110)]
    axes.set_xlabel("\n".join(filter(None, lines)), fontsize=7, color=GUIDE, loc="right")
    say_note(figure, note)
    return figure


def _draw_ground(
    axes: Axes,
    results: Results,
    layer: LayerInfo,
    units: gpd.GeoDataFrame,
    view: MapView,
    pixel: float,
    language: Language,
) -> list[Any]:
    """Draw land, circles or shaded units, roads and borders; return what the legend says."""
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    handles: list[Any] = []
    box = view.bounds
    shapes = np.asarray(units.geometry.array)
    fill_shapes(axes, shapes, box=box, pixel=pixel, facecolor=_LAND, zorder=1.0)
    water = results.basemap.water
    if len(water):
        fill_shapes(axes, water, box=box, pixel=pixel, facecolor=_WATER, zorder=1.2)
        rivers = water[shapely.get_dimensions(water) == 1]
        stroke_lines(axes, rivers, box=box, pixel=pixel, color=_WATER, width=1.0, zorder=1.2)
        handles.append(Patch(facecolor=_WATER, label=label("figure_map_water", language)))
    bands = _bands(results, layer)
    for number, (minutes, shape) in reversed(list(enumerate(bands))):
        colour = _BANDS[number]
        fill_shapes(
            axes,
            [shape],
            box=box,
            pixel=pixel,
            facecolor=colour,
            # Circles are as narrow as roads in places: a hairline keeps them to be seen.
            edgecolor=colour,
            linewidth=0.8,
            zorder=2.5,
        )
        words = label("figure_map_band", language).format(minutes=f"{minutes:g}")
        handles.insert(0, Patch(facecolor=colour, label=words))
    if not bands:
        handles += _shade(axes, results, layer, units, box, pixel, language)
    if len(results.roads):
        taken = {name for names, _, _ in _ROADS for name in names}
        classes = results.roads["class"].astype(str).str.removesuffix("_link")
        for names, colour, width in reversed(_ROADS):
            mine = classes.isin(names) if names else ~classes.isin(taken)
            lines = np.asarray(results.roads.geometry.array)[mine.to_numpy(bool)]
            stroke_lines(axes, lines, box=box, pixel=pixel, color=colour, width=width, zorder=2.0)
        words = label("figure_map_roads", language)
        handles.append(Line2D([], [], color=_ROADS[0][1], linewidth=1.2, label=words))
    fill_shapes(
        axes,
        shapes,
        box=None,
        pixel=pixel,
        facecolor="none",
        edgecolor=_BORDER,
        linewidth=0.6,
        zorder=4.0,
    )
    level = _level(results, layer)
    if level:
        words = label("figure_map_borders", language).format(level=level_word(level, language))
        handles.append(Line2D([], [], color=_BORDER, linewidth=0.8, label=words))
    headline = headline_of(results, layer)
    if headline is not None and headline.scope and len(results.scopes):
        mine = results.scopes["scope"] == headline.scope
        if mine.any():
            fill_shapes(
                axes,
                np.asarray(results.scopes.geometry.array)[mine.to_numpy(bool)],
                box=None,
                pixel=pixel,
                facecolor="none",
                edgecolor=_COARSE,
                linewidth=1.3,
                linestyle="--",
                zorder=4.5,
            )
            words = label("figure_map_scope", language)
            handles.append(
                Line2D([], [], color=_COARSE, linewidth=1.3, linestyle="--", label=words)
            )
    return handles


def _shade(
    axes: Axes,
    results: Results,
    layer: LayerInfo,
    units: gpd.GeoDataFrame,
    box: tuple[float, float, float, float],
    pixel: float,
    language: Language,
) -> list[Any]:
    """Fill units by the rate that the map shades them by, or by whether they have any."""
    from matplotlib.patches import Patch

    shade = shade_of(results, layer)
    values = shade_values(results, layer, shade).get(_level(results, layer))
    if values is None:
        return []
    if shade.kind == "presence":
        places = [None if one is None else int(one > 0) for one in values["facilities"]]
        colours: Sequence[str] = palettes.PRESENCE_COLOURS
        words = [label(f"figure_map_{key}", language) for key in ("none", "some")]
    else:
        rates = values[_RATES[_rated_people(layer, values)]]
        places = [palettes.rate_class(math.nan if one is None else one) for one in rates]
        colours = palettes.RATE_COLOURS
        words = [f"{low:.0%}–{high:.0%}" for low, high in pairwise(palettes.RATE_BREAKS)]
    shapes = np.asarray(units.geometry.array)
    handles = []
    for number, colour in enumerate(colours):
        mine = np.array([place == number for place in places], bool)
        fill_shapes(axes, shapes[mine], box=box, pixel=pixel, facecolor=colour, zorder=1.5)
        handles.append(Patch(facecolor=colour, edgecolor=_BORDER, label=words[number]))
    none = np.array([place is None for place in places], bool)
    if none.any():
        grey = palettes.NO_DATA_COLOUR
        fill_shapes(axes, shapes[none], box=box, pixel=pixel, facecolor=grey, zorder=1.5)
        handles.append(Patch(facecolor=grey, label=label("style_no_data", language)))
    return handles


def _rated_people(layer: LayerInfo, values: Mapping[str, Sequence[Any]]) -> str:
    """Return whose rate shades units, of the values of their level."""
    there = (who for who, name in _RATES.items() if any(one is not None for one in values[name]))
    return shown_people(layer, set(there))


def _draw_marks(
    axes: Axes, results: Results, layer: LayerInfo, view: MapView, language: Language
) -> list[Any]:
    """Draw facilities and proposed sites; return what the legend says."""
    handles: list[Any] = []
    rows = _facilities(results, layer, view)
    if len(rows):
        points = shapely.get_coordinates(np.asarray(rows.geometry.array))
        size = 16.0 if len(rows) <= _FEW_MARKS else 8.0 if len(rows) <= _MOST_MARKS else 3.0
        colour = palettes.layer_colour([one.name for one in results.layers].index(layer.name))
        words = label("figure_map_facilities", language).format(count=len(rows))
        handles.append(
            axes.scatter(
                points[:, 0],
                points[:, 1],
                s=size,
                c=colour,
                edgecolors="#ffffff",
                linewidths=0.5,
                zorder=6.0 if len(rows) <= _MOST_MARKS else 2.8,
                label=words,
            )
        )
    sites = results.tables.get("sites")
    if sites is not None and layer.name in results.record["siting"]["layers"]:
        new = sites[sites["action"] == "open"]
        if len(new):
            words = label("figure_map_sites", language).format(count=len(new))
            handles.append(
                axes.scatter(
                    new["lon"].to_numpy(float),
                    new["lat"].to_numpy(float),
                    s=70,
                    marker="*",
                    c="#ffd400",
                    edgecolors=INK,
                    linewidths=0.6,
                    zorder=7.0,
                    label=words,
                )
            )
    return handles


def _draw_names(
    axes: Axes, units: gpd.GeoDataFrame, view: MapView, families: Sequence[str]
) -> None:
    """Write the names of units where there is room, the largest first."""
    from matplotlib.patheffects import withStroke

    names = readable(
        units["name"].fillna("").astype(str),
        units["code"].fillna("").astype(str),
        families,
        most=14,
    )
    places = label_places(
        np.asarray(units.geometry.array),
        names,
        box=view.bounds,
        stretch=view.stretch,
        inches=MAP_INCHES,
    )
    if len(places) > _MOST_NAMES:
        return
    for at, x, y in places:
        axes.text(
            x,
            y,
            names[at],
            fontsize=7,
            ha="center",
            va="center",
            color=INK,
            zorder=6.5,
            path_effects=[withStroke(linewidth=1.8, foreground="#ffffff", alpha=0.85)],
            clip_on=True,
        )


def _draw_scale(axes: Axes, view: MapView, language: Language) -> None:
    """Draw a bar of a round length below, and where north is above."""
    west, _, east, _ = view.bounds
    wide = (east - west) / view.stretch * _METRES
    metres = nice_length(0.25 * wide)
    part = metres / wide
    words = f"{metres / _KM:g} km" if metres >= _KM else f"{metres:g} m"
    left, low = 0.97 - part, 0.035
    axes.plot(
        [left, left, left + part, left + part],
        [low + 0.012, low, low, low + 0.012],
        color=INK,
        linewidth=1.2,
        transform=axes.transAxes,
        zorder=8.0,
    )
    looks: dict[str, Any] = {
        "ha": "center",
        "fontsize": 7.5,
        "transform": axes.transAxes,
        "zorder": 8.0,
    }
    paper = {"facecolor": "#ffffff", "alpha": 0.75, "edgecolor": "none", "pad": 1.0}
    axes.text(left + part / 2.0, low + 0.018, words, va="bottom", bbox=paper, **looks)
    axes.annotate(
        label("figure_map_north", language),
        (0.965, 0.975),
        (0.965, 0.905),
        xycoords="axes fraction",
        textcoords="axes fraction",
        ha="center",
        va="center",
        fontsize=8,
        zorder=8.0,
        arrowprops={"arrowstyle": "-|>", "color": INK, "linewidth": 1.0},
    )
