"""Coverage by unit as sorted bars, with the line of the target."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from servicecircle.messages import Language, label
from servicecircle.outputs.column_words import level_word, rule_word
from servicecircle.outputs.figures.chart import BOUND, FOUND, GUIDE, INK, Chart, drawn, say_note
from servicecircle.outputs.figures.choice import (
    Headline,
    file_stem,
    headline_of,
    layer_title,
    shown_level,
    shown_people,
)
from servicecircle.outputs.figures.fonts import readable
from servicecircle.outputs.shading import PRESENCE, shade_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from servicecircle.results import LayerInfo, Results

__all__ = ["Bars", "coverage_bars", "coverage_chart", "coverage_figure"]

MOST_BARS = 40
"""With more units they are one profile without names."""

# Of values that nobody judged, as those of smaller units than a plan speaks of.
_NEUTRAL = "#7aaed0"
_COLOURS = {"met": FOUND, "not_met": BOUND, "undecided": "#e0b000", "": _NEUTRAL}
_HATCHES = {"met": "", "not_met": "///", "undecided": "...", "": ""}
_SLACK = 1e-6
_ALL = 100.0
_WIDTH = 7.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Bars:
    """What the bars show.

    Parameters
    ----------
    names, codes : list of str
        Of the units, from the best value to the worst.
    values : numpy.ndarray of float
        Per cent, or facilities.
    low, high : numpy.ndarray of float
        Bounds of the values; NaN without.
    verdicts : list of str
        ``met``, ``not_met``, ``undecided`` or "".
    without : int
        Units without a value, such as those where nobody lives.
    level, rule : str
        Level of the units; what is counted, in words.
    target : float
        NaN without one.
    headline : Headline, optional
        Indicator that the values are of.
    people : {"elderly", "population", ""}
        Whose share it is; "" for facilities.
    """

    names: list[str]
    codes: list[str]
    values: np.ndarray
    low: np.ndarray
    high: np.ndarray
    verdicts: list[str]
    without: int
    level: str
    rule: str
    target: float
    headline: Headline | None
    people: str


def coverage_bars(results: Results, layer: LayerInfo, language: Language) -> Bars | None:
    """Return the coverage of the units of one level, best first; None where no unit has a value.

    Of a layer with a headline target of travel it is that indicator's value in each unit, as in
    ``unit_results.csv``; else the rate that the map shades units by, as in ``units.csv``: of older
    persons for what serves them, of all people for the rest, of the others where those are
    unknown; of a layer that is only counted its facilities.

    Parameters
    ----------
    results : Results
    layer : LayerInfo
    language : {"zh", "en"}
    """
    level = shown_level(results)
    units = results.units[results.units["level"] == level]
    headline = headline_of(results, layer)
    table = _judged(results, headline, units)
    rule, people, target = "", "", math.nan
    if table is None or headline is None:
        headline = None
        table, rule, people = _rates(results, layer, units, language)
    else:
        target, rule = headline.target, headline.title
    values = table["value"].to_numpy(float)
    known = np.flatnonzero(np.isfinite(values))
    if not known.size:
        return None
    codes = units["code"].fillna("").astype(str).to_numpy()
    order = known[np.lexsort((codes[known], -values[known]))]
    taken = table.iloc[order]
    return Bars(
        names=units["name"].fillna("").astype(str).to_numpy()[order].tolist(),
        codes=codes[order].tolist(),
        values=values[order],
        low=taken["low"].to_numpy(float),
        high=taken["high"].to_numpy(float),
        verdicts=taken["verdict"].tolist(),
        without=len(units) - known.size,
        level=level,
        rule=rule,
        target=target,
        headline=headline,
        people=people,
    )


def _judged(
    results: Results, headline: Headline | None, units: pd.DataFrame
) -> pd.DataFrame | None:
    """Return value, bounds and verdict of each unit by an indicator; None where it has none."""
    table = results.unit_results
    if headline is None or not len(table):
        return None
    mine = table[
        (table["plan"] == headline.plan)
        & (table["indicator_id"] == headline.indicator_id)
        & (table["alternative"].fillna("") == headline.alternative)
    ]
    # Where whole units are counted, their values are minutes: no share of people.
    mine = mine[mine["shortfall_of"] == "persons"]
    mine = mine.drop_duplicates("unit_id").set_index("unit_id").reindex(units["unit_id"])
    if not mine["value"].notna().any():
        return None
    found = mine[["value", "low", "high"]].astype(float)
    told = mine["verdict"].fillna("").astype(str)
    return found.assign(verdict=told.where(told.isin(list(_COLOURS)), ""))


def _rates(
    results: Results, layer: LayerInfo, units: pd.DataFrame, language: Language
) -> tuple[pd.DataFrame, str, str]:
    """Return the values that the map shades units by, the rule in words, and whose share it is."""
    shade = shade_of(results, layer)
    rows = results.unit_coverage
    rows = rows[(rows["layer"] == layer.name) & (rows["rule"] == shade.rule)]
    rows = rows.drop_duplicates("unit_id").set_index("unit_id").reindex(units["unit_id"])
    people = ""
    if shade == PRESENCE:
        values = rows["facilities"].astype(float)
    else:
        there = (
            name
            for name in ("elderly", "population")
            if (rows[name].astype(float) > 0.0).any() and rows[f"covered_{name}"].notna().any()
        )
        people = shown_people(layer, set(there))
        part, whole = (rows[name].astype(float) for name in (f"covered_{people}", people))
        values = 100.0 * part / whole.where(whole > 0.0)
    table = pd.DataFrame({"value": values, "low": np.nan, "high": np.nan}).assign(verdict="")
    return table, rule_word(shade.rule, language), people


def coverage_chart(
    results: Results,
    layer: LayerInfo,
    families: Sequence[str],
    language: Language,
    note: str,
) -> Chart | None:
    """Return the chart of a layer's coverage by unit; None where no unit has a value.

    Parameters
    ----------
    results : Results
    layer : LayerInfo
    families : sequence of str
        Fonts.
    language : {"zh", "en"}
        Of the words.
    note : str
        Above the chart; may be empty.
    """
    bars = coverage_bars(results, layer, language)
    if bars is None:
        return None
    words = {
        "layer": readable([layer_title(layer, language)], [layer.name], families, most=60)[0],
        "level": level_word(bars.level, language),
        "rule": readable([bars.rule], ["–"], families, most=60)[0],
        "people": label(f"figure_share_{bars.people}", language) if bars.people else "",
    }
    title = label("figure_coverage", language).format(**words)
    png, svg, width = drawn(
        lambda: coverage_figure(
            bars,
            readable(bars.names, bars.codes, families, most=16),
            title=title,
            note=note,
            language=language,
        ),
        families,
    )
    return Chart(
        name=file_stem("coverage", layer, results),
        kind="coverage",
        layer=layer.name,
        title=title,
        caption=_caption(bars, words, language),
        alt=_alt(bars, title, families, language),
        png=png,
        svg=svg,
        width_cm=min(width, 16.5),
    )


def _caption(bars: Bars, words: dict[str, str], language: Language) -> str:
    if bars.headline is not None:
        key = "figure_coverage_judged"
    else:
        key = "figure_coverage_rates" if bars.people else "figure_coverage_counts"
    told = [label(key, language).format(**words)]
    if math.isfinite(bars.target):
        year = bars.headline.year if bars.headline is not None else math.nan
        key = "figure_coverage_line" if math.isfinite(year) else "figure_coverage_line_plain"
        told.append(label(key, language).format(target=f"{bars.target:g}", year=f"{year:.0f}"))
    if bars.without:
        scoped = bars.headline is not None and bars.headline.scope
        key = "figure_coverage_outside" if scoped else "figure_coverage_without"
        told.append(label(key, language).format(count=bars.without))
    return ("" if language == "zh" else " ").join(told)


def _alt(bars: Bars, title: str, families: Sequence[str], language: Language) -> str:
    ends = [0, -1]
    best, worst = readable(
        [bars.names[at] for at in ends], [bars.codes[at] for at in ends], families
    )
    key = "figure_coverage_alt" if len(bars.names) > 1 else "figure_coverage_alt_one"
    return label(key, language).format(
        title=title,
        count=len(bars.names),
        best=best,
        best_value=_shown(bars.values[0], bars),
        worst=worst,
        worst_value=_shown(bars.values[-1], bars),
    )


def _shown(value: float, bars: Bars) -> str:
    """Return a value cut, not rounded: 79.96 % must not look like 80 %."""
    share = _is_share(bars)
    return f"{math.floor(value * 10.0 + _SLACK) / 10.0:g} %" if share else f"{value:g}"


def coverage_figure(
    bars: Bars, names: list[str], *, title: str, note: str, language: Language
) -> Figure:
    """Return sorted bars, by matplotlib's settings of the moment.

    Parameters
    ----------
    bars : Bars
    names : list of str
        Of the units as they are to be written.
    title, note : str
    language : {"zh", "en"}

    Examples
    --------
    >>> one = np.array([50.0])
    >>> bars = Bars(names=["A"], codes=["1"], values=one, low=one, high=one, verdicts=["met"],
    ...             without=0, level="township", rule="15 min", target=40.0, headline=None,
    ...             people="elderly")
    >>> figure = coverage_figure(bars, ["A"], title="T", note="", language="en")
    >>> [float(patch.get_width()) for patch in figure.axes[0].patches]
    [50.0]
    """
    from matplotlib.figure import Figure

    many = len(names) > MOST_BARS
    figure = Figure(
        figsize=(_WIDTH, 4.2 if many else 1.25 + 0.215 * max(len(names), 3)), layout="constrained"
    )
    axes = figure.add_subplot()
    if many:
        _draw_profile(axes, bars, language)
    else:
        places = np.arange(len(names))
        _draw_bars(axes, bars, places)
        axes.set_yticks(places, names)
        axes.tick_params(axis="y", length=0)
        axes.set_ylim(len(names) - 0.4, -0.6)
        axes.spines["left"].set_visible(False)
    _scale(axes, bars, upright=many, language=language)
    axes.set_title(title, loc="left", wrap=True)
    _legend(figure, bars, language)
    say_note(figure, note)
    return figure


def _is_share(bars: Bars) -> bool:
    return bool(bars.people) or bars.headline is not None


def _scale(axes: Axes, bars: Bars, *, upright: bool, language: Language) -> None:
    """Set the axis of values, with the line of the target."""
    ours, words = (axes.yaxis, axes.set_ylabel) if upright else (axes.xaxis, axes.set_xlabel)
    limit = axes.set_ylim if upright else axes.set_xlim
    if _is_share(bars):
        limit(0.0, _ALL + (10.0 if upright else 0.0))
        ours.set_ticks(range(0, 101, 20), labels=[f"{tick} %" for tick in range(0, 101, 20)])
    else:
        limit(0.0, max(float(bars.values.max()) * 1.02, 1.0))
        words(label("figure_facilities", language))
    axes.grid(axis="y" if upright else "x", color=GUIDE, alpha=0.3, linewidth=0.6)
    axes.set_axisbelow(True)
    if math.isfinite(bars.target) and bars.target <= _ALL:
        line = axes.axhline if upright else axes.axvline
        line(bars.target, color=INK, linewidth=1.4, linestyle="--", clip_on=False)


def _draw_profile(axes: Axes, bars: Bars, language: Language) -> None:
    """Draw many units as one descending profile, with the value of the middle one."""
    count = len(bars.values)
    edges = np.arange(count + 1)
    axes.stairs(bars.values, edges, fill=True, color=_NEUTRAL)
    words = label("figure_coverage_middle", language).format(
        value=_shown(float(np.median(bars.values)), bars)
    )
    axes.axvline(count / 2.0, color=GUIDE, linewidth=0.8, linestyle=":")
    axes.annotate(
        words,
        (count / 2.0, 1.0),
        xytext=(4, -4),
        xycoords=("data", "axes fraction"),
        textcoords="offset points",
        va="top",
        fontsize=8.5,
    )
    axes.set_xlim(0, count)
    axes.set_xlabel(label("figure_coverage_many", language).format(count=count))


def _draw_bars(axes: Axes, bars: Bars, places: np.ndarray) -> None:
    values, told = bars.values, bars.verdicts
    drawn_bars = axes.barh(places, values, height=0.68, color=[_COLOURS[one] for one in told])
    for bar, one in zip(drawn_bars, told, strict=True):
        if _HATCHES[one]:
            bar.set_hatch(_HATCHES[one])
            bar.set_edgecolor("#ffffff")
            bar.set_linewidth(0.0)
    low, high = bars.low, bars.high
    wide = np.isfinite(low) & np.isfinite(high) & (high - low > _SLACK)
    if wide.any():
        reach = np.stack([values - low, high - values])[:, wide].clip(min=0.0)
        axes.errorbar(
            values[wide],
            places[wide],
            xerr=reach,
            fmt="none",
            ecolor=INK,
            elinewidth=0.8,
            capsize=1.8,
        )
    # In a column of their own: beside the bars they would meet bounds and lines.
    for place, value in zip(places, values, strict=True):
        axes.text(
            1.01,
            place,
            _shown(value, bars),
            transform=axes.get_yaxis_transform(),
            va="center",
            fontsize=8,
        )


def _legend(figure: Figure, bars: Bars, language: Language) -> None:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    handles: list[Patch | Line2D] = [
        Patch(
            facecolor=_COLOURS[one],
            hatch=_HATCHES[one],
            edgecolor="#ffffff",
            label=label(f"figure_verdict_{one}", language),
        )
        for one in ("met", "undecided", "not_met")
        if one in bars.verdicts and len(bars.names) <= MOST_BARS
    ]
    if math.isfinite(bars.target) and bars.target <= _ALL:
        words = label("figure_coverage_target", language).format(target=f"{bars.target:g}")
        handles.append(Line2D([], [], color=INK, linewidth=1.4, linestyle="--", label=words))
    if len(bars.names) <= MOST_BARS and (bars.high - bars.low > _SLACK).any():
        words = label("figure_coverage_bounds", language)
        handles.append(Line2D([], [], color=INK, linewidth=0.8, label=words))
    if handles:
        figure.legend(
            handles=handles, loc="outside lower left", ncols=4, frameon=False, fontsize=8.5
        )
