"""Lorenz curves: how evenly ways are spread over people."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from servicecircle.measure.equity import gini, lorenz
from servicecircle.messages import Language, label
from servicecircle.outputs.figures.chart import GUIDE, LINES, Chart, drawn, say_note
from servicecircle.outputs.figures.choice import layer_title
from servicecircle.outputs.figures.fonts import readable
from servicecircle.outputs.figures.people import people_of, travel_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.figure import Figure

    from servicecircle.results import LayerInfo, Results

__all__ = ["LorenzCurve", "lorenz_chart", "lorenz_curves", "lorenz_figure"]

_MOST_POINTS = 200_000
_SHOWN = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class LorenzCurve:
    """The Lorenz curve of a layer, and Gini's ratio of it.

    Parameters
    ----------
    title : str
    people, part : numpy.ndarray of float
        From (0, 0) to (1, 1).
    gini : float
    """

    title: str
    people: np.ndarray
    part: np.ndarray
    gini: float


def lorenz_curves(
    results: Results, layers: Sequence[LayerInfo], titles: Sequence[str]
) -> list[LorenzCurve]:
    """Return the Lorenz curve of the minutes to each layer, without roads of straight metres.

    Where some layers have roads the others are left out: metres are no minutes. As in
    ``lorenz.csv`` and ``equity.csv`` where ``[equity]`` asks for them, else of the people of the
    chart; people without a number are left out, as there.

    Parameters
    ----------
    results : Results
    layers : sequence of LayerInfo
    titles : sequence of str
        As they are to be written.
    """
    people = people_of(results)
    if people is None:
        return []
    curves = []
    on_network = any(layer.on_network for layer in layers)
    for layer, title in zip(layers, titles, strict=True):
        if layer.on_network != on_network:
            continue
        curve = _told(results, layer, title, people.name)
        ways = travel_of(results, layer) if curve is None else None
        if ways is not None:
            values = ways["seconds" if on_network else "straight_metres"].to_numpy(float)
            weights = people.weights
            if values.size > _MOST_POINTS:
                # A chart does not show tenths of a second: points of one second are one.
                known = np.isfinite(values)
                seconds = np.rint(values[known]).astype(np.int64)
                weights = np.bincount(seconds, weights[known])
                values = np.arange(weights.size, dtype=float)
            where, part = lorenz(values, weights)
            if where.size:
                at = np.linspace(0.0, 1.0, _SHOWN + 1)
                shown = np.interp(at, where, part)
                curve = LorenzCurve(title=title, people=at, part=shown, gini=gini(values, weights))
        if curve is not None:
            curves.append(curve)
    return curves


def _told(results: Results, layer: LayerInfo, title: str, people: str) -> LorenzCurve | None:
    """Return the curve that the tables of equity hold of a layer."""
    table, sums = results.tables.get("lorenz"), results.tables.get("equity")
    if table is None or sums is None:
        return None
    what = "minutes" if layer.on_network else "straight_metres"
    mine, one = (
        rows[
            (rows["layer"] == layer.name) & (rows["people"] == people) & (rows["quantity"] == what)
        ]
        for rows in (table, sums)
    )
    one = one[one["part"] == "area"]
    if not len(mine) or not len(one):
        return None
    return LorenzCurve(
        title=title,
        people=mine["share_of_people"].to_numpy(float),
        part=mine["share_of_quantity"].to_numpy(float),
        gini=float(one["gini"].iloc[0]),
    )


def lorenz_chart(
    results: Results,
    layers: Sequence[LayerInfo],
    families: Sequence[str],
    language: Language,
    note: str,
) -> Chart | None:
    """Return the chart of Lorenz curves; None without people or ways.

    Parameters
    ----------
    results : Results
    layers : sequence of LayerInfo
        The first six are shown.
    families : sequence of str
        Fonts.
    language : {"zh", "en"}
        Of the words.
    note : str
        Above the chart; may be empty.
    """
    layers = [layer for layer in layers if layer.measured][: len(LINES)]
    titles = readable(
        [layer_title(layer, language) for layer in layers],
        [layer.name for layer in layers],
        families,
        most=44,
    )
    curves = lorenz_curves(results, layers, titles)
    people = people_of(results)
    if not curves or people is None:
        return None
    who = label(f"figure_people_{people.name}", language)
    on_network = any(layer.on_network for layer in layers)
    what = label("figure_lorenz_minutes" if on_network else "figure_lorenz_metres", language)
    title = label("figure_lorenz", language).format(people=who, what=what)
    png, svg, width = drawn(
        lambda: lorenz_figure(curves, title=title, note=note, what=what, language=language),
        families,
    )
    mark = "；" if language == "zh" else "; "
    each = mark.join(f"{curve.title} {curve.gini:.3f}" for curve in curves)
    return Chart(
        name="lorenz",
        kind="lorenz",
        layer="",
        title=title,
        caption=label("figure_lorenz_caption", language).format(people=who, what=what),
        alt=label("figure_lorenz_alt", language).format(each=each),
        png=png,
        svg=svg,
        width_cm=min(width, 16.5),
    )


def lorenz_figure(
    curves: Sequence[LorenzCurve], *, title: str, note: str, what: str, language: Language
) -> Figure:
    """Return the curves, by matplotlib's settings of the moment.

    Parameters
    ----------
    curves : sequence of LorenzCurve
        At most six.
    title, note : str
    what : str
        Whose share the upright axis is.
    language : {"zh", "en"}

    Examples
    --------
    >>> ends = np.array([0.0, 1.0])
    >>> curve = LorenzCurve(title="A", people=ends, part=ends, gini=0.0)
    >>> figure = lorenz_figure([curve], title="", note="", what="minutes", language="en")
    >>> [line.get_xdata().tolist() for line in figure.axes[0].lines]
    [[0.0, 1.0], [0.0, 1.0]]
    """
    from matplotlib.figure import Figure
    from matplotlib.ticker import PercentFormatter

    figure = Figure(figsize=(5.4, 5.0), layout="constrained")
    axes = figure.add_subplot()
    axes.plot([0.0, 1.0], [0.0, 1.0], color=GUIDE, linewidth=0.9, linestyle=":")
    for curve, (colour, dash) in zip(curves, LINES, strict=False):
        known = math.isfinite(curve.gini)
        words = label("figure_lorenz_line", language).format(
            layer=curve.title, gini=f"{curve.gini:.3f}" if known else "–"
        )
        axes.plot(
            curve.people, curve.part, color=colour, linestyle=dash, linewidth=1.8, label=words
        )
    axes.set_title(title, loc="left", wrap=True)
    axes.set_aspect("equal")
    axes.set_xlim(0.0, 1.0)
    axes.set_ylim(0.0, 1.0)
    axes.set_xlabel(label("figure_lorenz_x", language))
    axes.set_ylabel(label("figure_lorenz_y", language).format(what=what))
    axes.xaxis.set_major_formatter(PercentFormatter(1.0, symbol=" %"))
    axes.yaxis.set_major_formatter(PercentFormatter(1.0, symbol=" %"))
    axes.grid(color=GUIDE, alpha=0.25, linewidth=0.6)
    axes.legend(loc="upper left", frameon=False, handlelength=3.2)
    say_note(figure, note)
    return figure
